// Package notify tells listeners on every node that positions have become durable.
//
// Batches enter from the committer through Publish and leave through the functions given to Listen, on this node at once and before
// the writer is answered. It holds no state beyond the last position and promises no delivery between nodes: who needs
// everything reads the database by position.
package notify

import (
	"sync"

	"conclave.chat/internal/store"
)

// Bus carries committed batches to listeners.
type Bus struct {
	mu        sync.RWMutex
	listeners []func(store.Batch)
	last      store.Pos
	remote    func(store.Batch)
}

// New makes a bus for one node. remote, if not nil, also receives the batches of this node, to send them to others.
func New(remote func(store.Batch)) *Bus { return &Bus{remote: remote} }

// Listen adds a listener. It is called in the order of commits, from the committer: it must be quick and may not write.
func (b *Bus) Listen(f func(store.Batch)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, f)
}

// Publish hands a batch of this node to its listeners and to other nodes.
func (b *Bus) Publish(batch store.Batch) {
	b.deliver(batch)
	if b.remote != nil {
		b.remote(batch)
	}
}

// Receive hands a batch of another node to the listeners here.
func (b *Bus) Receive(batch store.Batch) { b.deliver(batch) }

func (b *Bus) deliver(batch store.Batch) {
	b.mu.Lock()
	if batch.To > b.last {
		b.last = batch.To
	}
	listeners := b.listeners
	b.mu.Unlock()
	for _, f := range listeners {
		f(batch)
	}
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
