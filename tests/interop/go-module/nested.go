package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	wrpc "wrpc.io/go"
)

// Streams and futures within records: wit/nested.wit.
const nestedInstance = "nimbus:interop/nested"

func path(indices ...uint32) wrpc.SubscribePath {
	p := wrpc.NewSubscribePath()
	for _, index := range indices {
		p = p.Index(index)
	}
	return p
}

// A text, and the marks of what comes later.
func head(text string, pending int) []byte {
	var out buffer
	put(wrpc.WriteString(text, &out))
	put(out.Write(make([]byte, pending)))
	return out.Bytes()
}

func writeByteStream(w wrpc.IndexWriter, text io.Reader, path ...uint32) error {
	out, err := w.Index(path...)
	if err != nil {
		return err
	}
	defer out.Close()
	all, err := io.ReadAll(text)
	if err != nil {
		return err
	}
	var chunk buffer
	put(wrpc.WriteByteList(all, &chunk))
	if _, err := out.Write(chunk.Bytes()); err != nil {
		return err
	}
	_, err = out.Write([]byte{0})
	return err
}

// The head of a parcel, and its two streams.
func readParcel(r wrpc.IndexReadCloser) (label string, text io.ReadCloser, numbers wrpc.Receiver[[]uint32], err error) {
	if label, err = wrpc.ReadString(r); err != nil {
		return
	}
	if text, err = wrpc.ReadByteStream(r, 0, 1); err != nil {
		return
	}
	numbers, err = wrpc.ReadStream(r, itemUint32, 0, 2)
	return
}

func forwarded(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	label, text, numbers, err := readParcel(r)
	if err != nil {
		return err
	}
	if err := answer(w, head(label, 2)); err != nil {
		return err
	}
	return errors.Join(writeByteStream(w, upperReader{text}, 0, 1), double(numbers, w, 0, 2))
}

func redeemed(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
	who, err := wrpc.ReadString(r)
	if err != nil {
		return err
	}
	value, err := readFuture(r, 0, 1)
	if err != nil {
		return err
	}
	if err := answer(w, head(who, 1)); err != nil {
		return err
	}
	return writeFuture(w, value+", at last", 0, 1)
}

func registerNested(add func(in, name string, handle handler, paths ...wrpc.SubscribePath)) {
	add(nestedInstance, "forwarded", forwarded, path(0, 1), path(0, 2))
	add(nestedInstance, "redeemed", redeemed, path(0, 1))
}

func (c client) checkForwarded() error {
	return c.callOf(nestedInstance, "forwarded", head("fragile", 2), func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		numbers, err := w.Index(0, 2)
		if err != nil {
			return err
		}
		if err := errors.Join(writeByteStream(w, strings.NewReader("some words of text"), 0, 1),
			writeChunk(numbers, []uint32{1, 2, 300}), writeChunk(numbers, nil), numbers.Close(), w.Close()); err != nil {
			return err
		}
		label, text, doubled, err := readParcel(r)
		if err := expect("label", label, err, "fragile"); err != nil {
			return err
		}
		all, err := io.ReadAll(text)
		if err := expect("bytes", string(all), err, "SOME WORDS OF TEXT"); err != nil {
			return err
		}
		var got []uint32
		for {
			chunk, err := doubled.Receive()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			got = append(got, chunk...)
		}
		return expect("numbers", fmt.Sprint(got), nil, "[2 4 600]")
	}, path(0, 1), path(0, 2))
}

func (c client) checkRedeemed() error {
	return c.callOf(nestedInstance, "redeemed", head("me", 1), func(w wrpc.IndexWriteCloser, r wrpc.IndexReadCloser) error {
		if err := errors.Join(writeFuture(w, "well", 0, 1), w.Close()); err != nil {
			return err
		}
		who, err := wrpc.ReadString(r)
		if err := expect("who", who, err, "me"); err != nil {
			return err
		}
		value, err := readFuture(r, 0, 1)
		return expect("value", value, err, "well, at last")
	}, path(0, 1))
}

func checkNested(address string) error {
	c := connect(address)
	return errors.Join(c.checkForwarded(), c.checkRedeemed())
}
