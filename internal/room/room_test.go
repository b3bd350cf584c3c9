package room_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
)

const (
	server = mx.ServerName("test.example")
	alice  = mx.UserID("@alice:test.example")
	bob    = mx.UserID("@bob:test.example")
	carol  = mx.UserID("@carol:test.example")
)

// signer is the same for all nodes of a test.
func signer() mx.Signer {
	return mx.Signer{Server: server, KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(make([]byte, 32))}
}

// node is one engine on a database.
type node struct {
	*room.Engine
	db  *store.DB
	bus *notify.Bus
}

type setup func(*room.Deps)

func open(t testing.TB, engine string, set ...setup) *node {
	t.Helper()
	bus := notify.New()
	o := store.Options{Publish: bus.Publish}
	db := storetest.SQLite
	if engine == "postgres" {
		db = storetest.Postgres
	}
	return wire(t, db(t, o), bus, set...)
}

func wire(t testing.TB, db *store.DB, bus *notify.Bus, set ...setup) *node {
	t.Helper()
	d := room.Deps{DB: db, Signer: signer(), Config: room.DefaultConfig()}
	d.Config.Encrypt = false
	for _, f := range set {
		f(&d)
	}
	e, err := room.New(d)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{e, db, bus}
	bus.ListenFirst(n.Listen)
	return n
}

// each runs a test on both database engines.
func each(t *testing.T, run func(t *testing.T, n *node), set ...setup) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { run(t, open(t, engine, set...)) })
	}
}

func (n *node) create(t testing.TB, by mx.UserID, c room.Create) mx.RoomID {
	t.Helper()
	id, err := n.CreateRoom(context.Background(), by, c)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func message(r mx.RoomID, by mx.UserID, body string) room.Draft {
	return room.Draft{Room: r, Sender: by, Type: mx.TypeMessage, Content: fmt.Appendf(nil, `{"msgtype":"m.text","body":%q}`, body)}
}

func (n *node) send(t testing.TB, d room.Draft) mx.EventID {
	t.Helper()
	ids, err := n.Append(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func (n *node) snapshot(t testing.TB, r mx.RoomID) interface {
	State(typ, key string) *mx.Event
	Membership(mx.UserID) string
	Head() store.Pos
} {
	t.Helper()
	s, err := n.Snapshot(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkLog checks that a room's log is linear, and returns it.
func (n *node) checkLog(t testing.TB, r mx.RoomID) []*eventlog.Event {
	t.Helper()
	ctx := context.Background()
	row, err := eventlog.RoomByID(ctx, n.db, r)
	if err != nil {
		t.Fatal(err)
	}
	list, err := eventlog.After(ctx, n.db, r, 0, row.Head, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	prev := mx.EventID("")
	for i, ev := range list {
		if ev.Depth != int64(i+1) {
			t.Errorf("event %d has depth %d", i, ev.Depth)
		}
		if prev == "" && len(ev.PrevEvents) != 0 || prev != "" && (len(ev.PrevEvents) != 1 || ev.PrevEvents[0] != prev) {
			t.Fatalf("event %d follows %v, want %s", i, ev.PrevEvents, prev)
		}
		prev = ev.ID
	}
	if row.HeadID != prev || row.Depth != int64(len(list)) {
		t.Errorf("head is %s at depth %d, want %s at %d", row.HeadID, row.Depth, prev, len(list))
	}
	return list
}

func TestARoomFromItsCreationOn(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		r := n.create(t, alice, room.Create{Name: "Staff", Topic: "All", Invite: []string{string(bob)}})
		if err := n.Join(ctx, bob, r, []byte(`{"foo":"bar"}`)); err != nil {
			t.Fatal(err)
		}
		if err := n.Join(ctx, bob, r, nil); err != nil {
			t.Fatal(err)
		}
		id := n.send(t, message(r, bob, "hello"))
		if again := n.send(t, message(r, bob, "hello")); again == id {
			t.Error("two messages are one event")
		}
		if s := n.snapshot(t, r); s.State(mx.TypeMember, string(bob)).Str("foo") != "bar" || s.State(mx.TypeName, "").Str("name") != "Staff" {
			t.Error("state is wrong")
		}
		rooms, err := n.Rooms(ctx, bob)
		if err != nil || rooms[r].Membership != mx.Join {
			t.Errorf("rooms of bob: %v %v", rooms, err)
		}
		if _, err := n.Append(ctx, message(r, carol, "hi")); err == nil {
			t.Error("a stranger may speak")
		}
		var types []string
		for _, ev := range n.checkLog(t, r) {
			types = append(types, ev.Type)
		}
		want := "[m.room.create m.room.member m.room.power_levels m.room.join_rules m.room.history_visibility m.room.guest_access " +
			"m.room.name m.room.topic m.room.member m.room.member m.room.message m.room.message]"
		if fmt.Sprint(types) != want {
			t.Errorf("log is %v\nwant %s", types, want)
		}
	})
}
