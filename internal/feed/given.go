package feed

import (
	"context"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
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

// Acknowledge takes away the to-device messages that a client has received. The first request of a device after a start asks the
// database whether there are any; from then on the service knows what it gave out.
func (s *Service) Acknowledge(ctx context.Context, user mx.UserID, device mx.DeviceID, upto store.Pos) error {
	d := deviceOf{user, device}
	gave, known := s.given.upto(d)
	if known && (gave == 0 || gave > upto) {
		return nil
	}
	if !known {
		has, err := keys.HasToDevice(ctx, s.db, user, device, upto)
		if err != nil {
			return err
		}
		if !has {
			s.given.acknowledged(d, upto)
			return nil
		}
	}
	s.given.acknowledged(d, upto)
	// Nobody waits for it: what was received is not given out again in any case.
	s.db.Enqueue(func(tx *store.Tx) error { return keys.DeleteToDevice(tx, user, device, upto) })
	return nil
}
