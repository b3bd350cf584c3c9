package e2ee

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sort"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// maxKept bounds what is kept in memory: devices for counts and queues, changes for lists.
const maxKept = 1 << 16

// counts remembers the key counts of devices until they change.
type counts struct {
	mu    sync.Mutex
	known map[keys.DeviceName]keys.Counts
	epoch uint64 // grows with each change: what was read before one may be outdated after it
}

func (c *counts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = map[keys.DeviceName]keys.Counts{}
	c.epoch++
}

func (c *counts) forget(name keys.DeviceName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, name)
	c.epoch++
}

func (c *counts) get(name keys.DeviceName) (keys.Counts, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.known[name]
	return n, c.epoch, ok
}

func (c *counts) put(name keys.DeviceName, n keys.Counts, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		makeRoom(c.known)
		c.known[name] = n
	}
}

// makeRoom drops some entry of a full map.
func makeRoom[K comparable, V any](m map[K]V) {
	if len(m) < maxKept {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

// Counts tells how many one-time keys of a device are left and which fallback keys are unused. The answer is shared: it must not be
// changed.
//
// Spec: cs#e2e-extensions-to-sync
func (s *Service) Counts(ctx context.Context, user mx.UserID, device mx.DeviceID) (keys.Counts, error) {
	name := keys.DeviceName{User: user, Device: device}
	c, epoch, ok := s.counts.get(name)
	if ok {
		return c, nil
	}
	c, err := keys.CountKeys(ctx, s.DB, user, device)
	if err == nil {
		s.counts.put(name, c, epoch)
	}
	return c, err
}

// lists remembers which device lists changed lately: all of (from, to] is in log.
type lists struct {
	mu       sync.Mutex
	started  bool
	from, to store.Pos
	log      []listChange
}

type listChange struct {
	pos     store.Pos
	user    mx.UserID
	private bool
}

func (l *lists) changed(b store.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.To <= l.to && l.started {
		return // late word from another node: it was skipped when a later batch came
	}
	if !l.started || b.From != l.to || b.Lost {
		l.started, l.from, l.log = true, b.To, nil
		if !b.Lost {
			l.from = b.From
		}
	}
	l.to = b.To
	for _, c := range b.Changes {
		if c.Kind == store.KindDeviceList {
			l.log = append(l.log, listChange{c.Pos, c.User, c.Private})
		}
	}
	if len(l.log) > maxKept {
		l.from = l.log[maxKept/2-1].pos
		l.log = slices.Clone(l.log[maxKept/2:])
	}
}

// between gives the changes in (since, upto] if all of them are known.
func (l *lists) between(since, upto store.Pos) ([]listChange, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started || since < l.from || upto > l.to {
		return nil, false
	}
	at := func(p store.Pos) int { return sort.Search(len(l.log), func(i int) bool { return l.log[i].pos > p }) }
	return slices.Clone(l.log[at(since):max(at(since), at(upto))]), true
}

// ListChanges are users whose keys a viewer should fetch again.
type ListChanges struct {
	// All changed for everybody: the viewer's are those who share a room with the viewer, and the viewer.
	All []mx.UserID
	// Signed were signed by the viewer: they changed for the viewer alone, whether a room is shared or not.
	Signed []mx.UserID
}

// ListChanges names the users whose devices or cross-signing keys changed in (since, upto]. It answers from memory where it can.
func (s *Service) ListChanges(ctx context.Context, viewer mx.UserID, since, upto store.Pos) (ListChanges, error) {
	var c ListChanges
	log, ok := s.lists.between(since, upto)
	signed := !ok
	if ok {
		seen := map[mx.UserID]bool{}
		for _, e := range log {
			switch {
			case e.private:
				signed = signed || e.user == viewer
			case !seen[e.user]:
				seen[e.user] = true
				c.All = append(c.All, e.user)
			}
		}
	}
	var err error
	if !ok {
		if c.All, err = keys.ChangedLists(ctx, s.DB, since, upto); err != nil {
			return c, err
		}
	}
	if signed {
		c.Signed, err = keys.ChangedForViewer(ctx, s.DB, viewer, since, upto)
	}
	return c, err
}

// queues remembers devices for which no message waits.
type queues struct {
	mu    sync.Mutex
	empty map[keys.DeviceName]bool
	epoch uint64
}

func (q *queues) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.empty = map[keys.DeviceName]bool{}
	q.epoch++
}

func (q *queues) filled(name keys.DeviceName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.empty, name)
	q.epoch++
}

func (q *queues) isEmpty(name keys.DeviceName) (bool, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.empty[name], q.epoch
}

func (q *queues) emptied(name keys.DeviceName, epoch uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch == epoch {
		makeRoom(q.empty)
		q.empty[name] = true
	}
}

// sorted gives a map's keys in order, so that answers are always the same.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
