package expiry

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
	"conclave.chat/internal/precedence"
)

func TestTerms(t *testing.T) {
	day := time.Date(2024, 2, 29, 10, 0, 0, 0, time.UTC)
	for text, over := range map[string]string{"1d": "2024-03-01", "90d": "2024-05-29", "1y": "2025-03-01", "4y": "2028-02-29", "6y": "2030-03-01"} {
		term, err := ParseTerm(text)
		if err != nil || term.String() != text || term.Forever() {
			t.Errorf("%s: %+v, %v", text, term, err)
		}
		if got := term.Over(day).Format(time.DateOnly); got != over {
			t.Errorf("%s is over at %s, not at %s", text, got, over)
		}
	}
	for _, text := range []string{"", "0d", "0y", "-1y", "6", "6m", "1.5y", "1001y", "01y", "6y ", "99999999d"} {
		if term, err := ParseTerm(text); err == nil {
			t.Errorf("%q is %+v", text, term)
		}
	}
	sorted := []string{"1d", "364d", "1y", "366d", "6y", "forever"}
	for i, a := range sorted {
		for k, b := range sorted {
			ta, _ := ParseTerm(a)
			tb, _ := ParseTerm(b)
			if ta.Shorter(tb) != (i < k) {
				t.Errorf("%s is shorter than %s: %v", a, b, ta.Shorter(tb))
			}
		}
	}
}

// A term is over with its last moment, not before it, and one without an end never.
func TestTheTermIsOver(t *testing.T) {
	closed := time.Date(2024, 1, 1, 0, 0, 0, 500, time.UTC)
	for _, c := range []struct {
		term, at string
		over     bool
	}{
		{"6y", "2030-01-01T00:00:00.001Z", true},
		{"6y", "2030-01-01T00:00:00Z", false}, // half a microsecond before
		{"6y", "2029-12-31T23:59:59.999Z", false},
		{"1000y", "3023-12-31T00:00:00Z", false},
		{"1000y", "3024-01-02T00:00:00Z", true},
		{"1d", "2024-01-02T00:00:00.001Z", true},
		{"forever", "9999-01-01T00:00:00Z", false},
	} {
		term, err := ParseTerm(c.term)
		now, err2 := time.Parse(time.RFC3339Nano, c.at)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		s := Segment{Term: term, Closed: closed, Due: term.Over(closed)}
		if got := precedence.Decide(s.claim(now, false)).Remove; got != c.over {
			t.Errorf("%s at %s: over is %v", c.term, c.at, got)
		}
		if precedence.Decide(s.claim(now, true)).Remove {
			t.Errorf("%s at %s: it goes under a hold", c.term, c.at)
		}
	}
}

type keys struct {
	to       age.Recipient
	signer   note.Signer
	verifier note.Verifier
}

var testKeys = sync.OnceValue(func() (k keys) {
	id, _ := age.GenerateHybridIdentity()
	k.to = id.Recipient()
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "example.org/archive")
	if err != nil {
		panic(err)
	}
	k.signer, _ = note.NewSigner(skey)
	k.verifier, _ = merkle.ParseVerifier(vkey)
	return k
})

type fataler interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// office is an archive with a clock.
type office struct {
	fataler
	dir     string
	now     time.Time
	log     *archive.Log
	holds   map[string]bool // ids of segments, or "all"
	file    archive.Blob
	sealed  time.Time // when it was; a recorder names a file again for some minutes only
	records int
}

func open(t fataler, dir string) *office {
	o := &office{fataler: t, dir: dir, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), holds: map[string]bool{}}
	o.reopen()
	return o
}

func (o *office) reopen() {
	if o.log != nil {
		o.must(o.log.Close())
	}
	k := testKeys()
	var err error
	o.log, err = archive.Open(archive.Config{Dir: o.dir, Signer: k.signer, Verifier: k.verifier, Recipients: []age.Recipient{k.to}, Now: func() time.Time { return o.now }})
	o.must(err)
}

func (o *office) must(err error) {
	if err != nil {
		o.Fatal(err)
	}
}

// say archives a record, with a new attachment, or one that was named before, or none.
func (o *office) say(class string, file int) {
	o.records++
	r := record.Record{Room: "!r", EventID: fmt.Sprintf("$%d", o.records), Time: o.now}
	line, err := r.Encode()
	o.must(err)
	var list []archive.Draft
	if file == 1 {
		o.file, err = o.log.PutBlob(context.Background(), class, strings.NewReader(fmt.Sprint("file ", o.records)))
		o.must(err)
	}
	if file == 1 {
		o.sealed = o.now
	}
	if file > 0 && o.file.Class == class && o.now.Sub(o.sealed) < 24*time.Hour {
		list = append(list, o.file.Draft(line))
	}
	_, err = o.log.Append(context.Background(), append(list, archive.Draft{Class: class, Kind: segment.Record, Subject: segment.Subject("!r", r.EventID), Line: line})...)
	o.must(err)
}

func (o *office) rotate() {
	o.must(o.log.Rotate(context.Background()))
	_, err := o.log.Checkpoint(context.Background())
	o.must(err)
}

var terms = map[string]Term{"short": {Days: 1}, "long": {Years: 1}, "always": {}}

func (o *office) job() *Job {
	d, err := depot.OpenDir(o.dir)
	o.must(err)
	k := testKeys()
	return &Job{
		Dir: d, Verifier: k.verifier, Signer: k.signer, Terms: terms, Now: o.now, Log: o.log, By: "a test",
		Held: func(_ context.Context, s *Segment) (string, error) {
			if o.holds["all"] || o.holds[s.ID.String()] {
				return "case 1", nil
			}
			return "", nil
		},
	}
}

// named gives, by attachment, the segments that name it, as the log says.
func (o *office) named() map[string][]string {
	class := map[segment.ID]string{}
	out := map[string][]string{}
	r := &run{Job: o.job(), ctx: context.Background()}
	_, err := r.entries(func(e *segment.Entry) {
		if e.Kind == segment.Opened {
			class[e.Segment] = e.Note
		}
		if e.Kind == segment.Blob {
			name := class[e.Segment] + "/" + e.Subject.String()
			out[name] = append(out[name], e.Segment.String())
		}
	})
	o.must(err)
	return out
}

func (o *office) files(folder string) (list []string) {
	found, _ := filepath.Glob(filepath.Join(o.dir, folder, "*", "*"))
	for _, f := range found {
		if !strings.HasSuffix(f, depot.OpenSuffix) {
			list = append(list, filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f))
		}
	}
	return list
}

func (o *office) verify() *verify.Report {
	d, err := depot.OpenDir(o.dir)
	o.must(err)
	r, err := verify.Run(context.Background(), d, verify.Options{Policy: merkle.Policy{Log: testKeys().verifier}})
	o.must(err)
	if len(r.Problems) > 0 {
		o.Fatalf("%v", r.Problems)
	}
	return r
}

var errKilled = errors.New("killed")

// Whatever is archived, held, released and interrupted: nothing under hold or within its term loses its key, all that is due goes in the end with a certificate, an
// attachment lives as long as a segment that names it, and the archive verifies after each step.
func TestWhatIsDueGoesAndNothingElse(t *testing.T) {
	// Each writes to a disk: a few, unless -rapid.checks says otherwise.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("15"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "expiry")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		o := open(t, dir)
		defer func() { _ = o.log.Close() }()
		closed := map[string]*Segment{} // all that ever were
		gone := map[string]bool{}
		look := func() {
			r := &run{Job: o.job(), ctx: context.Background(), certified: map[segment.ID]bool{}, ended: map[string]bool{}}
			o.must(r.list())
			for _, s := range r.segments {
				if closed[s.ID.String()] == nil {
					closed[s.ID.String()] = s
				}
			}
		}
		check := func(held []string) {
			present := o.files("key")
			for id, s := range closed {
				there := slices.Contains(present, s.Class+"/"+id)
				if !there && !gone[id] {
					gone[id] = true
					if s.Term.Forever() || o.now.Before(s.Due) || slices.Contains(held, id) {
						t.Fatalf("segment %s of class %s lost its key at %v; due %v, held %v", id, s.Class, o.now, s.Due, held)
					}
				}
			}
			for name, segments := range o.named() {
				if !slices.Contains(present, name) && slices.ContainsFunc(segments, func(id string) bool { return !gone[id] }) {
					t.Fatalf("attachment %s is gone, and not all of %v", name, segments)
				}
			}
			o.verify()
		}
		t.Repeat(map[string]func(*rapid.T){
			"say": func(t *rapid.T) {
				class := rapid.SampledFrom([]string{"short", "short", "long", "always"}).Draw(t, "class")
				o.say(class, rapid.IntRange(0, 2).Draw(t, "file"))
				if rapid.Bool().Draw(t, "rotate") {
					o.rotate()
				}
				look()
			},
			"wait": func(t *rapid.T) {
				o.now = o.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, 25 * time.Hour, 200 * 24 * time.Hour}).Draw(t, "time"))
			},
			"hold": func(t *rapid.T) {
				if len(closed) > 0 {
					o.holds[rapid.SampledFrom(slices.Sorted(keysOf(closed))).Draw(t, "segment")] = true
				}
			},
			"release": func(*rapid.T) { clear(o.holds) },
			"killed": func(t *rapid.T) {
				look()
				steps := rapid.IntRange(0, 12).Draw(t, "steps")
				j := o.job()
				j.step = func(string) error {
					if steps--; steps < 0 {
						return errKilled
					}
					return nil
				}
				held := slices.Collect(keysOf(o.holds))
				if _, err := j.Run(context.Background()); err != nil && !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				check(held)
				if rapid.Bool().Draw(t, "reopen") {
					o.reopen()
					look()
					check(held)
				}
			},
			"held meanwhile": func(t *rapid.T) {
				look()
				at := rapid.SampledFrom([]string{"shred", "checkpoint", "key"}).Draw(t, "at")
				j := o.job()
				var held []string
				j.step = func(step string) error {
					if step == at {
						o.holds["all"] = true
						for id := range closed {
							if slices.Contains(o.files("key"), closed[id].Class+"/"+id) {
								held = append(held, id)
							}
						}
						at = ""
					}
					return nil
				}
				_, err := j.Run(context.Background())
				o.must(err)
				check(append(held, slices.Collect(keysOf(o.holds))...))
				delete(o.holds, "all")
			},
			"run": func(t *rapid.T) {
				look()
				res, err := o.job().Run(context.Background())
				o.must(err)
				check(slices.Collect(keysOf(o.holds)))
				for id, s := range closed {
					due := !s.Term.Forever() && !o.now.Before(s.Due) && !o.holds[id]
					if due && (!gone[id] || slices.Contains(o.files("segment"), s.Class+"/"+id)) {
						t.Fatalf("segment %s of class %s is there still: %+v", id, s.Class, res)
					}
				}
				for name, segments := range o.named() {
					if !slices.ContainsFunc(segments, func(id string) bool { return !gone[id] }) && slices.Contains(append(o.files("key"), o.files("blob")...), name) {
						t.Fatalf("attachment %s is there still", name)
					}
				}
				if r := o.verify(); int(r.Certified) != len(gone) {
					t.Fatalf("%d segments are gone, and certificates say %d", len(gone), r.Certified)
				}
			},
			"": func(*rapid.T) {},
		})
	})
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
