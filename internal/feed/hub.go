package feed

import (
	"context"
	"log/slog"
	"sync"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// hub knows the requests that wait and wakes those whom a change concerns. Changes enter through enqueue, which never blocks, and are
// worked off by run; a woken request looks itself for what there is, so that waking one too many does no harm.
type hub struct {
	rooms Rooms
	log   *slog.Logger

	mu      sync.Mutex
	waiting map[mx.UserID]*waiter
	n       int

	qmu   sync.Mutex
	queue []wakeup
	ready chan struct{}
}

// wakeup is something that happened.
type wakeup struct {
	changes   []store.Change
	ephemeral ephemeral.Change
	all       bool // nobody knows what changed
}

// waiter is one request that waits; those of one user form a list.
type waiter struct {
	device mx.DeviceID
	wake   chan struct{} // of capacity 1
	next   *waiter
	ended  bool // the session is over, or may be: the request must not wait on
}

func newHub(rooms Rooms, log *slog.Logger) *hub {
	return &hub{rooms: rooms, log: log, waiting: map[mx.UserID]*waiter{}, ready: make(chan struct{}, 1)}
}

// join adds a request; what happens from now on wakes it.
func (h *hub) join(user mx.UserID, device mx.DeviceID) *waiter {
	w := &waiter{device: device, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	w.next = h.waiting[user]
	h.waiting[user] = w
	h.n++
	return w
}

func (h *hub) leave(user mx.UserID, w *waiter) {
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

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

func (h *hub) enqueue(w wakeup) {
	h.qmu.Lock()
	h.queue = append(h.queue, w)
	h.qmu.Unlock()
	select {
	case h.ready <- struct{}{}:
	default:
	}
}

// run works off the queue until ctx ends.
func (h *hub) run(ctx context.Context) {
	var work []wakeup
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
func (h *hub) work(ctx context.Context, list []wakeup) {
	if h.count() == 0 {
		return
	}
	rooms, sharers := map[mx.RoomID]struct{}{}, map[mx.UserID]struct{}{}
	for i := range list {
		w := &list[i]
		if w.all {
			h.wakeAll()
			return
		}
		if w.ephemeral.Room != "" {
			rooms[w.ephemeral.Room] = struct{}{}
		} else if w.ephemeral.User != "" {
			sharers[w.ephemeral.User] = struct{}{}
		}
		for j := range w.changes {
			switch c := &w.changes[j]; c.Kind {
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
func (h *hub) addRoomsOf(ctx context.Context, users map[mx.UserID]struct{}, rooms map[mx.RoomID]struct{}) {
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
func (h *hub) wakeRoom(ctx context.Context, room mx.RoomID) {
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
				w.wakeList("")
			}
		}
		return
	}
	for user := range snap.Members(mx.Join) {
		h.waiting[user].wakeList("")
	}
}

// failed falls back to waking everybody: they will meet the error themselves, or find that it is over.
func (h *hub) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		h.log.Warn("cannot tell whom a change concerns", "error", err)
	}
	h.wakeAll()
}

func (h *hub) wake(user mx.UserID, device mx.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting[user].wakeList(device)
}

// end wakes requests whose session has changed, for good.
func (h *hub) end(user mx.UserID, device mx.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := h.waiting[user]; w != nil; w = w.next {
		if device == "" || w.device == device {
			w.ended = true
		}
	}
	h.waiting[user].wakeList(device)
}

func (h *hub) over(w *waiter) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return w.ended
}

func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		w.wakeList("")
	}
}

// wakeList wakes the requests of one user, or of one device of that user.
func (w *waiter) wakeList(device mx.DeviceID) {
	for ; w != nil; w = w.next {
		if device != "" && w.device != device {
			continue
		}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
