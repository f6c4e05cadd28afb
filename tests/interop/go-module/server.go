package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	wrpc "wrpc.io/go"
	wrpctcp "wrpc.io/go/x/tcp"
)

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
	list, err := readBytes(r)
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
	return double(in, w, 0)
}

// All that comes goes doubled into the stream at the path.
func double(in wrpc.Receiver[[]uint32], w wrpc.IndexWriter, path ...uint32) error {
	out, err := w.Index(path...)
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

func readFuture(r wrpc.IndexReadCloser, path ...uint32) (string, error) {
	ready, err := wrpc.ReadFutureStatus(r)
	if err != nil || ready {
		return "", fmt.Errorf("a future that is ready: %v, %w", ready, err)
	}
	value, err := r.Index(path...)
	if err != nil {
		return "", err
	}
	return wrpc.ReadString(value)
}

func writeFuture(w wrpc.IndexWriteCloser, value string, path ...uint32) error {
	out, err := w.Index(path...)
	if err != nil {
		return err
	}
	defer out.Close()
	var text buffer
	put(wrpc.WriteString(value, &text))
	return answer(out, text.Bytes())
}

func later(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	value, err := readFuture(r, 0)
	if err != nil {
		return err
	}
	if err := w.WriteByte(0); err != nil {
		return err
	}
	return writeFuture(w, value+", at last", 0)
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

func serve(address string) error {
	if peer := overNATS(address); peer != nil {
		register(peer)
		must(peer.connection.Flush())
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
	registerNested(add)
	add(benchInstance, "echo", sameBytes)
}
