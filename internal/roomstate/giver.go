package roomstate

import "conclave.chat/internal/mx"

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
