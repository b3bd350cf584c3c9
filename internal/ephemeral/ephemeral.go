// Package ephemeral holds what is kept in memory only and forgotten when the process ends: who is typing where, and who is present.
//
// Values enter through SetTyping, SetPresence, Connect and Active, and through Hear where other nodes Tell of theirs, and leave through Typing, Presence and the Since functions. Each
// change takes the next number of a counter; readers remember the number that they have seen. The counter runs with the clock, so that a
// number of an earlier process is smaller than all of this one. Wake is called after each change, without any lock held. The package does
// no I/O and its memory is bounded: by MaxRooms for typing, by the number of users seen for presence.
package ephemeral

import (
	"sync"
	"time"

	"conclave.chat/internal/mx"
)

// MaxRooms is how many rooms' typing changes are remembered. When there are more, those that were quiet longest are forgotten.
const MaxRooms = 1 << 16

// Change is what Wake gets: a room whose list of typing users changed, or a user whose presence changed.
type Change struct {
	N    int64
	Room mx.RoomID
	User mx.UserID
}

// Options of a Hub.
type Options struct {
	// Wake hears of each change. It must be quick.
	Wake func(Change)
	// Tell passes word on to other nodes; nil where there are none. It must be quick and is called without any lock held.
	Tell func(Word)
	// NoPresence turns presence off: nobody's is kept or changes.
	NoPresence bool
}

// Hub is the one place for ephemeral state.
type Hub struct {
	wake       func(Change)
	tell       func(Word)
	noPresence bool
	start      int64

	mu       sync.Mutex
	n        int64
	rooms    map[mx.RoomID]*typing
	active   map[mx.RoomID]struct{} // rooms where somebody types
	users    map[mx.UserID]*presence
	typed    journal[mx.RoomID]
	seen     journal[mx.UserID]
	typeTick *time.Timer // next look at who stopped typing; nil while nobody types
	seenTick *time.Timer // next look at who is gone; nil while nobody is here
	closed   bool
}

// New makes a Hub.
func New(o Options) *Hub {
	h := &Hub{
		wake: o.Wake, tell: o.Tell, noPresence: o.NoPresence, start: time.Now().UnixMilli(),
		rooms: map[mx.RoomID]*typing{}, active: map[mx.RoomID]struct{}{}, users: map[mx.UserID]*presence{},
	}
	if h.wake == nil {
		h.wake = func(Change) {}
	}
	h.n = h.start
	return h
}

// Close stops the Hub's timers.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, t := range []*time.Timer{h.typeTick, h.seenTick} {
		if t != nil {
			t.Stop()
		}
	}
}

// Current is the number of the last change: what a reader that has just read everything remembers.
func (h *Hub) Current() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// next numbers a change.
func (h *Hub) next() int64 {
	h.n = max(h.n+1, time.Now().UnixMilli())
	return h.n
}

// journal lists what changed in the order of changes. What changed again leaves its old entry behind; trim drops such entries when they
// are most of the list.
type journal[K comparable] struct {
	entries []entry[K]
}

type entry[K comparable] struct {
	n   int64
	key K
}

func (j *journal[K]) add(n int64, key K) { j.entries = append(j.entries, entry[K]{n, key}) }

// since gives the keys that changed last after n, for whom last(key) is the number of their last change.
func (j *journal[K]) since(n int64, last func(K) int64) []K {
	lo, hi := 0, len(j.entries)
	for lo < hi {
		if mid := (lo + hi) / 2; j.entries[mid].n > n {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	var keys []K
	for _, e := range j.entries[lo:] {
		if last(e.key) == e.n {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// trim drops outdated entries once there are more than twice as many entries as keys.
func (j *journal[K]) trim(keys int, last func(K) int64) {
	if len(j.entries) <= 2*keys+16 {
		return
	}
	kept := j.entries[:0]
	for _, e := range j.entries {
		if last(e.key) == e.n {
			kept = append(kept, e)
		}
	}
	clear(j.entries[len(kept):])
	j.entries = kept
}
