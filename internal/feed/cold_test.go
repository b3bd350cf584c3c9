package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/push"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
)

// coldFeed is a feed with all that it reads rooms through in the program, none of which has read anything yet.
func coldFeed(b *testing.B, g *feedtest.Rig) *feed.Service {
	b.Helper()
	pos, err := g.DB.Position(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	bus := notify.New()
	bus.Start(pos)
	rooms := ledger.New(ledger.Deps{DB: g.DB, CacheEvents: 60_000})
	p, err := push.New(push.Deps{DB: g.DB, Rooms: rooms, Position: bus.Last, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return feed.New(feed.Deps{
		DB: g.DB, Bus: bus, Rooms: rooms, Views: visibility.NewViews(g.DB), Ephemeral: g.Ephemeral, Counter: counter{p}, PushRules: p,
	})
}

// The first sync of a user in 500 rooms after the server was started.
func BenchmarkInitialSync500Cold(b *testing.B) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			g, _ := benchRigOn(b, open, 500)
			for _, lazy := range []bool{false, true} {
				b.Run(fmt.Sprintf("lazy=%v", lazy), func(b *testing.B) {
					f := &filter.Sync{}
					f.Room.State.LazyLoadMembers = lazy
					b.ReportAllocs()
					for b.Loop() {
						s := coldFeed(b, g)
						raw, _, err := s.Sync(context.Background(), &feed.Request{User: "@user0:x", Device: "D", Filter: f, Presence: ephemeral.Offline})
						if err != nil {
							b.Fatal(err)
						}
						b.SetBytes(int64(len(raw)))
					}
				})
			}
		})
	}
}

// counter tells feed what push has counted, as app does.
type counter struct{ push *push.Service }

func (c counter) Unread(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]feed.Unread, error) {
	counts, err := c.push.Unread(ctx, user, rooms)
	out := make(map[mx.RoomID]feed.Unread, len(counts))
	for room, n := range counts {
		out[room] = feed.Unread{Count: feed.Count(n.Main)}
	}
	return out, err
}
