// Package mailbox is an SMTP server for tests, made of a library that others wrote: what it takes can be read, and it refuses when told
// to. It listens on 127.0.0.1 with a certificate of its own.
package mailbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The one who may send.
const (
	User     = "conclave"
	Password = "mail secret"
)

// Message is one message that the server took.
type Message struct {
	TLS      bool
	SignedIn bool
	From, To string // of the envelope
	Header   mail.Header
	Text     string
}

// Server is a running SMTP server.
type Server struct {
	Host     string
	Port     int
	Roots    *x509.CertPool // with its certificate
	CertFile string         // the same as a PEM file

	t     testing.TB
	taken chan Message

	mu     sync.Mutex
	code   int // to refuse recipients with
	refuse int // how many
	asked  int // recipients named so far
}

// Option changes a server before it starts.
type Option func(*smtp.Server)

// NoTLS makes a server that does not offer STARTTLS.
func NoTLS(s *smtp.Server) { s.TLSConfig = nil }

// Start starts a server that ends with the test. With tlsFirst it wants TLS from the first byte.
func Start(t testing.TB, tlsFirst bool, opts ...Option) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, t: t, taken: make(chan Message, 100)}
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth, srv.TLSConfig = "mail.example.org", true, s.certificate()
	for _, o := range opts {
		o(srv)
	}
	if tlsFirst {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return s
}

func (s *Server) certificate() *tls.Config {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.Roots = x509.NewCertPool()
	s.Roots.AppendCertsFromPEM(text)
	s.CertFile = filepath.Join(s.t.TempDir(), "mail.pem")
	if err := os.WriteFile(s.CertFile, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// Refuse makes the server answer the next recipients, so many, with a code.
func (s *Server) Refuse(code, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.refuse = code, times
}

// Asked is how many recipients were named, taken or not.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Next waits for a message.
func (s *Server) Next() Message {
	s.t.Helper()
	select {
	case m := <-s.taken:
		return m
	case <-time.After(time.Minute):
		s.t.Fatal("no message came")
		return Message{}
	}
}

// Empty reports whether no message waits to be read.
func (s *Server) Empty() bool { return len(s.taken) == 0 }

// NewSession begins a conversation.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *Server
	conn   *smtp.Conn
	Message
}

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		c.SignedIn = true
		return nil
	}), nil
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.From = from
	return nil
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.refuse > 0 {
		s.refuse--
		return &smtp.SMTPError{Code: s.code, EnhancedCode: smtp.NoEnhancedCode, Message: "<" + to + ">: not now"}
	}
	c.To = to
	return nil
}

func (c *session) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if err != nil {
		return err
	}
	_, c.TLS = c.conn.TLSConnectionState()
	c.Header, c.Text = msg.Header, string(text)
	c.server.taken <- c.Message
	return nil
}

func (c *session) Reset() {}

func (c *session) Logout() error { return nil }
