package door

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Parking is where connections are whose requests wait: outside of net/http, without goroutines and buffers. It is a net.Listener too, for
// a second http.Server that takes them in again once they are answered; before that server runs nothing is parked.
//
// Nobody reads from a parked connection. So that a client went away is noticed when its answer cannot be written; until then, which is the
// time that it asked to wait for at most, it costs a connection and little else.
type Parking struct {
	back chan net.Conn
	stop chan struct{}

	mu      sync.Mutex
	serving bool
	closed  bool
	parked  int
}

// NewParking makes a Parking.
func NewParking() *Parking { return &Parking{back: make(chan net.Conn), stop: make(chan struct{})} }

// Accept gives connections back that were answered.
func (p *Parking) Accept() (net.Conn, error) {
	p.mu.Lock()
	p.serving = !p.closed
	p.mu.Unlock()
	select {
	case c := <-p.back:
		return c, nil
	case <-p.stop:
		return nil, net.ErrClosed
	}
}

// Close stops giving connections back: from now on they are closed after the answer.
func (p *Parking) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed, p.serving = true, false
		close(p.stop)
	}
	return nil
}

// Addr is no address: the listener that a connection came by has one.
func (p *Parking) Addr() net.Addr { return &net.UnixAddr{Name: "parking", Net: "unix"} }

// Wait waits until all parked requests are answered.
func (p *Parking) Wait(ctx context.Context) error {
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for p.Parked() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("door: waiting requests were not answered in time")
		}
	}
	return nil
}

// Parked is the number of requests that wait.
func (p *Parking) Parked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parked
}

// Serving reports whether connections are taken back, and so may be parked.
func (p *Parking) Serving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving
}

// enter counts one more request. It reports false if nothing can be parked.
func (p *Parking) enter() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.serving {
		p.parked++
	}
	return p.serving
}

func (p *Parking) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parked--
}

// giveBack lets the server read the next request of a connection.
func (p *Parking) giveBack(c net.Conn) {
	select {
	case p.back <- c:
	case <-p.stop:
		_ = c.Close()
	}
}

func (p *Parking) closing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}
