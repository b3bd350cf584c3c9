//go:build goolm

package recorder

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/archive/witness"
)

// outside is a witness as C2SP tlog-witness has it.
type outside struct {
	*merkle.Witness
	log note.Verifier
	url string

	mu   sync.Mutex
	last merkle.Checkpoint
	down bool
}

func newOutside(t *testing.T, name string, log note.Verifier) *outside {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &outside{log: log}
	if o.Witness, err = merkle.NewWitness(name, key, time.Now); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	o.url = srv.URL
	return o
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	head, msg, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	var old int64
	_, err := fmt.Sscanf(lines[0], "old %d", &old)
	if o.down || !ok || err != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		proof = append(proof, tlog.Hash(raw))
	}
	if old != o.last.N {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, "%d\n", o.last.N)
		return
	}
	signed, next, err := merkle.Cosign(o.Witness, o.log, o.last, msg, proof)
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	o.last = next
	_, _ = w.Write(signed[len(msg):])
}

func (r *Recorder) witnessedBy(t *testing.T, list ...*outside) {
	t.Helper()
	r.cfg.Witnesses = nil
	for _, o := range list {
		r.cfg.Witnesses = append(r.cfg.Witnesses, witness.Address{Key: o.Verifier(), URL: o.url + "/"})
	}
	var err error
	if r.custody.witnesses, err = r.cfg.openWitnesses(http.DefaultClient, r.verifier.Name()); err != nil {
		t.Fatal(err)
	}
}

// cosigners counts who of the witnesses has signed the newest checkpoint.
func (r *Recorder) cosigners(t *testing.T, list ...*outside) (n int) {
	t.Helper()
	msg, err := os.ReadFile(filepath.Join(r.cfg.Archive, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		v, err := merkle.ParseVerifier(o.Verifier())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (merkle.Policy{Log: r.verifier, Witnesses: []note.Verifier{v}, Quorum: 1}).Open(msg); err == nil {
			n++
		}
	}
	return n
}

func (r *Recorder) told(t *testing.T) *selfcheck.Status {
	t.Helper()
	s, err := r.status(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*selfcheck.Status)
}

// Every witness signs, and one that fails takes nothing from the others.
func TestSeveralWitnesses(t *testing.T) {
	ctx := context.Background()
	r := opened(t)
	one, two := newOutside(t, "one.example/w", r.verifier), newOutside(t, "two.example/w", r.verifier)
	r.witnessedBy(t, one, two)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.add("$1"))
	must(r.checkpoint(ctx))
	if n := r.cosigners(t, one, two); n != 2 {
		t.Fatalf("%d of 2 have signed", n)
	}
	for _, w := range r.told(t).Witnesses {
		if w.Time.IsZero() || w.Error != "" {
			t.Errorf("%+v", w)
		}
	}
	// What one has signed stays, when there is nothing new.
	two.down = true
	must(r.checkpoint(ctx))
	if n := r.cosigners(t, one, two); n != 2 {
		t.Errorf("%d of 2 have signed the same checkpoint", n)
	}
	must(r.add("$2"))
	must(r.checkpoint(ctx))
	if r.cosigners(t, one) != 1 || r.cosigners(t, two) != 0 {
		t.Error("one alone was to sign")
	}
	s := r.told(t)
	if i := slices.IndexFunc(s.Witnesses, func(w selfcheck.Witness) bool { return w.Name == "two.example/w" }); s.Witnesses[i].Error == "" {
		t.Errorf("%+v", s.Witnesses)
	}
	if got := selfcheck.Judge(time.Now(), s); len(got) != 0 {
		t.Errorf("alarm at once: %v", got)
	}
	if got := selfcheck.Judge(time.Now().Add(61*time.Minute), s); !slices.Contains(got, selfcheck.Unwitnessed) {
		t.Errorf("no alarm after an hour: %v", got)
	}
	// After the end the last checkpoint is signed by all.
	two.down = false
	must(r.add("$3"))
	must(r.end())
	if n := r.cosigners(t, one, two); n != 2 {
		t.Errorf("%d of 2 have signed the last checkpoint", n)
	}
}

// Who has the log's key and its folder can make another history. The witness refuses that, and what is kept in the recorder's own folder tells too.
func TestAnotherHistoryIsAnAlarm(t *testing.T) {
	ctx := context.Background()
	r := opened(t)
	w := newOutside(t, "one.example/w", r.verifier)
	r.witnessedBy(t, w)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.add("$1"))
	must(r.add("$2"))
	must(r.checkpoint(ctx))
	older := filepath.Join(t.TempDir(), "older")
	must(os.CopyFS(older, os.DirFS(r.cfg.Archive)))
	must(r.add("$3"))
	must(r.end())
	config := archive.Config{Dir: r.cfg.Archive, Signer: r.logSigner, Verifier: r.verifier, Recipients: r.to}
	again := func() {
		t.Helper()
		var err error
		r.sealed, err = archive.Open(config)
		must(err)
		r.witnessedBy(t, w)
	}
	alarmed := func(words string) {
		t.Helper()
		s := r.told(t)
		if got := selfcheck.Judge(time.Now(), s); len(got) != 1 || got[0] != selfcheck.Unwitnessed || !strings.Contains(s.Forked+fmt.Sprint(s.Witnesses), words) {
			t.Errorf("alarms %v: %q %+v", got, s.Forked, s.Witnesses)
		}
	}
	again()
	must(r.custody.witnesses.Look(ctx, r.sealed, r.verifier))
	must(r.sealed.Close())

	// An older copy, which was consistent.
	must(os.RemoveAll(r.cfg.Archive))
	must(os.CopyFS(r.cfg.Archive, os.DirFS(older)))
	again()
	if err := r.custody.witnesses.Look(ctx, r.sealed, r.verifier); err == nil {
		t.Error("an older copy is taken for the archive")
	}
	alarmed("older copy")
	must(r.sealed.Close())

	// Another history, which is longer.
	must(os.RemoveAll(r.cfg.Archive))
	again()
	for i := range 9 {
		must(r.add(fmt.Sprint("$other-", i)))
	}
	must(r.checkpoint(ctx))
	alarmed("refuses")
	if err := r.custody.witnesses.Look(ctx, r.sealed, r.verifier); err == nil {
		t.Error("another history is taken for the archive")
	}
	alarmed("history was changed")
	must(r.sealed.Close())
}
