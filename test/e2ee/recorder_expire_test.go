//go:build goolm

package e2ee

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/test/harness"
)

// write puts records into the archive as a recorder would have done at some time in the past.
func (o *office) write(at time.Time, class string, events ...string) {
	o.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(o.dir, "officers", name))
		if err != nil {
			o.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	to, err := age.ParseRecipients(strings.NewReader(read("archive.recipient")))
	if err != nil {
		o.Fatal(err)
	}
	signer, err := note.NewSigner(read("log.key"))
	if err != nil {
		o.Fatal(err)
	}
	verifier, err := merkle.ParseVerifier(read("log.public"))
	if err != nil {
		o.Fatal(err)
	}
	l, err := archive.Open(archive.Config{
		Dir: filepath.Join(o.dir, "recorder", "archive"), Signer: signer, Verifier: verifier, Recipients: to, Now: func() time.Time { return at },
	})
	if err != nil {
		o.Fatal(err)
	}
	for _, event := range events {
		line, err := (&record.Record{Time: at, Room: "!old:x", EventID: event}).Encode()
		if err != nil {
			o.Fatal(err)
		}
		if _, err := l.Append(context.Background(), archive.Draft{Class: class, Kind: segment.Record, Subject: segment.Subject("!old:x", event), Line: line}); err != nil {
			o.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		o.Fatal(err)
	}
}

// configure adds lines to the recorder's configuration.
func (o *office) configure(lines string) {
	o.Helper()
	f, err := os.OpenFile(o.config(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(lines)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		o.Fatal(err)
	}
}

// expiry waits for what the recorder tells of its last look at what is due.
func (o *office) expiry(done func(destroyed, held int64) bool) {
	o.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		status := o.s.Must(http.MethodGet, "/_conclave/recording/v1/status", o.admin.Token, nil)
		e := status.Get("archive.expiry")
		if e.Exists() && e.Get("error").String() == "" && done(e.Get("destroyed").Int(), e.Get("held").Int()) {
			return
		}
		if time.Now().After(end) {
			o.Fatalf("the recorder tells %s", status.Raw)
		}
	}
}

// What is older than its class's term ends: not while a hold of the recorder or of the homeserver keeps it, not while holds cannot be asked for, and with a certificate
// that the archive's verification confirms.
func TestOldRecordsEnd(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.SQLite, harness.Env("CONCLAVE_ROOMS_ENCRYPT=false"))
	o := openOffice(t, s)
	o.end(syscall.SIGTERM)
	years := func(n int) time.Time { return time.Now().AddDate(-n, 0, -1) }
	// In the order of time: what follows something younger is taken for the work of a wrong clock.
	o.write(years(11), "hospital", "$four")
	o.write(years(11), "former", "$five")
	o.write(years(7), "broker-dealer", "$one", "$two")
	o.write(years(7), "hospital", "$three")
	o.begin()
	ann := s.Register("ann")
	room := ann.CreateRoom(harness.M{"name": "Desk"})
	ann.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "today"})
	drained(t, o)
	o.end(syscall.SIGTERM)
	o.configure("retention:\n  classes:\n    standard: 3y\n    broker-dealer: 6y\n    hospital: 10y\n  rooms:\n    \"" + room + "\": broker-dealer\n")

	out := o.run("", "recorder", "hold", "add", o.config(), "--case", "2026-1", "--person", "@dan:x", "--until", time.Now().Format(time.DateOnly))
	hold := regexp.MustCompile(`Hold (\S+) is`).FindStringSubmatch(out)
	if hold == nil {
		t.Fatal(out)
	}
	// The homeserver has one, too.
	placed := o.run("", "hold", "add", "--case", "2026-2", "--reason", "test", "--room", room)
	there := regexp.MustCompile(`Hold (\S+) is`).FindStringSubmatch(placed)
	if there == nil {
		t.Fatal(placed)
	}
	o.begin()
	o.expiry(func(destroyed, held int64) bool { return destroyed == 0 && held == 2 })
	ann.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "kept for six years"})
	out = o.run("", "recorder", "expire", "--dry-run", o.config())
	if !strings.Contains(out, "0 segments would be destroyed, 2 held") || !strings.Contains(out, "2026-1") || !strings.Contains(out, "no class former") {
		t.Error(out)
	}
	if out, err := o.try("", "recorder", "expire", o.config()); err == nil || !strings.Contains(out, "the recorder is running") {
		t.Error(out)
	}
	// One hold is released, the other one keeps all the same: it is not known what occurs in those segments.
	out = o.run("", "recorder", "hold", "release", o.config(), hold[1], "--case", "2026-1")
	if !strings.Contains(out, "other holds keep 2 segments") {
		t.Error(out)
	}
	o.run("", "hold", "release", there[1], "--case", "2026-2")
	if out = o.run("", "recorder", "expire", "--dry-run", o.config()); !strings.Contains(out, "2 segments would be destroyed, 0 held") {
		t.Error(out)
	}
	drained(t, o)
	o.end(syscall.SIGTERM)
	// While the homeserver does not answer, nothing ends.
	s.Stop()
	if out, err := o.try("", "recorder", "expire", o.config()); err == nil || !strings.Contains(out, "not known what is held") {
		t.Errorf("without the homeserver: %v %s", err, out)
	}
	s.Start()
	o.begin()
	o.expiry(func(destroyed, held int64) bool { return destroyed == 2 && held == 0 })
	checked(t, o)
	o.end(syscall.SIGTERM)
	if out = o.verify(); !strings.Contains(out, "keys of 2 segments were destroyed") {
		t.Error(out)
	}
	out = o.run("", "archive", "certificates", filepath.Join(o.dir, "recorder", "archive"), "--key", filepath.Join(o.dir, "officers", "log.public"))
	for _, want := range []string{"class broker-dealer, kept 6y", "2 records, 0 gaps", "class hospital, kept 10y", "by the recorder", "1 certificates"} {
		if !strings.Contains(out, want) {
			t.Errorf("the certificates do not say %q:\n%s", want, out)
		}
	}
	read := map[string]string{}
	for _, a := range o.unseal("case-1") {
		read[a.EventID] = fmt.Sprint(a.Event.Get("content.body"))
	}
	for event, there := range map[string]bool{"$one": false, "$two": false, "$three": true, "$four": false, "$five": true} {
		if _, ok := read[event]; ok != there {
			t.Errorf("%s is in the archive: %v", event, ok)
		}
	}
	// What was said after the change of configuration lies in the room's class.
	if list, _ := filepath.Glob(filepath.Join(o.dir, "recorder", "archive", "segment", "broker-dealer", "*")); len(list) != 1 {
		t.Errorf("segments of the room's class: %v", list)
	}
}
