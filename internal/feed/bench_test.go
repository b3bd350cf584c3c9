package feed_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

// benchRig has rooms of five members with ten messages each.
func benchRig(b *testing.B, rooms int) (*feedtest.Rig, []mx.RoomID) {
	return benchRigOn(b, storetest.SQLite, rooms)
}

func benchRigOn(b *testing.B, open func(testing.TB, store.Options) *store.DB, rooms int) (*feedtest.Rig, []mx.RoomID) {
	g := feedtest.New(b, open)
	g.Known = 64
	var ids []mx.RoomID
	for range rooms {
		room := g.Create("@user0:x", "shared")
		for i := 1; i < 5; i++ {
			u := mx.UserID(fmt.Sprintf("@user%d:x", i))
			g.Member(room, u, u, mx.Join)
		}
		for i := range 10 {
			g.Message(room, mx.UserID(fmt.Sprintf("@user%d:x", i%5)), "Hello to all of you in this room")
		}
		ids = append(ids, room)
	}
	return g, ids
}

func benchSync(b *testing.B, g *feedtest.Rig, r *feed.Request) []byte {
	r.Presence = ephemeral.Offline
	raw, _, err := g.Feed.Sync(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// An initial sync of 500 rooms with 5 members and 10 messages each.
func BenchmarkInitialSync500(b *testing.B) {
	g, _ := benchRig(b, 500)
	for name, recent := range map[string]int{"memory": 64, "database": 0} {
		for _, lazy := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/lazy=%v", name, lazy), func(b *testing.B) {
				g.Known = recent
				f := &filter.Sync{}
				f.Room.State.LazyLoadMembers = lazy
				r := &feed.Request{User: "@user0:x", Device: "D", Filter: f}
				benchSync(b, g, r)
				b.ReportAllocs()
				for b.Loop() {
					b.SetBytes(int64(len(benchSync(b, g, r))))
				}
			})
		}
	}
}

// One new message in one of 50 rooms.
func BenchmarkIncrementalSync(b *testing.B) {
	g, ids := benchRig(b, 50)
	since := g.Since(g.Sync(feed.Request{User: "@user0:x", Presence: ephemeral.Offline}))
	g.Message(ids[7], "@user1:x", "Hello to all of you in this room")
	r := &feed.Request{User: "@user0:x", Device: "D", Filter: &filter.Sync{}, Since: since}
	benchSync(b, g, r)
	b.ReportAllocs()
	for b.Loop() {
		benchSync(b, g, r)
	}
}

// The same after a restart: the window knows nothing.
func BenchmarkIncrementalSyncFromDatabase(b *testing.B) {
	g, ids := benchRig(b, 50)
	since := g.Since(g.Sync(feed.Request{User: "@user0:x", Presence: ephemeral.Offline}))
	g.Message(ids[7], "@user1:x", "Hello to all of you in this room")
	g.Restart()
	g.Known = 0
	r := &feed.Request{User: "@user0:x", Device: "D", Filter: &filter.Sync{}, Since: since}
	benchSync(b, g, r)
	b.ReportAllocs()
	for b.Loop() {
		benchSync(b, g, r)
	}
}

// Nothing new.
func BenchmarkIdleSync(b *testing.B) {
	g, _ := benchRig(b, 50)
	r := &feed.Request{User: "@user0:x", Device: "D", Filter: &filter.Sync{}, Since: g.Since(g.Sync(feed.Request{User: "@user0:x", Presence: ephemeral.Offline}))}
	b.ReportAllocs()
	for b.Loop() {
		benchSync(b, g, r)
	}
}

// One message told to 1,000 members: the time is that of all of them.
func BenchmarkFanOut1000(b *testing.B) {
	g := feedtest.New(b, storetest.SQLite)
	room := g.Create("@user0:x", "shared")
	users := make([]mx.UserID, 1000)
	for i := range users {
		users[i] = mx.UserID(fmt.Sprintf("@user%d:x", i))
		if i > 0 {
			g.Member(room, users[i], users[i], mx.Join)
		}
	}
	g.Known = 64
	since := g.Since(g.Sync(feed.Request{User: "@user0:x", Presence: ephemeral.Offline}))
	g.Message(room, "@user1:x", "Hello to all of you in this room")
	all := func() {
		for _, u := range users {
			benchSync(b, g, &feed.Request{User: u, Device: "D", Filter: &filter.Sync{}, Since: since})
		}
	}
	all()
	b.ReportAllocs()
	for b.Loop() {
		all()
	}
}
