// Package selfcheck is what a recorder tells the homeserver of its archive: the result of the daily verification, and what became of segments whose time was
// over. It owns these words and when they are an alarm; the recorder writes them, the homeserver shows them.
package selfcheck

import (
	"slices"
	"time"
)

// Result is that of one verification.
type Result struct {
	Time        time.Time `json:"time"` // when it ended
	Seconds     int64     `json:"seconds"`
	Records     int64     `json:"records"`
	Newer       int64     `json:"newer"` // entries that no checkpoint covered yet
	Gaps        int64     `json:"gaps"`
	Attachments int64     `json:"attachments"`
	Segments    int64     `json:"segments"`
	Certified   int64     `json:"certified"` // segments whose keys were destroyed at the end of their time
	Bytes       int64     `json:"bytes"`
	Stated      int64     `json:"stated"` // accepted events that the archive was compared with
	Problems    int64     `json:"problems"`
	First       []string  `json:"first,omitempty"` // the first of these
	Error       string    `json:"error,omitempty"` // why there was no verification
}

// Expiry is what became of what was due when the recorder last looked.
type Expiry struct {
	Time      time.Time `json:"time"`
	Destroyed int64     `json:"destroyed"` // segments
	Held      int64     `json:"held"`      // segments that would have been destroyed but for a hold
	Waiting   int64     `json:"waiting"`   // files that the bucket keeps for now
	Error     string    `json:"error,omitempty"`
}

// Witness is who signs the archive's checkpoints.
type Witness struct {
	Name    string    `json:"name"`
	Time    time.Time `json:"time,omitzero"`   // when it last did
	Error   string    `json:"error,omitempty"` // why it did not when it was last asked
	Refused bool      `json:"refused,omitempty"`
}

// Copy is what became of copying the archive to its bucket, which is done each minute.
type Copy struct {
	Time  time.Time `json:"time,omitzero"`   // when it was last brought to its end
	Error string    `json:"error,omitempty"` // why not, the last time
}

// Status is all that the recorder tells.
type Status struct {
	// Stopped says why the archive takes nothing now; the recorder signs nothing then.
	Stopped string `json:"stopped,omitempty"`

	// Copy is nil where there is no bucket.
	Copy *Copy `json:"copy,omitempty"`

	// Forked says why the archive is not the one that its witnesses have signed: an older copy, or another history.
	Forked    string    `json:"forked,omitempty"`
	Witnesses []Witness `json:"witnesses,omitempty"`

	Check  *Result   `json:"check,omitempty"`
	Expiry *Expiry   `json:"expiry,omitempty"`
	Holds  int       `json:"holds"` // in force at the recorder itself
	Since  time.Time `json:"since"` // when the recorder began
	// Now is the recorder's time; zero where it does not tell.
	Now time.Time `json:"now,omitzero"`
	// Classes are the retention classes that the recorder has a term for; nil: it does not say.
	Classes []string `json:"classes,omitzero"`
}

// Alarm says what is wrong: one of the words below, or "".
type Alarm string

// The alarms.
const (
	Quiet       Alarm = ""
	Unreachable Alarm = "unreachable" // the recorder does not tell
	Stopped     Alarm = "stopped"     // the archive takes nothing
	Unwitnessed Alarm = "witness"     // a witness refuses the archive's checkpoints, or has not signed one for too long
	Problems    Alarm = "problems"    // the archive is not right
	Failed      Alarm = "failed"      // the verification could not be brought to its end
	Clock       Alarm = "clock"       // the recorder's time is not the homeserver's
	Uncopied    Alarm = "bucket"      // the archive was not copied to its bucket for too long
	Overdue     Alarm = "overdue"     // there was none for too long
)

// WitnessPatience is for how long a witness may not sign: it is asked each minute.
const WitnessPatience = time.Hour

// late reports whether a witness that is asked since then has refused, or has not signed for too long.
func (w Witness) late(since, now time.Time) bool {
	return w.Refused || late(w.Time, since, now, WitnessPatience)
}

// late reports whether something that is done again and again since then was last done too long ago.
func late(last, since, now time.Time, patience time.Duration) bool {
	if last.After(since) {
		since = last
	}
	return now.Sub(since) > patience
}

// CopyPatience is for how long the archive may not be copied to its bucket.
const CopyPatience = 15 * time.Minute

// ClockPatience is by how much the recorder's time may differ from the homeserver's: terms and holds rest on it.
const ClockPatience = 10 * time.Minute

// Patience is for how long there may be no verification.
const Patience = 26 * time.Hour

// All are the alarms there are, the gravest first.
func All() []Alarm {
	return []Alarm{Unreachable, Stopped, Problems, Unwitnessed, Failed, Clock, Uncopied, Overdue}
}

// Judge says what is wrong with what the recorder told, which is nil where it did not answer: the gravest first.
func Judge(now time.Time, s *Status) (list []Alarm) {
	for _, a := range All() {
		if s.has(a, now) {
			list = append(list, a)
		}
	}
	return list
}

func (s *Status) has(a Alarm, now time.Time) bool {
	if s == nil || a == Unreachable {
		return s == nil && a == Unreachable
	}
	c := s.Check
	switch a {
	case Stopped:
		return s.Stopped != ""
	case Unwitnessed:
		return s.Forked != "" || slices.ContainsFunc(s.Witnesses, func(w Witness) bool { return w.late(s.Since, now) })
	case Problems:
		return c != nil && c.Problems > 0
	case Uncopied:
		return s.Copy != nil && late(s.Copy.Time, s.Since, now, CopyPatience)
	case Clock:
		return !s.Now.IsZero() && now.Sub(s.Now).Abs() > ClockPatience
	case Failed:
		return c != nil && c.Problems == 0 && c.Error != ""
	case Overdue:
		if c == nil {
			return now.Sub(s.Since) > Patience
		}
		return c.Problems == 0 && c.Error == "" && now.Sub(c.Time) > Patience
	case Quiet, Unreachable:
	}
	return false
}
