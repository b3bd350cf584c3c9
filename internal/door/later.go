package door

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"conclave.chat/internal/gate"
)

// Later is an answer that is not there yet: a long poll. While it waits, a connection that speaks HTTP/1.1 is taken out of net/http, so
// that waiting costs neither goroutine nor buffers; it comes back with the answer (see Parking). On any other connection the request's
// goroutine waits.
type Later interface {
	// Start begins to wait; finish is called once, with the JSON of the answer.
	Start(finish func(body []byte, err error))
	// Cancel ends the wait without an answer.
	Cancel()
}

// later waits for an answer. It reports whether the request goes on without its goroutine.
func (d *Door) later(req *Request, l Later, start time.Time) (parked bool, err error) {
	if conn := d.takeOut(req); conn != nil {
		p := &parkedRequest{d: d, conn: conn, id: req.ID, route: req.route, start: start, caller: req.Caller}
		l.Start(p.finish)
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
		return false, req.Context().Err()
	}
}

// takeOut takes a request's connection out of net/http, if it can be given back later.
func (d *Door) takeOut(req *Request) net.Conn {
	r := req.HTTP
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Close || !d.parking.enter() {
		return nil
	}
	conn, rw, err := http.NewResponseController(req.w).Hijack()
	if err != nil {
		d.parking.leave()
		return nil
	}
	if rw.Reader.Buffered() > 0 { // the client has sent more already, which would be lost
		return &once{conn}
	}
	return conn
}

// once is a connection that is closed after the answer.
type once struct{ net.Conn }

// parkedRequest is a request that waits without a goroutine.
type parkedRequest struct {
	d      *Door
	conn   net.Conn
	id     string
	route  *Route
	start  time.Time
	caller gate.Caller
}

// writeTimeout is how long a client may take to read an answer that it has waited for.
const writeTimeout = time.Minute

// finish sends the answer, behind the back of the worker that made it: the client may be slow.
func (p *parkedRequest) finish(body []byte, err error) { go p.send(body, err) }

func (p *parkedRequest) send(body []byte, err error) {
	d := p.d
	defer d.parking.leave()
	w := &recorder{header: http.Header{}}
	cors(w.header)
	w.header.Set("X-Request-Id", p.id)
	w.header.Set("Date", d.now().UTC().Format(http.TimeFormat))
	if err != nil {
		d.Fail(w, &http.Request{Method: p.route.Method, Pattern: p.route.Path}, p.id, err)
	} else {
		writeJSON(w, http.StatusOK, body)
	}
	_, single := p.conn.(*once)
	if single || d.parking.closing() {
		w.header.Set("Connection", "close")
		single = true
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // a broken connection fails at the write
	if w.writeTo(p.conn) != nil || single {
		_ = p.conn.Close()
	} else {
		_ = p.conn.SetWriteDeadline(time.Time{})
		d.parking.giveBack(p.conn)
	}
	d.metrics.inflight.Dec()
	d.served(&Request{ID: p.id, Caller: p.caller, route: p.route}, w.status, p.start)
}

// recorder is a ResponseWriter that keeps what is written.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

// Header is the answer's header.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader sets the status.
func (w *recorder) WriteHeader(status int) { w.status = status }

// Write keeps the body, which comes in one piece.
func (w *recorder) Write(b []byte) (int, error) {
	w.body = b
	return len(b), nil
}

// writeTo writes the answer as HTTP/1.1.
func (w *recorder) writeTo(conn net.Conn) error {
	var head bytes.Buffer
	b := bufio.NewWriter(&head)
	_, _ = b.WriteString("HTTP/1.1 " + strconv.Itoa(w.status) + " " + http.StatusText(w.status) + "\r\n")
	_ = w.header.Write(b)
	_, _ = b.WriteString("\r\n")
	_ = b.Flush()
	_, err := (&net.Buffers{head.Bytes(), w.body}).WriteTo(conn)
	return err
}

// served counts and logs a request that was answered.
func (d *Door) served(req *Request, status int, start time.Time) {
	took := d.now().Sub(start)
	d.metrics.observe(req.route, status, took)
	d.log.LogAttrs(context.Background(), slog.LevelDebug, "request", slog.String("request", req.ID), slog.String("method", req.route.Method),
		slog.String("route", req.route.Path), slog.Int("status", status), slog.Duration("took", took), slog.String("user", string(req.Caller.User)))
}
