package feed

import (
	"cmp"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// maxHeroes is how many members stand for a room without a name.
const maxHeroes = 5

// Heroes are the members whose names a client can call a room by that has none: the first joined or invited ones except the user, or, if
// there are none, those who are gone.
//
// Spec: cs#get_matrixclientv3sync
func Heroes(snap *roomstate.Snapshot, me mx.UserID) []mx.UserID {
	if named(snap) {
		return nil
	}
	present := snap.JoinedCount() + snap.InvitedCount()
	if snap.Joined(me) || snap.Membership(me) == mx.Invite {
		present--
	}
	type hero struct {
		user  mx.UserID
		depth int64
	}
	var first [maxHeroes + 1]hero
	n := 0
	for u, e := range snap.Members("") {
		m := e.Membership()
		here := m == mx.Join || m == mx.Invite
		if u == me || here != (present > 0) || (!here && m == mx.Knock) {
			continue
		}
		at, _ := slices.BinarySearchFunc(first[:n], hero{u, e.Depth}, func(a, b hero) int {
			return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.user, b.user))
		})
		if at == maxHeroes {
			continue
		}
		n = min(n+1, maxHeroes)
		copy(first[at+1:], first[at:n])
		first[at] = hero{u, e.Depth}
	}
	list := make([]mx.UserID, n)
	for i := range list {
		list[i] = first[i].user
	}
	return list
}

// named reports whether a room has a name or an alias to be called by.
func named(snap *roomstate.Snapshot) bool {
	if e := snap.State(mx.TypeName, ""); e != nil && e.Str("name") != "" {
		return true
	}
	e := snap.State(mx.TypeCanonicalAlias, "")
	return e != nil && e.Str("alias") != ""
}
