// A client of a key-value provider over NATS, in Go: calls it and checks what comes back.
//
//	goclient NATS_URL PREFIX
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"goclient/wrpc"
)

type client struct {
	connection *nats.Conn
	prefix     string
	bucket     string // of this run alone
}

// call fails unless the result is ok, whose content `decode` reads.
func (c client) call(instance, name string, parameters wrpc.Encoder, decode func(*wrpc.Decoder)) {
	subject := wrpc.Subject(c.prefix, "wrpc:keyvalue/"+instance+"@0.2.0-draft", name)
	err := wrpc.CallNATS(c.connection, subject, parameters.Bytes, func(results *wrpc.Decoder) {
		if results.Case() != 0 && results.Err() == nil {
			log.Fatalf("%s: error %d", name, results.Case())
		}
		decode(results)
	})
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
}

func (c client) parameters(texts ...string) (out wrpc.Encoder) {
	out.String(c.bucket)
	for _, text := range texts {
		out.String(text)
	}
	return out
}

func nothing(*wrpc.Decoder) {}

func expect(what string, good bool) {
	if !good {
		log.Fatalf("%s: not what was expected", what)
	}
}

func (c client) set(key string, value []byte) {
	in := c.parameters(key)
	in.ByteList(value)
	c.call("store", "set", in, nothing)
}

func (c client) get(key string) (value []byte, found bool) {
	c.call("store", "get", c.parameters(key), func(out *wrpc.Decoder) {
		if found = out.Option(); found {
			value = out.ByteList()
		}
	})
	return value, found
}

func (c client) check() {
	_, found := c.get("none")
	expect("a key that was never set", !found)
	// Of one message, just beyond, and of several.
	for _, size := range []int{0, 1, 1 << 10, 1<<20 - 64, 1 << 20, 3 << 20} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		c.set("key", want)
		value, found := c.get("key")
		expect(fmt.Sprintf("a value of %d bytes", size), found && bytes.Equal(value, want))
	}
	in := c.parameters("count")
	in.Uint(41)
	c.call("atomics", "increment", in, func(out *wrpc.Decoder) { expect("increment", out.Uint() == 41) })
	list := c.parameters()
	list.Bool(false)
	c.call("store", "list-keys", list, func(out *wrpc.Decoder) {
		expect("the number of keys", out.Count() == 2)
		keys := []string{out.String(), out.String()}
		expect("the keys", keys[0] != keys[1] && !out.Option())
	})
	fmt.Println("checked")
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: goclient NATS_URL PREFIX")
	}
	connection, err := nats.Connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	c := client{connection, os.Args[2], fmt.Sprint("run-", time.Now().UnixNano())}
	c.check()
}
