package room

import (
	"context"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/mx"
)

// Moves hears of users who follow a room to its replacement, to bring along what they keep about it.
type Moves interface {
	Moved(ctx context.Context, user mx.UserID, from, to mx.RoomID) error
}

// followed tells that a user has joined a room, if that replaces one that the user knew. The join stands whatever comes of it.
//
// Spec: cs#post_matrixclientv3roomsroomidupgrade
func (e *Engine) followed(ctx context.Context, user mx.UserID, room mx.RoomID) {
	if e.moves == nil {
		return
	}
	s, err := e.Snapshot(ctx, room)
	if err != nil {
		return
	}
	old := mx.RoomID(gjson.GetBytes(s.State(mx.TypeCreate, "").Content, "predecessor.room_id").Str)
	if old == "" {
		return
	}
	rooms, err := e.Rooms(ctx, user)
	if err == nil && rooms[old].Membership != "" {
		err = e.moves.Moved(ctx, user, old, room)
	}
	if err != nil {
		e.log.Error("settings did not follow a user to a room's replacement", "user", user, "room", room, "error", err)
	}
}
