package feed

import (
	"sync"

	"conclave.chat/internal/store"
)

// maxGiven bounds how many devices are remembered.
const maxGiven = 1 << 16

// given remembers up to which to-device message each device was given some that it has not confirmed: 0 for none. It saves a look into
// the database on every request.
type given struct {
	mu sync.Mutex
	m  map[deviceOf]store.Pos
}

func newGiven() *given { return &given{m: map[deviceOf]store.Pos{}} }

// upto is the position of the last message given out and not confirmed; false if nothing is known of the device.
func (g *given) upto(d deviceOf) (store.Pos, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.m[d]
	return p, ok
}

// gave notes that messages up to a position are on their way to a device.
func (g *given) gave(d deviceOf, pos store.Pos) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.m[d]; ok {
		g.m[d] = max(p, pos)
	}
}

// acknowledged notes that a device has all messages up to a position.
func (g *given) acknowledged(d deviceOf, pos store.Pos) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for old := range g.m {
		if len(g.m) < maxGiven {
			break
		}
		delete(g.m, old)
	}
	if g.m[d] <= pos {
		g.m[d] = 0
	}
}
