package eventlog

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// NoticeRoom is the room for the server's notices to a user, or "".
func NoticeRoom(ctx context.Context, r store.Reader, user mx.UserID) (mx.RoomID, error) {
	var room string
	err := r.QueryRow(ctx, "SELECT room_id FROM server_notice WHERE user_id = $1", string(user)).Scan(&room)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return mx.RoomID(room), err
}

// SetNoticeRoom notes the room for the server's notices to a user.
func SetNoticeRoom(tx *store.Tx, user mx.UserID, room mx.RoomID) error {
	_, err := tx.Exec("INSERT INTO server_notice (user_id, room_id) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET room_id = excluded.room_id",
		string(user), string(room))
	return err
}
