//go:build goolm

package recorder

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/test/fulldisk"
)

// opened is a recorder with an archive, and no homeserver.
func opened(t *testing.T) *Recorder {
	t.Helper()
	c, sec := vault(t)
	c.Archive = t.TempDir()
	holds, err := newHolds(c, sec)
	if err != nil {
		t.Fatal(err)
	}
	tg, err := newTags(c, sec)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{cfg: c, log: slog.New(slog.DiscardHandler), since: time.Now(), custody: &custody{cfg: c, sec: sec, holds: holds, tags: tg}}
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "x/archive")
	if err != nil {
		t.Fatal(err)
	}
	if r.logSigner, err = note.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	if r.verifier, err = merkle.ParseVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r.to = []age.Recipient{id.Recipient()}
	r.sealed, err = archive.Open(archive.Config{
		Dir: c.Archive, Signer: r.logSigner, Verifier: r.verifier, Recipients: r.to, Sealed: r.closed, Failed: r.stopped, Retry: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.custody.witnesses, err = c.openWitnesses(http.DefaultClient, r.verifier.Name()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.sealed.Close() })
	return r
}

func (r *Recorder) add(event string) error {
	_, err := r.sealed.Append(context.Background(), archive.Draft{Class: "standard", Kind: segment.Record, Subject: segment.Subject("!r", event), Line: []byte(`{"a":1}`)})
	return err
}

// While the archive takes nothing the recorder says so, to whoever asks, and it comes back without anybody who restarts it.
func TestARecorderWhoseDiskIsFullSaysSo(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	r := opened(t)
	var log bytes.Buffer
	r.log = slog.New(slog.NewTextHandler(&log, nil))
	health := func() int {
		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_conclave/recorder/v1/health", nil))
		return w.Code
	}
	alarms := func() []selfcheck.Alarm {
		t.Helper()
		s, err := r.status(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return selfcheck.Judge(time.Now(), s.(*selfcheck.Status))
	}
	if err := r.add("$1"); err != nil || health() != http.StatusOK || len(alarms()) != 0 {
		t.Fatal(err, health(), alarms())
	}
	more := fulldisk.Limit(t, 16)
	if err := r.add("$2"); err == nil {
		t.Fatal("a full disk took a record")
	}
	if got := alarms(); health() != http.StatusServiceUnavailable || len(got) != 1 || got[0] != selfcheck.Stopped {
		t.Errorf("health %d, alarms %v", health(), got)
	}
	more()
	for health() != http.StatusOK {
		time.Sleep(time.Millisecond)
	}
	if err := r.add("$3"); err != nil || len(alarms()) != 0 {
		t.Error(err, alarms())
	}
	if err := r.sealed.Close(); err != nil {
		t.Error(err)
	}
	if text := log.String(); bytes.Count(log.Bytes(), []byte("level=ERROR")) != 1 || !bytes.Contains(log.Bytes(), []byte("takes records again")) {
		t.Errorf("the log: %s", text)
	}
}
