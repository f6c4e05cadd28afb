package wrpc

import (
	"bytes"
	"errors"
	"io"
	"log"
	"time"

	"github.com/nats-io/nats.go"
)

// patience is how long a call waits for the next message of its peer.
const patience = 10 * time.Second

// ServeNATS serves until the connection is closed. Providers with one prefix share the calls.
func ServeNATS(connection *nats.Conn, prefix string, service Service) error {
	for instance, functions := range service {
		for name, function := range functions {
			subject := Subject(prefix, instance, name)
			_, err := connection.QueueSubscribe(subject, prefix, func(call *nats.Msg) {
				go serveNATS(connection, call, function)
			})
			if err != nil {
				return err
			}
		}
	}
	return connection.Flush()
}

// Subject is where calls of a function go.
func Subject(prefix, instance, name string) string {
	return prefix + ".wrpc.0.0.1." + instance + "." + name
}

func serveNATS(connection *nats.Conn, call *nats.Msg, function Function) {
	rest := &parameters{connection: connection, call: call}
	defer rest.close()
	var results Encoder
	in := NewDecoder(io.MultiReader(bytes.NewReader(call.Data), rest))
	if err := function(in, &results); err != nil {
		log.Printf("%s: %v", call.Subject, err)
		results = Encoder{}
	}
	if err := rest.shakeHands(); err != nil {
		log.Print(err)
		return
	}
	send(connection, call.Reply+".results", results.Bytes)
}

// parameters are those behind the first message. Where they go, the handshake tells: it is sent when
// they are needed, or before the results.
type parameters struct {
	connection *nats.Conn
	call       *nats.Msg
	channel    *channel
	shaken     bool
}

func (p *parameters) Read(into []byte) (int, error) {
	if p.channel == nil {
		inbox := p.connection.NewInbox()
		messages, err := p.connection.SubscribeSync(inbox + ".params")
		if err != nil {
			return 0, err
		}
		p.channel = &channel{messages: messages}
		p.shaken = true
		if err := p.connection.PublishRequest(p.call.Reply, inbox, nil); err != nil {
			return 0, err
		}
	}
	return p.channel.Read(into)
}

func (p *parameters) shakeHands() error {
	if p.shaken {
		return nil
	}
	return p.connection.PublishRequest(p.call.Reply, p.connection.NewInbox(), nil)
}

func (p *parameters) close() {
	if p.channel != nil {
		p.channel.messages.Unsubscribe()
	}
}

// send publishes bytes in as many messages as it takes, and an empty one, which ends the channel.
func send(connection *nats.Conn, subject string, content []byte) {
	for len(content) > 0 {
		count := min(len(content), int(connection.MaxPayload()))
		if err := connection.Publish(subject, content[:count]); err != nil {
			log.Print(err)
			return
		}
		content = content[count:]
	}
	if err := connection.Publish(subject, nil); err != nil {
		log.Print(err)
	}
}

// channel reads the messages of one subject as bytes, up to the empty one.
type channel struct {
	messages *nats.Subscription
	current  []byte
	ended    bool
}

func (c *channel) Read(into []byte) (int, error) {
	if len(c.current) == 0 && !c.ended {
		message, err := c.messages.NextMsg(patience)
		if err != nil {
			return 0, err
		}
		c.current = message.Data
		c.ended = len(message.Data) == 0
	}
	if c.ended {
		return 0, io.EOF
	}
	count := copy(into, c.current)
	c.current = c.current[count:]
	return count, nil
}

// CallNATS calls a function; `decode` gets the results as they arrive.
func CallNATS(connection *nats.Conn, subject string, parameters []byte, decode func(*Decoder)) error {
	inbox := connection.NewInbox()
	handshakes, err := connection.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer handshakes.Unsubscribe()
	arriving, err := connection.SubscribeSync(inbox + ".results")
	if err != nil {
		return err
	}
	defer arriving.Unsubscribe()

	first := min(len(parameters), int(connection.MaxPayload())-len(inbox)-len(subject))
	if err := connection.PublishRequest(subject, inbox, parameters[:first]); err != nil {
		return err
	}
	handshake, err := handshakes.NextMsg(patience)
	if err != nil {
		return err
	}
	if handshake.Reply == "" {
		return errors.New("the provider does not say where parameters go")
	}
	send(connection, handshake.Reply+".params", parameters[first:])
	results := NewDecoder(&channel{messages: arriving})
	decode(results)
	return results.Err()
}
