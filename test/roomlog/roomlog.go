// Package roomlog writes rooms into an event log for tests of the services that read them. Events are made as they are, whether the
// authorization rules would let them in or not, so that a test can have any history it likes.
package roomlog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Log is a database with rooms.
type Log struct {
	DB *store.DB
	TS int64 // time of the next event, milliseconds; each event takes it on by a second

	t       testing.TB
	mu      sync.Mutex
	snaps   map[mx.RoomID]*roomstate.Snapshot
	rooms   int
	pending []*store.Pending // on their way to the database
	last    store.Pos        // the position that the last of these will get
}

// New makes a log in an empty database.
func New(t testing.TB, db *store.DB) *Log {
	return &Log{DB: db, TS: 1_700_000_000_000, t: t, snaps: map[mx.RoomID]*roomstate.Snapshot{}}
}

// Room makes a room: its create event, with more content if that is not empty, and its creator's join.
func (l *Log) Room(creator mx.UserID, content string) mx.RoomID {
	return l.RoomOf("12", creator, content)
}

// RoomOf makes a room of a room version.
func (l *Log) RoomOf(version string, creator mx.UserID, content string) mx.RoomID {
	l.t.Helper()
	v, ok := mx.Version(version)
	if !ok {
		l.t.Fatalf("no room version %s", version)
	}
	if content == "" {
		content = `{"room_version":"` + version + `"}`
	}
	empty, room := "", mx.RoomID("")
	if !v.HashRoomID {
		l.rooms++
		room = mx.NewRoomID("hs1", []byte(strconv.Itoa(1_000_000_000_000_000+l.rooms)))
	}
	e := l.build(v, mx.Proto{RoomID: room, Sender: creator, Type: mx.TypeCreate, StateKey: &empty, Content: []byte(content)})
	room = e.RoomID
	l.mu.Lock()
	l.snaps[room] = roomstate.New(room, v)
	l.mu.Unlock()
	l.write(room, e)
	l.Member(room, creator, creator, mx.Join)
	return room
}

// Member sets a membership.
func (l *Log) Member(room mx.RoomID, sender, target mx.UserID, membership string) *eventlog.Event {
	l.t.Helper()
	return l.Set(room, sender, mx.TypeMember, string(target), `{"membership":"`+membership+`"}`)
}

// Set sends a state event.
func (l *Log) Set(room mx.RoomID, sender mx.UserID, typ, key, content string) *eventlog.Event {
	l.t.Helper()
	snap := l.snap(room)
	return l.write(room, l.build(snap.Version(), mx.Proto{RoomID: room, Sender: sender, Type: typ, StateKey: &key, Content: []byte(content)}))
}

// Send sends an event.
func (l *Log) Send(room mx.RoomID, sender mx.UserID, typ, content string) *eventlog.Event {
	l.t.Helper()
	return l.write(room, l.build(l.snap(room).Version(), mx.Proto{RoomID: room, Sender: sender, Type: typ, Content: []byte(content)}))
}

// Say sends a text message.
func (l *Log) Say(room mx.RoomID, sender mx.UserID, text string) *eventlog.Event {
	l.t.Helper()
	return l.Send(room, sender, mx.TypeMessage, `{"msgtype":"m.text","body":`+strconv.Quote(text)+`}`)
}

// Relate sends a message that points to another event.
func (l *Log) Relate(room mx.RoomID, sender mx.UserID, to mx.EventID, relType, more string) *eventlog.Event {
	l.t.Helper()
	return l.Send(room, sender, mx.TypeMessage, `{"msgtype":"m.text","body":"x","m.relates_to":{"rel_type":"`+relType+
		`","event_id":"`+string(to)+`"}`+more+`}`)
}

// Redact redacts an event.
func (l *Log) Redact(room mx.RoomID, sender mx.UserID, target mx.EventID) *eventlog.Event {
	l.t.Helper()
	v := l.snap(room).Version()
	l.Flush()
	r := l.write(room, l.build(v, mx.Proto{RoomID: room, Sender: sender, Type: mx.TypeRedaction, Redacts: target, Content: []byte("{}")}))
	l.Flush()
	old, err := eventlog.ByID(context.Background(), l.DB, target)
	if err != nil {
		l.t.Fatal(err)
	}
	raw, err := mx.Redact(v, old.Raw)
	if err != nil {
		l.t.Fatal(err)
	}
	l.exec("UPDATE event SET json = $1, redacted_by = $2 WHERE event_id = $3", raw, string(r.ID), string(target))
	if old.IsState() {
		e, err := mx.LoadEvent(v, target, raw)
		if err != nil {
			l.t.Fatal(err)
		}
		l.mu.Lock()
		l.snaps[room] = l.snaps[room].Replace(e)
		l.mu.Unlock()
	}
	return r
}

// Forget marks a room as forgotten by a user.
func (l *Log) Forget(room mx.RoomID, user mx.UserID) {
	l.t.Helper()
	l.exec("UPDATE membership SET forgotten = $1 WHERE room_id = $2 AND user_id = $3", true, string(room), string(user))
}

// Publish lists a room in the directory.
func (l *Log) Publish(room mx.RoomID) {
	l.t.Helper()
	l.exec("UPDATE room SET published = $1 WHERE room_id = $2", true, string(room))
}

// Alias gives a room an alias.
func (l *Log) Alias(room mx.RoomID, alias mx.RoomAlias) {
	l.t.Helper()
	l.exec("INSERT INTO room_alias (alias, room_id, creator, created_ts) VALUES ($1, $2, '@a:hs1', 0)", string(alias), string(room))
}

// Snapshot is the state of a room, or a fault if there is no such room.
func (l *Log) Snapshot(_ context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	l.Flush()
	return l.known(room)
}

func (l *Log) known(room mx.RoomID) (*roomstate.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.snaps[room]; s != nil {
		return s, nil
	}
	return nil, fault.Missing("There is no such room")
}

// Rooms is the memberships of a user.
func (l *Log) Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	l.Flush()
	rows, err := l.DB.Query(ctx, "SELECT room_id, membership, pos, event_id, sender, forgotten FROM membership WHERE user_id = $1", string(user))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[mx.RoomID]roomstate.Membership{}
	for rows.Next() {
		var room mx.RoomID
		var m roomstate.Membership
		if err := rows.Scan(&room, &m.Membership, &m.Pos, &m.EventID, &m.Sender, &m.Forgotten); err != nil {
			return nil, err
		}
		found[room] = m
	}
	return found, rows.Err()
}

func (l *Log) snap(room mx.RoomID) *roomstate.Snapshot {
	l.t.Helper()
	s, err := l.known(room)
	if err != nil {
		l.t.Fatalf("room %s: %v", room, err)
	}
	return s
}

func (l *Log) build(v *mx.RoomVersion, p mx.Proto) *mx.Event {
	l.t.Helper()
	p.TS = l.TS
	l.TS += 1000
	if s := l.snaps[p.RoomID]; s != nil && s.HeadID() != "" {
		p.PrevEvents, p.Depth = []mx.EventID{s.HeadID()}, s.Depth()+1
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	e, err := mx.Build(v, p, mx.Signer{Server: "hs1", KeyID: "ed25519:1", Key: key})
	if err != nil {
		l.t.Fatal(err)
	}
	return e
}

// Flush waits until everything is in the database.
func (l *Log) Flush() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pending {
		if err := p.Wait(); err != nil {
			l.t.Fatal(err)
		}
	}
	l.pending = nil
}

// enqueue hands an event to the database. Nobody else writes meanwhile, so its position is known before it is there, and many events
// share a transaction.
func (l *Log) enqueue(e *eventlog.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		var err error
		if l.last, err = l.DB.Position(context.Background()); err != nil {
			l.t.Fatal(err)
		}
	}
	l.last++
	e.Pos = l.last
	l.pending = append(l.pending, l.DB.Enqueue(func(tx *store.Tx) error {
		if at := tx.Next(); at != e.Pos {
			return fmt.Errorf("roomlog: event at %d, not at %d: somebody else writes", at, e.Pos)
		}
		return insert(tx, e)
	}))
}

func (l *Log) exec(query string, args ...any) {
	l.t.Helper()
	l.Flush()
	err := l.DB.Write(func(tx *store.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *Log) write(room mx.RoomID, e *mx.Event) *eventlog.Event {
	l.t.Helper()
	snap := l.snap(room)
	row := &eventlog.Event{Event: e, Version: snap.Version()}
	if e.IsState() {
		if old := snap.State(e.Type, *e.StateKey); old != nil {
			row.Replaces = old.ID
		}
	}
	rel := gjson.GetBytes(e.Content, `m\.relates_to`)
	row.RelatesTo, row.RelType = mx.EventID(rel.Get("event_id").Str), rel.Get("rel_type").Str
	if row.RelType == eventlog.RelThread {
		row.Thread = row.RelatesTo
	}
	l.enqueue(row)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snaps[room] = snap.With(e, row.Pos)
	return row
}

func insert(tx *store.Tx, e *eventlog.Event) error {
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	var key any
	if e.StateKey != nil {
		key = *e.StateKey
	}
	_, err := tx.Exec(`INSERT INTO event (pos, room_id, event_id, version, sender, type, state_key, ts, relates_to, rel_type, thread, replaces, json)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, int64(e.Pos), string(e.RoomID), string(e.ID), e.Version.ID,
		string(e.Sender), e.Type, key, e.TS, null(string(e.RelatesTo)), null(e.RelType), null(string(e.Thread)), null(string(e.Replaces)), e.Raw)
	if err != nil {
		return err
	}
	switch e.Type {
	case mx.TypeCreate:
		_, err = tx.Exec(`INSERT INTO room (room_id, version, creator, created_ts, head_pos, head_event, depth, published)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7)`, string(e.RoomID), e.Version.ID, string(e.Sender), e.TS, int64(e.Pos), string(e.ID), false)
	case mx.TypeMember:
		_, err = tx.Exec(`INSERT INTO membership (user_id, room_id, membership, pos, event_id, sender, forgotten)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, room_id) DO UPDATE SET membership = excluded.membership,
			pos = excluded.pos, event_id = excluded.event_id, sender = excluded.sender, forgotten = excluded.forgotten`,
			*e.StateKey, string(e.RoomID), e.Membership(), int64(e.Pos), string(e.ID), string(e.Sender), false)
	}
	return err
}
