package eventlog

import (
	"context"
	"fmt"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// maxIn is how many values one IN list gets. Lists are padded to few sizes, so that few SQL texts arise.
const maxIn = 256

// chunked calls f with at most maxIn of the list at a time.
func chunked[T ~string](list []T, f func(args []any) error) error {
	for len(list) > 0 {
		n, size := min(len(list), maxIn), 1
		for size < n {
			size *= 4
		}
		args := make([]any, size, size+4)
		for i := range args {
			args[i] = string(list[min(i, n-1)])
		}
		if err := f(args); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// ChangedRooms gives those of some rooms that have events after a position.
func ChangedRooms(ctx context.Context, r store.Reader, rooms []mx.RoomID, after store.Pos) ([]mx.RoomID, error) {
	var changed []mx.RoomID
	err := chunked(rooms, func(args []any) error {
		n := len(args)
		rows, err := r.Query(ctx, fmt.Sprintf("SELECT room_id FROM room WHERE room_id IN (%s) AND head_pos > $%d", store.In(n, 1), n+1),
			append(args, int64(after))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			changed = append(changed, mx.RoomID(id))
		}
		return rows.Err()
	})
	return changed, err
}

// ByIDs finds events by id; those that do not exist are missing from the result.
func ByIDs(ctx context.Context, r store.Reader, ids []mx.EventID) (map[mx.EventID]*Event, error) {
	found := make(map[mx.EventID]*Event, len(ids))
	err := chunked(ids, func(args []any) error {
		list, err := Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE event_id IN ("+store.In(len(args), 1)+")", args...))
		for _, e := range list {
			found[e.ID] = e
		}
		return err
	})
	return found, err
}

// StateSince is what changed in the state of a room in (after, upTo]: for each type and state key the last event there.
func StateSince(ctx context.Context, r store.Reader, room mx.RoomID, after, upTo store.Pos) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+ColumnsE+` FROM event e JOIN (
			SELECT max(pos) AS last FROM event
			WHERE room_id = $1 AND state_key IS NOT NULL AND pos > $2 AND pos <= $3 GROUP BY type, state_key
		) s ON e.pos = s.last ORDER BY e.pos`, string(room), int64(after), int64(upTo)))
}

// StateIn is up to limit state events of a room in (after, upTo], oldest first.
func StateIn(ctx context.Context, r store.Reader, room mx.RoomID, after, upTo store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+` FROM event
		WHERE room_id = $1 AND pos > $2 AND pos <= $3 AND state_key IS NOT NULL ORDER BY pos LIMIT $4`,
		string(room), int64(after), int64(upTo), limit))
}

// MembersIn names the users whose membership of a room was set in (after, upTo].
func MembersIn(ctx context.Context, r store.Reader, room mx.RoomID, after, upTo store.Pos) ([]mx.UserID, error) {
	rows, err := r.Query(ctx, `SELECT DISTINCT state_key FROM event
		WHERE room_id = $1 AND type = 'm.room.member' AND state_key IS NOT NULL AND pos > $2 AND pos <= $3`,
		string(room), int64(after), int64(upTo))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mx.UserID
	for rows.Next() {
		var u string
		if err := rows.Scan(&u); err != nil {
			return nil, err
		}
		list = append(list, mx.UserID(u))
	}
	return list, rows.Err()
}

// RelatedRooms gives the rooms of those of some events that others relate to.
func RelatedRooms(ctx context.Context, r store.Reader, ids []mx.EventID) (map[mx.RoomID]bool, error) {
	rooms := map[mx.RoomID]bool{}
	err := chunked(ids, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT DISTINCT room_id FROM event WHERE relates_to IS NOT NULL AND relates_to IN ("+
			store.In(len(args), 1)+")", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			rooms[mx.RoomID(id)] = true
		}
		return rows.Err()
	})
	return rooms, err
}
