package feed_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
)

// A request that waits for what is rare in a busy room waits on, however much happens there meanwhile, and is then told of that and no more.
func TestAWaitGoesOnAfterWhatDidNotConcernIt(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		ctx := context.Background()
		for _, known := range []int{0, 1000} {
			g.Known = known
			room := g.Create("@a:x", "shared")
			first := g.Sync(feed.Request{User: "@a:x"})
			const names = `{"types":["m.room.name"]}`
			raw, waits, err := g.Feed.Sync(ctx, &feed.Request{
				User: "@a:x", Device: "DEVICE", Since: g.Since(first), Timeout: time.Minute, Filter: feedtest.Filter(t, `{"room":{"timeline":`+names+`,"state":`+names+`}}`),
			})
			if err != nil || waits == nil {
				t.Fatalf("%s %v", raw, err)
			}
			for range 3 { // together more than one look goes through
				for range 900 {
					g.Message(room, "@a:x", "hello")
				}
				if raw, err := waits.LookAgain(ctx); err != nil || raw != nil {
					t.Fatalf("%s %v", raw, err)
				}
			}
			named := g.State(room, "@a:x", "m.room.name", "", `{"name":"Desk"}`)
			g.Message(room, "@a:x", "bye")
			raw, err = waits.LookAgain(ctx)
			timeline := gjson.GetBytes(raw, "rooms.join."+gjson.Escape(string(room))+".timeline")
			if ids := feedtest.EventIDs(timeline.Get("events")); err != nil || len(ids) != 1 || ids[0] != string(named.ID) || timeline.Get("limited").Bool() {
				t.Errorf("known %d: %s %v", known, raw, err)
			}
		}
	})
}
