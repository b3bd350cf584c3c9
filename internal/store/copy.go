package store

import (
	"sync"
	"sync/atomic"
)

// Copy keeps in memory a copy of something that the database holds. Whoever hears of committed batches drops it when that has changed; a copy that
// was read before, and comes late, is not kept.
type Copy[T any] struct {
	at    atomic.Pointer[T]
	last  atomic.Pointer[T]
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
		c.last.Store(v)
	}
	c.last.CompareAndSwap(nil, v)
	c.mu.Unlock()
	return v, nil
}

// Last is what was read last, also where it was dropped since: for those to whom what was is better than nothing while the database is away. It is nil
// if nothing was ever read.
func (c *Copy[T]) Last() *T { return c.last.Load() }
