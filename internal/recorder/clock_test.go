//go:build goolm

package recorder

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/expiry"
)

// A recorder whose clock has jumped destroys nothing: the homeserver's time has to agree.
func TestNothingEndsByOneClock(t *testing.T) {
	ctx := context.Background()
	r := opened(t)
	k := r.custody
	there := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"holds":[],"as_of":%d}`, there.UnixMilli())
	}))
	t.Cleanup(srv.Close)
	k.cfg.Homeserver, k.http = srv.URL, srv.Client()
	term, err := expiry.ParseTerm("1y")
	if err != nil {
		t.Fatal(err)
	}
	k.cfg.Retention.terms = map[string]expiry.Term{"standard": term}
	if err := r.add("$1"); err != nil {
		t.Fatal(err)
	}
	if err := r.sealed.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sealed.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	later := there.AddDate(3, 0, 0)
	k.now = func() time.Time { return later }
	if res, err := k.run(ctx, r.sealed, r.logSigner, r.verifier, "a test"); err == nil || !strings.Contains(err.Error(), "clock") || len(res.Destroyed) > 0 {
		t.Fatalf("with a clock three years ahead: %+v, %v", res, err)
	}
	// Both say so: then it is so.
	there = later.Add(30 * time.Minute)
	if res, err := k.run(ctx, r.sealed, r.logSigner, r.verifier, "a test"); err != nil || len(res.Destroyed) != 1 {
		t.Errorf("after three years: %+v, %v", res, err)
	}
}
