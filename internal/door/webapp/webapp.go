// Package webapp serves the bundled web app: its files, and its one page at every address that a person opens.
//
// It owns the page's Content-Security-Policy: nothing runs that was not built with the app, nothing is fetched from any other host, and
// strings do not become markup or code (Trusted Types). It refuses nothing else: the app's data come through the Matrix API, with a token.
package webapp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// noncePlace stands in the built page where each answer puts a nonce of its own.
const noncePlace = "__CSP_NONCE__"

// policy is the page's Content-Security-Policy around the nonce. Workers and the service worker are scripts of ours; pictures, sound and
// films are decrypted in the page and shown from memory.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'nonce-%s'; " +
	"img-src 'self' blob:; media-src blob:; frame-src blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default dompurify"

// App is the web app, ready to be served.
type App struct {
	page  []byte
	files map[string]*file
}

// file is one file of the app.
type file struct {
	kind    string // content type
	bytes   []byte
	packed  bool // bytes are brotli
	forever bool // its name changes with its content
	tag     string
}

// New reads the built app.
func New(files fs.FS) (*App, error) {
	a := &App{files: map[string]*file{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		name, packed := strings.CutSuffix(name, ".br")
		sum := sha256.Sum256(raw)
		a.files["/"+name] = &file{
			kind: contentType(name), bytes: raw, packed: packed, tag: `W/"` + hex.EncodeToString(sum[:12]) + `"`,
			// Style sheets are pruned after they were named: their content may change under the same name.
			forever: strings.HasPrefix(name, "assets/") && path.Ext(name) != ".css",
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("webapp: %w", err)
	}
	index := a.files["/index.html"]
	if index == nil {
		return nil, errors.New("webapp: the app has no index.html")
	}
	delete(a.files, "/index.html")
	delete(a.files, "/.placeholder")
	a.page = index.bytes
	if index.packed {
		if a.page, err = io.ReadAll(brotli.NewReader(bytes.NewReader(index.bytes))); err != nil {
			return nil, fmt.Errorf("webapp: index.html: %w", err)
		}
	}
	return a, nil
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// Serves says whether a request is the app's: one for a file of it, or for the page by who reads HTML. Addresses of APIs never are.
func (a *App) Serves(r *http.Request) bool {
	p := r.URL.Path
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if strings.HasPrefix(p, "/_") || strings.HasPrefix(p, "/.well-known/") || strings.HasPrefix(p, "/health/") {
		return false
	}
	return p == "/" || a.files[p] != nil || strings.HasPrefix(p, "/assets/") || strings.Contains(r.Header.Get("Accept"), "text/html")
}

// ServeHTTP serves a request that is the app's.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	f := a.files[r.URL.Path]
	switch {
	case f != nil:
		a.serveFile(w, r, f)
	case strings.HasPrefix(r.URL.Path, "/assets/"): // of another version of the app
		h.Set("Cache-Control", "no-store")
		http.Error(w, "This file is not part of this version", http.StatusNotFound)
	default:
		a.servePage(w)
	}
}

func (a *App) servePage(w http.ResponseWriter) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := base64.RawStdEncoding.EncodeToString(random[:])
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", fmt.Sprintf(policy, nonce))
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(self), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(bytes.ReplaceAll(a.page, []byte(noncePlace), []byte(nonce)))
}

func (a *App) serveFile(w http.ResponseWriter, r *http.Request, f *file) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("ETag", f.tag)
		if r.Header.Get("If-None-Match") == f.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if !f.packed {
		h.Set("Content-Length", strconv.Itoa(len(f.bytes)))
		_, _ = w.Write(f.bytes)
		return
	}
	h.Set("Vary", "Accept-Encoding")
	if takesBrotli(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "br")
		h.Set("Content-Length", strconv.Itoa(len(f.bytes)))
		_, _ = w.Write(f.bytes)
		return
	}
	_, _ = io.Copy(w, brotli.NewReader(bytes.NewReader(f.bytes)))
}

// takesBrotli reads an Accept-Encoding header (RFC 9110 §12.5.3).
func takesBrotli(accept string) bool {
	for coding := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "br") {
			q := strings.TrimSpace(strings.ReplaceAll(weight, " ", ""))
			value, err := strconv.ParseFloat(strings.TrimPrefix(q, "q="), 64)
			return q == "" || err != nil || value > 0
		}
	}
	return false
}
