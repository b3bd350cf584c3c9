package notify

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Share lets the nodes tell each other things of one kind that nobody needs to keep: what a node tells, the others hear. Word may get lost, and
// does while NATS cannot be reached.
func Share[T any](c *Cluster, name string, hear func(T)) (tell func(T), err error) {
	subject := c.subject + "." + name + "."
	_, err = c.conn.Subscribe(subject+"*", func(m *nats.Msg) {
		if m.Subject == subject+c.node {
			return
		}
		var word T
		if err := json.Unmarshal(m.Data, &word); err != nil {
			c.log.Warn("a message from another node cannot be read", "error", err)
			return
		}
		hear(word)
	})
	if err != nil {
		return nil, fmt.Errorf("notify: NATS: %w", err)
	}
	return func(word T) {
		if !c.Connected() {
			return // later it would be old news
		}
		data, err := json.Marshal(word)
		if err == nil {
			err = c.conn.Publish(subject+c.node, data)
		}
		if err != nil {
			c.log.Debug("other nodes were not told", "what", name, "error", err)
		}
	}, nil
}
