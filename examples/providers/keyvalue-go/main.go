// A key-value provider in Go: a map behind wrpc:keyvalue@0.2.0-draft, over NATS, TCP or a Unix
// socket. It knows nothing of the host that calls it.
//
//	keyvalue nats nats://127.0.0.1:4222 PREFIX
//	keyvalue tcp 127.0.0.1:7761
//	keyvalue unix /run/keyvalue.sock
package main

import (
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"

	"keyvalue/wrpc"
)

// Keys of one page of list-keys.
const page = 1000

type bucket map[string][]byte

type store struct {
	mutex   sync.Mutex
	buckets map[string]bucket
}

// An operation is a call whose parameters have been read. What it returns as an error is the
// interface's own; else it encodes its result.
type operation func(b bucket, out *wrpc.Encoder) error

// function makes a wRPC function of what reads the parameters behind the bucket's name.
func (s *store) function(read func(in *wrpc.Decoder) operation) wrpc.Function {
	return func(in *wrpc.Decoder, out *wrpc.Encoder) error {
		name := in.String()
		run := read(in)
		if in.Err() != nil {
			return in.Err()
		}
		s.mutex.Lock()
		defer s.mutex.Unlock()
		b := s.buckets[name]
		if b == nil {
			b = bucket{}
			s.buckets[name] = b
		}
		var result wrpc.Encoder
		if err := run(b, &result); err != nil {
			out.Case(1) // err
			out.Case(2) // other(string)
			out.String(err.Error())
			return nil
		}
		out.Case(0) // ok
		out.Bytes = append(out.Bytes, result.Bytes...)
		return nil
	}
}

func get(in *wrpc.Decoder) operation {
	key := in.String()
	return func(b bucket, out *wrpc.Encoder) error {
		value, found := b[key]
		out.Bool(found) // an option
		if found {
			out.ByteList(value)
		}
		return nil
	}
}

func set(in *wrpc.Decoder) operation {
	key, value := in.String(), in.ByteList()
	return func(b bucket, _ *wrpc.Encoder) error {
		b[key] = value
		return nil
	}
}

func remove(in *wrpc.Decoder) operation {
	key := in.String()
	return func(b bucket, _ *wrpc.Encoder) error {
		delete(b, key)
		return nil
	}
}

func exists(in *wrpc.Decoder) operation {
	key := in.String()
	return func(b bucket, out *wrpc.Encoder) error {
		_, found := b[key]
		out.Bool(found)
		return nil
	}
}

// The cursor is how many keys, in order, have been listed.
func listKeys(in *wrpc.Decoder) operation {
	var done uint64
	if in.Option() {
		done = in.Uint()
	}
	return func(b bucket, out *wrpc.Encoder) error {
		keys := make([]string, 0, len(b))
		for key := range b {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		first := min(done, uint64(len(keys)))
		last := min(first+page, uint64(len(keys)))
		out.Uint(last - first)
		for _, key := range keys[first:last] {
			out.String(key)
		}
		more := last < uint64(len(keys))
		out.Bool(more)
		if more {
			out.Uint(last)
		}
		return nil
	}
}

func increment(in *wrpc.Decoder) operation {
	key, delta := in.String(), in.Uint()
	return func(b bucket, out *wrpc.Encoder) error {
		number := uint64(0)
		if text, found := b[key]; found {
			parsed, err := strconv.ParseUint(string(text), 10, 64)
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
		out.Uint(number)
		return nil
	}
}

func readKeys(in *wrpc.Decoder) (keys []string) {
	for count := in.Count(); count > 0 && in.Err() == nil; count-- {
		keys = append(keys, in.String())
	}
	return keys
}

func getMany(in *wrpc.Decoder) operation {
	keys := readKeys(in)
	return func(b bucket, out *wrpc.Encoder) error {
		out.Uint(uint64(len(keys)))
		for _, key := range keys {
			value, found := b[key]
			out.Bool(found)
			if found {
				out.String(key)
				out.ByteList(value)
			}
		}
		return nil
	}
}

func setMany(in *wrpc.Decoder) operation {
	var sets []operation
	for count := in.Count(); count > 0 && in.Err() == nil; count-- {
		sets = append(sets, set(in))
	}
	return func(b bucket, out *wrpc.Encoder) error {
		for _, one := range sets {
			if err := one(b, out); err != nil {
				return err
			}
		}
		return nil
	}
}

func deleteMany(in *wrpc.Decoder) operation {
	keys := readKeys(in)
	return func(b bucket, _ *wrpc.Encoder) error {
		for _, key := range keys {
			delete(b, key)
		}
		return nil
	}
}

func service() wrpc.Service {
	s := &store{buckets: map[string]bucket{}}
	return wrpc.Service{
		"wrpc:keyvalue/store@0.2.0-draft": {
			"get":       s.function(get),
			"set":       s.function(set),
			"delete":    s.function(remove),
			"exists":    s.function(exists),
			"list-keys": s.function(listKeys),
		},
		"wrpc:keyvalue/atomics@0.2.0-draft": {"increment": s.function(increment)},
		"wrpc:keyvalue/batch@0.2.0-draft": {
			"get-many":    s.function(getMany),
			"set-many":    s.function(setMany),
			"delete-many": s.function(deleteMany),
		},
	}
}

func serve(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "nats":
		connection, err := nats.Connect(arguments[1])
		if err != nil {
			return err
		}
		if err := wrpc.ServeNATS(connection, arguments[2], service()); err != nil {
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
		return wrpc.ServeStreams(listener, service())
	}
	return errors.New("usage: keyvalue nats URL PREFIX | tcp ADDRESS | unix PATH")
}

func main() {
	if err := serve(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}
