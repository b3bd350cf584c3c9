package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/test/fulldisk"
)

// A disk that takes nothing more stops the archive, which says so, and goes on by itself when there is room: nothing that was answered is lost.
func TestAFullDiskThatHasRoomAgain(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	ctx := context.Background()
	c := config(t.TempDir())
	c.Retry = time.Millisecond
	var mu sync.Mutex
	var told []error
	var sealed []Sealed
	c.Failed = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}
	c.Sealed = func(s Sealed) {
		mu.Lock()
		defer mu.Unlock()
		sealed = append(sealed, s)
	}
	l, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	room := &Parties{Room: "!r", Users: []string{"@ann:x"}}
	want := map[uint64]string{}
	add := func(event string) error {
		d := draft(t, "7y", event)
		d.Parties = []*Parties{room}
		seqs, err := l.Append(ctx, d)
		if err == nil {
			want[seqs[0]] = event
		}
		return err
	}
	for i := range 20 {
		if err := add(fmt.Sprintf("$before-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	open, _ := filepath.Glob(filepath.Join(c.Dir, "segment", "7y", "*.open"))
	info, err := os.Stat(open[0])
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	more := fulldisk.Limit(t, info.Size()+40)
	if err := add("$lost"); !errors.Is(err, ErrBroken) && !errors.Is(err, unix.EFBIG) {
		t.Fatalf("a write without room: %v", err)
	}
	for range 3 {
		if _, err := l.Size(ctx); !errors.Is(err, ErrBroken) || !errors.Is(err, unix.EFBIG) {
			t.Fatalf("it does not say that it takes nothing, and why: %v", err)
		}
		if err := add("$lost-too"); !errors.Is(err, ErrBroken) {
			t.Fatalf("it takes what it cannot keep: %v", err)
		}
	}
	more()
	for _, err = l.Size(ctx); err != nil; _, err = l.Size(ctx) {
		if !errors.Is(err, ErrBroken) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if err := add("$after"); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, c.Dir); len(got) != len(want) || len(got) != 21 {
		t.Fatalf("%d records, %d were answered", len(got), len(want))
	} else {
		for seq, event := range want {
			if got[seq] != event {
				t.Errorf("%d is %s, not %s", seq, got[seq], event)
			}
		}
	}
	if _, err := merkle.Open(c.Dir, c.Verifier); err != nil {
		t.Error(err)
	}
	if len(told) < 2 || told[0] == nil || told[len(told)-1] != nil || slices.Contains(told[:len(told)-1], nil) {
		t.Errorf("told: %v", told)
	}
	// Holds find what is in a segment that a failure has ended.
	if len(sealed) != 2 || slices.ContainsFunc(sealed, func(s Sealed) bool { return len(s.Parties) != 1 || s.Parties[0] != room }) {
		t.Errorf("sealed: %+v", sealed)
	}
}
