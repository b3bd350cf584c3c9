package webapp

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
)

func packed(text string) *fstest.MapFile {
	var b bytes.Buffer
	w := brotli.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return &fstest.MapFile{Data: b.Bytes()}
}

func testApp(t *testing.T) *App {
	t.Helper()
	a, err := New(fstest.MapFS{
		"index.html.br":      packed(`<script src="/assets/a-1.js" nonce="__CSP_NONCE__"></script>`),
		"assets/a-1.js.br":   packed("let a"),
		"assets/c-1.wasm.br": packed("\x00asm"),
		"assets/s-1.css.br":  packed("a{}"),
		"icon-192.png":       {Data: []byte("png")},
		"sw.js.br":           packed("self"),
		".placeholder":       {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(a *App, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// The page is served at every address of the app, each time with another nonce, which the policy names.
func TestPage(t *testing.T) {
	a := testApp(t)
	nonces := map[string]bool{}
	for _, path := range []string{"/", "/room/!a:example.org", "/settings/devices"} {
		w := get(a, path, "Accept", "text/html")
		found := regexp.MustCompile(`nonce="([^"]+)"`).FindStringSubmatch(w.Body.String())
		if w.Code != 200 || found == nil || found[1] == noncePlace {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		nonces[found[1]] = true
		csp := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self' 'nonce-" + found[1] + "'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s: %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, "'unsafe-eval'") || strings.Contains(csp, "http") {
			t.Errorf("%s: the policy is too wide: %s", path, csp)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q would keep the nonce", path, got)
		}
	}
	if len(nonces) != 3 {
		t.Errorf("nonces repeat: %v", nonces)
	}
}

func TestFiles(t *testing.T) {
	a := testApp(t)
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct{ path, accept, kind, encoding, cache, body string }{
		{"/assets/a-1.js", "gzip, br", "text/javascript; charset=utf-8", "br", forever, ""},
		{"/assets/a-1.js", "gzip", "text/javascript; charset=utf-8", "", forever, "let a"},
		{"/assets/a-1.js", "br;q=0, gzip", "text/javascript; charset=utf-8", "", forever, "let a"},
		{"/assets/a-1.js", "br;q=0.5", "text/javascript; charset=utf-8", "br", forever, ""},
		{"/assets/c-1.wasm", "", "application/wasm", "", forever, "\x00asm"},
		{"/icon-192.png", "br", "image/png", "", "no-cache", "png"},
		{"/sw.js", "", "text/javascript; charset=utf-8", "", "no-cache", "self"},
	} {
		w := get(a, c.path, "Accept-Encoding", c.accept)
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Type") != c.kind || h.Get("Content-Encoding") != c.encoding || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s, %q: %d %v", c.path, c.accept, w.Code, h)
		}
		if c.body != "" && w.Body.String() != c.body {
			t.Errorf("%s, %q: %q", c.path, c.accept, w.Body)
		}
	}
	// What may change under its name is asked for again, and not sent again.
	for _, path := range []string{"/assets/s-1.css", "/sw.js", "/icon-192.png"} {
		first := get(a, path)
		tag := first.Header().Get("ETag")
		if first.Header().Get("Cache-Control") != "no-cache" || tag == "" {
			t.Errorf("%s: %v", path, first.Header())
		}
		if w := get(a, path, "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%s again: %d, %d bytes", path, w.Code, w.Body.Len())
		}
		if w := get(a, path, "If-None-Match", `W/"other"`); w.Code != http.StatusOK {
			t.Errorf("%s changed: %d", path, w.Code)
		}
	}
	if w := get(a, "/assets/old-1.js", "Accept", "text/html"); w.Code != http.StatusNotFound {
		t.Errorf("a file of another version: %d; the page in its place would run as a script", w.Code)
	}
}

// What belongs to the APIs is never answered by the page, whatever the client accepts.
func TestServes(t *testing.T) {
	a := testApp(t)
	for _, c := range []struct {
		method, path, accept string
		want                 bool
	}{
		{"GET", "/", "", true},
		{"GET", "/room/!a:b", "text/html,*/*", true},
		{"GET", "/room/!a:b", "*/*", false},
		{"GET", "/icon-192.png", "image/*", true},
		{"POST", "/", "text/html", false},
		{"GET", "/_matrix/client/versions", "text/html", false},
		{"GET", "/_synapse/admin/v1/x", "text/html", false},
		{"GET", "/_conclave/admin/v1/x", "text/html", false},
		{"GET", "/.well-known/matrix/client", "text/html", false},
		{"GET", "/health/ready", "text/html", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		if got := a.Serves(r); got != c.want {
			t.Errorf("%s %s (%s): %v", c.method, c.path, c.accept, got)
		}
	}
}

func TestWithoutPage(t *testing.T) {
	if _, err := New(fstest.MapFS{".placeholder": {}}); err == nil {
		t.Error("an app without a page was accepted")
	}
}
