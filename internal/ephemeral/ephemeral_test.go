package ephemeral

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conclave.chat/internal/mx"
)

func TestTypingEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var woken []mx.RoomID
		h := New(Options{Wake: func(c Change) {
			mu.Lock()
			defer mu.Unlock()
			woken = append(woken, c.Room)
		}})
		start := h.Current()
		h.SetTyping("!a:x", "@bob:x", 10*time.Second)
		h.SetTyping("!a:x", "@alice:x", 20*time.Second)
		h.SetTyping("!b:x", "@alice:x", 0) // was not typing: no change
		users, n := h.Typing("!a:x")
		if want := []mx.UserID{"@alice:x", "@bob:x"}; !slices.Equal(users, want) {
			t.Fatalf("typing: %v, want %v", users, want)
		}
		if got := h.TypingSince(start); !slices.Equal(got, []mx.RoomID{"!a:x"}) {
			t.Fatalf("changed since the start: %v", got)
		}
		if got := h.TypingSince(n); len(got) != 0 {
			t.Fatalf("changed since the last change: %v", got)
		}
		time.Sleep(9 * time.Second)
		h.SetTyping("!a:x", "@bob:x", 10*time.Second) // renewed: nothing new for others
		time.Sleep(9 * time.Second)
		if got := h.TypingSince(n); len(got) != 0 {
			t.Fatalf("a renewal is no change: %v", got)
		}
		time.Sleep(3 * time.Second)
		users, last := h.Typing("!a:x")
		if len(users) != 0 || last <= n {
			t.Fatalf("after both ended: %v at %d, was at %d", users, last, n)
		}
		if got := h.TypingSince(n); !slices.Equal(got, []mx.RoomID{"!a:x"}) {
			t.Fatalf("the end is a change: %v", got)
		}
		synctest.Wait() // no timer is left: the bubble would not end otherwise
		mu.Lock()
		defer mu.Unlock()
		if len(woken) != 4 {
			t.Errorf("woken %d times, want 2 begins and 2 ends: %v", len(woken), woken)
		}
	})
}

func TestTypingMemoryIsBounded(t *testing.T) {
	h := New(Options{})
	defer h.Close()
	h.SetTyping("!first:x", "@a:x", time.Hour)
	for i := range MaxRooms + 10 {
		room := mx.RoomID(fmt.Sprintf("!%d:x", i))
		h.SetTyping(room, "@a:x", time.Minute)
		h.SetTyping(room, "@a:x", 0)
	}
	if n := len(h.rooms); n > MaxRooms {
		t.Errorf("%d rooms are remembered", n)
	}
	if n := len(h.typed.entries); n > 3*MaxRooms {
		t.Errorf("%d changes are remembered", n)
	}
	if users, _ := h.Typing("!first:x"); len(users) != 1 {
		t.Error("a room where somebody types was forgotten before quiet ones")
	}
}

// Spec: cs#presence
func TestPresenceFollowsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		is := func(want State, active bool) {
			t.Helper()
			if p := h.Presence("@a:x"); p.State != want || p.CurrentlyActive != active {
				t.Errorf("%s active=%v, want %s active=%v", p.State, p.CurrentlyActive, want, active)
			}
		}
		is(Offline, false)
		begin := h.Current()
		done := h.Connect("@a:x", Online)
		is(Online, true)
		if list := h.PresenceSince(begin); len(list) != 1 || list[0].User != "@a:x" {
			t.Errorf("changed: %v", list)
		}
		phone := h.Connect("@a:x", Unavailable) // a phone in a pocket does not make the user idle
		is(Online, true)
		phone()
		time.Sleep(2 * time.Minute)
		is(Online, false)
		time.Sleep(4 * time.Minute)
		is(Unavailable, false)
		h.Active("@a:x")
		is(Online, true)
		done()
		time.Sleep(20 * time.Second)
		is(Online, true)
		time.Sleep(20 * time.Second)
		is(Offline, false)
		h.SetPresence("@a:x", Unavailable, "in a meeting")
		is(Unavailable, false)
		if p := h.Presence("@a:x"); p.StatusMsg != "in a meeting" || time.Since(p.LastActive) != 0 {
			t.Errorf("%+v", p)
		}
		n := h.Current()
		h.SetPresence("@a:x", Unavailable, "in another meeting")
		if len(h.PresenceSince(n)) != 1 {
			t.Error("a new message is a change")
		}
		time.Sleep(time.Minute)
		is(Offline, false)
		h.Connect("@a:x", Offline)()
		is(Offline, false)
		synctest.Wait()
	})
}

func TestNoPresence(t *testing.T) {
	h := New(Options{NoPresence: true})
	defer h.Connect("@a:x", Online)()
	h.SetPresence("@a:x", Online, "here")
	h.Active("@a:x")
	if p := h.Presence("@a:x"); p.State != Offline || p.StatusMsg != "" || len(h.PresenceSince(0)) != 0 {
		t.Errorf("%+v", p)
	}
}

// A number of an earlier process is smaller than all of this one, so its reader gets everything.
func TestNumbersGrowAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := New(Options{})
		first.SetTyping("!a:x", "@a:x", time.Second)
		old := first.Current()
		first.Close()
		time.Sleep(time.Second)
		second := New(Options{})
		second.SetTyping("!b:x", "@a:x", time.Second)
		if got := second.TypingSince(old); !slices.Equal(got, []mx.RoomID{"!b:x"}) {
			t.Errorf("since the last process: %v", got)
		}
		second.Close()
	})
}

func BenchmarkTypingSince(b *testing.B) {
	h := New(Options{})
	defer h.Close()
	for i := range 1000 {
		h.SetTyping(mx.RoomID(fmt.Sprintf("!%d:x", i)), "@a:x", time.Hour)
	}
	n := h.Current()
	h.SetTyping("!0:x", "@b:x", time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if len(h.TypingSince(n)) != 1 {
			b.Fatal("want one room")
		}
	}
}
