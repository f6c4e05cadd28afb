package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	wrpc "wrpc.io/go"
	wrpctcp "wrpc.io/go/x/tcp"
)

type client struct{ wrpc.Invoker }

func connect(address string) client {
	if peer := overNATS(address); peer != nil {
		return client{peer}
	}
	return client{wrpctcp.NewInvoker(address)}
}

type call func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error

// Calls; `then` reads the results and writes what comes later.
func (c client) call(name string, params []byte, then call, paths ...wrpc.SubscribePath) error {
	return c.callOf(instance, name, params, then, paths...)
}

func (c client) callOf(in, name string, params []byte, then call, paths ...wrpc.SubscribePath) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	w, r, err := c.Invoke(ctx, in, name, params, paths...)
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

// Over TCP not more than fits a frame of 4 KiB: the module reads that at once, from a buffer of this
// size, and longer ones arrive damaged.
func (c client) checkBytes(size int) error {
	var params buffer
	large := bytes.Repeat([]byte("0123456789"), size/10)
	put(wrpc.WriteByteList(large, &params))
	same := reading(func(r wrpc.IndexReadCloser) error {
		got, err := readBytes(r)
		return expect("bytes", bytes.Equal(got, large), err, true)
	})
	return c.call("same-bytes", params.Bytes(), func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		if size > 1<<20 {
			put(w.Write(nil)) // what did not fit the first message; closing alone does not send it
		}
		return same(w, r)
	})
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
		if err := errors.Join(writeFuture(w, "well", 0), w.Close()); err != nil {
			return err
		}
		value, err := readFuture(r, 0)
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

// checkLarge is for NATS, where values and streams take as many messages as they need.
func checkLarge(address string) error {
	c := connect(address)
	word := strings.Repeat("x", 10_000) + " "
	return errors.Join(c.checkBytes(10_000_000), c.checkUpper(strings.Repeat(word, 1000)))
}

func measure(address string, calls, size int) error {
	var params buffer
	put(wrpc.WriteByteList(bytes.Repeat([]byte("x"), size), &params))
	inv := connect(address)
	start := time.Now()
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
	took := float64(time.Since(start).Nanoseconds()) / 1e3
	fmt.Printf("us_per_call %.3f\n", took/float64(calls))
	return nil
}
