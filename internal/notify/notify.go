// Package notify tells listeners on every node that positions have become durable.
//
// Batches enter from the committer through Publish and leave through the functions given to Listen: on this node at once and before
// the writer is answered, on others through NATS (Cluster). It holds no state beyond the last position. Between nodes batches may
// arrive late or out of order, or be reported as lost: who needs everything reads the database by position.
package notify

import (
	"sync"

	"conclave.chat/internal/store"
)

// Bus carries committed batches to listeners.
type Bus struct {
	mu        sync.RWMutex
	first     []func(store.Batch)
	listeners []func(store.Batch)
	last      store.Pos
	missing   []span // commits of others before last that nobody told of, yet or ever
	remote    func(store.Batch)
}

// New makes the bus of one node. Connect joins it with others.
func New() *Bus { return &Bus{} }

// setRemote names who else receives the batches of this node, to send them to others.
func (b *Bus) setRemote(f func(store.Batch)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remote = f
}

// Listen adds a listener. It is called from the committer, in the order of this node's
// commits, and for other nodes' batches from another goroutine: it must be quick and may not write.
func (b *Bus) Listen(f func(store.Batch)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, f)
}

// ListenFirst adds a listener that hears of a batch before Last says so, and so before anybody can ask for what it brought: the keeper
// of caches that others read.
func (b *Bus) ListenFirst(f func(store.Batch)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = append(b.first, f)
}

// Publish hands a batch of this node to its listeners and to other nodes.
func (b *Bus) Publish(batch store.Batch) {
	b.deliver(batch)
	b.mu.RLock()
	remote := b.remote
	b.mu.RUnlock()
	if remote != nil {
		remote(batch)
	}
}

// Tell hands changes to the listeners of this node alone, without a position: what this node found out by itself.
func (b *Bus) Tell(changes ...store.Change) { b.deliver(store.Batch{Changes: changes}) }

func (b *Bus) deliver(batch store.Batch) {
	b.mu.RLock()
	first := b.first
	b.mu.RUnlock()
	for _, f := range first {
		f(batch)
	}
	b.mu.Lock()
	b.note(batch)
	listeners := b.listeners
	b.mu.Unlock()
	for _, f := range listeners {
		f(batch)
	}
}

// span is the positions after one up to and including another.
type span struct {
	after, upTo store.Pos
	looked      bool // was missing when overdue looked the last time
}

// note keeps account of what was told.
func (b *Bus) note(batch store.Batch) {
	if b.last != 0 && batch.From > b.last {
		b.missing = append(b.missing, span{after: b.last, upTo: batch.From})
	}
	b.last = max(b.last, batch.To)
	if len(b.missing) == 0 || batch.From == batch.To {
		return
	}
	var left []span
	for _, s := range b.missing {
		for _, rest := range []span{{s.after, min(s.upTo, batch.From), s.looked}, {max(s.after, batch.To), s.upTo, s.looked}} {
			if rest.after < rest.upTo {
				left = append(left, rest)
			}
		}
	}
	b.missing = left
}

// overdue is the stretch around all that is missing since the look before this one, at least; from equals to if nothing is. durable is what the
// database had then.
func (b *Bus) overdue(durable store.Pos) (from, to store.Pos) {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, to = b.last, max(b.last, durable)
	for i := range b.missing {
		if s := &b.missing[i]; s.looked {
			from = min(from, s.after)
		} else {
			s.looked = true
		}
	}
	return from, to
}

// Start sets the position to begin with, read from the database.
func (b *Bus) Start(p store.Pos) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = max(b.last, p)
}

// Last is the last position known to be durable.
func (b *Bus) Last() store.Pos {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.last
}
