package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	wrpc "wrpc.io/go"
	wrpcnats "wrpc.io/go/nats"
)

// patience is how long a call may take.
const patience = 10 * time.Second

// A call reads its parameters and writes its results, these with one Write: some peers take what one
// brings for the whole value. After an error the caller sees a call that broke off.
type call func(out wrpc.ByteWriter, in wrpc.ByteReader) error

// A service has calls by instance and name, "wrpc:keyvalue/store@0.2.0-draft" and "get".
type service map[string]map[string]call

func (c call) run(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) {
	defer r.Close()
	defer w.Close()
	if err := c(w, r); err != nil {
		log.Print(err)
	}
}

// serveNATS serves until the connection is closed. Providers with one prefix share the calls.
func serveNATS(connection *nats.Conn, prefix string, s service) error {
	client := wrpcnats.NewClient(connection, wrpcnats.WithPrefix(prefix), wrpcnats.WithGroup(prefix))
	for instance, calls := range s {
		for name, c := range calls {
			// The module handles one call of a function after the other, unless told otherwise.
			_, err := client.Serve(instance, name,
				func(_ context.Context, w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) {
					go c.runInTime(w, r)
				})
			if err != nil {
				return err
			}
		}
	}
	return connection.Flush()
}

// runInTime ends the wait for parameters that do not come.
func (c call) runInTime(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) {
	// A reader that is closed just before it is read from panics.
	defer func() {
		if reason := recover(); reason != nil {
			log.Print(reason)
		}
	}()
	defer time.AfterFunc(patience, func() { r.Close() }).Stop()
	c.run(w, r)
}

// serveSockets serves the connections of a listener, TCP or Unix: each is one call. The module's own
// server is for TCP alone, and damages frames that are longer than its buffer of 4 KiB.
func serveSockets(listener net.Listener, s service) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			if err := serveConnection(connection, s); err != nil {
				log.Print(err)
			}
		}()
	}
}

func serveConnection(connection net.Conn, s service) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	in := incoming{bufio.NewReader(connection)}
	version, err := in.ReadByte()
	if err != nil || version != 0 {
		return fmt.Errorf("wRPC version %d: %w", version, errors.Join(err, errors.ErrUnsupported))
	}
	instance, err := text(in)
	if err != nil {
		return err
	}
	name, err := text(in)
	if err != nil {
		return err
	}
	c := s[instance][name]
	if c == nil {
		return fmt.Errorf("%s/%s is not served", instance, name)
	}
	c.run(wrpc.NewFrameStreamWriter(ctx, connection), wrpc.NewFrameStreamReader(ctx, in))
	return nil
}

// incoming is what arrives; a Read waits for all that it asks for, as the module takes for granted.
type incoming struct{ *bufio.Reader }

func (i incoming) Read(into []byte) (int, error) {
	if len(into) > maxBytes {
		return 0, fmt.Errorf("a frame of %d bytes", len(into))
	}
	return io.ReadFull(i.Reader, into)
}

// ReadByte begins a frame: if the call is over, none comes.
func (i incoming) ReadByte() (byte, error) {
	b, err := i.Reader.ReadByte()
	if errors.Is(err, net.ErrClosed) {
		err = io.EOF
	}
	return b, err
}

// Close leaves the connection open: the results are still to be written.
func (i incoming) Close() error { return nil }
