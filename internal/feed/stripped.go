package feed

import (
	"iter"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// StrippedState goes over the state that somebody who is invited or knocks may know: what the room is called and is, who invites, and
// the own membership.
//
// Spec: cs#stripped-state
func StrippedState(snap *roomstate.Snapshot, user, inviter mx.UserID) iter.Seq[*mx.Event] {
	return func(yield func(*mx.Event) bool) {
		for _, typ := range mx.StrippedStateTypes() {
			if e := snap.State(typ, ""); e != nil && !yield(e) {
				return
			}
		}
		if inviter != "" && inviter != user {
			if e := snap.State(mx.TypeMember, string(inviter)); e != nil && !yield(e) {
				return
			}
		}
		if e := snap.State(mx.TypeMember, string(user)); e != nil {
			yield(e)
		}
	}
}
