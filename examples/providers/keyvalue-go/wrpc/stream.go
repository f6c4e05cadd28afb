package wrpc

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"net"
	"time"
)

// ServeStreams serves the connections of a listener, TCP or Unix: each is one call.
func ServeStreams(listener net.Listener, service Service) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			if err := serveStream(connection, service); err != nil {
				log.Print(err)
			}
		}()
	}
}

func serveStream(connection net.Conn, service Service) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	input := bufio.NewReader(connection)
	version, err := input.ReadByte()
	if err != nil || version != 0 {
		return fmt.Errorf("wRPC version %d: %w", version, errors.Join(err, errors.ErrUnsupported))
	}
	header := &Decoder{source: input}
	instance, name := header.String(), header.String()
	if header.Err() != nil {
		return header.Err()
	}
	function := service[instance][name]
	if function == nil {
		return fmt.Errorf("%s/%s is not served", instance, name)
	}
	var results Encoder
	if err := function(NewDecoder(&frames{input: header}), &results); err != nil {
		return fmt.Errorf("%s/%s: %w", instance, name, err)
	}
	// One frame of the root channel, whose path is empty.
	frame := Encoder{Bytes: []byte{0}}
	frame.ByteList(results.Bytes)
	_, err = connection.Write(frame.Bytes)
	return err
}

// frames reads what the frames of the root channel carry.
type frames struct {
	input   *Decoder
	current []byte
}

func (f *frames) Read(into []byte) (int, error) {
	for len(f.current) == 0 {
		if depth := f.input.Count(); f.input.Err() == nil && depth != 0 {
			return 0, errors.New("a sub-channel: no function here has streams")
		}
		f.current = f.input.ByteList()
		if err := f.input.Err(); err != nil {
			return 0, err
		}
	}
	count := copy(into, f.current)
	f.current = f.current[count:]
	return count, nil
}
