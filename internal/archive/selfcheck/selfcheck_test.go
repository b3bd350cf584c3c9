package selfcheck

import (
	"slices"
	"testing"
	"time"
)

func TestAlarms(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ago := func(h int) time.Time { return now.Add(-time.Duration(h) * time.Hour) }
	for _, c := range []struct {
		s    *Status
		want []Alarm
	}{
		{nil, []Alarm{Unreachable}},
		{&Status{Since: ago(1)}, nil}, // the first one is under way
		{&Status{Since: ago(27)}, []Alarm{Overdue}},
		{&Status{Since: ago(100), Check: &Result{Time: ago(25)}}, nil},
		{&Status{Since: ago(1), Check: &Result{Time: ago(27)}}, []Alarm{Overdue}},
		{&Status{Check: &Result{Time: ago(1), Error: "no answer"}}, []Alarm{Failed}},
		{&Status{Check: &Result{Time: ago(27), Problems: 1}}, []Alarm{Problems}},
		{&Status{Check: &Result{Time: ago(1), Problems: 3}}, []Alarm{Problems}},
		{&Status{Since: ago(1), Witnesses: []Witness{{Name: "x", Time: now}}}, nil},
		{&Status{Since: now, Witnesses: []Witness{{Name: "x", Time: ago(5)}}}, nil}, // it was just started
		{&Status{Since: ago(3), Witnesses: []Witness{{Name: "x", Time: now}, {Name: "y", Time: ago(2), Error: "no answer"}}}, []Alarm{Unwitnessed}},
		{&Status{Since: ago(3), Witnesses: []Witness{{Name: "x"}}}, []Alarm{Unwitnessed}},
		{&Status{Since: now, Witnesses: []Witness{{Name: "x", Time: now, Refused: true}}}, []Alarm{Unwitnessed}},
		{&Status{Since: now, Forked: "an older copy"}, []Alarm{Unwitnessed}},
		{&Status{Since: now, Now: now.Add(9 * time.Minute)}, nil},
		{&Status{Since: now, Now: now.Add(11 * time.Minute)}, []Alarm{Clock}},
		{&Status{Since: now, Now: ago(1)}, []Alarm{Clock}},
		{&Status{Since: now, Copy: &Copy{}}, nil},
		{&Status{Since: ago(2), Copy: &Copy{Time: now.Add(-14 * time.Minute), Error: "no answer"}}, nil},
		{&Status{Since: ago(2), Copy: &Copy{Time: now.Add(-16 * time.Minute), Error: "no answer"}}, []Alarm{Uncopied}},
		{&Status{Since: ago(2), Copy: &Copy{}}, []Alarm{Uncopied}},
		{&Status{Since: ago(1), Stopped: "no space left on device"}, []Alarm{Stopped}},
		{&Status{Stopped: "no space left on device", Check: &Result{Time: ago(1), Problems: 3}}, []Alarm{Stopped, Problems}},
	} {
		if got := Judge(now, c.s); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, not %q", c.s, got, c.want)
		}
	}
}
