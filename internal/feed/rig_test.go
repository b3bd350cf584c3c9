package feed_test

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

// fataler is *testing.T, *testing.B or *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// rig is a server without accounts, rules and HTTP: rooms that are written as one says.
type rig struct {
	t     fataler
	db    *store.DB
	bus   *notify.Bus
	eph   *ephemeral.Hub
	views *visibility.Views
	feed  *feed.Service
	stop  chan struct{}

	mu     sync.Mutex
	rooms  map[mx.RoomID]*rigRoom
	users  map[mx.UserID]map[mx.RoomID]roomstate.Membership
	recent int // events of a room that Recent knows
	ts     int64
	n      int
}

type rigRoom struct {
	snap *roomstate.Snapshot
	log  []*eventlog.Event
}

var rigKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))

// newRig makes a rig on a database that open opens with a function that hears of commits.
func newRig(t testing.TB, open func(testing.TB, store.Options) *store.DB) *rig {
	g := &rig{
		t: t, stop: make(chan struct{}), recent: 1 << 30,
		rooms: map[mx.RoomID]*rigRoom{}, users: map[mx.UserID]map[mx.RoomID]roomstate.Membership{}, ts: time.Now().UnixMilli(),
	}
	g.db = open(t, store.Options{Publish: func(b store.Batch) { g.bus.Publish(b) }})
	g.eph = ephemeral.New(ephemeral.Options{Wake: func(c ephemeral.Change) { g.feed.Ephemeral(c) }})
	t.Cleanup(g.eph.Close)
	g.views = visibility.NewViews(g.db)
	g.restart()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go g.feed.Run(ctx)
	return g
}

// restart makes a new service, which remembers nothing.
func (g *rig) restart() {
	pos, err := g.db.Position(context.Background())
	if err != nil {
		g.t.Fatal(err)
	}
	g.bus = notify.New()
	g.bus.Start(pos)
	g.feed = feed.New(feed.Deps{DB: g.db, Bus: g.bus, Rooms: g, Views: g.views, Ephemeral: g.eph, Stopping: g.stop})
}

func (g *rig) Snapshot(_ context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rooms[room].snap, nil
}

func (g *rig) Rooms(_ context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.users[user], nil
}

func (g *rig) Recent(room mx.RoomID, after, upTo store.Pos) ([]*eventlog.Event, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	log := g.rooms[room].log
	if n := len(log) - g.recent; n > 0 && log[n-1].Pos > after {
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

// create makes a room of version 11 with its creator in it and a history visibility.
func (g *rig) create(creator mx.UserID, visible string) mx.RoomID {
	g.n++
	room := mx.RoomID(fmt.Sprintf("!r%d:x", g.n))
	v, _ := mx.Version("11")
	g.mu.Lock()
	g.rooms[room] = &rigRoom{snap: roomstate.New(room, v)}
	g.mu.Unlock()
	g.state(room, creator, mx.TypeCreate, "", `{"room_version":"11"}`)
	g.member(room, creator, creator, mx.Join)
	if visible != "" {
		g.state(room, creator, mx.TypeHistoryVisibility, "", `{"history_visibility":"`+visible+`"}`)
	}
	return room
}

func (g *rig) member(room mx.RoomID, by, target mx.UserID, membership string) *eventlog.Event {
	return g.state(room, by, mx.TypeMember, string(target), `{"membership":"`+membership+`"}`)
}

func (g *rig) message(room mx.RoomID, by mx.UserID, body string) *eventlog.Event {
	return g.append(room, mx.Proto{Sender: by, Type: mx.TypeMessage, Content: fmt.Appendf(nil, `{"body":%q,"msgtype":"m.text"}`, body)})
}

func (g *rig) state(room mx.RoomID, by mx.UserID, typ, key, content string) *eventlog.Event {
	return g.append(room, mx.Proto{Sender: by, Type: typ, StateKey: &key, Content: []byte(content)})
}

// append writes an event as the engine of rooms does.
func (g *rig) append(room mx.RoomID, p mx.Proto) *eventlog.Event {
	g.t.Helper()
	g.mu.Lock()
	r := g.rooms[room]
	was := r.snap
	g.ts++
	p.RoomID, p.Depth, p.TS = room, was.Depth()+1, g.ts
	g.mu.Unlock()
	if was.HeadID() != "" {
		p.PrevEvents = []mx.EventID{was.HeadID()}
	}
	ev, err := mx.Build(was.Version(), p, mx.Signer{Server: "x", KeyID: "ed25519:1", Key: rigKey})
	if err != nil {
		g.t.Fatal(err)
	}
	e := &eventlog.Event{Event: ev, Version: was.Version()}
	if ev.IsState() {
		if old := was.State(ev.Type, *ev.StateKey); old != nil {
			e.Replaces = old.ID
		}
	}
	err = g.db.EnqueueThen(func(tx *store.Tx) error {
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
		g.t.Fatal(err)
	}
	return e
}

func (g *rig) applied(r *rigRoom, e *eventlog.Event) {
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

// sync asks once and gives the answer.
func (g *rig) sync(r feed.Request) gjson.Result {
	g.t.Helper()
	return g.syncContext(context.Background(), r)
}

func (g *rig) syncContext(ctx context.Context, r feed.Request) gjson.Result {
	g.t.Helper()
	if r.Filter == nil {
		r.Filter = &filter.Sync{}
	}
	if r.Device == "" {
		r.Device = "DEVICE"
	}
	raw, err := g.feed.Sync(ctx, &r)
	if err != nil {
		g.t.Fatal(err)
	}
	if !gjson.ValidBytes(raw) {
		g.t.Fatalf("not JSON: %s", raw)
	}
	return gjson.ParseBytes(raw)
}

// since is the token of an answer.
func (g *rig) since(a gjson.Result) *feed.Token {
	g.t.Helper()
	t, err := feed.ParseToken(a.Get("next_batch").Str)
	if err != nil {
		g.t.Fatal(err)
	}
	return &t
}

// each runs a test on both engines.
func each(t *testing.T, run func(t *testing.T, g *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, newRig(t, storetest.SQLite)) })
	t.Run("postgres", func(t *testing.T) { run(t, newRig(t, storetest.Postgres)) })
}

func parseFilter(t fataler, s string) *filter.Sync {
	t.Helper()
	f, err := filter.ParseSync([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func eventIDs(list gjson.Result) []string {
	var ids []string
	for _, e := range list.Array() {
		ids = append(ids, e.Get("event_id").Str)
	}
	return ids
}
