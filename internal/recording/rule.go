package recording

import (
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// Scopes.
const (
	All    = "all"    // every room
	Except = "except" // every room but those named
	People = "people" // rooms with any of the people named
	None   = "none"
)

// Modes.
const (
	Closed = "closed" // what the recorder does not sign is refused
	Warn   = "warn"   // it is accepted, and archived later
)

// Rule is what the organisation says about recording.
type Rule struct {
	Scope  string
	Rooms  []string // ids, for Except
	People []string // user ids, for People
	Mode   string
}

// covers is the one place that decides whether a room is to be recorded. A room that is recorded since somebody was in it stays so when they leave.
func (r Rule) covers(room *roomstate.Snapshot, recorded bool) bool {
	switch r.Scope {
	case All:
		return true
	case Except:
		return !slices.Contains(r.Rooms, string(room.Room()))
	case People:
		return recorded || slices.ContainsFunc(r.People, func(u string) bool {
			m := room.Membership(mx.UserID(u))
			return m == mx.Join || m == mx.Invite
		})
	}
	return false
}
