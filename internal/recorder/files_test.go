//go:build goolm

package recorder

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"maunium.net/go/mautrix"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/recorder/named"
)

// A file that takes long goes on coming when nobody waits for it any more, and is fetched once.
func TestAFileIsFetchedOnce(t *testing.T) {
	var asked atomic.Int64
	begun, more := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/missing") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"errcode":"M_NOT_FOUND","error":"no"}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/broken") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		asked.Add(1)
		_, _ = io.WriteString(w, "first half, ")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-more
		_, _ = io.WriteString(w, "second half")
	}))
	defer srv.Close()
	client, err := mautrix.NewClient(srv.URL, "@recorder:here", "token")
	if err != nil {
		t.Fatal(err)
	}
	client.DefaultHTTPRetries = 0
	secret, public, err := merkle.GenerateKey(rand.Reader, "here/archive")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	verifier, _ := merkle.ParseVerifier(public)
	officer, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	log, err := archive.Open(archive.Config{Dir: t.TempDir(), Signer: signer, Verifier: verifier, Recipients: []age.Recipient{officer.Recipient()}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fs := &files{client: client, log: log, most: 1 << 20, known: map[string]*file{}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	if _, err := fs.seal(ctx, named.File{URL: "mxc://here/abc"}, "standard"); err == nil {
		t.Fatal("it was there before it had come")
	}
	close(more)
	f, err := fs.seal(context.Background(), named.File{URL: "mxc://here/abc"}, "standard")
	if err != nil {
		t.Fatal(err)
	}
	if f.size != int64(len("first half, second half")) || asked.Load() != 1 {
		t.Errorf("%d bytes, asked for %d times", f.size, asked.Load())
	}
	if _, err := fs.seal(context.Background(), named.File{URL: "mxc://here/missing"}, "standard"); fault.Of(err) == nil {
		t.Errorf("%v: want a refusal, for it is not there", err)
	}
	if _, err := fs.seal(context.Background(), named.File{URL: "mxc://here/broken"}, "standard"); err == nil || fault.Of(err) != nil {
		t.Errorf("%v: want no refusal, for it may pass", err)
	}
}
