package store

import (
	"sync"
	"sync/atomic"
)

// Copy keeps in memory a copy of something that the database holds. Whoever hears of committed batches drops it when that has changed; a copy that
// was read before, and comes late, is not kept.
type Copy[T any] struct {
	at    atomic.Pointer[T]
	mu    sync.Mutex
	drops uint64
}

// Drop forgets the copy.
func (c *Copy[T]) Drop() {
	c.mu.Lock()
	c.drops++
	c.at.Store(nil)
	c.mu.Unlock()
}

// Get gives the copy, or reads one.
func (c *Copy[T]) Get(read func() (*T, error)) (*T, error) {
	if v := c.at.Load(); v != nil {
		return v, nil
	}
	c.mu.Lock()
	drops := c.drops
	c.mu.Unlock()
	v, err := read()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.drops == drops {
		c.at.Store(v)
	}
	c.mu.Unlock()
	return v, nil
}
