package eventlog

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Published reports whether a room is in the directory of published rooms; a room that does not exist is not.
func Published(ctx context.Context, r store.Reader, room mx.RoomID) (bool, error) {
	var published bool
	err := r.QueryRow(ctx, "SELECT published FROM room WHERE room_id = $1", string(room)).Scan(&published)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return published, err
}

// PublishedRooms lists the rooms in the directory.
func PublishedRooms(ctx context.Context, r store.Reader) ([]mx.RoomID, error) {
	rows, err := r.Query(ctx, "SELECT room_id FROM room WHERE published")
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
