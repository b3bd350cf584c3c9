package ledger

import (
	"context"
	"math"
	"slices"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// ringSize is how many events of a room stay in memory at most.
const ringSize = 64

// ring is the newest events of a room: all of them after a position.
type ring struct {
	after store.Pos
	list  []*eventlog.Event // oldest first; never changed in place where others can see it
}

func (r *ring) len() int { return len(r.list) }

// extend appends what came after was; news without a gap, or nothing if that is not known.
func (r *ring) extend(was *roomstate.Snapshot, news []*eventlog.Event, head store.Pos) {
	if was == nil || len(news) == 0 {
		r.after, r.list = head, nil
		return
	}
	if len(r.list) == 0 {
		r.after = was.Head()
	}
	if len(r.list)+len(news) > cap(r.list) { // readers keep the old array
		keep := r.list[max(0, len(r.list)-ringSize/2):]
		if len(keep) < len(r.list) {
			r.after = r.list[len(r.list)-len(keep)-1].Pos
		}
		r.list = append(make([]*eventlog.Event, 0, max(ringSize, len(keep)+len(news))), keep...)
	}
	r.list = append(r.list, news...)
}

// replace puts the redacted form of an event in its place.
func (r *ring) replace(ev *eventlog.Event) {
	for i, old := range r.list {
		if old.ID == ev.ID {
			list := append(make([]*eventlog.Event, 0, cap(r.list)), r.list...)
			list[i] = ev
			r.list = list
			return
		}
	}
}

// prune forgets what came up to a position: it has to be read again.
func (r *ring) prune(upTo store.Pos) {
	n := 0
	for n < len(r.list) && r.list[n].Pos <= upTo {
		n++
	}
	if n > 0 {
		r.after, r.list = r.list[n-1].Pos, slices.Clone(r.list[n:])
	}
}

func (c *cell) prune(upTo store.Pos) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.prune(upTo)
}

// prune forgets the newest events of all rooms: some of them may be gone.
func (cs *cells) prune() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, el := range cs.lru.index {
		cs.lru.entry(el).value.prune(math.MaxInt64)
	}
}

// Recent is the events of a room after one position and at or before another, if all of them are in memory. The slice is shared.
func (l *Ledger) Recent(room mx.RoomID, after, upTo store.Pos) ([]*eventlog.Event, bool) {
	if !l.bus.knows(upTo) {
		return nil, false
	}
	c := l.cells.find(room)
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil || c.stale || after < c.recent.after {
		return nil, false
	}
	list := c.recent.list
	i := len(list)
	for i > 0 && list[i-1].Pos > after {
		i--
	}
	j := len(list)
	for j > i && list[j-1].Pos > upTo {
		j--
	}
	return list[i:j:j], true
}

// recent finds the newest events of all rooms by id.
type recent struct {
	mu    sync.Mutex
	byID  map[mx.EventID]*eventlog.Event
	order []mx.EventID // a circle of the ids in byID
	next  int
}

func newRecent(size int) *recent {
	return &recent{byID: make(map[mx.EventID]*eventlog.Event), order: make([]mx.EventID, size)}
}

func (r *recent) add(list []*eventlog.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range list {
		if old := r.order[r.next]; old != "" {
			delete(r.byID, old)
		}
		r.order[r.next] = ev.ID
		r.byID[ev.ID] = ev
		r.next = (r.next + 1) % len(r.order)
	}
}

func (r *recent) replace(ev *eventlog.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.byID[ev.ID]; ok {
		r.byID[ev.ID] = ev
	}
}

// prune forgets messages of a room up to a position.
func (r *recent) prune(room mx.RoomID, upTo store.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, ev := range r.byID {
		if ev.RoomID == room && ev.Pos <= upTo && !ev.IsState() {
			delete(r.byID, id)
		}
	}
}

// drop forgets all.
func (r *recent) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.byID)
}

func (r *recent) get(id mx.EventID) *eventlog.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// Event is an event by its id, or M_NOT_FOUND.
func (l *Ledger) Event(ctx context.Context, id mx.EventID) (*eventlog.Event, error) {
	if ev := l.recent.get(id); ev != nil {
		return ev, nil
	}
	return eventlog.ByID(ctx, l.db, id)
}
