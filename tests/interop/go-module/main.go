// A peer of the interface tests/interop/wit, on wRPC's own Go module over TCP, or over NATS where the
// address is nats://HOST:PORT/PREFIX.
//
//	wrpc-go serve ADDRESS             prints "serving ADDRESS"
//	wrpc-go check ADDRESS             calls everything there once
//	wrpc-go call ADDRESS CALLS BYTES  for measurements
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	wrpc "wrpc.io/go"
	wrpcnats "wrpc.io/go/nats"
	wrpctcp "wrpc.io/go/x/tcp"
)

const instance = "nimbus:interop/peer"

// The measurements of bench/wrpc.py.
const benchInstance = "bench:wrpc/service"

// What both peers know, encoded.
var numbers = []byte{
	1,
	200,
	0xff,
	0xac, 0x02,
	0xff, 0x7e,
	0xe5, 0x8e, 0x26,
	0xc0, 0xbb, 0x78,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f,
	0x00, 0x00, 0xc0, 0x3f,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f,
	'a',
}

// A writer into memory, as the module's functions want one.
type buffer struct{ bytes.Buffer }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func put(_ int, err error) { must(err) }

func writeString(v string, w wrpc.ByteWriter) error {
	_, err := wrpc.WriteString(v, w)
	return err
}

func writeUint8(v *uint8, w wrpc.ByteWriter) error  { return wrpc.WriteUint8(*v, w) }
func writeText(v *string, w wrpc.ByteWriter) error  { return writeString(*v, w) }
func writeUint32(v uint32, w wrpc.ByteWriter) error { _, err := wrpc.WriteUint32(v, w); return err }

func encodeMixture() []byte {
	var w buffer
	put(wrpc.WriteString("Grüße", &w))
	put(wrpc.WriteByteList([]byte{0, 1, 255}, &w))
	put(wrpc.WriteList([]string{"foo", "", "bar"}, &w, writeString))
	must(wrpc.WriteOption[uint32](nil, &w, writeUint32))
	seven := uint32(7)
	must(wrpc.WriteOption(&seven, &w, writeUint32))
	must(wrpc.Ok[string](uint8(5)).WriteTo(&w, writeUint8, writeText))
	must(wrpc.Err[uint8]("no").WriteTo(&w, writeUint8, writeText))
	put(wrpc.WriteUint32(2, &w)) // blue
	must(w.WriteByte(0b101))     // read, run
	put(wrpc.WriteUint32(3, &w)) // shapes
	put(wrpc.WriteUint32(0, &w))
	put(wrpc.WriteUint32(1, &w))
	put(wrpc.WriteUint32(300, &w))
	put(wrpc.WriteUint32(2, &w))
	put(wrpc.WriteString("square", &w))
	put(wrpc.WriteUint16(300, &w))
	must(w.WriteByte(1))
	return w.Bytes()
}

// What has no function of its own in the module is compared byte by byte.
func expectBytes(r wrpc.IndexReader, expected []byte) error {
	for i, want := range expected {
		got, err := r.ReadByte()
		if err != nil {
			return fmt.Errorf("byte %d of %d: %w", i, len(expected), err)
		}
		if got != want {
			return fmt.Errorf("byte %d: %#x, not %#x", i, got, want)
		}
	}
	return nil
}

func expect[T comparable](what string, got T, err error, want T) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got != want {
		return fmt.Errorf("%s: %v, not %v", what, got, want)
	}
	return nil
}

func readUint8(r wrpc.ByteReader) (uint8, error)    { return r.ReadByte() }
func readUint32(r wrpc.ByteReader) (uint32, error)  { return wrpc.ReadUint32(r) }
func readText(r wrpc.ByteReader) (string, error)    { return wrpc.ReadString(r) }
func itemUint32(r wrpc.IndexReader) (uint32, error) { return wrpc.ReadUint32(r) }
func itemText(r wrpc.IndexReader) (string, error)   { return wrpc.ReadString(r) }

func expectMixture(r wrpc.IndexReader) error {
	text, err := wrpc.ReadString(r)
	if err := expect("text", text, err, "Grüße"); err != nil {
		return err
	}
	list, err := wrpc.ReadByteList(r)
	if err := expect("bytes", string(list), err, "\x00\x01\xff"); err != nil {
		return err
	}
	words, err := wrpc.ReadList(r, itemText)
	if err := expect("words", strings.Join(words, "|"), err, "foo||bar"); err != nil {
		return err
	}
	nothing, err := wrpc.ReadOption(r, readUint32)
	if err := expect("nothing", nothing == nil, err, true); err != nil {
		return err
	}
	something, err := wrpc.ReadOption(r, readUint32)
	if err := expect("something", something != nil && *something == 7, err, true); err != nil {
		return err
	}
	good, err := wrpc.ReadResult(r, readUint8, readText)
	if err := expect("good", err == nil && good.Ok != nil && *good.Ok == 5, err, true); err != nil {
		return err
	}
	bad, err := wrpc.ReadResult(r, readUint8, readText)
	if err := expect("bad", err == nil && bad.Err != nil && *bad.Err == "no", err, true); err != nil {
		return err
	}
	whole := encodeMixture()
	return expectBytes(r, whole[len(whole)-18:]) // from the colour on
}

// --- the server

type handler func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error

func answer(w wrpc.IndexWriteCloser, b []byte) error {
	_, err := w.Write(b)
	return err
}

func sameNumbers(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	if err := expectBytes(r, numbers); err != nil {
		return err
	}
	return answer(w, numbers)
}

func sameMixture(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	if err := expectMixture(r); err != nil {
		return err
	}
	return answer(w, encodeMixture())
}

func sameBytes(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	list, err := wrpc.ReadByteList(r)
	if err != nil {
		return err
	}
	var out buffer
	put(wrpc.WriteByteList(list, &out))
	return answer(w, out.Bytes())
}

func nothing(wrpc.IndexWriteCloser, wrpc.IndexReadCloser) error { return nil }

func breakOff(wrpc.IndexWriteCloser, wrpc.IndexReadCloser) error { return errors.New("on purpose") }

func hang(wrpc.IndexWriteCloser, wrpc.IndexReadCloser) error { select {} }

type upperReader struct{ io.ReadCloser }

func (u upperReader) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

func upper(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	text, err := wrpc.ReadByteStream(r, 0)
	if err != nil {
		return err
	}
	return wrpc.WriteByteStream(upperReader{text}, w, nil, 0)
}

func writeChunk(w io.Writer, chunk []uint32) error {
	var out buffer
	put(wrpc.WriteList(chunk, &out, writeUint32))
	_, err := w.Write(out.Bytes())
	return err
}

func doubled(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	in, err := wrpc.ReadStream(r, itemUint32, 0)
	if err != nil {
		return err
	}
	if err := w.WriteByte(0); err != nil {
		return err
	}
	out, err := w.Index(0)
	if err != nil {
		return err
	}
	defer out.Close()
	for {
		chunk, err := in.Receive()
		if err == io.EOF {
			return writeChunk(out, nil)
		}
		if err != nil {
			return err
		}
		for i := range chunk {
			chunk[i] *= 2
		}
		if err := writeChunk(out, chunk); err != nil {
			return err
		}
	}
}

func readFuture(r wrpc.IndexReadCloser) (string, error) {
	ready, err := wrpc.ReadFutureStatus(r)
	if err != nil || ready {
		return "", fmt.Errorf("a future that is ready: %v, %w", ready, err)
	}
	value, err := r.Index(0)
	if err != nil {
		return "", err
	}
	return wrpc.ReadString(value)
}

func writeFuture(w wrpc.IndexWriteCloser, value string) error {
	out, err := w.Index(0)
	if err != nil {
		return err
	}
	defer out.Close()
	var text buffer
	put(wrpc.WriteString(value, &text))
	return answer(out, text.Bytes())
}

func later(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	value, err := readFuture(r)
	if err != nil {
		return err
	}
	if err := w.WriteByte(0); err != nil {
		return err
	}
	return writeFuture(w, value+", at last")
}

// Handles are the name behind a mark; what they are is nobody else's business.
func newThing(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	name, err := wrpc.ReadString(r)
	if err != nil {
		return err
	}
	var out buffer
	put(wrpc.WriteByteList([]byte("thing\x00"+name), &out))
	return answer(w, out.Bytes())
}

func thingName(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	handle, err := wrpc.ReadByteList(r)
	if err != nil {
		return err
	}
	name, known := strings.CutPrefix(string(handle), "thing\x00")
	if !known {
		return errors.New("not a handle of ours")
	}
	var out buffer
	put(wrpc.WriteString(name, &out))
	return answer(w, out.Bytes())
}

// A client of the NATS server and prefix in the address; nil if it is one of TCP.
func overNATS(address string) *wrpcnats.Client {
	server, prefix, found := strings.Cut(strings.TrimPrefix(address, "nats://"), "/")
	if !found {
		return nil
	}
	connection, err := nats.Connect("nats://" + server)
	must(err)
	return wrpcnats.NewClient(connection, wrpcnats.WithPrefix(prefix), wrpcnats.WithGroup(prefix))
}

func serve(address string) error {
	if client := overNATS(address); client != nil {
		register(client)
		fmt.Printf("serving %s\n", address)
		select {}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := wrpctcp.NewServer(listener.(*net.TCPListener))
	register(server)
	fmt.Printf("serving %s\n", listener.Addr())
	for {
		if err := server.Accept(); err != nil {
			slog.Debug("a connection without a call", "err", err)
		}
	}
}

func register(server wrpc.Server) {
	first := wrpc.NewSubscribePath().Index(0)
	add := func(in, name string, handle handler, paths ...wrpc.SubscribePath) {
		_, err := server.Serve(in, name, func(_ context.Context, w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) {
			defer r.Close()
			if err := handle(w, r); err != nil {
				slog.Error("call failed", "function", name, "err", err)
			}
			if err := w.Close(); err != nil {
				slog.Debug("cannot finish", "err", err)
			}
		}, paths...)
		must(err)
	}
	add(instance, "same-numbers", sameNumbers)
	add(instance, "same-mixture", sameMixture)
	add(instance, "same-bytes", sameBytes)
	add(instance, "nothing", nothing)
	add(instance, "break-off", breakOff)
	add(instance, "hang", hang)
	add(instance, "upper", upper, first)
	add(instance, "doubled", doubled, first)
	add(instance, "later", later, first)
	add(instance, "thing", newThing)
	add(instance, "thing.name", thingName)
	add(benchInstance, "echo", sameBytes)
}

// --- the client

type client struct{ wrpc.Invoker }

func connect(address string) client {
	if overNATS := overNATS(address); overNATS != nil {
		return client{overNATS}
	}
	return client{wrpctcp.NewInvoker(address)}
}

type call func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error

// Calls; `then` reads the results and writes what comes later.
func (c client) call(name string, params []byte, then call, paths ...wrpc.SubscribePath) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	w, r, err := c.Invoke(ctx, instance, name, params, paths...)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := then(w, r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// For calls whose parameters are all sent.
func reading(read func(r wrpc.IndexReadCloser) error) call {
	return func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		if err := w.Close(); err != nil {
			return err
		}
		return read(r)
	}
}

func (c client) checkValues() error {
	return errors.Join(
		c.call("same-numbers", numbers, reading(func(r wrpc.IndexReadCloser) error {
			return expectBytes(r, numbers)
		})),
		c.call("same-mixture", encodeMixture(), reading(func(r wrpc.IndexReadCloser) error {
			return expectMixture(r)
		})),
		c.call("nothing", nil, reading(func(wrpc.IndexReadCloser) error { return nil })),
		c.call("break-off", nil, reading(func(r wrpc.IndexReadCloser) error {
			if v, err := wrpc.ReadUint32(r); err == nil {
				return fmt.Errorf("answered %d", v)
			}
			return nil
		})))
}

// The module reads a frame at once, from a buffer of 4 KiB: more than that arrives damaged.
func (c client) checkBytes(size int) error {
	var params buffer
	large := bytes.Repeat([]byte("0123456789"), size/10)
	put(wrpc.WriteByteList(large, &params))
	return c.call("same-bytes", params.Bytes(), reading(func(r wrpc.IndexReadCloser) error {
		got, err := wrpc.ReadByteList(r)
		return expect("bytes", bytes.Equal(got, large), err, true)
	}))
}

func (c client) checkUpper(text string) error {
	first := wrpc.NewSubscribePath().Index(0)
	return c.call("upper", []byte{0}, func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		in, err := w.Index(0)
		if err != nil {
			return err
		}
		must(w.Close())
		sent := make(chan error, 1)
		go func() {
			for _, word := range strings.SplitAfter(text, " ") {
				var chunk buffer
				put(wrpc.WriteByteList([]byte(word), &chunk))
				if _, err := in.Write(chunk.Bytes()); err != nil {
					sent <- err
					return
				}
			}
			_, err := in.Write([]byte{0})
			sent <- errors.Join(err, in.Close())
		}()
		out, err := wrpc.ReadByteStream(r, 0)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(out)
		if err := expect("upper", string(got), err, strings.ToUpper(text)); err != nil {
			return err
		}
		return <-sent
	}, first)
}

func (c client) checkDoubled() error {
	first := wrpc.NewSubscribePath().Index(0)
	return c.call("doubled", []byte{0}, func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		in, err := w.Index(0)
		if err != nil {
			return err
		}
		must(w.Close())
		must(writeChunk(in, []uint32{1, 2, 300}))
		out, err := wrpc.ReadStream(r, itemUint32, 0)
		if err != nil {
			return err
		}
		chunk, err := out.Receive()
		if err := expect("doubled", fmt.Sprint(chunk), err, "[2 4 600]"); err != nil {
			return err
		}
		must(writeChunk(in, []uint32{1 << 30}))
		chunk, err = out.Receive()
		if err := expect("doubled", fmt.Sprint(chunk), err, "[2147483648]"); err != nil {
			return err
		}
		must(writeChunk(in, nil))
		must(in.Close())
		_, err = out.Receive()
		return expect("the end", errors.Is(err, io.EOF), nil, true)
	}, first)
}

func (c client) checkLater() error {
	first := wrpc.NewSubscribePath().Index(0)
	return c.call("later", []byte{0}, func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		if err := errors.Join(writeFuture(w, "well"), w.Close()); err != nil {
			return err
		}
		value, err := readFuture(r)
		return expect("later", value, err, "well, at last")
	}, first)
}

func (c client) checkResource() error {
	var params buffer
	put(wrpc.WriteString("the thing", &params))
	var handle []byte
	if err := c.call("thing", params.Bytes(), reading(func(r wrpc.IndexReadCloser) (err error) {
		handle, err = wrpc.ReadByteList(r)
		return err
	})); err != nil {
		return err
	}
	var receiver buffer
	put(wrpc.WriteByteList(handle, &receiver))
	return c.call("thing.name", receiver.Bytes(), reading(func(r wrpc.IndexReadCloser) error {
		name, err := wrpc.ReadString(r)
		return expect("name", name, err, "the thing")
	}))
}

func check(address string) error {
	c := connect(address)
	return errors.Join(c.checkValues(), c.checkBytes(10), c.checkBytes(1000),
		c.checkUpper("some words of text"), c.checkDoubled(), c.checkLater(), c.checkResource())
}

func measure(address string, calls, size int) error {
	var params buffer
	put(wrpc.WriteByteList(bytes.Repeat([]byte("x"), size), &params))
	inv := connect(address)
	for range calls {
		w, r, err := inv.Invoke(context.Background(), benchInstance, "echo", params.Bytes())
		if err != nil {
			return err
		}
		must(w.Close())
		if got, err := wrpc.ReadByteList(r); err != nil || len(got) != size {
			return fmt.Errorf("%d bytes, %w", len(got), err)
		}
		must(r.Close())
	}
	return nil
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[1] == "serve":
		return serve(args[2])
	case len(args) == 3 && args[1] == "check":
		return check(args[2])
	case len(args) == 5 && args[1] == "call":
		calls, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(args[4])
		if err != nil {
			return err
		}
		return measure(args[2], calls, size)
	}
	return errors.New("usage: wrpc-go serve|check|call ADDRESS [CALLS BYTES]")
}

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
