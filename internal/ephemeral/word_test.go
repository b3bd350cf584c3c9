package ephemeral

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conclave.chat/internal/mx"
)

// wire connects nodes.
type wire struct {
	cut   atomic.Bool // word gets lost
	mu    sync.Mutex
	nodes []*Hub
}

func (c *wire) node() *Hub {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.nodes)
	c.nodes = append(c.nodes, New(Options{Tell: func(w Word) {
		c.mu.Lock()
		nodes := slices.Clone(c.nodes)
		c.mu.Unlock()
		for j, n := range nodes {
			if j != i && !c.cut.Load() {
				n.Hear(w)
			}
		}
	}}))
	return c.nodes[i]
}

func TestTypingReachesOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net wire
		a, b := net.node(), net.node()
		is := func(want ...mx.UserID) {
			t.Helper()
			for name, h := range map[string]*Hub{"here": a, "there": b} {
				if users, _ := h.Typing("!r:x"); !slices.Equal(users, want) {
					t.Errorf("%s: %v, want %v", name, users, want)
				}
			}
		}
		begin := b.Current()
		a.SetTyping("!r:x", "@bob:x", 10*time.Second)
		b.SetTyping("!r:x", "@alice:x", 30*time.Second)
		is("@alice:x", "@bob:x")
		if got := b.TypingSince(begin); len(got) != 1 {
			t.Errorf("changed there: %v", got)
		}
		time.Sleep(8 * time.Second)
		a.SetTyping("!r:x", "@bob:x", 10*time.Second) // goes on
		time.Sleep(8 * time.Second)
		is("@alice:x", "@bob:x")
		a.SetTyping("!r:x", "@bob:x", 0)
		is("@alice:x")
		net.cut.Store(true)
		b.SetTyping("!r:x", "@alice:x", 0) // word of it gets lost: it ends by itself
		time.Sleep(20 * time.Second)
		is()
		b.Hear(Word{Room: "!r:x", User: "@mallory:x", Millis: 1 << 60})
		time.Sleep(maxTyping + time.Second)
		is()
		synctest.Wait()
	})
}

// Spec: cs#presence
func TestPresenceReachesOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net wire
		a, b := net.node(), net.node()
		is := func(want State, active bool) {
			t.Helper()
			for name, h := range map[string]*Hub{"here": a, "there": b} {
				if p := h.Presence("@a:x"); p.State != want || p.CurrentlyActive != active {
					t.Errorf("%s: %s active=%v, want %s active=%v", name, p.State, p.CurrentlyActive, want, active)
				}
			}
		}
		desktop := a.Connect("@a:x", Online)
		is(Online, true)
		phone := b.Connect("@a:x", Unavailable) // through the other node: the user is online all the same
		is(Online, true)
		time.Sleep(2 * time.Minute) // both wait: neither forgets, and the user does nothing
		is(Online, false)
		b.Active("@a:x")
		is(Online, true)
		a.SetPresence("@a:x", Unavailable, "in a meeting")
		is(Unavailable, false)
		if p := b.Presence("@a:x"); p.StatusMsg != "in a meeting" {
			t.Errorf("%+v", p)
		}
		desktop()
		desktop = a.Connect("@a:x", Online)
		is(Online, true)

		net.cut.Store(true) // for less than two of three repetitions
		time.Sleep(15 * time.Second)
		net.cut.Store(false)
		time.Sleep(15 * time.Second)
		is(Online, true)

		// The phone alone does not keep the user online, and nobody keeps up what only the other said.
		desktop()
		for range 4 {
			time.Sleep(20 * time.Second)
			phone()
			phone = b.Connect("@a:x", Unavailable)
		}
		is(Unavailable, false)
		if p := a.Presence("@a:x"); p.StatusMsg != "in a meeting" {
			t.Errorf("the status message was forgotten: %+v", p)
		}
		phone()
		time.Sleep(time.Minute)
		is(Offline, false)

		done := a.Connect("@a:x", Online)
		late := net.node() // a node that starts later hears soon
		time.Sleep(20 * time.Second)
		if p := late.Presence("@a:x"); p.State != Online {
			t.Errorf("%+v", p)
		}
		done()
		for _, h := range []*Hub{a, b, late} {
			h.Close()
		}
		synctest.Wait()
	})
}

// What is repeated does not fill the wire.
func TestPresenceIsToldSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n int
		h := New(Options{Tell: func(Word) { n++ }})
		defer h.Close()
		for range 300 { // a minute of short polls
			h.Connect("@a:x", Online)()
			h.Active("@a:x")
			time.Sleep(200 * time.Millisecond)
		}
		if n < 5 || n > 10 {
			t.Errorf("told %d times within a minute", n)
		}
	})
}
