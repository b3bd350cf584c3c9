package casefile

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/transcript"
	"conclave.chat/internal/archive/unseal"
)

// firm is an archive with its keys.
type firm struct {
	t      testing.TB
	dir    string
	id     *age.HybridIdentity
	signer note.Signer
	public string

	accessDir    string
	access       note.Signer
	accessPublic string
	log          *archive.Log
	n            int
}

var firmKeys = sync.OnceValue(func() *firm {
	f := &firm{}
	var err error
	if f.id, err = age.GenerateHybridIdentity(); err != nil {
		panic(err)
	}
	for _, k := range []struct {
		name   string
		signer *note.Signer
		public *string
	}{{"x/archive", &f.signer, &f.public}, {"x/archive/access", &f.access, &f.accessPublic}} {
		skey, vkey, err := merkle.GenerateKey(rand.Reader, k.name)
		if err != nil {
			panic(err)
		}
		*k.public = vkey
		if *k.signer, err = note.NewSigner(skey); err != nil {
			panic(err)
		}
	}
	return f
})

func newFirm(t testing.TB) *firm {
	t.Helper()
	f := *firmKeys()
	f.t, f.dir, f.accessDir = t, t.TempDir(), filepath.Join(t.TempDir(), "access")
	return &f
}

func (f *firm) verifier(public string) note.Verifier {
	v, err := merkle.ParseVerifier(public)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

func (f *firm) open() {
	var err error
	f.log, err = archive.Open(archive.Config{Dir: f.dir, Signer: f.signer, Verifier: f.verifier(f.public), Recipients: []age.Recipient{f.id.Recipient()}})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *firm) close() {
	if err := f.log.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func start() time.Time { return time.Now().Add(-time.Minute).UTC().Truncate(time.Second) }

// say archives a message, and gives its event id.
func (f *firm) say(room, sender string, content map[string]any, change ...func(*record.Record)) string {
	f.t.Helper()
	f.n++
	id := fmt.Sprintf("$%d", f.n)
	at := start().Add(time.Duration(f.n) * time.Millisecond)
	ev, err := json.Marshal(map[string]any{"type": "m.room.message", "sender": sender, "content": content, "origin_server_ts": at.UnixMilli(), "depth": f.n})
	if err != nil {
		f.t.Fatal(err)
	}
	r := &record.Record{Room: room, RoomName: strings.ToUpper(room[1:2]) + room[2:], EventID: id, Event: ev, Sender: sender, Time: at, Members: []string{"@ann:x", "@bob:x"}}
	for _, c := range change {
		c(r)
	}
	line, err := r.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	kind, remark := segment.Record, r.Reason
	if remark != "" {
		kind = segment.Gap
	}
	if _, err := f.log.Append(context.Background(), archive.Draft{Class: "7y", Kind: kind, Subject: segment.Subject(room, id), Note: remark, Line: line}); err != nil {
		f.t.Fatal(err)
	}
	return id
}

func (f *firm) attach(data, name, typ string) func(*record.Record) {
	f.t.Helper()
	b, err := f.log.PutBlob(context.Background(), "7y", strings.NewReader(data))
	if err != nil {
		f.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(data))
	a := record.Attachment{Name: name, Type: typ, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Blob: b.Sum.String()}
	line, err := json.Marshal(&a)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.log.Append(context.Background(), b.Draft(line)); err != nil {
		f.t.Fatal(err)
	}
	return func(r *record.Record) { r.Attachments = append(r.Attachments, a) }
}

func (f *firm) depot() depot.Dir {
	d, err := depot.OpenDir(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	return d
}

const passphrase = "the case's passphrase"

// create makes a case that is vouched for, and not filled.
func (f *firm) create(dir string, scope unseal.Scope) *Case {
	f.t.Helper()
	plan, _, err := unseal.Plan(context.Background(), f.depot(), scope)
	if err != nil {
		f.t.Fatal(err)
	}
	msg, err := os.ReadFile(filepath.Join(f.dir, depot.Checkpoint))
	if err != nil {
		f.t.Fatal(err)
	}
	info := Info{Number: "2026-17", Scope: scope, LogKey: f.public, AccessKey: f.accessPublic, Opened: start()}
	c, err := Create(context.Background(), dir, New{Info: info, Passphrase: passphrase, Checkpoint: msg, Plan: plan, Work: 10})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := c.Fill(context.Background(), f.source()); !errors.Is(err, ErrNotVouched) {
		f.t.Fatalf("a case is filled without an entry in the access log: %v", err)
	}
	v, err := access.Append(f.accessDir, f.access, f.verifier(f.accessPublic), access.Entry{Time: start(), Case: "2026-17", CaseKey: c.Info().PublicKey})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := c.Vouch(context.Background(), v); err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *firm) source() Source { return Source{Archive: f.depot(), Identity: f.id, Files: true} }

// opened is a case that is filled and opened with its passphrase.
func (f *firm) opened(scope unseal.Scope) *Case {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), "case")
	c := f.create(dir, scope)
	if _, err := c.Fill(context.Background(), f.source()); err != nil {
		f.t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		f.t.Fatal(err)
	}
	c, err := Open(context.Background(), dir, passphrase)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

func text(body string) map[string]any { return map[string]any{"msgtype": "m.text", "body": body} }

func TestCase(t *testing.T) {
	f := newFirm(t)
	f.open()
	hello := f.say("!desk", "@ann:x", text("Größe der Prämie: 41"))
	file := f.say("!desk", "@bob:x", map[string]any{"msgtype": "m.file", "body": "Plan [1].pdf", "url": "mxc://x/1"}, f.attach("%PDF secret plan", "Plan [1].pdf", "application/pdf"))
	f.say("!other", "@eve:x", text("lunch?"))
	for range 300 { // more than a tile of leaves
		f.say("!noise", "@bob:x", text("noise"))
	}
	gapped := f.say("!desk", "@ann:x", nil, func(r *record.Record) { r.Reason = "no key came" })
	f.close()
	c := f.opened(unseal.Scope{Rooms: []string{"!desk", "!other"}})
	ctx := context.Background()

	rooms, err := c.Rooms(ctx)
	if err != nil || len(rooms) != 2 || rooms[0].ID != "!desk" || rooms[0].Name != "Desk" || rooms[0].Records != 3 {
		t.Fatalf("rooms: %+v %v", rooms, err)
	}
	var seen []string
	second := uint64(0)
	for r, err := range c.Records(ctx, Filter{Rooms: []string{"desk"}}) {
		if len(seen) == 1 {
			second = r.Seq
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, r.Record.EventID)
		proof, err := c.Prove(ctx, r.Seq)
		if err != nil {
			t.Fatal(err)
		}
		_, tree := c.Checkpoint()
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(r.Seq), tlog.RecordHash(r.Entry)); err != nil {
			t.Errorf("record %d: %v", r.Seq, err)
		}
		e, err := segment.ParseEntry(r.Entry)
		if err != nil || e.Commitment != sha256.Sum256(r.Line) || e.Seq != r.Seq {
			t.Errorf("record %d: its leaf is %+v, %v", r.Seq, e, err)
		}
	}
	if !slices.Equal(seen, []string{hello, file, gapped}) {
		t.Errorf("records: %v", seen)
	}
	seen = nil
	for r, err := range c.Records(ctx, Filter{From: second + 1}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, r.Record.EventID)
	}
	if len(seen) != 2 || seen[1] != gapped {
		t.Errorf("records behind the second: %v", seen)
	}
	conversation, err := c.Transcript(ctx, "!desk")
	if err != nil || len(conversation.Messages) != 3 || conversation.Messages[1].Attachments[0].Name != "Plan [1].pdf" || conversation.Messages[2].Kind != transcript.Gap {
		t.Fatalf("transcript: %+v %v", conversation, err)
	}
	in, err := c.OpenFile(conversation.Messages[1].Attachments[0].Blob)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(in); err != nil || string(data) != "%PDF secret plan" {
		t.Errorf("attachment: %q %v", data, err)
	}
	_ = in.Close()
	if _, err := c.OpenFile("../case.key"); !errors.Is(err, ErrNoFile) {
		t.Errorf("a path for an attachment: %v", err)
	}

	// The quorum vouches for the case's key.
	e, err := c.Voucher().Verify(f.verifier(f.accessPublic))
	if err != nil || e.CaseKey != c.Info().PublicKey {
		t.Errorf("voucher: %+v %v", e, err)
	}
	signed, err := note.Sign(&note.Note{Text: "an export\n"}, c.Signer())
	if err == nil {
		_, err = note.Open(signed, note.VerifierList(f.verifier(e.CaseKey)))
	}
	if err != nil {
		t.Errorf("what the case signs: %v", err)
	}
}

func TestNothingInACaseIsReadableWithoutItsPassphrase(t *testing.T) {
	f := newFirm(t)
	f.open()
	f.say("!desk", "@ann:x", text("unmistakable words"), f.attach("unmistakable attachment", "unmistakable.txt", "text/plain"))
	f.close()
	c := f.opened(unseal.Scope{})
	dir := c.dir
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range []string{"unmistakable", "!desk", "@ann", "SQLite format", "AGE-SECRET"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), dir, "another"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	if _, err := Open(context.Background(), t.TempDir(), passphrase); !errors.Is(err, ErrNoCase) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestFillingGoesOnWhereItWasInterrupted(t *testing.T) {
	f := newFirm(t)
	for range 3 { // three segments
		f.open()
		for range 5 {
			f.say("!desk", "@ann:x", text("hello"))
		}
		f.say("!desk", "@ann:x", text("file"), f.attach(fmt.Sprint("data ", f.n), "a.txt", "text/plain"))
		f.close()
	}
	dir := filepath.Join(t.TempDir(), "case")
	c := f.create(dir, unseal.Scope{})
	stop := errors.New("stop")
	for fail := 1; ; fail++ {
		n := 0
		src := f.source()
		src.Archive = breaking{f.depot(), func() error {
			if n++; n > fail {
				return stop
			}
			return nil
		}}
		r, err := c.Fill(context.Background(), src)
		if err == nil {
			if r.Segments != 3 || r.Records != 18 || r.Files != 3 {
				t.Errorf("%+v", r)
			}
			break
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), dir, passphrase); err == nil {
			t.Fatal("half a case can be read as if it were whole")
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Resume(context.Background(), dir, passphrase, Info{Number: "2026-18", LogKey: f.public}); err == nil {
			t.Fatal("it goes on for another case")
		}
		// The archive goes on meanwhile: what was opened is what the access log says.
		f.open()
		f.say("!desk", "@ann:x", text("later"))
		f.close()
		if c, err = Resume(context.Background(), dir, passphrase, Info{Number: "2026-17", LogKey: f.public}); err != nil {
			t.Fatal(err)
		}
		if c.Voucher() == nil {
			t.Fatal("the entry of the access log is forgotten")
		}
	}
	_ = c.Close()
	c, err := Open(context.Background(), dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := 0
	for r, err := range c.Records(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Prove(context.Background(), r.Seq); err != nil {
			t.Error(err)
		}
		n++
	}
	hits, _, err := c.Search(context.Background(), Search{Query: query.Parse("hello"), Limit: 100})
	if n != 18 || len(hits) != 15 || err != nil {
		t.Errorf("%d records, %d hits, %v", n, len(hits), err)
	}
	if _, err := Resume(context.Background(), dir, passphrase, Info{Number: "2026-17", LogKey: f.public}); err == nil {
		t.Error("a complete case is filled again")
	}
}

// breaking is an archive that fails after some files.
type breaking struct {
	depot.Dir
	fail func() error
}

func (b breaking) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := b.fail(); err != nil {
		return nil, err
	}
	return b.Dir.Open(ctx, name)
}

func TestARecordThatTheCheckpointDoesNotCoverIsRefused(t *testing.T) {
	f := newFirm(t)
	f.open()
	f.say("!desk", "@ann:x", text("hello"))
	f.close()
	other := newFirm(t) // the same keys, another history
	other.open()
	other.say("!desk", "@ann:x", text("forged"))
	other.close()
	if err := os.RemoveAll(filepath.Join(f.dir, "segment")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"segment", "key"} {
		if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(f.dir, name), os.DirFS(filepath.Join(other.dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	c := f.create(filepath.Join(t.TempDir(), "case"), unseal.Scope{})
	defer c.Close()
	r, err := c.Fill(context.Background(), f.source())
	if err != nil || r.Records != 0 || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], "is not the one that the archive's checkpoint covers") {
		t.Errorf("a forged segment: %+v %v", r, err)
	}
}

func TestWhatHasNoKeyAnyMoreIsNamed(t *testing.T) {
	f := newFirm(t)
	f.open()
	f.say("!desk", "@ann:x", text("old"), f.attach("old file", "a.txt", "text/plain"))
	f.close()
	f.open()
	kept := f.say("!desk", "@ann:x", text("new"))
	f.close()
	plan, _, err := unseal.Plan(context.Background(), f.depot(), unseal.Scope{})
	if err != nil || len(plan) != 2 {
		t.Fatal(plan, err)
	}
	if err := os.Remove(filepath.Join(f.dir, depot.KeyPath("7y", plan[0].ID.String()))); err != nil {
		t.Fatal(err)
	}
	c := f.create(filepath.Join(t.TempDir(), "case"), unseal.Scope{})
	defer c.Close()
	r, err := c.Fill(context.Background(), f.source())
	if err != nil || r.Segments != 1 || r.Records != 1 || !slices.Equal(r.NoKey, []string{plan[0].ID.String()}) {
		t.Errorf("%+v %v", r, err)
	}
	if _, _, err := c.Locate(context.Background(), kept); err != nil {
		t.Error(err)
	}
}

func TestClosingACase(t *testing.T) {
	f := newFirm(t)
	f.open()
	f.say("!desk", "@ann:x", text("hello"), f.attach("file", "a.txt", "text/plain"))
	f.close()
	for _, step := range []string{"whole", "key gone", "foreign file"} {
		c := f.opened(unseal.Scope{})
		_ = c.Close()
		switch step {
		case "key gone":
			if err := os.Remove(filepath.Join(c.dir, keyFile)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(context.Background(), c.dir, passphrase); !errors.Is(err, ErrClosed) {
				t.Errorf("without its key: %v", err)
			}
		case "foreign file":
			if err := os.WriteFile(filepath.Join(c.dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Destroy(c.dir)
		if err != nil || d.Number != "2026-17" || d.Key != (step != "key gone") {
			t.Errorf("%s: %+v %v", step, d, err)
		}
		left, err := os.ReadDir(c.dir)
		if step == "foreign file" {
			if len(left) != 1 || left[0].Name() != "notes.txt" || !slices.Equal(d.Left, []string{"notes.txt"}) {
				t.Errorf("left: %v, said %v", left, d.Left)
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the folder is still there: %v", step, left)
		}
		if _, err := Destroy(c.dir); err == nil {
			t.Errorf("%s: closed twice", step)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "case.key"), []byte("of something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Destroy(other); !errors.Is(err, ErrNoCase) {
		t.Errorf("a folder that is no case: %v", err)
	}
	if _, err := os.Stat(filepath.Join(other, "case.key")); err != nil {
		t.Error("a file that is none of a case was removed")
	}
}
