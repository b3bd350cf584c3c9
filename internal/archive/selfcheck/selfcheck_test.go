package selfcheck

import (
	"testing"
	"time"
)

func TestAlarms(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ago := func(h int) time.Time { return now.Add(-time.Duration(h) * time.Hour) }
	for _, c := range []struct {
		s    *Status
		want Alarm
	}{
		{nil, Unreachable},
		{&Status{Since: ago(1)}, Quiet}, // the first one is under way
		{&Status{Since: ago(27)}, Overdue},
		{&Status{Since: ago(100), Check: &Result{Time: ago(25)}}, Quiet},
		{&Status{Since: ago(1), Check: &Result{Time: ago(27)}}, Overdue},
		{&Status{Check: &Result{Time: ago(1), Error: "no answer"}}, Failed},
		{&Status{Check: &Result{Time: ago(27), Problems: 1}}, Problems},
		{&Status{Check: &Result{Time: ago(1), Problems: 3}}, Problems},
	} {
		if got := Judge(now, c.s); got != c.want {
			t.Errorf("%+v: %q, not %q", c.s, got, c.want)
		}
	}
}
