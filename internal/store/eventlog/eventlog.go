// Package eventlog is the SQL of rooms: the event log, memberships, aliases and carried-out requests.
//
// Tables: room, event, membership, room_txn, room_alias, delayed_event, server_notice (migrations 0020 to 0029). Invariants: an event's position is greater than
// that of its predecessor in the room; room.head_event is the event at room.head_pos; membership repeats the last m.room.member event of
// each user and room; the state of a room at position p is, for each type and state key, the last state event at or before p.
package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Event is an event as the log holds it. It is shared and must not be changed.
type Event struct {
	*mx.Event
	Pos        store.Pos
	Version    *mx.RoomVersion
	RelatesTo  mx.EventID
	RelType    string
	Thread     mx.EventID  // root of the thread that the event is in, "" for the main timeline
	Replaces   mx.EventID  // the state event that had this one's place in the room's state before it
	RedactedBy mx.EventID  // the event is shown in its redacted form
	TxnDevice  mx.DeviceID // with TxnID: the request that made it
	TxnID      string      // without TxnDevice: the id of the delayed event that it was
}

// DelayID is the id under which the event was scheduled; "" if it was not.
//
// Spec: MSC4140
func (e *Event) DelayID() string {
	if e.TxnDevice != "" {
		return ""
	}
	return e.TxnID
}

// Columns are the columns that Scan reads, in order. Queries name the table event without an alias, or as e with ColumnsE.
const (
	Columns  = "pos, event_id, version, relates_to, rel_type, thread, replaces, redacted_by, txn_device, txn_id, json"
	ColumnsE = "e.pos, e.event_id, e.version, e.relates_to, e.rel_type, e.thread, e.replaces, e.redacted_by, e.txn_device, e.txn_id, e.json"
)

// Scanner is *sql.Rows or *store.Row.
type Scanner interface{ Scan(dest ...any) error }

// Scan reads one event from a row of Columns.
func Scan(row Scanner) (*Event, error) {
	var e Event
	var id, version string
	var relatesTo, relType, thread, replaces, redactedBy, txnDevice, txnID sql.NullString
	var raw []byte
	err := row.Scan(&e.Pos, &id, &version, &relatesTo, &relType, &thread, &replaces, &redactedBy, &txnDevice, &txnID, &raw)
	if err != nil {
		return nil, err
	}
	v, ok := mx.Version(version)
	if !ok {
		return nil, fmt.Errorf("eventlog: event %s has unknown room version %q", id, version)
	}
	ev, err := mx.LoadEvent(v, mx.EventID(id), raw)
	if err != nil {
		return nil, fmt.Errorf("eventlog: event %s: %w", id, err)
	}
	e.Event, e.Version = ev, v
	e.RelatesTo, e.RelType, e.Thread = mx.EventID(relatesTo.String), relType.String, mx.EventID(thread.String)
	e.Replaces, e.RedactedBy = mx.EventID(replaces.String), mx.EventID(redactedBy.String)
	e.TxnDevice, e.TxnID = mx.DeviceID(txnDevice.String), txnID.String
	return &e, nil
}

// Collect reads all events of a query and closes it.
func Collect(rows *sql.Rows, err error) ([]*Event, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*Event
	for rows.Next() {
		e, err := Scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// ByID is one event, or M_NOT_FOUND.
func ByID(ctx context.Context, r store.Reader, id mx.EventID) (*Event, error) {
	e, err := Scan(r.QueryRow(ctx, "SELECT "+Columns+" FROM event WHERE event_id = $1", string(id)))
	if errors.Is(err, store.ErrNoRows) {
		return nil, fault.Missing("There is no such event")
	}
	return e, err
}

// StateAt is the state of a room at a position: the last event of each type and state key at or before it.
func StateAt(ctx context.Context, r store.Reader, room mx.RoomID, at store.Pos) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+ColumnsE+` FROM event e JOIN (
			SELECT max(pos) AS last FROM event WHERE room_id = $1 AND state_key IS NOT NULL AND pos <= $2 GROUP BY type, state_key
		) s ON e.pos = s.last ORDER BY e.pos`, string(room), int64(at)))
}

// StateEventAt is the state event of one type and key at a position, or nil.
func StateEventAt(ctx context.Context, r store.Reader, room mx.RoomID, typ, key string, at store.Pos) (*Event, error) {
	e, err := Scan(r.QueryRow(ctx, "SELECT "+Columns+` FROM event
		WHERE room_id = $1 AND type = $2 AND state_key = $3 AND state_key IS NOT NULL AND pos <= $4 ORDER BY pos DESC LIMIT 1`,
		string(room), typ, key, int64(at)))
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return e, err
}

// StateHistory is every event that one place in a room's state has had, oldest first, up to a position.
func StateHistory(ctx context.Context, r store.Reader, room mx.RoomID, typ, key string, upTo store.Pos) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+` FROM event
		WHERE room_id = $1 AND type = $2 AND state_key = $3 AND state_key IS NOT NULL AND pos <= $4 ORDER BY pos`,
		string(room), typ, key, int64(upTo)))
}

// StateHistories is StateHistory for several rooms, up to now.
func StateHistories(ctx context.Context, r store.Reader, rooms []mx.RoomID, typ, key string) (map[mx.RoomID][]*Event, error) {
	found := make(map[mx.RoomID][]*Event, len(rooms))
	err := chunked(rooms, func(args []any) error {
		n := len(args)
		list, err := Collect(r.Query(ctx, fmt.Sprintf("SELECT %s FROM event WHERE room_id IN (%s) AND type = $%d AND state_key = $%d AND state_key IS NOT NULL ORDER BY pos",
			Columns, store.In(n, 1), n+1, n+2), append(args, typ, key)...))
		for _, e := range list {
			found[e.RoomID] = append(found[e.RoomID], e)
		}
		return err
	})
	return found, err
}

// Before is up to limit events of a room at or before a position, newest first.
func Before(ctx context.Context, r store.Reader, room mx.RoomID, at store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE room_id = $1 AND pos <= $2 ORDER BY pos DESC LIMIT $3",
		string(room), int64(at), limit))
}

// After is up to limit events of a room after a position and at most at another, oldest first.
func After(ctx context.Context, r store.Reader, room mx.RoomID, after, upTo store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+" FROM event WHERE room_id = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4",
		string(room), int64(after), int64(upTo), limit))
}
