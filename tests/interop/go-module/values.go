package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	wrpc "wrpc.io/go"
)

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

// The module's own reader takes the first of several messages for all of them.
func readBytes(r wrpc.ByteReader) ([]byte, error) {
	size, err := wrpc.ReadUint32(r)
	if err != nil {
		return nil, err
	}
	var list bytes.Buffer
	_, err = io.CopyN(&list, r, int64(size))
	return list.Bytes(), err
}

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
