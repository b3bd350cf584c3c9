// Package retain is the SQL of the age of messages: when rooms are looked at, how far that has come, and what is left of messages that
// were removed.
//
// Tables: room_retention, retention_progress, pruned_event (migration 0090), withheld_event, erasure (0120), withheld_backup, withheld_backup_key,
// withheld_secret, withheld_person (0130). Invariants: an event of the log is in exactly one of event and
// pruned_event, at the same position; state events are never in pruned_event; every row of room_retention is a room.
package retain

import (
	"context"
	"errors"
	"math"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Never is when a room is looked at whose messages are kept.
const Never = math.MaxInt64

// Progress is how far the log was read.
type Progress struct {
	Pos    store.Pos // for rooms and what they say
	Bounds string    // what the organisation says, as all rooms have been told
	Linked store.Pos // for files in events from before there were links
	Older  store.Pos // the last such event
}

// ReadProgress reads how far the log was read.
func ReadProgress(ctx context.Context, r store.Reader) (p Progress, err error) {
	err = r.QueryRow(ctx, "SELECT pos, bounds, linked, older FROM retention_progress WHERE one = 1").Scan(&p.Pos, &p.Bounds, &p.Linked, &p.Older)
	return p, err
}

// Statements is up to limit events after a position that make a room or say how long its messages are kept: their rooms, and the last position.
func Statements(ctx context.Context, r store.Reader, after store.Pos, limit int) (rooms []mx.RoomID, last store.Pos, err error) {
	rows, err := r.Query(ctx, `SELECT room_id, pos FROM event
		WHERE type IN ('m.room.create', 'm.room.retention') AND state_key IS NOT NULL AND pos > $1 ORDER BY pos LIMIT $2`, int64(after), limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var room mx.RoomID
		if err := rows.Scan(&room, &last); err != nil {
			return nil, 0, err
		}
		rooms = append(rooms, room)
	}
	return rooms, last, rows.Err()
}

// Advance notes that Statements were read up to a position, and has their rooms looked at soon.
func Advance(tx *store.Tx, rooms []mx.RoomID, to store.Pos) error {
	for _, room := range rooms {
		_, err := tx.Exec(`INSERT INTO room_retention (room_id, look, swept, upto) VALUES ($1, 0, 0, 0)
			ON CONFLICT (room_id) DO UPDATE SET look = 0`, string(room))
		if err == nil {
			_, err = tx.Exec("UPDATE withheld_event SET look = 0 WHERE room_id = $1", string(room))
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec("UPDATE retention_progress SET pos = $1 WHERE one = 1", int64(to))
	return err
}

// Rebound notes what the organisation says now, and has all rooms looked at.
func Rebound(tx *store.Tx, bounds string) error {
	for _, q := range []string{"UPDATE room_retention SET look = 0", "UPDATE withheld_event SET look = 0"} {
		if _, err := tx.Exec(q); err != nil {
			return err
		}
	}
	_, err := tx.Exec("UPDATE retention_progress SET bounds = $1 WHERE one = 1", bounds)
	return err
}

// AdvanceLinks notes that older events were read for files up to a position.
func AdvanceLinks(tx *store.Tx, to store.Pos) error {
	_, err := tx.Exec("UPDATE retention_progress SET linked = $1 WHERE one = 1", int64(to))
	return err
}

// Room is a room and how far its messages were removed.
type Room struct {
	ID    mx.RoomID
	Look  int64
	Swept int64
	Upto  store.Pos
}

// Due lists rooms that are to be looked at by now, the longest due first.
func Due(ctx context.Context, r store.Reader, now int64, limit int) ([]mx.RoomID, error) {
	rows, err := r.Query(ctx, "SELECT room_id FROM room_retention WHERE look <= $1 ORDER BY look LIMIT $2", now, limit)
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

// Next is when the next room is to be looked at; Never if none is.
func Next(ctx context.Context, r store.Reader) (look int64, err error) {
	err = r.QueryRow(ctx, "SELECT look FROM room_retention ORDER BY look LIMIT 1").Scan(&look)
	if errors.Is(err, store.ErrNoRows) {
		return Never, nil
	}
	return look, err
}

// Find reads a room; nil if there is none.
func Find(ctx context.Context, r store.Reader, id mx.RoomID) (*Room, error) {
	m := Room{ID: id}
	err := r.QueryRow(ctx, "SELECT look, swept, upto FROM room_retention WHERE room_id = $1", string(id)).Scan(&m.Look, &m.Swept, &m.Upto)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// Put writes how far a room has come.
func Put(tx *store.Tx, m *Room) error {
	_, err := tx.Exec("UPDATE room_retention SET look = $1, swept = $2, upto = $3 WHERE room_id = $4", m.Look, m.Swept, int64(m.Upto), string(m.ID))
	return err
}

// Aged is up to limit messages of a room that were sent from one time on and before another, the oldest first.
func Aged(ctx context.Context, r store.Reader, room mx.RoomID, from, before int64, limit int) ([]*eventlog.Event, error) {
	return eventlog.Collect(r.Query(ctx, "SELECT "+eventlog.Columns+` FROM event
		WHERE room_id = $1 AND ts >= $2 AND ts < $3 AND state_key IS NULL ORDER BY ts LIMIT $4`, string(room), from, before, limit))
}

// OldestFrom is the time of a room's first message from a time on; 0 if there is none.
func OldestFrom(ctx context.Context, r store.Reader, room mx.RoomID, from int64) (ts int64, err error) {
	err = r.QueryRow(ctx, "SELECT ts FROM event WHERE room_id = $1 AND ts >= $2 AND state_key IS NULL ORDER BY ts LIMIT 1", string(room), from).Scan(&ts)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil
	}
	return ts, err
}

// Prune takes messages out of the log of a room and leaves their redacted form in the chain. What is made of them goes too: words for
// search, subscriptions of threads that they begin, and their part in the numbers of the room. What a recorder has yet to get is kept for it, out of
// sight, and looked at again at a time.
func Prune(ctx context.Context, tx *store.Tx, room mx.RoomID, list []*eventlog.Event, look int64) error {
	var counted store.Pos
	if err := tx.QueryRow(ctx, "SELECT pos FROM census_progress WHERE one = 1").Scan(&counted); err != nil {
		return err
	}
	var n, bytes int64
	for _, e := range list {
		raw, err := mx.Redact(e.Version, e.Raw)
		if err != nil {
			return err
		}
		if err := WithholdOpen(tx, e.Pos, look); err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO pruned_event (pos, room_id, event_id, json) VALUES ($1, $2, $3, $4)",
			int64(e.Pos), string(room), string(e.ID), raw); err != nil {
			return err
		}
		if e.Pos <= counted {
			n, bytes = n+1, bytes+int64(len(e.Raw))
		}
		for _, q := range []string{"DELETE FROM event WHERE pos = $1", "DELETE FROM search_word WHERE pos = $1"} {
			if _, err := tx.Exec(q, int64(e.Pos)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("DELETE FROM thread_subscription WHERE room_id = $1 AND root = $2", string(room), string(e.ID)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE room_census SET events = CASE WHEN events > $1 THEN events - $2 ELSE 0 END,
		bytes = CASE WHEN bytes > $3 THEN bytes - $4 ELSE 0 END WHERE room_id = $5 AND NOT deleted`, n, n, bytes, bytes, string(room))
	return err
}

// Sayings is the last m.room.retention of each room that has one.
func Sayings(ctx context.Context, r store.Reader) ([]*eventlog.Event, error) {
	return eventlog.Collect(r.Query(ctx, "SELECT "+eventlog.ColumnsE+` FROM event e JOIN (
			SELECT max(pos) AS last FROM event WHERE type IN ('m.room.create', 'm.room.retention') AND state_key IS NOT NULL
			AND type = 'm.room.retention' AND state_key = '' GROUP BY room_id
		) s ON e.pos = s.last`))
}

// Counts is how many messages of how many rooms.
type Counts struct{ Rooms, Messages int64 }

// CountAged counts a room's messages that were sent from one time on and before another.
func CountAged(ctx context.Context, r store.Reader, room mx.RoomID, from, before int64) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*) FROM event WHERE room_id = $1 AND ts >= $2 AND ts < $3 AND state_key IS NULL", string(room), from, before).Scan(&n)
	return n, err
}

// CountAllAged counts messages that were sent before a time in each room that says nothing itself.
func CountAllAged(ctx context.Context, r store.Reader, before int64) (map[mx.RoomID]int64, error) {
	rows, err := r.Query(ctx, `SELECT e.room_id, count(*) FROM event e WHERE e.ts < $1 AND e.state_key IS NULL AND e.room_id NOT IN (
		SELECT s.room_id FROM event s WHERE s.type IN ('m.room.create', 'm.room.retention') AND s.state_key IS NOT NULL
			AND s.type = 'm.room.retention' AND s.state_key = '') GROUP BY e.room_id`, before)
	list := map[mx.RoomID]int64{}
	var id mx.RoomID
	var n int64
	err = store.Each(rows, err, func() error { list[id] = n; return nil }, &id, &n)
	return list, err
}
