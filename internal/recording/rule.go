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
	Groups = "groups" // rooms with anybody in any of the groups named
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
	Groups []string // ids of groups, for Groups
	Mode   string
	// Classes are the archive's retention classes other than its own, the first before the others.
	Classes []Class
}

// Membership knows who is in which group.
type Membership interface {
	// In is the members of a group; nil where there is no such group.
	In(group string) map[mx.UserID]bool
	// Print differs where who is in which group differs.
	Print() uint64
}

// reason is one of what a rule names: why a room is recorded.
type reason struct{ kind, id string }

const (
	byScope  = "scope"
	byPerson = "person"
	byGroup  = "group"
)

// names lists what the rule names: a room that is recorded for a reason that is none of these any more is looked at anew.
func (r Rule) names() (list []reason) {
	switch r.Scope {
	case All, Except:
		return []reason{{byScope, All}}
	case People:
		for _, u := range r.People {
			list = append(list, reason{byPerson, u})
		}
	case Groups:
		for _, g := range r.Groups {
			list = append(list, reason{byGroup, g})
		}
	}
	return list
}

// holds reports whether what the rule names is in a room.
func (w reason) holds(room *roomstate.Snapshot, m Membership) bool {
	switch w.kind {
	case byPerson:
		return present(room, mx.UserID(w.id))
	case byGroup:
		return anyOf(room, []string{w.id}, m)
	}
	return true
}

// covers is the one place that decides whether a room is to be recorded. noted says of each reason whether the room has been recorded for it: it stays so when
// the person leaves, the room or the group, and until the rule names them no more.
func (r Rule) covers(room *roomstate.Snapshot, noted func(reason) bool, m Membership) bool {
	if r.Scope == Except && slices.Contains(r.Rooms, string(room.Room())) {
		return false
	}
	return slices.ContainsFunc(r.names(), func(w reason) bool { return noted(w) || w.holds(room, m) })
}

func present(room *roomstate.Snapshot, user mx.UserID) bool {
	m := room.Membership(user)
	return m == mx.Join || m == mx.Invite
}

// anyOf reports whether anybody in any of the groups is in a room or invited to it. It walks through the fewer.
func anyOf(room *roomstate.Snapshot, groups []string, m Membership) bool {
	for _, id := range groups {
		in := m.In(id)
		if len(in) <= room.JoinedCount()+room.InvitedCount() {
			for user := range in {
				if present(room, user) {
					return true
				}
			}
			continue
		}
		for _, membership := range []string{mx.Join, mx.Invite} {
			for user := range room.Members(membership) {
				if in[user] {
					return true
				}
			}
		}
	}
	return false
}

// Class is a retention class of the archive, and which rooms are in it: those named, and those with anybody in any of the groups.
type Class struct {
	Name   string   `yaml:"class"`
	Groups []string `yaml:"groups"`
	Rooms  []string `yaml:"rooms"`
}

// classOf is the class of a room, "" for the archive's own. The first class in the list that claims it has it. It keeps the class that it has until one
// claims it that comes before that: what was said while somebody was there is not kept shorter since they left.
func classOf(classes []Class, room *roomstate.Snapshot, has string, m Membership) string {
	for _, c := range classes {
		if c.Name == has || slices.Contains(c.Rooms, string(room.Room())) || anyOf(room, c.Groups, m) {
			return c.Name
		}
	}
	return ""
}
