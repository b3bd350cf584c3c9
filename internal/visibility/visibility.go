// Package visibility answers which events of a room a user may see.
//
// The specification decides it event by event, from the room's history visibility and the user's membership at that event:
//
//   - world_readable: "All events while this is the m.room.history_visibility value may be shared by any participating homeserver
//     with any authenticated user, regardless of whether they have ever joined the room."
//   - shared: "All events in the room are accessible, even those sent when the member was not a part of the room", to whoever
//     joined at any point after the event was sent. It is also what holds where nothing, or nothing understood, is set.
//   - invited: "Events are accessible to newly joined members from the point they were invited onwards", until they are neither
//     invited nor joined.
//   - joined: "Events are accessible to newly joined members from the point they joined the room onwards."
//
// Rooms are linear, so both are step functions of the position, and what a user may see is a list of spans of positions. A View is
// that list: readers skip what is invisible by its bounds instead of fetching and dropping it. Data enters as the changes of
// the two values (Views reads them from the event log) and leaves as a View, which is immutable. The package refuses nothing: whether
// a room may be named at all is for its users to say, by View.EverJoined and View.Departed.
//
// Spec: cs#room-history-visibility
package visibility

import (
	"cmp"
	"math"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// End is the position that an open span ends at: all events to come.
const End store.Pos = math.MaxInt64

// Change is the event at which a membership or the history visibility took a new value.
type Change struct {
	Pos   store.Pos
	Value string
}

// Span is the positions from From up to and including To.
type Span struct{ From, To store.Pos }

// View is what one user may see of one room.
type View struct {
	members []Change
	spans   []Span
	joined  bool // is in the room
	ever    bool // was in the room at any time
	left    store.Pos
	erased  *erasures // nil: nobody asked for erasure
}

// New makes the view of a user from the changes of the user's own membership and of the room's history visibility, both in order
// of position.
func New(members, visibilities []Change) *View {
	v := &View{members: members}
	var lastJoin store.Pos
	for i, c := range members {
		if c.Value == mx.Join {
			lastJoin, v.ever = c.Pos, true
		} else if i > 0 && members[i-1].Value == mx.Join {
			v.left = c.Pos
		}
	}
	if n := len(members); n > 0 && members[n-1].Value == mx.Join {
		v.joined, v.left = true, 0
		lastJoin = End
	}
	v.sweep(visibilities, lastJoin)
	return v
}

// sweep walks the changes of both values in order. Between two changes the rules give one answer; at a change itself they are asked
// with the value before and with the value after it.
func (v *View) sweep(visibilities []Change, lastJoin store.Pos) {
	member, visible := mx.Leave, mx.VisibleShared
	from := store.Pos(1)
	members := v.members
	for len(members) > 0 || len(visibilities) > 0 {
		oldMember, oldVisible := member, visible
		var at store.Pos
		if len(visibilities) == 0 || (len(members) > 0 && members[0].Pos < visibilities[0].Pos) {
			at, member, members = members[0].Pos, members[0].Value, members[1:]
		} else {
			at, visible, visibilities = visibilities[0].Pos, understood(visibilities[0].Value), visibilities[1:]
		}
		v.add(oldMember, oldVisible, from, at-1, lastJoin)
		if upTo(oldMember, oldVisible, at, lastJoin) || upTo(member, visible, at, lastJoin) {
			v.append(Span{at, at})
		}
		from = at + 1
	}
	v.add(member, visible, from, End, lastJoin)
}

// add adds what is visible of a stretch in which nothing changes.
func (v *View) add(member, visible string, from, to, lastJoin store.Pos) {
	if visible != mx.VisibleWorld && member != mx.Join {
		to = min(to, lastJoin) // events are for those who joined after them
	}
	if from <= to && upTo(member, visible, to, lastJoin) {
		v.append(Span{from, to})
	}
}

// upTo applies the rules of the specification to an event at a position, given the values there.
func upTo(member, visible string, at, lastJoin store.Pos) bool {
	switch {
	case visible == mx.VisibleWorld, member == mx.Join:
		return true
	case at > lastJoin: // "In all cases except world_readable, a user needs to join a room to view events in that room."
		return false
	case visible == mx.VisibleShared:
		return true
	}
	return visible == mx.VisibleInvited && member == mx.Invite
}

func (v *View) append(s Span) {
	if n := len(v.spans); n > 0 && v.spans[n-1].To+1 == s.From {
		v.spans[n-1].To = s.To
		return
	}
	v.spans = append(v.spans, s)
}

// understood gives the default for values that are none.
func understood(value string) string {
	switch value {
	case mx.VisibleWorld, mx.VisibleInvited, mx.VisibleJoined:
		return value
	}
	return mx.VisibleShared
}

// CanSee reports whether the user may see the event at a position.
func (v *View) CanSee(at store.Pos) bool {
	_, found := slices.BinarySearchFunc(v.spans, at, func(s Span, at store.Pos) int {
		switch {
		case s.To < at:
			return -1
		case s.From > at:
			return 1
		}
		return 0
	})
	return found
}

// Spans is all positions that the user may see, in order, without overlap. It must not be changed.
func (v *View) Spans() []Span { return v.spans }

// Within is the visible spans that lie between two positions, both included, in order.
func (v *View) Within(from, to store.Pos) []Span {
	var list []Span
	for _, s := range v.spans {
		if s.From, s.To = max(s.From, from), min(s.To, to); s.From <= s.To {
			list = append(list, s)
		}
	}
	return list
}

// MembershipAt is the user's membership at an event, after it if it is that which the event changes; leave where there was none.
//
// Spec: cs#room-event-format
func (v *View) MembershipAt(at store.Pos) string {
	i, found := slices.BinarySearchFunc(v.members, at, func(c Change, at store.Pos) int { return cmp.Compare(c.Pos, at) })
	switch {
	case found:
		return v.members[i].Value
	case i > 0:
		return v.members[i-1].Value
	}
	return mx.Leave
}

// Joined reports whether the user is in the room.
func (v *View) Joined() bool { return v.joined }

// EverJoined reports whether the user is in the room or has been: a rejected invitation makes nobody a member.
func (v *View) EverJoined() bool { return v.ever }

// Departed is the position of the event by which a former member ceased to be one for the last time, and false for anybody else. What
// such a user may know of the room's state is what it was then.
func (v *View) Departed() (store.Pos, bool) { return v.left, v.left != 0 }
