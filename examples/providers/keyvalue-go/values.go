package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	wrpc "wrpc.io/go"
)

// maxBytes bounds what a peer may make us hold at once: a string, a list, a frame.
const maxBytes = 64 << 20

// A reader reads one value. The module's own for strings and lists allocate what a peer merely claims,
// and take the first piece of a value that arrives in several for the whole; those here do neither.
type reader[T any] func(wrpc.ByteReader) (T, error)

func size(in wrpc.ByteReader) (int64, error) {
	count, err := wrpc.ReadUint32(in)
	if err == nil && count > maxBytes {
		err = fmt.Errorf("a list of %d", count)
	}
	return int64(count), err
}

func list(in wrpc.ByteReader) ([]byte, error) {
	count, err := size(in)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, err = io.CopyN(&content, in, count)
	return content.Bytes(), err
}

func text(in wrpc.ByteReader) (string, error) {
	content, err := list(in)
	if err == nil && !utf8.Valid(content) {
		err = errors.New("a string that is not UTF-8")
	}
	return string(content), err
}

func optionalNumber(in wrpc.ByteReader) (*uint64, error) {
	return wrpc.ReadOption(in, wrpc.ReadUint64)
}

type entry struct {
	key   string
	value []byte
}

func pair(in wrpc.ByteReader) (entry, error) {
	key, err := text(in)
	if err != nil {
		return entry{}, err
	}
	value, err := list(in)
	return entry{key, value}, err
}

func many[T any](read reader[T]) reader[[]T] {
	return func(in wrpc.ByteReader) (values []T, err error) {
		count, err := size(in)
		if err != nil {
			return nil, err
		}
		for range count {
			value, err := read(in)
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		}
		return values, nil
	}
}

func writeBool(value bool, out *bytes.Buffer) {
	if value {
		out.WriteByte(1)
	} else {
		out.WriteByte(0)
	}
}
