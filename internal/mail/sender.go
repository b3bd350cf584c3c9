package mail

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// timeout is how long one conversation with the server may take.
const timeout = 30 * time.Second

// sender speaks to the server.
type sender struct {
	config Config
	from   *mail.Address
	roots  *x509.CertPool // nil for the system's certificate authorities
}

// refusal is the server's no to a step, without its words: they repeat addresses.
type refusal struct {
	step string
	code int
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: the server answers %d", r.step, r.code) }

// forGood reports whether the same would be refused again.
func (r *refusal) forGood() bool { return r.code >= 500 }

// step names what failed.
func step(name string, err error) error {
	var t *textproto.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &t):
		return &refusal{name, t.Code}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Check connects and signs in as for a message, and sends none.
func Check(ctx context.Context, c Config) error {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return err
	}
	s := sender{config: c, from: from}
	return s.talk(ctx, func(*smtp.Client) error { return nil })
}

// try delivers a message once.
func (s *sender) try(ctx context.Context, msg message) error {
	return s.talk(ctx, func(c *smtp.Client) error {
		if err := step("sender", c.Mail(s.from.Address)); err != nil {
			return err
		}
		if err := step("recipient", c.Rcpt(msg.to)); err != nil {
			return err
		}
		w, err := c.Data()
		if err != nil {
			return step("message", err)
		}
		if _, err := w.Write(s.compose(msg, time.Now())); err != nil {
			return step("message", err)
		}
		return step("message", w.Close())
	})
}

// talk opens a conversation with the server, protected and signed in as configured, and ends it after f.
func (s *sender) talk(ctx context.Context, f func(*smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	wire := conn
	if s.config.Security == "tls" {
		wire = tls.Client(conn, s.tls())
	}
	c, err := smtp.NewClient(wire, s.config.Host)
	if err != nil {
		return step("greeting", err)
	}
	if err := s.begin(c); err != nil {
		return err
	}
	if err := f(c); err != nil {
		return err
	}
	_ = c.Quit() // all is said; what the server answers to this changes nothing
	return nil
}

func (s *sender) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.config.Host, RootCAs: s.roots}
}

// begin protects the connection and signs in, as configured. It fails where the server does not offer TLS and it is asked for.
func (s *sender) begin(c *smtp.Client) error {
	if err := step("greeting", c.Hello(s.domain())); err != nil {
		return err
	}
	if s.config.Security == "starttls" {
		if err := step("STARTTLS", c.StartTLS(s.tls())); err != nil {
			return err
		}
	}
	if s.config.Username == "" {
		return nil
	}
	return step("sign-in", c.Auth(smtp.PlainAuth("", s.config.Username, s.config.Password, s.config.Host)))
}

func (s *sender) domain() string {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return domain
}

// compose writes a message in the form of RFC 5322.
func (s *sender) compose(msg message, now time.Time) []byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", s.from.String()},
		{"To", (&mail.Address{Address: msg.to}).String()},
		{"Subject", mime.QEncoding.Encode("utf-8", msg.subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(id[:]) + "@" + s.domain() + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{"Auto-Submitted", "auto-generated"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(msg.text)) // a buffer takes everything
	_ = q.Close()
	return b.Bytes()
}
