// Package selfcheck is what a recorder tells the homeserver of its archive: the result of the daily verification, and what became of segments whose time was
// over. It owns these words and when they are an alarm; the recorder writes them, the homeserver shows them.
package selfcheck

import "time"

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

// Status is all that the recorder tells.
type Status struct {
	Check  *Result   `json:"check,omitempty"`
	Expiry *Expiry   `json:"expiry,omitempty"`
	Holds  int       `json:"holds"` // in force at the recorder itself
	Since  time.Time `json:"since"` // when the recorder began
}

// Alarm says what is wrong: one of the words below, or "".
type Alarm string

// The alarms.
const (
	Quiet       Alarm = ""
	Unreachable Alarm = "unreachable" // the recorder does not tell
	Problems    Alarm = "problems"    // the archive is not right
	Failed      Alarm = "failed"      // the verification could not be brought to its end
	Overdue     Alarm = "overdue"     // there was none for too long
)

// Patience is for how long there may be no verification.
const Patience = 26 * time.Hour

// Judge says what is wrong with what the recorder told, which is nil where it did not answer.
func Judge(now time.Time, s *Status) Alarm {
	switch {
	case s == nil:
		return Unreachable
	case s.Check == nil:
		if now.Sub(s.Since) > Patience {
			return Overdue
		}
		return Quiet
	case s.Check.Problems > 0:
		return Problems
	case s.Check.Error != "":
		return Failed
	case now.Sub(s.Check.Time) > Patience:
		return Overdue
	}
	return Quiet
}
