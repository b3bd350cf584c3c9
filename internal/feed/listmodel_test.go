package feed_test

import (
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// tracker does what an encrypting client does: it keeps the devices of those with whom it shares a room, as of when it last asked.
type tracker struct {
	user  mx.UserID
	since *feed.Token
	known map[mx.UserID]int
}

// lists is the truth: how often each user's devices changed, and who is in which room.
type lists struct {
	devices map[mx.UserID]int
	in      map[mx.RoomID]map[mx.UserID]bool
}

func (l *lists) share(a, b mx.UserID) bool {
	for _, members := range l.in {
		if members[a] && members[b] {
			return true
		}
	}
	return false
}

// sync takes in an answer and compares what the client then knows with the truth. A client that has shared no room with somebody knows
// nothing of them; of everybody else it asks when it is told to.
func (c *tracker) sync(t *rapid.T, g *feedtest.Rig, l *lists) {
	a := g.Sync(feed.Request{User: c.user, Since: c.since})
	if c.since == nil { // the client asks for everybody whom it sees
		for u := range l.devices {
			if l.share(c.user, u) {
				c.known[u] = l.devices[u]
			}
		}
	}
	c.since = g.Since(a)
	for _, u := range a.Get("device_lists.changed").Array() {
		c.known[mx.UserID(u.Str)] = l.devices[mx.UserID(u.Str)]
	}
	for _, u := range a.Get("device_lists.left").Array() {
		delete(c.known, mx.UserID(u.Str))
	}
	for u, n := range l.devices {
		got, knows := c.known[u]
		switch shares := u == c.user || l.share(c.user, u); {
		case shares && (!knows || got != n) && (u != c.user || knows):
			t.Fatalf("%s knows version %d of %s (%v), which is at %d: %s", c.user, got, u, knows, n, a.Get("device_lists").Raw)
		case !shares && knows:
			t.Fatalf("%s was not told that it shares no room with %s: %s", c.user, u, a.Get("device_lists").Raw)
		}
	}
}

// Whoever comes and goes and whatever changes in between: a client that fetches the lists that it is told of has those of everybody with
// whom it shares a room, and of nobody else.
//
// Spec: cs#e2e-extensions-to-sync
func TestDeviceListsAreNeverLost(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		rapid.Check(t, func(t *rapid.T) {
			g.T = t
			g.Forget()
			users := []mx.UserID{"@a:x", "@b:x", "@c:x", "@d:x"}
			l := &lists{devices: map[mx.UserID]int{}, in: map[mx.RoomID]map[mx.UserID]bool{}}
			var rooms []mx.RoomID
			for _, u := range users[:2] {
				l.devices[u] = 0
				r := g.Create(u, "")
				rooms, l.in[r] = append(rooms, r), map[mx.UserID]bool{u: true}
			}
			l.devices["@c:x"], l.devices["@d:x"] = 0, 0
			clients := []*tracker{{user: "@a:x", known: map[mx.UserID]int{}}, {user: "@c:x", known: map[mx.UserID]int{}}}
			for _, c := range clients {
				c.sync(t, g, l)
			}
			for range rapid.IntRange(1, 30).Draw(t, "steps") {
				u, r := rapid.SampledFrom(users).Draw(t, "user"), rapid.SampledFrom(rooms).Draw(t, "room")
				switch rapid.SampledFrom([]string{"change", "join", "join", "leave", "talk", "sync", "restart"}).Draw(t, "step") {
				case "change":
					l.devices[u]++
					g.Write(func(tx *store.Tx) error { return keys.TouchList(tx, u) })
				case "join":
					if !l.in[r][u] {
						g.Member(r, u, u, mx.Join)
						l.in[r][u] = true
					}
				case "leave":
					if l.in[r][u] {
						g.Member(r, u, u, mx.Leave)
						delete(l.in[r], u)
					}
				case "talk":
					if l.in[r][u] {
						g.Message(r, u, "x")
					}
				case "sync":
					rapid.SampledFrom(clients).Draw(t, "client").sync(t, g, l)
				case "restart":
					g.Restart()
				}
			}
			for _, c := range clients {
				c.sync(t, g, l)
			}
		})
	})
}
