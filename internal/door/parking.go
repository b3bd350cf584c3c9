package door

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Parking is where connections are whose requests wait: outside of net/http, without goroutines and buffers. It is a net.Listener too, for
// a second http.Server that takes them in again once they are answered; that server has to run. docs/adr/0007 says why.
//
// A request leaves in one of two ways, and whoever takes it out ends it: its answer is there, or its client closed the connection, of
// which hangups tells.
type Parking struct {
	back    chan net.Conn
	stop    chan struct{}
	hangups *hangups // nil: nothing is parked

	mu     sync.Mutex
	closed bool
	parked map[uint64]*parkedRequest
	last   uint64 // the key given last
}

// NewParking makes a Parking. Where the system cannot tell cheaply that clients went away, nothing is parked in it.
func NewParking(log *slog.Logger) *Parking {
	p := &Parking{back: make(chan net.Conn), stop: make(chan struct{}), parked: map[uint64]*parkedRequest{}}
	var err error
	if p.hangups, err = newHangups(); err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			log.Warn("long polls keep their goroutines", "error", err)
		}
		return p
	}
	go p.hangups.run(func(key uint64) {
		if r := p.take(key); r != nil {
			r.gone()
		}
	})
	return p
}

// Accept gives connections back that were answered.
func (p *Parking) Accept() (net.Conn, error) {
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
	was := p.closed
	p.closed = true
	p.mu.Unlock()
	if was {
		return nil
	}
	close(p.stop)
	if p.hangups == nil {
		return nil
	}
	return p.hangups.close()
}

func (p *Parking) closing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Addr is no address: the listener that a connection came by has one.
func (p *Parking) Addr() net.Addr { return &net.UnixAddr{Name: "parking", Net: "unix"} }

// Parked is the number of requests that wait.
func (p *Parking) Parked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked)
}

// takeOut takes a request's connection out of net/http, if it can be given back later: nil if not.
func (p *Parking) takeOut(req *Request) net.Conn {
	r := req.HTTP
	if p == nil || p.hangups == nil || p.closing() || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Close ||
		r.Method != req.route.Method || !consumed(r) {
		return nil
	}
	conn, rw, err := http.NewResponseController(req.w).Hijack()
	if err != nil {
		return nil
	}
	if before, ok := conn.(*resumed); ok && len(before.head) == 0 {
		conn = before.Conn
	}
	if n := rw.Reader.Buffered(); n > 0 { // the client has sent more already
		head := make([]byte, n)
		_, _ = io.ReadFull(rw.Reader, head)
		conn = &resumed{conn, head}
	}
	return conn
}

// consumed reports whether all of a request was read. What is left of its body would be taken for the next request, which somebody else
// may have made where connections are shared: by a proxy.
func consumed(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	if r.Method == http.MethodGet { // nobody has read that body
		return false
	}
	n, err := r.Body.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

// resumed is a connection of which more was read than one request.
type resumed struct {
	net.Conn
	head []byte
}

// Read gives what was read before first.
func (c *resumed) Read(b []byte) (int, error) {
	if len(c.head) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.head)
	c.head = c.head[n:]
	return n, nil
}

// NetConn is the connection below.
func (c *resumed) NetConn() net.Conn { return c.Conn }

func (p *Parking) put(r *parkedRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	r.key = p.last
	p.parked[r.key] = r
}

// watch ends the request from now on when its client goes away. If that cannot be watched, the answer ends it, which comes when the
// client's time is up.
func (p *Parking) watch(r *parkedRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parked[r.key] != nil {
		_ = p.hangups.add(r.conn, r.key)
	}
}

// take takes a request out; nil if somebody else has.
func (p *Parking) take(key uint64) *parkedRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.parked[key]
	if r != nil {
		delete(p.parked, key)
		_ = p.hangups.remove(r.conn) // it may not be there yet
	}
	return r
}

// giveBack lets the server read the next request of a connection.
func (p *Parking) giveBack(c net.Conn) {
	select {
	case p.back <- c:
	case <-p.stop:
		_ = c.Close()
	}
}
