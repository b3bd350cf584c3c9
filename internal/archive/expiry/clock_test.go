package expiry

import (
	"context"
	"testing"
	"time"
)

// A clock that was in the past when a segment was closed does not end it early: its term counts from when the newest of what it holds was sent, or of what was closed
// before it.
func TestAClockThatWasInThePast(t *testing.T) {
	o := open(t, t.TempDir())
	sent := o.now
	last := map[string]time.Time{}
	due := func() []string {
		t.Helper()
		j := o.job()
		j.Last = func(s *Segment) (time.Time, error) { return last[s.ID.String()], nil }
		r, err := j.Plan(context.Background())
		o.must(err)
		var list []string
		for i := range r.Due {
			list = append(list, r.Due[i].ID.String())
		}
		return list
	}
	closed := func() string {
		t.Helper()
		was := map[string]bool{}
		for _, f := range o.files("segment") {
			was[f] = true
		}
		o.say("short", 0)
		o.rotate()
		for _, f := range o.files("segment") {
			if !was[f] {
				return f[len("short/"):]
			}
		}
		t.Fatal("no segment was closed")
		return ""
	}
	first := closed()
	last[first] = sent
	o.now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // a machine that has started without a battery
	known, unknown := closed(), closed()                // of one that a crash has closed, it is not known what it holds
	last[known] = sent.Add(time.Minute)
	o.now = sent.Add(time.Hour)
	if got := due(); len(got) != 0 {
		t.Fatalf("due after an hour, of %s, %s and %s: %v", first, known, unknown, got)
	}
	o.now = sent.Add(24*time.Hour + 30*time.Second)
	if got := due(); len(got) != 1 || got[0] != first {
		t.Errorf("due after a day: %v, not %s", got, first)
	}
	o.now = sent.Add(24*time.Hour + 61*time.Second)
	if got := due(); len(got) != 3 {
		t.Errorf("due in the end: %v", got)
	}
}
