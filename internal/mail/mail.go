// Package mail sends short plain-text messages through an SMTP server.
//
// Messages enter through Send, which only queues them, so that nobody can tell from the time of an answer whether a message went out; Run
// delivers them and tries again later when the server does not take one. It refuses addresses that are none, line breaks in headers, and
// to go on without TLS where TLS is configured. A message that waits is lost with the process: all of them can be asked for again. The
// log never tells to whom a message goes, so what servers say, which repeats addresses, is not in it; their reply codes are.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"

	"conclave.chat/internal/fault"
)

// Config says through which server messages go.
type Config struct {
	Host     string `yaml:"host" doc:"SMTP server for messages to users: forgotten passwords and confirmation of addresses. Empty: none are sent, and accounts have no e-mail addresses."`
	Port     int    `yaml:"port" doc:"Port of the SMTP server."`
	Security string `yaml:"security" doc:"starttls, tls (from the first byte, usually port 465) or none. There is no going on without TLS if the server does not offer it."`
	Username string `yaml:"username" doc:"User name at the SMTP server. Empty: no sign-in."`
	Password string `yaml:"password" secret:"yes" doc:"Password at the SMTP server."`
	From     string `yaml:"from" doc:"Sender of the messages, e.g. Conclave <no-reply@example.org>. Needed with smtp.host."`
}

// DefaultConfig has no server.
func DefaultConfig() Config { return Config{Port: 587, Security: "starttls"} }

// Check says what is wrong with the configuration.
func (c Config) Check() error {
	if c.Host == "" {
		return nil
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		return fmt.Errorf("smtp.from: %q is not an e-mail address", c.From)
	}
	switch c.Security {
	case "starttls", "tls":
	case "none":
		if ip := net.ParseIP(c.Host); c.Username != "" && c.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return errors.New("smtp.security: a password is not sent to another machine without TLS: use starttls or tls")
		}
	default:
		return fmt.Errorf("smtp.security: %q is none of starttls, tls, none", c.Security)
	}
	return nil
}

// queueLength is how many messages may wait to be delivered.
const queueLength = 200

type message struct {
	to, subject, text string
	tried             int
}

// Mailer queues and delivers messages.
type Mailer struct {
	sender
	log    *slog.Logger
	queue  chan message
	under  atomic.Int64    // messages under way: queued, or waiting for another try. They all fit into the queue.
	pauses []time.Duration // before each further try
}

// New makes a Mailer, or none where no server is configured.
func New(c Config, log *slog.Logger) (*Mailer, error) {
	if err := c.Check(); err != nil || c.Host == "" {
		return nil, err
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, err
	}
	return &Mailer{
		sender: sender{config: c, from: from}, log: log, queue: make(chan message, queueLength),
		// Servers that put strangers off (greylisting) want some minutes; the links in messages are good for an hour.
		pauses: []time.Duration{5 * time.Second, 30 * time.Second, 3 * time.Minute, 15 * time.Minute},
	}, nil
}

// Send queues a message. Where too many wait it is dropped, which only the log tells: an error would tell the caller that there was
// something to be sent.
func (m *Mailer) Send(to, subject, text string) error {
	a, err := mail.ParseAddress(to)
	if err != nil || a.Name != "" || a.Address != to || strings.ContainsAny(subject, "\r\n") {
		return fault.InvalidParam("This is not an e-mail address")
	}
	if m.under.Add(1) > queueLength {
		m.under.Add(-1)
		m.log.Error("message dropped: too many wait to be sent", "server", m.config.Host)
		return nil
	}
	m.queue <- message{to: to, subject: subject, text: text}
	return nil
}

// Waiting is how many messages are under way.
func (m *Mailer) Waiting() int64 { return m.under.Load() }

// Run delivers messages until ctx ends.
func (m *Mailer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-m.queue:
			m.deliver(ctx, msg)
		}
	}
}

// deliver tries once and puts the message back for later if that may help. Others do not wait for it.
func (m *Mailer) deliver(ctx context.Context, msg message) {
	err := m.try(ctx, msg)
	if err == nil {
		m.under.Add(-1)
		return
	}
	if ctx.Err() != nil {
		return
	}
	var r *refusal
	again := msg.tried < len(m.pauses) && (!errors.As(err, &r) || !r.forGood())
	m.log.Warn("message not sent", "server", m.config.Host, "error", err, "again", again)
	if !again {
		m.under.Add(-1)
		return
	}
	pause := m.pauses[msg.tried]
	msg.tried++
	time.AfterFunc(pause, func() { m.queue <- msg })
}
