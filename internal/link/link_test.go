package link_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/link"
	"conclave.chat/test/harness"
)

func TestOtherMachinesAreReachedOverTLS(t *testing.T) {
	for addr, ok := range map[string]bool{
		"https://recorder.example.org:8090": true,
		"https://10.0.0.7":                  true,
		"http://127.0.0.1:8090":             true,
		"http://127.8.9.1:8090":             true,
		"http://[::1]:8090":                 true,
		"http://[::ffff:127.0.0.1]:8090":    true,
		"http://localhost:8090":             true,
		"http://LOCALHOST.":                 true,
		"http://recorder.example.org:8090":  false,
		"http://10.0.0.7:8090":              false,
		"http://0.0.0.0:8090":               false,
		"http://localhost.example.org":      false,
		"http://127.0.0.1.example.org":      false,
		"ftp://127.0.0.1":                   false,
		"recorder.example.org:8090":         false,
		"":                                  false,
	} {
		if err := link.Check(addr); (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestWhoIsTrusted(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	cert, key := harness.Certificate(t, dir, time.Now().Add(time.Hour))
	another, _ := harness.Certificate(t, other, time.Now().Add(time.Hour))
	pair, err := link.Load(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if pair.Host() != "127.0.0.1" {
		t.Errorf("the certificate is for %q", pair.Host())
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Listener = tls.NewListener(srv.Listener, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: pair.Get})
	srv.Start()
	defer srv.Close()
	addr := "https://" + srv.Listener.Addr().String()
	ask := func(ca string) error {
		tr, err := link.Transport(addr, ca, tls.VersionTLS13)
		if err != nil {
			return err
		}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Get(addr)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := ask(cert); err != nil {
		t.Error(err)
	}
	for _, ca := range []string{another, ""} {
		if err := ask(ca); !link.Untrusted(err) {
			t.Errorf("%q: %v", ca, err)
		}
	}
	nothing := filepath.Join(dir, "nothing.pem")
	if err := os.WriteFile(nothing, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ca := range []string{nothing, filepath.Join(dir, "missing.pem")} {
		if err := ask(ca); err == nil || link.Untrusted(err) || !strings.HasPrefix(err.Error(), "ca_file: ") {
			t.Errorf("%q: %v", ca, err)
		}
	}
}
