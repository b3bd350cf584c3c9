package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/link"
	"conclave.chat/internal/recording"
	"conclave.chat/test/harness"
)

func level(t *testing.T, c Check, want Level) Finding {
	t.Helper()
	f := c(t.Context())
	if f.Level != want {
		t.Errorf("got %+v, want level %s", f, want)
	}
	if f.Level == Problem && f.Do == "" {
		t.Errorf("a problem without advice: %+v", f)
	}
	return f
}

func TestDataDir(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	level(t, DataDir(dir), OK)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	level(t, DataDir(dir), Warning)
	level(t, DataDir(filepath.Join(dir, "missing")), Problem)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	level(t, DataDir(file), Problem)
}

func TestListenerTellsAMatrixServerFromAnotherProgram(t *testing.T) {
	matrix := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"versions":["v1.19"]}`))
	}))
	defer matrix.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	secure := httptest.NewTLSServer(matrix.Config.Handler)
	defer secure.Close()
	listener := func(address string) Check {
		_, addr, _ := strings.Cut(address, "://")
		return Listener(addr, func(ctx context.Context) error { return AnswersHere(ctx, address, "chat.example.org") })
	}
	level(t, listener(matrix.URL), OK)
	level(t, listener(secure.URL), OK)
	if f := level(t, listener(other.URL), Problem); !strings.Contains(f.Found, "another program") {
		t.Errorf("%+v", f)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	_ = l.Close()
	level(t, listener("http://"+free), OK)
	level(t, Public(matrix.URL), OK)
	level(t, Public(other.URL), Warning)
	if f := level(t, Public("http://"+free), Warning); strings.Count(f.Found, free) > 2 || !strings.Contains(f.Found, "does not answer") {
		t.Errorf("%+v", f)
	}
}

func TestExamineFailsOnlyForProblems(t *testing.T) {
	say := func(l Level) Check {
		return func(context.Context) Finding { return Finding{Check: "x", Level: l, Found: "y", Do: "z"} }
	}
	for _, tt := range []struct {
		levels  []Level
		healthy bool
	}{{[]Level{OK, Warning}, true}, {[]Level{OK, Problem, Warning}, false}} {
		var checks []Check
		for _, l := range tt.levels {
			checks = append(checks, say(l))
		}
		var out bytes.Buffer
		healthy, err := Examine(t.Context(), &out, checks)
		if err != nil || healthy != tt.healthy || strings.Count(out.String(), "→ z") != len(tt.levels) {
			t.Errorf("%v: healthy %v, %v\n%s", tt.levels, healthy, err, out.String())
		}
	}
}

func TestARecordersCertificateThatEndsSoonIsAWarning(t *testing.T) {
	for left, want := range map[time.Duration]Level{13 * 24 * time.Hour: Warning, 15 * 24 * time.Hour: OK, -time.Hour: Problem} {
		cert, key := harness.Certificate(t, t.TempDir(), time.Now().Add(left))
		pair, err := link.Load(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		srv.Listener = tls.NewListener(srv.Listener, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: pair.Get})
		srv.Start()
		level(t, Recorder(recording.Other{URL: "https://" + srv.Listener.Addr().String(), CA: cert}, recording.Closed), want)
		srv.Close()
	}
	gone := recording.Other{URL: "http://127.0.0.1:1"}
	level(t, Recorder(gone, recording.Closed), Problem)
	level(t, Recorder(gone, recording.Warn), Warning)
}
