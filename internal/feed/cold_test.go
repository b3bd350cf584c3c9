package feed_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
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

// A server that has just been started answers as one that has all in memory.
//
// Spec: cs#get_matrixclientv3sync
func TestAColdServerAnswersAlike(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		const me, other = mx.UserID("@me:x"), mx.UserID("@other:x")
		for _, visible := range []string{"shared", "joined", "invited", ""} {
			room := g.Create(other, visible)
			g.Message(room, other, "before")
			g.Member(room, other, me, mx.Invite)
			g.Message(room, other, "meanwhile")
			g.Member(room, me, me, mx.Join)
			g.Message(room, other, "then")
			g.State(room, other, mx.TypeTopic, "", `{"topic":"all of it"}`)
		}
		g.Member(g.Create(other, "shared"), other, me, mx.Invite)
		left := g.Create(other, "shared")
		g.Member(left, me, me, mx.Join)
		g.Message(left, other, "last")
		g.Member(left, me, me, mx.Leave)
		g.Message(left, other, "later")
		for _, f := range []string{`{}`, `{"room":{"include_leave":true,"state":{"lazy_load_members":true}}}`, `{"room":{"timeline":{"limit":2}}}`} {
			r := feed.Request{User: me, Device: "D", Filter: feedtest.Filter(t, f), Presence: ephemeral.Offline}
			want := g.Sync(r)
			raw, _, err := coldFeed(t, g).Sync(t.Context(), &r)
			if err != nil {
				t.Fatal(err)
			}
			if got := alike(t, raw); !reflect.DeepEqual(got, alike(t, []byte(want.Raw))) {
				t.Errorf("%s:\n%s\nnot\n%s", f, raw, want.Raw)
			}
		}
	})
}

// alike is an answer without what depends on the time and on what only one of the two knows.
func alike(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"age", "unread_notifications"} {
				delete(v, key)
			}
			for _, m := range v {
				strip(m)
			}
			if list, ok := v["events"].([]any); ok && v["limited"] == nil { // state and invitations have no order
				slices.SortFunc(list, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		case []any:
			for _, m := range v {
				strip(m)
			}
		}
	}
	strip(v)
	delete(v.(map[string]any), "account_data") // the rig has no push rules
	return v
}

// coldFeed is a feed with all that it reads rooms through in the program, none of which has read anything yet.
func coldFeed(b testing.TB, g *feedtest.Rig) *feed.Service {
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
