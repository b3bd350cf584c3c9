// Package personal serves what belongs to one user: account data and tags, receipts and read markers, thread subscriptions, typing and
// presence.
//
// Requests enter through its methods with the user who makes them; what they change leaves through /sync, read from store/personal and
// from ephemeral. It refuses to let a user act for another, to write account data that the server keeps itself, to acknowledge events
// that the user cannot see, and to show presence to someone who shares no room. Read positions move forward only.
package personal

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// Rooms reads rooms.
type Rooms interface {
	// Snapshot is a room's state, or M_NOT_FOUND.
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	// Rooms are a user's current memberships.
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
	// Event is an event by its id, or M_NOT_FOUND.
	Event(ctx context.Context, id mx.EventID) (*eventlog.Event, error)
}

// PushRules knows users' push rules, which are read as account data too.
type PushRules interface {
	// PushRules is the content of m.push_rules.
	PushRules(ctx context.Context, user mx.UserID) ([]byte, error)
}

// Deps are what a Service needs. PushRules may be nil: only stored rules are then read.
type Deps struct {
	DB        *store.DB
	Rooms     Rooms
	Views     *visibility.Views
	Ephemeral *ephemeral.Hub
	PushRules PushRules
	// MayErase reports whether what a user stored may be removed, in the transaction that does it. Of the recovery store, what may not is kept where no
	// client sees it. Nil lets all go.
	MayErase func(ctx context.Context, tx *store.Tx, user mx.UserID) (bool, error)
	// Now is the clock.
	Now func() time.Time
}

// Service is the personal side of one server's users.
type Service struct {
	Deps
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d}
}

// Changed takes note of a committed batch: who leaves a room no longer types there.
func (s *Service) Changed(b store.Batch) {
	for _, c := range b.Changes {
		if c.Kind == store.KindEvent && c.User != "" {
			s.Ephemeral.SetTyping(c.Room, c.User, 0)
		}
	}
}

var errNotInRoom = fault.Denied("You are not in this room")

// joined reads a room that the user is in. It does not tell a room that is not there from one that the user is not in.
func (s *Service) joined(ctx context.Context, user mx.UserID, room mx.RoomID) (*roomstate.Snapshot, error) {
	snap, err := s.Rooms.Snapshot(ctx, room)
	if fault.Is(err, "M_NOT_FOUND") || (err == nil && !snap.Joined(user)) {
		return nil, errNotInRoom
	}
	return snap, err
}

var errOther = fault.Denied("You cannot act for another user")

// self refuses to act for another user.
func self(caller, user mx.UserID) error {
	if caller != user {
		return errOther
	}
	return nil
}
