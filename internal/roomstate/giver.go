package roomstate

import (
	"slices"

	"conclave.chat/internal/mx"
)

// Giver is the member of a room that can give others most power, and how much that is; "" if none can give any.
func (s *Snapshot) Giver() (mx.UserID, mx.Level) {
	const most = 100 // what clients take for an administrator; creators of version 12 have more than can be named
	p := s.Power()
	need := p.Event(mx.TypePowerLevels, true)
	var giver mx.UserID
	var best mx.Level
	for u := range s.Members(mx.Join) {
		l := p.User(u)
		if l >= need && (giver == "" || l > best || l == best && u < giver) {
			giver, best = u, l
		}
	}
	return giver, min(best, max(most, need))
}

// Recorder is the member in whose name a room says that it is recorded: one with most power, who is none of the recorders; "" if nobody has enough.
func (s *Snapshot) Recorder(recorders []mx.UserID) mx.UserID {
	power := s.Power()
	need := max(power.Event("m.room.policy", true), power.Event("io.element.functional_members", true), power.Invite)
	var best mx.UserID
	for u := range s.Members(mx.Join) {
		if power.User(u) < need || slices.Contains(recorders, u) {
			continue
		}
		if best == "" || power.User(u) > power.User(best) || power.User(u) == power.User(best) && u < best {
			best = u
		}
	}
	return best
}
