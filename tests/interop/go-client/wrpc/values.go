// Package wrpc is what this client needs of wRPC, written from the description of its wire formats
// alone: the encoding of values, and calls over NATS.
package wrpc

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxBytes bounds what a peer may make us hold at once: a string, a list, a frame.
const maxBytes = 64 << 20

// An Encoder appends values; the zero value is empty.
type Encoder struct{ Bytes []byte }

// Case is the number of a variant's case, the discriminant of a result (0 is ok), or an option.
func (e *Encoder) Case(number uint64) { e.Uint(number) }
func (e *Encoder) Uint(value uint64)  { e.Bytes = binary.AppendUvarint(e.Bytes, value) }
func (e *Encoder) String(text string) { e.Uint(uint64(len(text))); e.Bytes = append(e.Bytes, text...) }
func (e *Encoder) ByteList(list []byte) {
	e.Uint(uint64(len(list)))
	e.Bytes = append(e.Bytes, list...)
}
func (e *Encoder) Bool(value bool) {
	if value {
		e.Case(1)
	} else {
		e.Case(0)
	}
}

// A Decoder reads values from bytes that may still be arriving. After the first error all values
// are zero; Err tells.
type Decoder struct {
	source *bufio.Reader
	err    error
}

func NewDecoder(source io.Reader) *Decoder { return &Decoder{source: bufio.NewReader(source)} }
func (d *Decoder) Err() error              { return d.err }

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *Decoder) Uint() uint64 {
	if d.err != nil {
		return 0
	}
	value, err := binary.ReadUvarint(d.source)
	if err != nil {
		d.fail(err)
	}
	return value
}

func (d *Decoder) ByteList() []byte {
	count := d.Uint()
	if count > maxBytes {
		d.fail(fmt.Errorf("a list of %d bytes", count))
	}
	if d.err != nil {
		return nil
	}
	// Not more at once than has arrived: the length is only what the peer claims.
	var list []byte
	for uint64(len(list)) < count {
		part := make([]byte, min(count-uint64(len(list)), 64<<10))
		if _, err := io.ReadFull(d.source, part); err != nil {
			d.fail(err)
			return nil
		}
		list = append(list, part...)
	}
	return list
}

func (d *Decoder) String() string { return string(d.ByteList()) }

// Option tells whether a value follows; Case is the number of a variant's case.
func (d *Decoder) Option() bool { return d.flag() }
func (d *Decoder) Bool() bool   { return d.flag() }
func (d *Decoder) Case() uint64 { return d.Uint() }

func (d *Decoder) flag() bool {
	value := d.Uint()
	if value > 1 {
		d.fail(errors.New("neither 0 nor 1"))
	}
	return value == 1
}

// Count is the number of elements of a list, which follow.
func (d *Decoder) Count() int {
	count := d.Uint()
	if count > maxBytes {
		d.fail(fmt.Errorf("a list of %d elements", count))
		return 0
	}
	return int(count)
}
