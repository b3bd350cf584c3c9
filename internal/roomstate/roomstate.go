// Package roomstate is what services know of a room's state: an immutable snapshot that the room engine makes and everybody reads.
//
// It does no I/O. A snapshot never changes; With makes the next one and shares what is the same.
package roomstate

import (
	"iter"
	"strings"
	"sync/atomic"

	"github.com/benbjohnson/immutable"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Membership is a user's place in one room.
type Membership struct {
	Membership string // join, invite, knock, leave or ban
	Pos        store.Pos
	EventID    mx.EventID
	Sender     mx.UserID
	Forgotten  bool
}

type byKey = immutable.Map[string, *mx.Event]

// Snapshot is the state of a room after its event at Head.
type Snapshot struct {
	room    mx.RoomID
	version *mx.RoomVersion
	head    store.Pos
	headID  mx.EventID
	depth   int64
	types   map[string]*byKey
	joined  int
	invited int
	before  *mx.Event // the policy of the room that this one replaces, until it has one of its own

	power atomic.Pointer[mx.PowerLevels] // worked out when first asked for
}

// New makes the snapshot of a room without events.
func New(room mx.RoomID, v *mx.RoomVersion) *Snapshot {
	return &Snapshot{room: room, version: v, types: map[string]*byKey{}}
}

// Load makes the snapshot of a room from its current state.
func Load(room mx.RoomID, v *mx.RoomVersion, head store.Pos, headID mx.EventID, depth int64, state iter.Seq[*mx.Event]) *Snapshot {
	s := New(room, v)
	builders := map[string]*immutable.MapBuilder[string, *mx.Event]{}
	for e := range state {
		b := builders[e.Type]
		if b == nil {
			b = immutable.NewMapBuilder[string, *mx.Event](nil)
			builders[e.Type] = b
		}
		b.Set(*e.StateKey, e)
		s.count(e, 1)
	}
	for t, b := range builders {
		s.types[t] = b.Map()
	}
	s.head, s.headID, s.depth = head, headID, depth
	return s
}

// With is the snapshot after one more event at pos.
func (s *Snapshot) With(e *mx.Event, pos store.Pos) *Snapshot {
	n := &Snapshot{
		room: s.room, version: s.version, head: pos, headID: e.ID, depth: e.Depth,
		types: s.types, joined: s.joined, invited: s.invited, before: s.before,
	}
	if e.Type != mx.TypePowerLevels && e.Type != mx.TypeCreate {
		n.power.Store(s.power.Load())
	}
	if !e.IsState() {
		return n
	}
	return n.set(e)
}

// Replace is the same snapshot with another form of an event that is in the state: its redacted one.
func (s *Snapshot) Replace(e *mx.Event) *Snapshot {
	n := &Snapshot{
		room: s.room, version: s.version, head: s.head, headID: s.headID, depth: s.depth,
		types: s.types, joined: s.joined, invited: s.invited, before: s.before,
	}
	if old := s.State(e.Type, *e.StateKey); old == nil || old.ID != e.ID {
		return s
	}
	return n.set(e)
}

// At is the same state at another head position, once the position of a pending event is known.
func (s *Snapshot) At(pos store.Pos) *Snapshot {
	n := &Snapshot{
		room: s.room, version: s.version, head: pos, headID: s.headID, depth: s.depth,
		types: s.types, joined: s.joined, invited: s.invited, before: s.before,
	}
	n.power.Store(s.power.Load())
	return n
}

func (s *Snapshot) set(e *mx.Event) *Snapshot {
	types := make(map[string]*byKey, len(s.types)+1)
	for t, m := range s.types {
		types[t] = m
	}
	m := types[e.Type]
	if m == nil {
		m = immutable.NewMap[string, *mx.Event](nil)
	}
	if old, ok := m.Get(*e.StateKey); ok {
		s.count(old, -1)
	}
	s.count(e, 1)
	types[e.Type] = m.Set(*e.StateKey, e)
	s.types = types
	if e.Is("m.room.policy", "") {
		s.before = nil
	}
	return s
}

func (s *Snapshot) count(e *mx.Event, by int) {
	if e.Type != mx.TypeMember {
		return
	}
	switch e.Membership() {
	case mx.Join:
		s.joined += by
	case mx.Invite:
		s.invited += by
	}
}

// Room is the room's id.
func (s *Snapshot) Room() mx.RoomID { return s.room }

// Version is the room's version.
func (s *Snapshot) Version() *mx.RoomVersion { return s.version }

// Head is the position of the room's last event.
func (s *Snapshot) Head() store.Pos { return s.head }

// Recorded reports whether the room is recorded: its state names a policy server that each event passes.
func (s *Snapshot) Recorded() bool {
	ev := s.State("m.room.policy", "")
	return ev != nil && strings.TrimSpace(ev.Str("via")) != ""
}

// Replacing is the same snapshot of a room in the making, which takes the place of one that has this policy event, or none.
func (s *Snapshot) Replacing(policy *mx.Event) *Snapshot {
	n := s.At(s.head)
	n.before = policy
	return n
}

// Policy is the room's m.room.policy, nil if it has none: while a room that replaces another one is being made, that of the other.
func (s *Snapshot) Policy() *mx.Event {
	if ev := s.State("m.room.policy", ""); ev != nil {
		return ev
	}
	return s.before
}

// HeadID is the id of the room's last event.
func (s *Snapshot) HeadID() mx.EventID { return s.headID }

// Depth is the depth of the room's last event.
func (s *Snapshot) Depth() int64 { return s.depth }

// State is the state event of a type and key, or nil.
func (s *Snapshot) State(typ, key string) *mx.Event {
	m := s.types[typ]
	if m == nil {
		return nil
	}
	e, _ := m.Get(key)
	return e
}

// Membership is a user's membership, or "".
func (s *Snapshot) Membership(u mx.UserID) string {
	return s.State(mx.TypeMember, string(u)).Membership()
}

// Joined reports whether a user is in the room.
func (s *Snapshot) Joined(u mx.UserID) bool { return s.Membership(u) == mx.Join }

// JoinedCount is the number of joined members.
func (s *Snapshot) JoinedCount() int { return s.joined }

// InvitedCount is the number of invited members.
func (s *Snapshot) InvitedCount() int { return s.invited }

// Members goes over the members with a membership, or over all with any if it is "".
func (s *Snapshot) Members(membership string) iter.Seq2[mx.UserID, *mx.Event] {
	return func(yield func(mx.UserID, *mx.Event) bool) {
		for key, e := range s.OfType(mx.TypeMember) {
			if membership != "" && e.Membership() != membership {
				continue
			}
			if !yield(mx.UserID(key), e) {
				return
			}
		}
	}
}

// OfType goes over the state events of one type by state key.
func (s *Snapshot) OfType(typ string) iter.Seq2[string, *mx.Event] {
	return func(yield func(string, *mx.Event) bool) {
		m := s.types[typ]
		if m == nil {
			return
		}
		for it := m.Iterator(); !it.Done(); {
			key, e, _ := it.Next()
			if !yield(key, e) {
				return
			}
		}
	}
}

// Len is the number of events in the state.
func (s *Snapshot) Len() int {
	n := 0
	for _, m := range s.types {
		n += m.Len()
	}
	return n
}

// All goes over the whole state.
func (s *Snapshot) All() iter.Seq[*mx.Event] {
	return func(yield func(*mx.Event) bool) {
		for typ := range s.types {
			for _, e := range s.OfType(typ) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Power is the room's power levels.
func (s *Snapshot) Power() *mx.PowerLevels {
	if p := s.power.Load(); p != nil {
		return p
	}
	p := mx.NewPowerLevels(s.version, s.State(mx.TypeCreate, ""), s.State(mx.TypePowerLevels, ""))
	s.power.Store(p)
	return p
}

// Encrypted reports whether the room is end-to-end encrypted.
func (s *Snapshot) Encrypted() bool { return s.State(mx.TypeEncryption, "") != nil }
