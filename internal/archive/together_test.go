package archive

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
)

// What one call brings in one class lies in one segment, however full that is, and whom it is about is told when the segment closes.
func TestDraftsOfOneCallStayTogether(t *testing.T) {
	c := config(t.TempDir())
	c.SegmentBytes = 2000
	var sealed []Sealed
	c.Sealed = func(s Sealed) { sealed = append(sealed, s) }
	l, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	at := time.Unix(1_700_000_000, 0)
	desk, other := &Parties{Room: "!desk", Users: []string{"@ann:x"}}, &Parties{Room: "!other"}
	var calls [][]uint64
	for call := range 6 {
		var list []Draft
		for i := range 5 {
			d := draft(t, "6y", fmt.Sprintf("$%d-%d", call, i))
			// Longer than a group may be, so that each makes a group of its own.
			d.Line = []byte(strings.Replace(string(d.Line), `"!r"`, `"!`+strings.Repeat("x", 3<<20)+`"`, 1))
			d.Parties, d.Sent = []*Parties{desk}, at.Add(time.Duration(call)*time.Hour)
			if call > 3 {
				d.Parties = []*Parties{other, desk}
			}
			list = append(list, d)
		}
		seqs, err := l.Append(ctx, list...)
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, seqs)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	in := map[uint64]segment.ID{}
	d, _ := depot.OpenDir(c.Dir)
	for name, err := range d.List(ctx, "segment/") {
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Open(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for s := segment.NewScanner(f); ; {
			b, err := s.Next()
			if err != nil {
				break
			}
			for e := range b.Entries() {
				in[e.Seq] = e.Segment
			}
		}
		_ = f.Close()
	}
	for i, seqs := range calls {
		for _, n := range seqs {
			if in[n] != in[seqs[0]] {
				t.Errorf("call %d lies in several segments", i)
			}
		}
	}
	if len(sealed) < 2 {
		t.Fatalf("%d segments", len(sealed))
	}
	first, last := sealed[0], sealed[len(sealed)-1]
	if !first.First.Equal(at) || !last.Last.Equal(at.Add(5*time.Hour)) || first.Class != "6y" {
		t.Errorf("%+v … %+v", first, last)
	}
	if !slices.Contains(first.Parties, desk) || slices.Contains(first.Parties, other) || !slices.Contains(last.Parties, other) {
		t.Errorf("parties: %v … %v", first.Parties, last.Parties)
	}
}

// While the archive is written on, what was frozen verifies as it was.
func TestAFrozenArchiveVerifies(t *testing.T) {
	c := config(t.TempDir())
	l, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()
	say := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			if _, err := l.Append(ctx, draft(t, "6y", fmt.Sprint("$", i))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
	}
	say(0, 30)
	d, _ := depot.OpenDir(c.Dir)
	frozen, err := depot.Freeze(ctx, d, merkle.Partial)
	if err != nil {
		t.Fatal(err)
	}
	say(30, 300) // its tiles that were not full are gone now
	if gone, _ := filepath.Glob(filepath.Join(c.Dir, "tile", "0", "000.p", "*")); len(gone) > 0 {
		t.Fatalf("%v are there still", gone)
	}
	r, err := verify.Run(ctx, frozen, verify.Options{Policy: merkle.Policy{Log: c.Verifier}})
	if err != nil || len(r.Problems) > 0 || r.Records != 30 || r.Newer == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
