package eventlog

import (
	"context"
	"errors"
	"maps"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Room is what the log knows of a room as a whole.
type Room struct {
	ID        mx.RoomID
	Version   *mx.RoomVersion
	Creator   mx.UserID
	Created   int64
	Head      store.Pos
	HeadID    mx.EventID
	Depth     int64
	Published bool
}

// ErrNoRoom says that there is no such room.
var ErrNoRoom = fault.Missing("There is no such room")

// RoomByID reads a room, or gives ErrNoRoom.
func RoomByID(ctx context.Context, r store.Reader, id mx.RoomID) (*Room, error) {
	room := Room{ID: id}
	var version, creator, head string
	err := r.QueryRow(ctx, "SELECT version, creator, created_ts, head_pos, head_event, depth, published FROM room WHERE room_id = $1", string(id)).
		Scan(&version, &creator, &room.Created, &room.Head, &head, &room.Depth, &room.Published)
	if errors.Is(err, store.ErrNoRows) {
		return nil, ErrNoRoom
	}
	if err != nil {
		return nil, err
	}
	v, ok := mx.Version(version)
	if !ok {
		return nil, errors.New("eventlog: room " + string(id) + " has unknown version " + version)
	}
	room.Version, room.Creator, room.HeadID = v, mx.UserID(creator), mx.EventID(head)
	return &room, nil
}

// CurrentState is the state of a room after its newest event: the events alone, without what the log knows of them.
func CurrentState(ctx context.Context, r store.Reader, room *Room) ([]*mx.Event, error) {
	rows, err := r.Query(ctx, `SELECT e.event_id, e.json FROM event e JOIN (
			SELECT max(pos) AS last FROM event WHERE room_id = $1 AND state_key IS NOT NULL AND pos <= $2 GROUP BY type, state_key
		) s ON e.pos = s.last`, string(room.ID), int64(room.Head))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*mx.Event
	for rows.Next() {
		var id string
		var raw []byte
		if err := rows.Scan(&id, &raw); err != nil {
			return nil, err
		}
		ev, err := mx.LoadEvent(room.Version, mx.EventID(id), raw)
		if err != nil {
			return nil, err
		}
		list = append(list, ev)
	}
	return list, rows.Err()
}

// Whereabouts says where the current state of a room is: the positions of its events.
type Whereabouts struct {
	Room  *Room // ID, Version, Head, HeadID and Depth
	State []store.Pos
}

// WhereStates finds the current state of several rooms. Rooms with more than most events in their state are missing from the result.
// The events themselves are for ByPos: joined to this, a PostgreSQL without statistics would read the whole log.
func WhereStates(ctx context.Context, r store.Reader, rooms []mx.RoomID, most int) (map[mx.RoomID]*Whereabouts, error) {
	found := make(map[mx.RoomID]*Whereabouts, len(rooms))
	err := chunked(rooms, func(args []any) error {
		rows, err := r.Query(ctx, `SELECT r.room_id, r.version, r.head_pos, r.head_event, r.depth, s.last FROM (
				SELECT room_id, max(pos) AS last FROM event WHERE room_id IN (`+store.In(len(args), 1)+`) AND state_key IS NOT NULL GROUP BY room_id, type, state_key
			) s JOIN room r ON r.room_id = s.room_id`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var room Room
			var version string
			var pos store.Pos
			if err := rows.Scan(&room.ID, &version, &room.Head, &room.HeadID, &room.Depth, &pos); err != nil {
				return err
			}
			w := found[room.ID]
			if w == nil {
				v, ok := mx.Version(version)
				if !ok {
					return errors.New("eventlog: room " + string(room.ID) + " has unknown version " + version)
				}
				room.Version = v
				w = &Whereabouts{Room: &room}
				found[room.ID] = w
			}
			if len(w.State) <= most {
				w.State = append(w.State, pos)
			}
		}
		return rows.Err()
	})
	maps.DeleteFunc(found, func(_ mx.RoomID, w *Whereabouts) bool { return len(w.State) > most })
	return found, err
}

// AddRoom makes a room. It reports false if there is one of that id already.
func AddRoom(tx *store.Tx, r *Room) (bool, error) {
	n, err := tx.Exec(`INSERT INTO room (room_id, version, creator, created_ts, head_pos, head_event, depth, published)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (room_id) DO NOTHING`,
		string(r.ID), r.Version.ID, string(r.Creator), r.Created, int64(r.Head), string(r.HeadID), r.Depth, r.Published)
	return n > 0, err
}

// Move is the step of a room's head from one event to a later one.
type Move struct {
	Room  mx.RoomID
	From  mx.EventID
	Head  store.Pos
	To    mx.EventID
	Depth int64
}

// MoveHead makes the step. It reports false, having changed nothing, if the head is not where the step begins, or if txn (which may
// be nil) was carried out before.
func MoveHead(tx *store.Tx, m Move, txn *Txn) (bool, error) {
	const move = "UPDATE room SET head_pos = $1, head_event = $2, depth = $3 WHERE room_id = $4 AND head_event = $5"
	args := []any{int64(m.Head), string(m.To), m.Depth, string(m.Room), string(m.From)}
	query := move
	if txn != nil {
		query = move + ` AND NOT EXISTS (SELECT 1 FROM room_txn WHERE txn = $6)`
		args = append(args, txn.key())
	}
	n, err := tx.Exec(query, args...)
	return n > 0, err
}

// Insert appends an event to the log.
func Insert(tx *store.Tx, e *Event) error {
	var stateKey any
	if e.StateKey != nil {
		stateKey = *e.StateKey
	}
	_, err := tx.Exec(`INSERT INTO event (pos, room_id, event_id, version, sender, type, state_key, ts, relates_to, rel_type, thread,
			replaces, redacted_by, txn_device, txn_id, json)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		int64(e.Pos), string(e.RoomID), string(e.ID), e.Version.ID, string(e.Sender), e.Type, stateKey, e.TS,
		orNull(string(e.RelatesTo)), orNull(e.RelType), orNull(string(e.Thread)), orNull(string(e.Replaces)),
		orNull(string(e.RedactedBy)), orNull(string(e.TxnDevice)), orNull(e.TxnID), e.Raw)
	return err
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Redact replaces an event by its redacted form, which relates to nothing any more. It reports false if the event was redacted before.
func Redact(tx *store.Tx, redacted *Event) (bool, error) {
	n, err := tx.Exec("UPDATE event SET json = $1, redacted_by = $2, relates_to = NULL, rel_type = NULL WHERE pos = $3 AND redacted_by IS NULL",
		redacted.Raw, string(redacted.RedactedBy), int64(redacted.Pos))
	return n > 0, err
}

// Annotated reports whether a user has annotated an event with this key and type of event, and not redacted that.
func Annotated(ctx context.Context, r store.Reader, target mx.EventID, sender mx.UserID, typ, key string) (bool, error) {
	list, err := Collect(r.Query(ctx, "SELECT "+Columns+` FROM event
		WHERE relates_to = $1 AND relates_to IS NOT NULL AND rel_type = 'm.annotation' AND sender = $2 AND type = $3`,
		string(target), string(sender), typ))
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if RelationOf(e.Content).Key == key {
			return true, nil
		}
	}
	return false, nil
}

// Relation is content.m.relates_to.
type Relation struct {
	To   mx.EventID
	Type string
	Key  string // of an annotation
}

// RelationOf reads how an event, by its content in canonical form, relates to another one. A reply alone is no relation.
func RelationOf(content []byte) Relation {
	outer := mx.Event{Content: content}
	raw := outer.Get("m.relates_to")
	if raw == nil {
		return Relation{}
	}
	inner := mx.Event{Content: raw}
	r := Relation{To: mx.EventID(inner.Str("event_id")), Type: inner.Str("rel_type"), Key: inner.Str("key")}
	if r.To == "" || r.Type == "" {
		return Relation{}
	}
	return r
}
