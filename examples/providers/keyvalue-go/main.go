// A key-value provider in Go: a map behind wrpc:keyvalue@0.2.0-draft, over NATS, TCP or a Unix
// socket. It knows nothing of the host that calls it.
//
//	keyvalue nats nats://127.0.0.1:4222 PREFIX
//	keyvalue tcp 127.0.0.1:7761
//	keyvalue unix /run/keyvalue.sock
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"maps"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	wrpc "wrpc.io/go"
)

// Keys of one page of list-keys.
const page = 1000

type bucket map[string][]byte

type store struct {
	mutex   sync.Mutex
	buckets map[string]bucket
}

// An operation is a call whose parameters have been read. It writes what its result holds if that is
// ok, which does not fail in memory; the error is the interface's own.
type operation func(b bucket, ok *bytes.Buffer) error

// A function reads its parameters, those behind the bucket's name.
type function func(in wrpc.ByteReader) (operation, error)

func one[A any](read reader[A], run func(bucket, A, *bytes.Buffer) error) function {
	return func(in wrpc.ByteReader) (operation, error) {
		a, err := read(in)
		return func(b bucket, ok *bytes.Buffer) error { return run(b, a, ok) }, err
	}
}

func two[A, B any](first reader[A], second reader[B], run func(bucket, A, B, *bytes.Buffer) error) function {
	return func(in wrpc.ByteReader) (operation, error) {
		x, err := first(in)
		if err != nil {
			return nil, err
		}
		y, err := second(in)
		return func(b bucket, ok *bytes.Buffer) error { return run(b, x, y, ok) }, err
	}
}

// run gives the encoded result.
func (s *store) run(name string, do operation) []byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	b := s.buckets[name]
	if b == nil {
		b = bucket{}
		s.buckets[name] = b
	}
	var result bytes.Buffer
	result.WriteByte(0) // ok
	if err := do(b, &result); err != nil {
		result.Reset()
		result.WriteByte(1)          // err
		wrpc.WriteUint32(2, &result) // other(string)
		wrpc.WriteString(err.Error(), &result)
	}
	return result.Bytes()
}

// call makes f one that is served. Its error is that of a call which breaks off.
func (s *store) call(f function) call {
	return func(w wrpc.ByteWriter, in wrpc.ByteReader) error {
		name, err := text(in)
		if err != nil {
			return err
		}
		do, err := f(in)
		if err != nil {
			return err
		}
		_, err = w.Write(s.run(name, do))
		return err
	}
}

func get(b bucket, key string, ok *bytes.Buffer) error {
	value, found := b[key]
	writeBool(found, ok) // an option
	if found {
		wrpc.WriteByteList(value, ok)
	}
	return nil
}

func set(b bucket, key string, value []byte, _ *bytes.Buffer) error {
	b[key] = value
	return nil
}

func remove(b bucket, key string, _ *bytes.Buffer) error {
	delete(b, key)
	return nil
}

func exists(b bucket, key string, ok *bytes.Buffer) error {
	_, found := b[key]
	writeBool(found, ok)
	return nil
}

// The cursor is how many keys, in order, have been listed.
func listKeys(b bucket, cursor *uint64, ok *bytes.Buffer) error {
	keys, count := slices.Sorted(maps.Keys(b)), uint64(len(b))
	first := uint64(0)
	if cursor != nil {
		first = min(*cursor, count)
	}
	last := min(first+page, count)
	wrpc.WriteUint64(last-first, ok)
	for _, key := range keys[first:last] {
		wrpc.WriteString(key, ok)
	}
	more := last < count
	writeBool(more, ok) // an option
	if more {
		wrpc.WriteUint64(last, ok)
	}
	return nil
}

func increment(b bucket, key string, delta uint64, ok *bytes.Buffer) error {
	number := uint64(0)
	if content, found := b[key]; found {
		parsed, err := strconv.ParseUint(string(content), 10, 64)
		if err != nil {
			return fmt.Errorf("%s is no number", key)
		}
		number = parsed
	}
	if number > math.MaxUint64-delta {
		return errors.New("the number would be too large")
	}
	number += delta
	b[key] = strconv.AppendUint(nil, number, 10)
	wrpc.WriteUint64(number, ok)
	return nil
}

func getMany(b bucket, keys []string, ok *bytes.Buffer) error {
	wrpc.WriteUint64(uint64(len(keys)), ok)
	for _, key := range keys {
		value, found := b[key]
		writeBool(found, ok) // an option of a tuple
		if found {
			wrpc.WriteString(key, ok)
			wrpc.WriteByteList(value, ok)
		}
	}
	return nil
}

func setMany(b bucket, entries []entry, _ *bytes.Buffer) error {
	for _, e := range entries {
		b[e.key] = e.value
	}
	return nil
}

func deleteMany(b bucket, keys []string, _ *bytes.Buffer) error {
	for _, key := range keys {
		delete(b, key)
	}
	return nil
}

func keyvalue() service {
	s := &store{buckets: map[string]bucket{}}
	return service{
		"wrpc:keyvalue/store@0.2.0-draft": {
			"get":       s.call(one(text, get)),
			"set":       s.call(two(text, list, set)),
			"delete":    s.call(one(text, remove)),
			"exists":    s.call(one(text, exists)),
			"list-keys": s.call(one(optionalNumber, listKeys)),
		},
		"wrpc:keyvalue/atomics@0.2.0-draft": {
			"increment": s.call(two(text, wrpc.ReadUint64, increment)),
		},
		"wrpc:keyvalue/batch@0.2.0-draft": {
			"get-many":    s.call(one(many(text), getMany)),
			"set-many":    s.call(one(many(pair), setMany)),
			"delete-many": s.call(one(many(text), deleteMany)),
		},
	}
}

func serve(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "nats":
		connection, err := nats.Connect(arguments[1], nats.MaxReconnects(-1))
		if err != nil {
			return err
		}
		if err := serveNATS(connection, arguments[2], keyvalue()); err != nil {
			return err
		}
		fmt.Println("serving")
		select {}
	case len(arguments) == 2 && (arguments[0] == "tcp" || arguments[0] == "unix"):
		listener, err := net.Listen(arguments[0], arguments[1])
		if err != nil {
			return err
		}
		fmt.Println("serving", listener.Addr())
		return serveSockets(listener, keyvalue())
	}
	return errors.New("usage: keyvalue nats URL PREFIX | tcp ADDRESS | unix PATH")
}

func main() {
	if err := serve(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}
