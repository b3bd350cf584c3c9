package eventlog

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// AllAfter is up to limit events of all rooms after a position and at most at another, oldest first.
func AllAfter(ctx context.Context, r store.Reader, after, upTo store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE pos > $1 AND pos <= $2 ORDER BY pos LIMIT $3",
		int64(after), int64(upTo), limit))
}

// ForMember is up to limit events before a position from the rooms that a user is in, newest first.
func ForMember(ctx context.Context, r store.Reader, user mx.UserID, before store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+ColumnsE+` FROM event e JOIN membership m ON m.room_id = e.room_id
		WHERE m.user_id = $1 AND m.membership = 'join' AND e.pos < $2 ORDER BY e.pos DESC LIMIT $3`, string(user), int64(before), limit))
}

// AllRooms is up to limit rooms after one, by id.
func AllRooms(ctx context.Context, r store.Reader, after mx.RoomID, limit int) ([]mx.RoomID, error) {
	rows, err := r.Query(ctx, "SELECT room_id FROM room WHERE room_id > $1 ORDER BY room_id LIMIT $2", string(after), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mx.RoomID
	for rows.Next() {
		var id mx.RoomID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}
