package eventlog

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// SetMember notes the membership that an m.room.member event gives to its target.
func SetMember(tx *store.Tx, e *Event) error {
	_, err := tx.Exec(`INSERT INTO membership (user_id, room_id, membership, pos, event_id, sender, forgotten)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (user_id, room_id) DO UPDATE SET membership = excluded.membership, pos = excluded.pos,
			event_id = excluded.event_id, sender = excluded.sender, forgotten = excluded.forgotten`,
		*e.StateKey, string(e.RoomID), e.Membership(), int64(e.Pos), string(e.ID), string(e.Sender), false)
	return err
}

// Member is a user's current membership of a room.
type Member struct {
	Room       mx.RoomID
	Membership string
	Pos        store.Pos
	EventID    mx.EventID
	Sender     mx.UserID
	Forgotten  bool
}

// Memberships lists a user's current memberships.
func Memberships(ctx context.Context, r store.Reader, user mx.UserID) ([]Member, error) {
	rows, err := r.Query(ctx, "SELECT room_id, membership, pos, event_id, sender, forgotten FROM membership WHERE user_id = $1", string(user))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Member
	for rows.Next() {
		var room, event, sender string
		var m Member
		if err := rows.Scan(&room, &m.Membership, &m.Pos, &event, &sender, &m.Forgotten); err != nil {
			return nil, err
		}
		m.Room, m.EventID, m.Sender = mx.RoomID(room), mx.EventID(event), mx.UserID(sender)
		list = append(list, m)
	}
	return list, rows.Err()
}

// Changed lists the rooms with events in a range of positions, and the users whose membership those events changed.
func Changed(ctx context.Context, r store.Reader, after, upTo store.Pos) (rooms []mx.RoomID, users []mx.UserID, err error) {
	rows, err := r.Query(ctx, `SELECT DISTINCT room_id, CASE WHEN type = 'm.room.member' THEN coalesce(state_key, '') ELSE '' END
		FROM event WHERE pos > $1 AND pos <= $2`, int64(after), int64(upTo))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var room, user string
		if err := rows.Scan(&room, &user); err != nil {
			return nil, nil, err
		}
		rooms = append(rooms, mx.RoomID(room))
		if user != "" {
			users = append(users, mx.UserID(user))
		}
	}
	return rooms, users, rows.Err()
}

// Forget marks a room that a user has left as forgotten. It reports false if the user has not left it.
func Forget(tx *store.Tx, user mx.UserID, room mx.RoomID) (bool, error) {
	n, err := tx.Exec("UPDATE membership SET forgotten = $1 WHERE user_id = $2 AND room_id = $3 AND membership IN ('leave', 'ban')",
		true, string(user), string(room))
	return n > 0, err
}
