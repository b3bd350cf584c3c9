package notify

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"conclave.chat/internal/store"
)

// answerTime is how long a start waits for NATS, which it can do without.
const answerTime = 5 * time.Second

// Cluster connects the bus to the other nodes of the same database through NATS. Messages there are names of what changed, and who is
// typing and present; no content.
//
// NATS delivers at most once, so nothing depends on it: Bus.CatchUp finds what did not arrive.
type Cluster struct {
	conn    *nats.Conn
	subject string
	node    string
	bus     *Bus
	log     *slog.Logger
}

// Connect joins the nodes that share a server name. Every node has its own name.
func Connect(url, serverName, node string, bus *Bus, log *slog.Logger) (*Cluster, error) {
	conn, err := nats.Connect(url, nats.Name("conclave "+node), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("NATS connection lost", "error", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS connection restored") }))
	if err != nil {
		return nil, fmt.Errorf("notify: NATS: %w", err)
	}
	c := &Cluster{conn: conn, subject: "conclave." + subjectToken(serverName), node: node, bus: bus, log: log}
	if _, err := conn.Subscribe(c.subject+".batch.*", c.receive); err != nil {
		conn.Close()
		return nil, fmt.Errorf("notify: NATS: %w", err)
	}
	if conn.IsConnected() { // so that what others announce from now on reaches us; a later connection tells of the subscription by itself
		if err := conn.FlushTimeout(answerTime); err != nil {
			log.Warn("NATS does not answer", "error", err)
		}
	}
	bus.setRemote(c.send)
	return c, nil
}

// subjectToken spells a server name without the characters that mean something in NATS subjects.
func subjectToken(s string) string {
	b := []byte(s)
	for i, ch := range b {
		if ch == '.' || ch == '*' || ch == '>' || ch <= ' ' {
			b[i] = '-'
		}
	}
	return string(b)
}

func (c *Cluster) send(b store.Batch) {
	data, err := json.Marshal(b)
	if err == nil {
		err = c.conn.Publish(c.subject+".batch."+c.node, data)
	}
	if err != nil {
		c.log.Warn("other nodes were not told of a commit", "error", err)
	}
}

func (c *Cluster) receive(m *nats.Msg) {
	if m.Subject == c.subject+".batch."+c.node {
		return
	}
	var b store.Batch
	if err := json.Unmarshal(m.Data, &b); err != nil {
		c.log.Warn("a message from another node cannot be read", "error", err)
		return
	}
	c.bus.deliver(b)
}

// Connected reports whether NATS can be reached now.
func (c *Cluster) Connected() bool { return c.conn.IsConnected() }

// Close leaves the cluster.
func (c *Cluster) Close() { c.conn.Close() }

// Check connects to NATS once.
func Check(url string) error {
	conn, err := nats.Connect(url, nats.Timeout(answerTime), nats.NoReconnect())
	if err != nil {
		return err
	}
	conn.Close()
	return nil
}
