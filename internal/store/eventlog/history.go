package eventlog

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// padded turns a list into arguments for an IN list and lengthens it to a power of two by copies of its last element, so that
// there are few different SQL texts: each is prepared once and kept.
func padded[T ~string | ~int64](list []T) []any {
	n := 1
	for n < len(list) {
		n *= 2
	}
	args := make([]any, n)
	for i := range args {
		if v := reflect.ValueOf(list[min(i, len(list)-1)]); v.Kind() == reflect.String {
			args[i] = v.String()
		} else {
			args[i] = v.Int()
		}
	}
	return args
}

// Range is up to limit events of a room from one position up to another, both included; newest first if backwards.
func Range(ctx context.Context, r store.Reader, room mx.RoomID, from, to store.Pos, backwards bool, limit int) ([]*Event, error) {
	order := " ORDER BY pos LIMIT $4"
	if backwards {
		order = " ORDER BY pos DESC LIMIT $4"
	}
	return Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE room_id = $1 AND pos >= $2 AND pos <= $3"+order,
		string(room), int64(from), int64(to), limit))
}

// ByPos is the events at these positions, as far as there are any.
func ByPos(ctx context.Context, r store.Reader, at []store.Pos) (map[store.Pos]*Event, error) {
	found := make(map[store.Pos]*Event, len(at))
	for part := range slices.Chunk(at, maxIn) {
		args := padded(part)
		list, err := Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE pos IN ("+store.In(len(args), 1)+")", args...))
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			found[e.Pos] = e
		}
	}
	return found, nil
}

// Forgotten reports whether a user has forgotten a room.
func Forgotten(ctx context.Context, r store.Reader, user mx.UserID, room mx.RoomID) (bool, error) {
	var forgotten bool
	err := r.QueryRow(ctx, "SELECT forgotten FROM membership WHERE user_id = $1 AND room_id = $2", string(user), string(room)).Scan(&forgotten)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return forgotten, err
}

// RedactedState is the state events of a room that were redacted, by id, with their redactions.
func RedactedState(ctx context.Context, r store.Reader, room mx.RoomID) (map[mx.EventID]mx.EventID, error) {
	rows, err := r.Query(ctx, `SELECT event_id, redacted_by FROM event
		WHERE room_id = $1 AND redacted_by IS NOT NULL AND state_key IS NOT NULL`, string(room))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[mx.EventID]mx.EventID{}
	for rows.Next() {
		var id, by mx.EventID
		if err := rows.Scan(&id, &by); err != nil {
			return nil, err
		}
		found[id] = by
	}
	return found, rows.Err()
}

// MembersAt is the last m.room.member event of each user in a room at or before a position.
func MembersAt(ctx context.Context, r store.Reader, room mx.RoomID, at store.Pos) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+ColumnsE+` FROM event e JOIN (
			SELECT max(pos) AS last FROM event
			WHERE room_id = $1 AND type = 'm.room.member' AND state_key IS NOT NULL AND pos <= $2 GROUP BY state_key
		) s ON e.pos = s.last ORDER BY e.pos`, string(room), int64(at)))
}

// Nearest is the event of a room that is nearest to a time in one direction, of those between two positions; nil if there is
// none. Of events with the same time it is the first one that a reader in that direction meets.
func Nearest(ctx context.Context, r store.Reader, room mx.RoomID, ts int64, from, to store.Pos, backwards bool) (*Event, error) {
	where, order := "ts >= $2", "ORDER BY ts, pos"
	if backwards {
		where, order = "ts <= $2", "ORDER BY ts DESC, pos DESC"
	}
	// The signs before pos keep the engines from walking the room by position instead of by time.
	e, err := Scan(r.QueryRow(ctx, "SELECT "+Columns+" FROM event WHERE room_id = $1 AND "+where+
		" AND +pos >= $3 AND +pos <= $4 "+order+" LIMIT 1", string(room), ts, int64(from), int64(to)))
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return e, err
}

// RelatedTo gives, of the listed events, those that an event points to by one of the relation types, sent by one of the senders. An
// empty list means any.
func RelatedTo(ctx context.Context, r store.Reader, ids []mx.EventID, relTypes, senders []string) (map[mx.EventID]bool, error) {
	found := map[mx.EventID]bool{}
	err := chunked(ids, func(args []any) error {
		var b strings.Builder
		b.WriteString("SELECT DISTINCT relates_to FROM event WHERE relates_to IN (" + store.In(len(args), 1) + ") AND redacted_by IS NULL")
		for _, c := range []struct {
			column string
			list   []string
		}{{"rel_type", relTypes}, {"sender", senders}} {
			if len(c.list) > 0 {
				more := padded(c.list)
				b.WriteString(" AND " + c.column + " IN (" + store.In(len(more), len(args)+1) + ")")
				args = append(args, more...)
			}
		}
		rows, err := r.Query(ctx, b.String(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id mx.EventID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			found[id] = true
		}
		return rows.Err()
	})
	return found, err
}
