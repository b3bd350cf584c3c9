package feed_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// modelClient does with answers what a real client does.
type modelClient struct {
	user    mx.UserID
	req     feed.Request
	every   bool // syncs after each step
	since   *feed.Token
	rooms   map[string]*modelRoom
	invites map[string]bool
}

// modelRoom is what a client knows of a room.
type modelRoom struct {
	in      bool
	state   map[[2]string]string // type, state key → event id
	seen    map[string]bool      // events of the timeline
	joined  int64
	invited int64
}

func (c *modelClient) room(id string) *modelRoom {
	if c.rooms[id] == nil {
		c.rooms[id] = &modelRoom{state: map[[2]string]string{}, seen: map[string]bool{}}
	}
	return c.rooms[id]
}

func (c *modelClient) sync(t *rapid.T, g *feedtest.Rig) {
	r := c.req
	r.User, r.Since = c.user, c.since
	a := g.Sync(r)
	next := g.Since(a)
	a.Get("rooms.join").ForEach(func(id, sec gjson.Result) bool {
		c.take(t, g, id.Str, sec, next, true)
		delete(c.invites, id.Str)
		return true
	})
	a.Get("rooms.leave").ForEach(func(id, sec gjson.Result) bool {
		c.take(t, g, id.Str, sec, next, false)
		delete(c.invites, id.Str)
		return true
	})
	a.Get("rooms.invite").ForEach(func(id, _ gjson.Result) bool {
		c.invites[id.Str] = true
		c.room(id.Str).in = false
		return true
	})
	c.since = next
}

// take takes in one room of an answer, and reads from the history what a limited timeline has left out.
func (c *modelClient) take(t *rapid.T, g *feedtest.Rig, id string, sec gjson.Result, next *feed.Token, in bool) {
	r := c.room(id)
	timeline := sec.Get("timeline.events").Array()
	prev, err := feed.ParsePosition(sec.Get("timeline.prev_batch").Str)
	if err != nil {
		t.Fatalf("prev_batch: %v", err)
	}
	if limited := sec.Get("timeline.limited").Bool(); limited {
		after := store.Pos(0)
		if r.in && c.since != nil {
			after = c.since.Pos
		}
		missed := c.history(t, g, mx.RoomID(id), after, prev)
		if len(missed) == 0 && r.in && !r.awayIn(g, mx.RoomID(id), c, next) {
			t.Fatalf("%s is told that events of %s were left out before %d, and there are none", c.user, id, prev)
		}
		for _, e := range missed {
			r.seen[e] = true
		}
	}
	for _, e := range timeline {
		eid := e.Get("event_id").Str
		if r.seen[eid] && r.in && in {
			t.Fatalf("%s gets event %s twice", c.user, eid)
		}
		r.seen[eid] = true
	}
	lists := [][]gjson.Result{sec.Get("state.events").Array(), timeline}
	if c.req.StateAfter {
		lists = [][]gjson.Result{sec.Get("state_after.events").Array()}
		if sec.Get("state").Exists() || !sec.Get("state_after.events").Exists() {
			t.Fatal("state instead of state_after")
		}
	}
	for _, list := range lists {
		for _, e := range list {
			if key := e.Get("state_key"); key.Exists() {
				r.state[[2]string{e.Get("type").Str, key.Str}] = e.Get("event_id").Str
			}
		}
	}
	if s := sec.Get("summary"); s.Exists() {
		r.joined, r.invited = s.Get(`m\.joined_member_count`).Int(), s.Get(`m\.invited_member_count`).Int()
	}
	r.in = in
}

func (r *modelRoom) awayIn(g *feedtest.Rig, room mx.RoomID, c *modelClient, next *feed.Token) bool {
	v, err := g.Views.Of(context.Background(), g.Snap(room), c.user)
	return err == nil && v.AwayIn(c.since.Pos, next.Pos)
}

// history reads what the user may see of a room in (after, upto] and the client wants.
func (c *modelClient) history(t *rapid.T, g *feedtest.Rig, room mx.RoomID, after, upto store.Pos) []string {
	v, err := g.Views.Of(context.Background(), g.Snap(room), c.user)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range g.Log(room) {
		if e.Pos > after && e.Pos <= upto && v.CanSee(e.Pos) && c.req.Filter.Room.Timeline.Match(e) {
			ids = append(ids, string(e.ID))
		}
	}
	return ids
}

// check compares what a client that is up to date knows with what is so.
func (c *modelClient) check(t *rapid.T, g *feedtest.Rig) {
	for room, m := range g.Memberships(c.user) {
		r := c.room(string(room))
		if r.in != (m.Membership == mx.Join) {
			t.Fatalf("%s knows to be in %s: %v, but the membership is %s", c.user, room, r.in, m.Membership)
		}
		if c.invites[string(room)] != (m.Membership == mx.Invite) {
			t.Fatalf("%s knows of an invitation to %s: %v, but the membership is %s", c.user, room, c.invites[string(room)], m.Membership)
		}
		if m.Membership != mx.Join {
			continue
		}
		snap := g.Snap(room)
		for e := range snap.All() {
			if !c.req.Filter.Room.Timeline.All() && !c.req.StateAfter {
				break // state events that the timeline leaves out are nowhere else
			}
			if got := r.state[[2]string{e.Type, *e.StateKey}]; got != string(e.ID) {
				t.Fatalf("%s has %q as %s %q of %s, want %s", c.user, got, e.Type, *e.StateKey, room, e.ID)
			}
		}
		if r.joined != int64(snap.JoinedCount()) || r.invited != int64(snap.InvitedCount()) {
			t.Fatalf("%s counts %d joined, %d invited in %s; there are %d and %d", c.user, r.joined, r.invited, room, snap.JoinedCount(), snap.InvitedCount())
		}
		want := c.history(t, g, room, 0, snap.Head())
		for _, id := range want {
			if !r.seen[id] {
				t.Fatalf("%s has never seen %s of %s", c.user, id, room)
			}
		}
	}
}

// Whatever happens in the rooms: a client that follows every step and one that looks now and then, fills gaps and uses any filter both
// end with the timeline and the state that there are.
func TestClientsEndWithWhatThereIs(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		rapid.Check(t, func(t *rapid.T) {
			g.T = t
			users := []mx.UserID{"@a:x", "@b:x", "@c:x"}
			g.Forget()
			g.Known = rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "recent")
			clients := drawClients(t, users)
			var rooms []mx.RoomID
			steps := rapid.IntRange(5, 40).Draw(t, "steps")
			for range steps {
				rooms = step(t, g, users, rooms)
				if rapid.IntRange(0, 15).Draw(t, "restart") == 0 {
					g.Restart()
				}
				for _, c := range clients {
					if c.every || rapid.IntRange(0, 6).Draw(t, "sync") == 0 {
						c.sync(t, g)
						c.check(t, g)
					}
				}
			}
			for _, c := range clients {
				c.sync(t, g)
				c.check(t, g)
			}
		})
	})
}

func drawClients(t *rapid.T, users []mx.UserID) []*modelClient {
	filters := []string{
		`{}`, `{"room":{"timeline":{"limit":1}}}`, `{"room":{"timeline":{"limit":3}}}`, `{"room":{"timeline":{"limit":0}}}`,
		`{"room":{"timeline":{"limit":2,"types":["m.room.message"]}}}`,
	}
	var clients []*modelClient
	for _, u := range users {
		for i := range 2 {
			c := &modelClient{user: u, every: i == 0, rooms: map[string]*modelRoom{}, invites: map[string]bool{}}
			c.req = feed.Request{
				Device: mx.DeviceID(fmt.Sprint("D", i)), StateAfter: rapid.Bool().Draw(t, "state_after"),
				Filter: feedtest.Filter(t, rapid.SampledFrom(filters).Draw(t, "filter")),
			}
			clients = append(clients, c)
		}
	}
	return clients
}

// step does something that may happen.
func step(t *rapid.T, g *feedtest.Rig, users []mx.UserID, rooms []mx.RoomID) []mx.RoomID {
	user := rapid.SampledFrom(users).Draw(t, "user")
	if len(rooms) == 0 || (len(rooms) < 4 && rapid.IntRange(0, 9).Draw(t, "new room") == 0) {
		visible := rapid.SampledFrom([]string{"", "shared", "joined", "invited", "world_readable"}).Draw(t, "visibility")
		return append(rooms, g.Create(user, visible))
	}
	room := rapid.SampledFrom(rooms).Draw(t, "room")
	other := rapid.SampledFrom(users).Draw(t, "other")
	snap := g.Snap(room)
	if !snap.Joined(user) {
		switch {
		case snap.Membership(user) == mx.Ban:
		case snap.Membership(user) == mx.Invite && rapid.Bool().Draw(t, "reject"):
			g.Member(room, user, user, mx.Leave)
		default:
			g.Member(room, user, user, mx.Join)
		}
		return rooms
	}
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		g.Member(room, user, user, mx.Leave)
	case 1:
		if !slices.Contains([]string{mx.Join, mx.Ban, mx.Invite}, snap.Membership(other)) {
			g.Member(room, user, other, mx.Invite)
		}
	case 2:
		if other != user {
			g.Member(room, user, other, rapid.SampledFrom([]string{mx.Leave, mx.Ban}).Draw(t, "removal"))
		}
	case 3, 4:
		g.State(room, user, "m.thing", rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "key"), fmt.Sprintf(`{"n":%d}`, g.TS))
	case 5:
		g.State(room, user, mx.TypeHistoryVisibility, "", `{"history_visibility":"`+
			rapid.SampledFrom([]string{"shared", "joined", "invited", "world_readable"}).Draw(t, "visibility")+`"}`)
	case 6:
		g.State(room, user, mx.TypeMember, string(user), fmt.Sprintf(`{"displayname":"n%d","membership":"join"}`, g.TS))
	default:
		g.Message(room, user, "hello")
	}
	return rooms
}
