package ledger

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Forget takes a room that a user has left out of what the user sees.
//
// Spec: cs#post_matrixclientv3roomsroomidforget
func (l *Ledger) Forget(ctx context.Context, user mx.UserID, room mx.RoomID) error {
	rooms, err := l.Rooms(ctx, user)
	if err != nil {
		return err
	}
	if m := rooms[room].Membership; m != mx.Leave && m != mx.Ban {
		return errNotLeft
	}
	return l.db.EnqueueThen(func(tx *store.Tx) error {
		ok, err := eventlog.Forget(tx, user, room)
		if err == nil && !ok {
			return errNotLeft
		}
		tx.Emit(store.Change{Kind: store.KindRoom, Room: room, User: user})
		return err
	}, func() { l.members.drop(user) }).Wait()
}

var errNotLeft = fault.New(fault.BadRequest, "M_UNKNOWN", "You have to leave the room before you forget it")
