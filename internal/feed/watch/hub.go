// Package watch knows what happened last and who waits for it.
//
// What happened enters as the batches of the bus, names only, and as changes of typing and presence. It leaves in two ways: a Window
// tells a reader what changed between two positions without the database, or that it does not know; a Hub wakes the requests that a
// change concerns. Both are bounded, lose nothing silently and do no I/O but to ask Rooms who is in a room.
package watch

import (
	"context"
	"log/slog"
	"sync"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// Rooms says who is in which room.
type Rooms interface {
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
}

// Hub knows the requests that wait and wakes those whom a change concerns. Changes enter through Enqueue, which never blocks, and are
// worked off by Run; a woken request looks itself for what there is, so that waking one too many does no harm.
type Hub struct {
	rooms Rooms
	log   *slog.Logger

	mu      sync.Mutex
	waiting map[mx.UserID]*Waiter
	n       int

	qmu   sync.Mutex
	queue []Happening
	ready chan struct{}
}

// Happening is something that happened: changes, a change of typing or presence, or nobody knows what.
type Happening struct {
	Changes   []store.Change
	Ephemeral ephemeral.Change
	All       bool // nobody knows what changed
}

// Waiter is one request that waits; those of one user form a list.
type Waiter struct {
	device mx.DeviceID
	notify func(last bool)
	next   *Waiter
}

// NewHub makes a Hub; Run has to be running.
func NewHub(rooms Rooms, log *slog.Logger) *Hub {
	return &Hub{rooms: rooms, log: log, waiting: map[mx.UserID]*Waiter{}, ready: make(chan struct{}, 1)}
}

// Join adds a request. What happens from now on and concerns it calls notify, which must be quick and may not call the Hub; last says that
// the request must not wait on.
func (h *Hub) Join(user mx.UserID, device mx.DeviceID, notify func(last bool)) *Waiter {
	w := &Waiter{device: device, notify: notify}
	h.mu.Lock()
	defer h.mu.Unlock()
	w.next = h.waiting[user]
	h.waiting[user] = w
	h.n++
	return w
}

// Leave takes a request away.
func (h *Hub) Leave(user mx.UserID, w *Waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n--
	if h.waiting[user] == w {
		if w.next == nil {
			delete(h.waiting, user)
		} else {
			h.waiting[user] = w.next
		}
		return
	}
	for v := h.waiting[user]; v != nil; v = v.next {
		if v.next == w {
			v.next = w.next
			return
		}
	}
}

// Count is how many requests wait.
func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// Each calls f for each request. f must be quick and may not call the Hub.
func (h *Hub) Each(f func(mx.UserID, mx.DeviceID)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for user, w := range h.waiting {
		for ; w != nil; w = w.next {
			f(user, w.device)
		}
	}
}

// Enqueue says that something happened.
func (h *Hub) Enqueue(w Happening) {
	h.qmu.Lock()
	h.queue = append(h.queue, w)
	h.qmu.Unlock()
	select {
	case h.ready <- struct{}{}:
	default:
	}
}

// Run works off the queue until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	var work []Happening
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.ready:
		}
		h.qmu.Lock()
		work, h.queue = h.queue, work[:0]
		h.qmu.Unlock()
		h.work(ctx, work)
		clear(work)
	}
}

// work wakes whom a list of happenings concerns, each room looked at once.
func (h *Hub) work(ctx context.Context, list []Happening) {
	if h.Count() == 0 {
		return
	}
	rooms, sharers := map[mx.RoomID]struct{}{}, map[mx.UserID]struct{}{}
	for i := range list {
		w := &list[i]
		if w.All {
			h.wakeAll()
			return
		}
		if w.Ephemeral.Room != "" {
			rooms[w.Ephemeral.Room] = struct{}{}
		} else if w.Ephemeral.User != "" {
			sharers[w.Ephemeral.User] = struct{}{}
		}
		for j := range w.Changes {
			switch c := &w.Changes[j]; c.Kind { //nolint:exhaustive // nobody waits for the others
			case store.KindEvent:
				rooms[c.Room] = struct{}{}
				if c.User != "" {
					h.wake(c.User, "")
				}
			case store.KindReceipt:
				if c.Private {
					h.wake(c.User, "")
				} else {
					rooms[c.Room] = struct{}{}
				}
			case store.KindAccountData, store.KindThread:
				h.wake(c.User, "")
			case store.KindToDevice, store.KindKeyCount:
				h.wake(c.User, c.Device)
			case store.KindDeviceList:
				if c.Private {
					h.wake(c.User, "")
				} else {
					sharers[c.User] = struct{}{}
				}
			case store.KindSession:
				h.end(c.User, c.Device)
			case store.KindProfile, store.KindRoom:
			}
		}
	}
	h.addRoomsOf(ctx, sharers, rooms)
	for room := range rooms {
		h.wakeRoom(ctx, room)
	}
}

// addRoomsOf adds the rooms that users are in, for changes that all see who share a room with them.
func (h *Hub) addRoomsOf(ctx context.Context, users map[mx.UserID]struct{}, rooms map[mx.RoomID]struct{}) {
	for u := range users {
		h.wake(u, "")
		list, err := h.rooms.Rooms(ctx, u)
		if err != nil {
			h.failed(ctx, err)
			return
		}
		for room, m := range list {
			if m.Membership == mx.Join {
				rooms[room] = struct{}{}
			}
		}
	}
}

// wakeRoom wakes a room's members: it goes over the members or over those who wait, whichever are fewer.
func (h *Hub) wakeRoom(ctx context.Context, room mx.RoomID) {
	snap, err := h.rooms.Snapshot(ctx, room)
	if err != nil {
		h.failed(ctx, err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) <= snap.JoinedCount() {
		for user, w := range h.waiting {
			if snap.Joined(user) {
				w.wakeList("", false)
			}
		}
		return
	}
	for user := range snap.Members(mx.Join) {
		h.waiting[user].wakeList("", false)
	}
}

// failed falls back to waking everybody: they will meet the error themselves, or find that it is over.
func (h *Hub) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		h.log.Warn("cannot tell whom a change concerns", "error", err)
	}
	h.wakeAll()
}

func (h *Hub) wake(user mx.UserID, device mx.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting[user].wakeList(device, false)
}

// end wakes requests whose session is over, or may be.
func (h *Hub) end(user mx.UserID, device mx.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting[user].wakeList(device, true)
}

// End wakes all requests for the last time.
func (h *Hub) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		w.wakeList("", true)
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		w.wakeList("", false)
	}
}

// wakeList wakes the requests of one user, or of one device of that user.
func (w *Waiter) wakeList(device mx.DeviceID, last bool) {
	for ; w != nil; w = w.next {
		if device == "" || w.device == device {
			w.notify(last)
		}
	}
}
