package ledger

import (
	"context"
	"maps"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// members caches users' memberships.
type members struct {
	mu      sync.Mutex
	users   *lru[mx.UserID, *memberships]
	changes map[mx.UserID]*reading // users who are being read from the database
}

// memberships of one user; rooms never changes.
type memberships struct {
	rooms map[mx.RoomID]roomstate.Membership
	pos   store.Pos // newest change that is in rooms, as far as it is known here
}

// reading is a look at the database; what changes meanwhile makes its result too old to keep.
type reading struct {
	readers int
	old     bool
}

func newMembers() *members {
	return &members{users: newLRU[mx.UserID, *memberships](cachedMemberships), changes: map[mx.UserID]*reading{}}
}

// Rooms are a user's current memberships, rooms left and forgotten included. The map is shared.
func (l *Ledger) Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	if err := l.catchUp(ctx); err != nil {
		return nil, err
	}
	m := l.members
	m.mu.Lock()
	if known, ok := m.users.get(user); ok {
		m.mu.Unlock()
		return known.rooms, nil
	}
	look := m.changes[user]
	if look == nil {
		look = &reading{}
		m.changes[user] = look
	}
	look.readers++
	m.mu.Unlock()

	list, err := eventlog.Memberships(ctx, l.db, user)
	rooms := make(map[mx.RoomID]roomstate.Membership, len(list))
	for _, row := range list {
		rooms[row.Room] = roomstate.Membership{
			Membership: row.Membership, Pos: row.Pos, EventID: row.EventID, Sender: row.Sender, Forgotten: row.Forgotten,
		}
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if look.readers--; look.readers == 0 && m.changes[user] == look {
		delete(m.changes, user)
	}
	if err != nil {
		return nil, err
	}
	if !look.old {
		m.users.put(user, &memberships{rooms: rooms}, 1+len(rooms))
	}
	return rooms, nil
}

// overtake marks what is being read about a user as old. Later readers begin anew. The caller holds mu.
func (m *members) overtake(user mx.UserID) {
	if look := m.changes[user]; look != nil {
		look.old = true
		delete(m.changes, user)
	}
}

// apply brings member events of this node's commit in.
func (m *members) apply(list []*eventlog.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ev := range list {
		if ev.Type != mx.TypeMember || ev.StateKey == nil {
			continue
		}
		user := mx.UserID(*ev.StateKey)
		m.overtake(user)
		known, ok := m.users.peek(user)
		if !ok {
			continue
		}
		rooms := maps.Clone(known.rooms)
		rooms[ev.RoomID] = roomstate.Membership{Membership: ev.Membership(), Pos: ev.Pos, EventID: ev.ID, Sender: ev.Sender}
		m.users.put(user, &memberships{rooms, max(known.pos, ev.Pos)}, 1+len(rooms))
	}
}

// touched says that a user's membership changed at a position.
func (m *members) touched(user mx.UserID, pos store.Pos) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.users.peek(user); ok && known.pos >= pos {
		return
	}
	m.overtake(user)
	m.users.drop(user)
}

func (m *members) drop(user mx.UserID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.overtake(user)
	m.users.drop(user)
}

func (m *members) dropAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, look := range m.changes {
		look.old = true
	}
	clear(m.changes)
	m.users = newLRU[mx.UserID, *memberships](cachedMemberships)
}
