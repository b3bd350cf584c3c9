package mail

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave.chat/test/mailbox"
)

func configFor(s *mailbox.Server, security string) Config {
	return Config{Host: s.Host, Port: s.Port, Security: security, Username: mailbox.User, Password: mailbox.Password, From: "Conclave <no-reply@example.org>"}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// run starts a Mailer that does not wait between its tries.
func run(t *testing.T, s *mailbox.Server, c Config) (*Mailer, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	m, err := New(c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	m.roots = s.Roots
	clear(m.pauses)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return m, log
}

func send(t *testing.T, m *Mailer, to, text string) {
	t.Helper()
	if err := m.Send(to, "Grüße", text); err != nil {
		t.Fatal(err)
	}
}

// settled waits until no message is under way.
func (m *Mailer) settled() {
	for m.under.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestDelivery(t *testing.T) {
	for _, security := range []string{"none", "starttls", "tls"} {
		t.Run(security, func(t *testing.T) {
			s := mailbox.Start(t, security == "tls")
			m, _ := run(t, s, configFor(s, security))
			send(t, m, "bob@example.org", "Hallo Bob,\r\n.\r\neine lange Zeile: "+strings.Repeat("ä", 100)+"\r\n")
			got := s.Next()
			if got.TLS != (security != "none") || !got.SignedIn || got.From != "no-reply@example.org" || got.To != "bob@example.org" {
				t.Errorf("%+v", got)
			}
			if !strings.HasPrefix(got.Text, "Hallo Bob,\r\n.\r\n") || !strings.Contains(got.Text, strings.Repeat("ä", 100)) {
				t.Errorf("%q", got.Text)
			}
			for name, want := range map[string]string{
				"From": `"Conclave" <no-reply@example.org>`, "To": "<bob@example.org>", "Subject": "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Auto-Submitted": "auto-generated",
			} {
				if got.Header.Get(name) != want {
					t.Errorf("%s: %q", name, got.Header.Get(name))
				}
			}
			m.settled()
			if !s.Empty() || s.Asked() != 1 {
				t.Error("the message came more than once")
			}
		})
	}
}

// A server that refuses for now is asked again, one that refuses for good is not, and neither is quoted in the log.
func TestRefusedMessages(t *testing.T) {
	s := mailbox.Start(t, false)
	m, log := run(t, s, configFor(s, "starttls"))
	s.Refuse(451, 2)
	send(t, m, "bob@example.org", "x")
	if got := s.Next(); got.To != "bob@example.org" || s.Asked() != 3 {
		t.Errorf("%+v after %d tries", got, s.Asked())
	}
	m.settled()
	s.Refuse(550, 1)
	send(t, m, "carol@example.org", "x")
	m.settled()
	s.Refuse(451, len(m.pauses)+1)
	send(t, m, "dave@example.org", "x")
	m.settled()
	if !s.Empty() || s.Asked() != 3+1+len(m.pauses)+1 {
		t.Errorf("%d tries", s.Asked())
	}
	if text := log.String(); strings.Contains(text, "@") || !strings.Contains(text, "recipient: the server answers 550") {
		t.Errorf("log: %s", text)
	}
}

// Without TLS nothing is said to a server that should have it: no password, no message.
func TestNoDowngrade(t *testing.T) {
	s := mailbox.Start(t, false, mailbox.NoTLS)
	m, log := run(t, s, configFor(s, "starttls"))
	send(t, m, "bob@example.org", "x")
	m.settled()
	if s.Asked() != 0 || !strings.Contains(log.String(), "STARTTLS") {
		t.Errorf("%d recipients; log: %s", s.Asked(), log)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	s := mailbox.Start(t, false)
	other := mailbox.Start(t, false)
	c := configFor(s, "starttls")
	m, _ := run(t, other, c) // trusts the other's
	m.pauses = nil
	send(t, m, "bob@example.org", "x")
	m.settled()
	if s.Asked() != 0 {
		t.Error("a message went to a server that cannot prove its name")
	}
	c.Security, c.Password = "none", "wrong"
	var r *refusal
	if err := Check(t.Context(), c); !errors.As(err, &r) || r.step != "sign-in" {
		t.Errorf("a wrong password: %v", err)
	}
	c.Password = mailbox.Password
	if err := Check(t.Context(), c); err != nil || s.Asked() != 0 {
		t.Error(err)
	}
}

// A server that says nothing is not waited for longer than the context allows.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			cancel()
			<-t.Context().Done()
		}
	}()
	c := Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: "none", From: "a@example.org"}
	if err := Check(ctx, c); err == nil {
		t.Error("no error")
	}
}

func TestRefusals(t *testing.T) {
	m, err := New(Config{Host: "127.0.0.1", Security: "none", From: "a@example.org"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "bob", "Bob <bob@example.org>", "bob@example.org\r\nRCPT TO:<eve@example.org>", "a@b, c@d", "<a@b>", "a@b\n", `"a b"@c`, "a\x00@b"} {
		if m.Send(to, "x", "x") == nil {
			t.Errorf("%q accepted", to)
		}
	}
	for _, subject := range []string{"x\r\nBcc: eve@example.org", "x\ny", "x\ry"} {
		if m.Send("bob@example.org", subject, "x") == nil {
			t.Errorf("a header was let in: %q", subject)
		}
	}
	for range queueLength + 10 { // nobody delivers: the rest is dropped, and nobody waits
		send(t, m, "bob@example.org", "x")
	}
	if len(m.queue) != queueLength || m.under.Load() != queueLength {
		t.Errorf("%d are queued", len(m.queue))
	}
	for _, c := range []Config{
		{Host: "x", Security: "none", From: "nobody"},
		{Host: "x", Security: "some", From: "a@example.org"},
		{Host: "mail.example.org", Security: "none", Username: "u", From: "a@example.org"},
	} {
		if _, err := New(c, nil); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	if m, err := New(Config{}, nil); m != nil || err != nil {
		t.Error("a mailer without a server")
	}
}
