package door

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"conclave.chat/internal/gate"
)

// Later is an answer that is not there yet: a long poll. While it waits, a connection that speaks HTTP/1.1 is taken out of net/http, so
// that waiting costs neither goroutine nor buffers (see Parking). On any other connection the request's goroutine waits.
type Later interface {
	// Start begins to wait; finish is called once, with the JSON of the answer.
	Start(finish func(body []byte, err error))
	// Cancel ends the wait of a client that went away: nobody reads the answer.
	Cancel()
}

// statusGone is counted and logged for a client that went away before its answer, as proxies do.
const statusGone = 499

// later waits for an answer. It reports whether the request goes on without its goroutine.
func (d *Door) later(req *Request, l Later, start time.Time) (parked bool, err error) {
	if conn := d.parking.takeOut(req); conn != nil {
		p := &parkedRequest{d: d, conn: conn, later: l, id: req.ID, route: req.route, caller: req.Caller, start: start}
		d.parking.put(p)
		l.Start(p.finish)
		d.parking.watch(p)
		return true, nil
	}
	type result struct {
		body []byte
		err  error
	}
	got := make(chan result, 1)
	l.Start(func(body []byte, err error) { got <- result{body, err} })
	select {
	case r := <-got:
		if r.err == nil {
			writeJSON(req.w, http.StatusOK, r.body)
		}
		return false, r.err
	case <-req.Context().Done():
		l.Cancel()
		req.w.WriteHeader(statusGone)
		return false, nil
	}
}

// parkedRequest is a request that waits without a goroutine. Whoever takes it out of the parking ends it.
type parkedRequest struct {
	d      *Door
	key    uint64 // in the parking
	conn   net.Conn
	later  Later
	id     string
	route  *Route
	caller gate.Caller
	start  time.Time
}

// finish sends the answer, behind the back of the worker that made it: the client may be slow.
func (p *parkedRequest) finish(body []byte, err error) {
	if p.d.parking.take(p.key) != nil {
		go p.send(body, err)
	}
}

func (p *parkedRequest) send(body []byte, err error) {
	d := p.d
	a := &parkedAnswer{header: http.Header{}}
	commonHeader(a.header, p.id)
	a.header.Set("Date", d.now().UTC().Format(http.TimeFormat))
	if err != nil {
		d.Fail(a, &http.Request{Method: p.route.Method, Pattern: p.route.Path}, p.id, err)
	} else {
		writeJSON(a, http.StatusOK, body)
	}
	last := d.parking.closing()
	if last {
		a.header.Set("Connection", "close")
	}
	if a.writeTo(p.conn) != nil || last {
		_ = p.conn.Close()
	} else {
		d.parking.giveBack(p.conn)
	}
	d.served(&Request{ID: p.id, Caller: p.caller, route: p.route}, a.status, p.start)
}

// gone ends a request whose client went away.
func (p *parkedRequest) gone() {
	p.later.Cancel()
	_ = p.conn.Close()
	p.d.served(&Request{ID: p.id, Caller: p.caller, route: p.route}, statusGone, p.start)
}

// parkedAnswer is a ResponseWriter that keeps what is written: the connection has none of net/http's any more.
type parkedAnswer struct {
	header http.Header
	status int
	body   []byte
}

// Header is the answer's header.
func (a *parkedAnswer) Header() http.Header { return a.header }

// WriteHeader sets the status.
func (a *parkedAnswer) WriteHeader(status int) { a.status = status }

// Write keeps the body, which comes in one piece.
func (a *parkedAnswer) Write(b []byte) (int, error) {
	a.body = b
	return len(b), nil
}

// A client that has not taken a piece of its answer within this time has lost its connection. The answer as a whole may take as long as
// the client's line needs.
const (
	pieceSize    = 64 << 10
	pieceTimeout = time.Minute
)

// writeTo writes the answer as HTTP/1.1.
func (a *parkedAnswer) writeTo(conn net.Conn) error {
	var b bytes.Buffer
	_, _ = b.WriteString("HTTP/1.1 " + strconv.Itoa(a.status) + " " + http.StatusText(a.status) + "\r\n")
	_ = a.header.Write(&b)
	_, _ = b.WriteString("\r\n")
	_, _ = b.Write(a.body)
	for piece := range slices.Chunk(b.Bytes(), pieceSize) {
		if err := conn.SetWriteDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write(piece); err != nil {
			return err
		}
	}
	return conn.SetWriteDeadline(time.Time{})
}

// served counts and logs a request that was answered, or whose client went away.
func (d *Door) served(req *Request, status int, start time.Time) {
	took := d.now().Sub(start)
	d.metrics.observe(req.route, status, took)
	d.metrics.inflight.Dec()
	d.log.LogAttrs(context.Background(), slog.LevelDebug, "request", slog.String("request", req.ID), slog.String("method", req.route.Method),
		slog.String("route", req.route.Path), slog.Int("status", status), slog.Duration("took", took), slog.String("user", string(req.Caller.User)))
	d.open.Add(-1)
}
