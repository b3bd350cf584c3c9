package verify_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/statement"
	"conclave.chat/internal/archive/verify"
)

type made struct {
	dir      string
	signer   note.Signer
	verifier note.Verifier
	kept     []byte // an early checkpoint
	events   []string
	blob     archive.Blob
	config   archive.Config
}

// lives runs an archive of some size: three classes, several segments, one shredded, an attachment and a gap.
func lives(t testing.TB, events int) made {
	t.Helper()
	m := made{dir: t.TempDir()}
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "example.org/archive")
	if err != nil {
		t.Fatal(err)
	}
	m.signer, _ = note.NewSigner(skey)
	m.verifier, _ = merkle.ParseVerifier(vkey)
	id, _ := age.GenerateHybridIdentity()
	m.config = archive.Config{
		Dir: m.dir, Signer: m.signer, Verifier: m.verifier, Recipients: []age.Recipient{id.Recipient()}, SegmentBytes: 40000,
	}
	l, err := archive.Open(m.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	add := func(d archive.Draft) {
		t.Helper()
		if _, err := l.Append(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	for i := range events {
		event := fmt.Sprintf("$event%d", i)
		m.events = append(m.events, event)
		d := archive.Draft{Class: []string{"3y", "6y", "7y"}[i%3], Kind: segment.Record, Subject: segment.Subject("!room", event), Line: line(t, event)}
		if i == 40 {
			d.Kind, d.Note = segment.Gap, "the recorder was down"
		}
		add(d)
		if i == events/3 {
			if m.blob, err = l.PutBlob(ctx, "7y", strings.NewReader("a file")); err != nil {
				t.Fatal(err)
			}
			add(m.blob.Draft(line(t, event)))
			if _, err := l.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
			m.kept, _ = os.ReadFile(filepath.Join(m.dir, "checkpoint"))
		}
	}
	if err := l.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	gone := m.segments(t, "3y")[0]
	add(archive.Draft{Class: "7y", Kind: segment.Shred, Note: gone, Line: []byte(`{"reason":"its time was over"}`)})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{depot.SegmentPath("3y", gone), depot.KeyPath("3y", gone)} {
		if err := os.Remove(filepath.Join(m.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func line(t testing.TB, event string) []byte {
	r := record.Record{Room: "!room", EventID: event, Time: time.Unix(1, 0)}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (m made) segments(t testing.TB, class string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(m.dir, "segment", class))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func (m made) verify(t testing.TB, dir string, o verify.Options) *verify.Report {
	t.Helper()
	if o.Policy.Log == nil {
		o.Policy.Log = m.verifier
	}
	d, err := depot.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := verify.Run(context.Background(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAGoodArchiveIsRight(t *testing.T) {
	m := lives(t, 700)
	r := m.verify(t, m.dir, verify.Options{Kept: [][]byte{m.kept}})
	if len(r.Problems) != 0 {
		t.Fatalf("problems: %v", r.Problems)
	}
	if r.Records != 699 || len(r.Gaps) != 1 || r.Blobs != 1 || r.Shredded != 1 || r.Newer != 0 || len(r.Strays) != 0 || r.Gaps[0].Reason != "the recorder was down" {
		t.Errorf("%+v", r)
	}
}

// damage is one kind of harm. want is the only place that may be named, as a pattern with what is said of it.
type damage struct {
	name string
	do   func(t *testing.T, m made, dir string)
	want string
}

func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 0x20
		return b
	}
}

func damages(m made, t *testing.T) []damage {
	seg := m.segments(t, "6y")[0]
	path := depot.SegmentPath("6y", seg)
	other := m.segments(t, "7y")[1]
	at := func(dir string, names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	remove := func(name string) func(*testing.T, made, string) {
		return func(t *testing.T, _ made, dir string) {
			if err := os.Remove(at(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(name string, f func([]byte) []byte) func(*testing.T, made, string) {
		return func(t *testing.T, _ made, dir string) { edit(t, at(dir, name), f) }
	}
	return []damage{
		{"a flipped byte in a group", change(path, flip(2000)), `^` + path + `: offset \d+: the block's bytes were altered$`},
		{"a flipped byte in the last block", change(path, flip(-1)), `^` + path + `: offset \d+: the block's bytes were altered$`},
		{"a flipped byte in the first line", change(path, flip(3)), `^` + path + `: offset 0: it does not begin as a segment$`},
		{"a missing segment", remove(path), `^` + path + `: it is missing \(entry \d+\)$`},
		{"a truncated segment", change(path, func(b []byte) []byte { return b[:len(b)-100] }), `^` + path + `: offset \d+: the file ends within a block$`},
		{"a segment cut at a block's end", change(path, lastBlocks(2)), `^` + path + `: its end is missing, from offset \d+ \(block \d+, entry \d+\) on$`},
		{"a segment cut to nothing", change(path, func(b []byte) []byte { return nil }), `^` + path + `: offset 0: the file ends within a block$`},
		{"two groups in another order", change(path, swapBlocks), `^` + path + `: offset \d+: block 2 stands where block 1 should be$`},
		{"something after the end", change(path, func(b []byte) []byte { return append(b, make([]byte, 100)...) }), `^` + path + `: offset \d+: there is something after the closing$`},
		{"a segment in another's place", func(t *testing.T, _ made, dir string) {
			b, _ := os.ReadFile(at(dir, depot.SegmentPath("7y", other)))
			edit(t, at(dir, path), func([]byte) []byte { return b })
		}, `^` + path + `: it holds segment ` + other},
		{"a segment that the log does not know", func(t *testing.T, m made, dir string) { forge(t, m, dir) }, `^segment/6y/\S+: offset 33: the block is not the one that the log holds$`},
		{"a missing key", remove(depot.KeyPath("6y", seg)), `^key/6y/` + seg + `: it is missing`},
		{"an altered key", change(depot.KeyPath("6y", seg), flip(-1)), `^key/6y/` + seg + `: it was altered$`},
		{"an altered attachment", change(depot.BlobPath("7y", m.blob.Sum.String()), flip(5)), `^blob/7y/\w+: it was altered$`},
		{"a missing attachment", remove(depot.BlobPath("7y", m.blob.Sum.String())), `^blob/7y/\w+: it is missing$`},
		{"an altered attachment's key", change(depot.KeyPath("7y", m.blob.Sum.String()), flip(-1)), `^key/7y/\w+: it was altered$`},
		{"an altered entry", change("tile/entries/001", flip(2*150)), `^tile/entries/001: entry \d+ is not the one that was signed$`},
		{"entries that do not add up", change("tile/entries/001", func(b []byte) []byte { return b[1:] }), `^tile/entries/001: it does not hold`},
		{"missing entries", remove("tile/entries/001"), `^tile/entries/001: it is missing$`},
		{"a flipped byte in a tile", change("tile/0/001", flip(100)), `^tile/0/001: it does not hold the hashes that the entries give$`},
		{"a missing tile", remove("tile/0/001"), `^tile/0/001: it is missing`},
		{"swapped tiles", func(t *testing.T, _ made, dir string) {
			a, _ := os.ReadFile(at(dir, "tile/0/000"))
			edit(t, at(dir, "tile/0/001"), func([]byte) []byte { return a })
		}, `^tile/0/001: it does not hold`},
		{"a checkpoint with another root", change("checkpoint", func(b []byte) []byte {
			lines := strings.SplitN(string(b), "\n", 4)
			return []byte(lines[0] + "\n" + lines[1] + "\n" + "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" + lines[3])
		}), `^checkpoint: its signature is not right`},
		{"a checkpoint by somebody else", func(t *testing.T, m made, dir string) {
			skey, _, _ := note.GenerateKey(rand.Reader, "example.org/archive")
			s, _ := note.NewSigner(skey)
			edit(t, at(dir, "checkpoint"), func(b []byte) []byte { return resign(t, m, b, s, nil) })
		}, `^checkpoint: it is not signed by example.org/archive$`},
		{"a checkpoint by the log itself over another tree", func(t *testing.T, m made, dir string) {
			edit(t, at(dir, "checkpoint"), func(b []byte) []byte {
				return resign(t, m, b, m.signer, func(text string) string {
					lines := strings.Split(text, "\n")
					return lines[0] + "\n" + lines[1] + "\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
				})
			})
		}, `^checkpoint: the entries lead to another root than the one that it signs$`},
		{"a missing checkpoint", remove("checkpoint"), `^checkpoint: it is missing$`},
	}
}

// lastBlocks cuts the last n blocks off a segment.
func lastBlocks(n int) func([]byte) []byte {
	return func(b []byte) []byte {
		ends := blockEnds(b)
		return b[:ends[len(ends)-1-n]]
	}
}

func blockEnds(b []byte) []int {
	s := segment.NewScanner(bytes.NewReader(b))
	var ends []int
	for {
		if _, err := s.Next(); err != nil {
			return ends
		}
		ends = append(ends, int(s.Offset()))
	}
}

func swapBlocks(b []byte) []byte {
	e := blockEnds(b)
	return slices.Concat(b[:e[0]], b[e[1]:e[2]], b[e[0]:e[1]], b[e[2]:])
}

// forge puts a segment there that was made with the same keys, by somebody who has got hold of the recorder's machine.
func forge(t *testing.T, m made, dir string) {
	c := m.config
	c.Dir = t.TempDir()
	l, err := archive.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), archive.Draft{Class: "6y", Kind: segment.Record, Subject: segment.Subject("!room", "$forged"), Line: line(t, "$forged")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"segment", "key"} {
		if err := os.CopyFS(filepath.Join(dir, kind), os.DirFS(filepath.Join(c.Dir, kind))); err != nil {
			t.Fatal(err)
		}
	}
}

func resign(t *testing.T, m made, b []byte, s note.Signer, f func(string) string) []byte {
	t.Helper()
	n, err := note.Open(b, note.VerifierList(m.verifier))
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		f = func(text string) string { return text }
	}
	out, err := note.Sign(&note.Note{Text: f(n.Text)}, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachKindOfDamageIsNamedInOneLine(t *testing.T) {
	m := lives(t, 700)
	for _, d := range damages(m, t) {
		t.Run(d.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
				t.Fatal(err)
			}
			d.do(t, m, dir)
			r := m.verify(t, dir, verify.Options{})
			if len(r.Problems) != 1 || !regexp.MustCompile(d.want).MatchString(r.Problems[0].String()) {
				t.Errorf("want one line like %s, got %v", d.want, r.Problems)
			}
		})
	}
}

// Who holds the log's key can sign another history, but not one that agrees with a checkpoint that is kept elsewhere.
func TestAKeptCheckpointShowsARewrittenLog(t *testing.T) {
	m := lives(t, 300)
	newest, _ := os.ReadFile(filepath.Join(m.dir, "checkpoint"))
	for name, events := range map[string]int{"shorter": 10, "as long": 320} {
		t.Run(name, func(t *testing.T) {
			c := m.config
			c.Dir = t.TempDir()
			l, err := archive.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			for i := range events {
				if _, err := l.Append(context.Background(), archive.Draft{
					Class: "3y", Kind: segment.Record, Subject: segment.Subject("!room", fmt.Sprint("$other", i)), Line: line(t, "$other"),
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if r := m.verify(t, c.Dir, verify.Options{}); len(r.Problems) != 0 {
				t.Fatalf("on its own it is right: %v", r.Problems)
			}
			r := m.verify(t, c.Dir, verify.Options{Kept: [][]byte{newest}})
			if len(r.Problems) != 1 || r.Problems[0].Place != "checkpoint" {
				t.Errorf("problems: %v", r.Problems)
			}
		})
	}
}

func TestWitnessesAreAsked(t *testing.T) {
	m := lives(t, 10)
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	w, err := merkle.NewWitness("witness.example", key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	wv, err := merkle.ParseVerifier(w.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	policy := merkle.Policy{Log: m.verifier, Witnesses: []note.Verifier{wv}, Quorum: 1}
	r := m.verify(t, m.dir, verify.Options{Policy: policy})
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "0 of the 1 witnesses") {
		t.Errorf("without: %v", r.Problems)
	}
	path := filepath.Join(m.dir, "checkpoint")
	msg, _ := os.ReadFile(path)
	signed, _, err := merkle.Cosign(w, m.verifier, merkle.Checkpoint{}, msg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := m.verify(t, m.dir, verify.Options{Policy: policy}); len(r.Problems) != 0 {
		t.Errorf("with: %v", r.Problems)
	}
}

func TestEachAcceptedEventIsArchivedOrAGap(t *testing.T) {
	m := lives(t, 60)
	skey, vkey, _ := note.GenerateKey(rand.Reader, "example.org/accepted")
	s, _ := note.NewSigner(skey)
	v, _ := note.NewVerifier(vkey)
	events := func(ids ...string) io.Reader {
		var list []statement.Event
		for i, id := range ids {
			list = append(list, statement.Event{Room: "!room", Seq: uint64(i + 1), ID: id})
		}
		var b bytes.Buffer
		if err := statement.Write(&b, s, "example.org", list); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	r := m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(m.events...)}, Server: v})
	if len(r.Problems) != 0 || r.Stated != 60 || len(r.Gaps) != 1 || r.Gaps[0].Event != "$event40" || r.Gaps[0].Room != "!room" {
		t.Errorf("%+v", r)
	}
	r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(append(m.events, "$never")...)}, Server: v})
	if len(r.Problems) != 1 || r.Problems[0].String() != "room !room: event $never, number 61, was accepted and is neither archived nor a gap" {
		t.Errorf("%v", r.Problems)
	}
	// The archive is being written: what comes after its checkpoint is there, and is not proved.
	l, err := archive.Open(m.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), archive.Draft{Class: "7y", Kind: segment.Record, Subject: segment.Subject("!room", "$fresh"), Line: line(t, "$fresh")}); err != nil {
		t.Fatal(err)
	}
	fresh := append(slices.Clone(m.events), "$fresh")
	r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(fresh...)}, Server: v})
	if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].String(), "checkpoint: 1 accepted events come after it") {
		t.Errorf("%v", r.Problems)
	}
	if r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(fresh...)}, Server: v, Live: true}); len(r.Problems) != 0 {
		t.Errorf("who writes it: %v", r.Problems)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(fresh...)}, Server: v}); len(r.Problems) != 0 {
		t.Errorf("with the next checkpoint: %v", r.Problems)
	}
	late := func() io.Reader {
		var b bytes.Buffer
		_ = statement.Write(&b, s, "example.org", []statement.Event{{Room: "!room", Seq: 5, ID: m.events[4]}})
		return &b
	}
	r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{events(m.events[:2]...), late()}, Server: v})
	if len(r.Problems) != 1 || r.Problems[0].String() != "room !room: the statements leave out events 3 to 4" {
		t.Errorf("%v", r.Problems)
	}
	d, _ := depot.OpenDir(m.dir)
	all, _ := io.ReadAll(events(m.events...))
	all[len(all)-2] ^= 1
	if _, err := verify.Run(context.Background(), d, verify.Options{Policy: merkle.Policy{Log: m.verifier}, Statements: []io.Reader{bytes.NewReader(all)}, Server: v}); err == nil {
		t.Error("an altered statement was taken")
	}
}

// With several recorders the statement names the log of each event: a record elsewhere is none.
func TestEachEventIsInTheLogThatTheStatementNames(t *testing.T) {
	m := lives(t, 60)
	skey, vkey, _ := note.GenerateKey(rand.Reader, "example.org")
	s, _ := note.NewSigner(skey)
	v, _ := note.NewVerifier(vkey)
	own := m.verifier.Name()
	stated := func(log func(i int) string, more ...statement.Event) io.Reader {
		var list []statement.Event
		for i, id := range m.events {
			list = append(list, statement.Event{Room: "!room", Seq: uint64(i + 1), ID: id, Log: log(i)})
		}
		var b bytes.Buffer
		if err := statement.Write(&b, s, "example.org", append(list, more...)); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	half := func(i int) string {
		if i < 20 {
			return "example.org/another"
		}
		return own
	}
	r := m.verify(t, m.dir, verify.Options{Statements: []io.Reader{stated(half, statement.Event{Room: "!room", Seq: 61, ID: "$there", Log: "example.org/another"})}, Server: v})
	if len(r.Problems) != 0 || r.Stated != 40 || r.Unused != 20 || r.Elsewhere["example.org/another"] != 21 {
		t.Errorf("%+v", r)
	}
	r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{stated(half, statement.Event{Room: "!room", Seq: 61, ID: "$here", Log: own})}, Server: v})
	if len(r.Problems) != 1 || r.Problems[0].String() != "room !room: event $here, number 61, was accepted and is neither archived nor a gap" {
		t.Errorf("%v", r.Problems)
	}
	r = m.verify(t, m.dir, verify.Options{Statements: []io.Reader{stated(half), stated(func(int) string { return own })}, Server: v})
	if len(r.Problems) != 20 || !strings.HasPrefix(r.Problems[0].String(), "room !room: statements name two logs for event ") {
		t.Errorf("%v", r.Problems)
	}
}
