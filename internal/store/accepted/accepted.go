// Package accepted is the SQL of what was accepted in recorded rooms, and of the logs that this server is a witness of.
//
// Tables: accepted_event, witnessed (migrations 0100, 0111). Invariant: a room's sequence has no gaps, for it is continued in write jobs alone, which
// come one after the other.
package accepted

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Event is one accepted event.
type Event struct {
	Room mx.RoomID
	Seq  uint64
	ID   mx.EventID
	Log  string // of the recorder that has it
	Open bool   // it is not known that one has it
}

// Add continues a room's sequence. log is whose recorder has archived the event.
func Add(tx *store.Tx, room mx.RoomID, id mx.EventID, log string, archived bool) error {
	_, err := tx.Exec(`INSERT INTO accepted_event (room_id, seq, event_id, log, archived)
		SELECT CAST($1 AS TEXT), COALESCE(MAX(seq), 0) + 1, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BOOLEAN) FROM accepted_event WHERE room_id = $5`,
		string(room), string(id), log, archived, string(room))
	return err
}

// Open is up to limit events after one of which it is not known that the recorder has them, in order.
func Open(ctx context.Context, r store.Reader, after Event, limit int) ([]Event, error) {
	return list(ctx, r, `SELECT room_id, seq, event_id, log, NOT archived FROM accepted_event WHERE NOT archived AND (room_id = $1 AND seq > $2 OR room_id > $3)
		ORDER BY room_id, seq LIMIT $4`, string(after.Room), int64(after.Seq), string(after.Room), limit)
}

// CountOpen is how many such events there are.
func CountOpen(ctx context.Context, r store.Reader) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*) FROM accepted_event WHERE NOT archived").Scan(&n)
	return n, err
}

// Archived notes that a recorder has an event.
func Archived(tx *store.Tx, e Event, log string) error {
	_, err := tx.Exec("UPDATE accepted_event SET archived = TRUE, log = $1 WHERE room_id = $2 AND seq = $3", log, string(e.Room), int64(e.Seq))
	return err
}

// All is up to limit accepted events after one, of all rooms, in the order of rooms and sequences.
func All(ctx context.Context, r store.Reader, after Event, limit int) ([]Event, error) {
	return list(ctx, r, `SELECT room_id, seq, event_id, log, NOT archived FROM accepted_event WHERE room_id = $1 AND seq > $2 OR room_id > $3
		ORDER BY room_id, seq LIMIT $4`, string(after.Room), int64(after.Seq), string(after.Room), limit)
}

// Of is up to limit accepted events of a room after a sequence.
func Of(ctx context.Context, r store.Reader, room mx.RoomID, after uint64, limit int) ([]Event, error) {
	return list(ctx, r, "SELECT room_id, seq, event_id, log, NOT archived FROM accepted_event WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
		string(room), int64(after), limit)
}

func list(ctx context.Context, r store.Reader, query string, args ...any) ([]Event, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Event
	for rows.Next() {
		var e Event
		if err := rows.Scan(&e.Room, &e.Seq, &e.ID, &e.Log, &e.Open); err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, rows.Err()
}

// Witnessed is the last checkpoint of a log that was signed; size 0 if there is none.
func Witnessed(ctx context.Context, r store.Reader, origin string) (size int64, root []byte, err error) {
	err = r.QueryRow(ctx, "SELECT size, root FROM witnessed WHERE origin = $1", origin).Scan(&size, &root)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil, nil
	}
	return size, root, err
}

// Witness notes a checkpoint that is about to be signed.
func Witness(tx *store.Tx, origin string, size int64, root []byte) error {
	_, err := tx.Exec(`INSERT INTO witnessed (origin, size, root) VALUES ($1, $2, $3)
		ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root`, origin, size, root)
	return err
}

// Recorded reports whether anything was ever accepted in a room while it was recorded.
func Recorded(ctx context.Context, r store.Reader, room mx.RoomID) (bool, error) {
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM (SELECT seq FROM accepted_event WHERE room_id = $1 LIMIT 1) one", string(room)).Scan(&n)
	return n > 0, err
}
