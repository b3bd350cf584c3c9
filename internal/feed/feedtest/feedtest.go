// Package feedtest makes servers without accounts, rules and HTTP for tests of what answers sync requests: rooms that are written as one
// says.
package feedtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
)

// Fataler is *testing.T, *testing.B or *rapid.T.
type Fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Rig is such a server. It serves rooms itself, from memory.
type Rig struct {
	T         Fataler
	DB        *store.DB
	Bus       *notify.Bus
	Ephemeral *ephemeral.Hub
	Views     *visibility.Views
	Feed      *feed.Service
	Known     int   // events of a room that Recent has
	TS        int64 // time of the last event

	stop chan struct{}
	end  func()

	mu    sync.Mutex
	rooms map[mx.RoomID]*roomLog
	users map[mx.UserID]map[mx.RoomID]roomstate.Membership
	n     int
}

type roomLog struct {
	snap *roomstate.Snapshot
	log  []*eventlog.Event
}

var rigKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize)) //nolint:gochecknoglobals // read only

// New makes a rig on a database that open opens with a function that hears of commits.
func New(t testing.TB, open func(testing.TB, store.Options) *store.DB) *Rig {
	g := &Rig{
		T: t, stop: make(chan struct{}), Known: 1 << 30,
		rooms: map[mx.RoomID]*roomLog{}, users: map[mx.UserID]map[mx.RoomID]roomstate.Membership{}, TS: time.Now().UnixMilli(),
	}
	g.DB = open(t, store.Options{Publish: func(b store.Batch) { g.Bus.Publish(b) }})
	g.Ephemeral = ephemeral.New(ephemeral.Options{Wake: func(c ephemeral.Change) { g.Feed.Ephemeral(c) }})
	t.Cleanup(g.Ephemeral.Close)
	g.Views = visibility.NewViews(g.DB)
	g.Restart()
	t.Cleanup(func() { g.end() })
	return g
}

// Restart makes a new service, which remembers nothing.
func (g *Rig) Restart() {
	pos, err := g.DB.Position(context.Background())
	if err != nil {
		g.T.Fatal(err)
	}
	if g.end != nil {
		g.end()
	}
	g.Bus = notify.New()
	g.Bus.Start(pos)
	g.Feed = feed.New(feed.Deps{DB: g.DB, Bus: g.Bus, Rooms: g, Views: g.Views, Ephemeral: g.Ephemeral, Stopping: g.stop})
	ctx, cancel := context.WithCancel(context.Background())
	g.end = cancel
	go g.Feed.Run(ctx)
}

func (g *Rig) Snapshot(_ context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rooms[room].snap, nil
}

func (g *Rig) Fetch(context.Context, []mx.RoomID) error { return nil }

func (g *Rig) Rooms(_ context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.users[user], nil
}

func (g *Rig) Recent(room mx.RoomID, after, upTo store.Pos) ([]*eventlog.Event, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	log := g.rooms[room].log
	if n := len(log) - g.Known; n > 0 && log[n-1].Pos > after {
		return nil, false
	}
	var list []*eventlog.Event
	for _, e := range log {
		if e.Pos > after && e.Pos <= upTo {
			list = append(list, e)
		}
	}
	return list, true
}

// Create makes a room of version 11 with its creator in it and a history visibility.
func (g *Rig) Create(creator mx.UserID, visible string) mx.RoomID {
	room := g.CreateTyped(creator, "")
	if visible != "" {
		g.State(room, creator, mx.TypeHistoryVisibility, "", `{"history_visibility":"`+visible+`"}`)
	}
	return room
}

// CreateTyped makes a room of a type.
func (g *Rig) CreateTyped(creator mx.UserID, typ string) mx.RoomID {
	g.n++
	room := mx.RoomID(fmt.Sprintf("!r%d:x", g.n))
	v, _ := mx.Version("11")
	g.mu.Lock()
	g.rooms[room] = &roomLog{snap: roomstate.New(room, v)}
	g.mu.Unlock()
	content := `{"room_version":"11"}`
	if typ != "" {
		content = `{"room_version":"11","type":"` + typ + `"}`
	}
	g.State(room, creator, mx.TypeCreate, "", content)
	g.Member(room, creator, creator, mx.Join)
	return room
}

func (g *Rig) Member(room mx.RoomID, by, target mx.UserID, membership string) *eventlog.Event {
	return g.State(room, by, mx.TypeMember, string(target), `{"membership":"`+membership+`"}`)
}

func (g *Rig) Message(room mx.RoomID, by mx.UserID, body string) *eventlog.Event {
	return g.Append(room, mx.Proto{Sender: by, Type: mx.TypeMessage, Content: fmt.Appendf(nil, `{"body":%q,"msgtype":"m.text"}`, body)})
}

func (g *Rig) State(room mx.RoomID, by mx.UserID, typ, key, content string) *eventlog.Event {
	return g.Append(room, mx.Proto{Sender: by, Type: typ, StateKey: &key, Content: []byte(content)})
}

// Append writes an event as the engine of rooms does.
func (g *Rig) Append(room mx.RoomID, p mx.Proto) *eventlog.Event {
	g.T.Helper()
	g.mu.Lock()
	r := g.rooms[room]
	was := r.snap
	g.TS++
	p.RoomID, p.Depth, p.TS = room, was.Depth()+1, g.TS
	g.mu.Unlock()
	if was.HeadID() != "" {
		p.PrevEvents = []mx.EventID{was.HeadID()}
	}
	ev, err := mx.Build(was.Version(), p, mx.Signer{Server: "x", KeyID: "ed25519:1", Key: rigKey})
	if err != nil {
		g.T.Fatal(err)
	}
	e := &eventlog.Event{Event: ev, Version: was.Version()}
	if ev.IsState() {
		if old := was.State(ev.Type, *ev.StateKey); old != nil {
			e.Replaces = old.ID
		}
	}
	err = g.DB.EnqueueThen(func(tx *store.Tx) error {
		e.Pos = tx.Next()
		c := store.Change{Pos: e.Pos, Kind: store.KindEvent, Room: room}
		if was.HeadID() == "" {
			if _, err := eventlog.AddRoom(tx, &eventlog.Room{ID: room, Version: was.Version(), Creator: p.Sender, Head: e.Pos, HeadID: ev.ID}); err != nil {
				return err
			}
		} else if ok, err := eventlog.MoveHead(tx, eventlog.Move{Room: room, From: was.HeadID(), Head: e.Pos, To: ev.ID, Depth: ev.Depth}, nil); err != nil || !ok {
			return fmt.Errorf("head not moved: %w", err)
		}
		if ev.Type == mx.TypeMember {
			c.User = mx.UserID(*ev.StateKey)
			if err := eventlog.SetMember(tx, e); err != nil {
				return err
			}
		}
		tx.Emit(c)
		return eventlog.Insert(tx, e)
	}, func() { g.applied(r, e) }).Wait()
	if err != nil {
		g.T.Fatal(err)
	}
	return e
}

func (g *Rig) applied(r *roomLog, e *eventlog.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.snap = r.snap.With(e.Event, e.Pos)
	r.log = append(r.log, e)
	if e.Type == mx.TypeMember {
		u := mx.UserID(*e.StateKey)
		list := maps.Clone(g.users[u])
		if list == nil {
			list = map[mx.RoomID]roomstate.Membership{}
		}
		list[e.RoomID] = roomstate.Membership{Membership: e.Membership(), Pos: e.Pos, EventID: e.ID, Sender: e.Sender}
		g.users[u] = list
	}
}

// Sync asks once and gives the answer.
func (g *Rig) Sync(r feed.Request) gjson.Result {
	g.T.Helper()
	return g.SyncContext(context.Background(), r)
}

func (g *Rig) SyncContext(ctx context.Context, r feed.Request) gjson.Result {
	g.T.Helper()
	if r.Filter == nil {
		r.Filter = &filter.Sync{}
	}
	if r.Device == "" {
		r.Device = "DEVICE"
	}
	raw, pending, err := g.Feed.Sync(ctx, &r)
	if pending != nil {
		raw, err = pending.Wait(ctx)
	}
	if err != nil {
		g.T.Fatal(err)
	}
	if !gjson.ValidBytes(raw) {
		g.T.Fatalf("not JSON: %s", raw)
	}
	return gjson.ParseBytes(raw)
}

// Since is the token of an answer.
func (g *Rig) Since(a gjson.Result) *feed.Token {
	g.T.Helper()
	t, err := feed.ParseToken(a.Get("next_batch").Str)
	if err != nil {
		g.T.Fatal(err)
	}
	return &t
}

// Each runs a test on both engines.
func Each(t *testing.T, run func(t *testing.T, g *Rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, New(t, storetest.SQLite)) })
	t.Run("postgres", func(t *testing.T) { run(t, New(t, storetest.Postgres)) })
}

func Filter(t Fataler, s string) *filter.Sync {
	t.Helper()
	f, err := filter.ParseSync([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// EventIDs are the ids of a list of events.
func EventIDs(list gjson.Result) []string {
	var ids []string
	for _, e := range list.Array() {
		ids = append(ids, e.Get("event_id").Str)
	}
	return ids
}

// Forget makes the rig forget its rooms, for a test that begins anew on the same database.
func (g *Rig) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.rooms)
	clear(g.users)
}

// Snap is a room's state.
func (g *Rig) Snap(room mx.RoomID) *roomstate.Snapshot {
	s, _ := g.Snapshot(context.Background(), room)
	return s
}

// Log is all events of a room.
func (g *Rig) Log(room mx.RoomID) []*eventlog.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rooms[room].log
}

// Memberships are a user's memberships.
func (g *Rig) Memberships(user mx.UserID) map[mx.RoomID]roomstate.Membership {
	list, _ := g.Rooms(context.Background(), user)
	return list
}

// Write writes to the database.
func (g *Rig) Write(f func(tx *store.Tx) error) {
	g.T.Helper()
	if err := g.DB.Write(f); err != nil {
		g.T.Fatal(err)
	}
}
