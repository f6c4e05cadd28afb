package wrpc

import (
	"errors"
	"io"
	"log"
	"time"

	"github.com/nats-io/nats.go"
)

// patience is how long a call waits for the next message of its peer.
const patience = 10 * time.Second

// Subject is where calls of a function go.
func Subject(prefix, instance, name string) string {
	return prefix + ".wrpc.0.0.1." + instance + "." + name
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
