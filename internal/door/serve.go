package door

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/store/securitylog"
)

// dispatch serves a request whose path is known.
func (d *Door) dispatch(w http.ResponseWriter, r *http.Request, m methods) {
	rt := m[r.Method]
	if rt == nil && r.Method == http.MethodHead {
		rt = m[http.MethodGet]
	}
	if rt == nil {
		cors(w.Header())
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Allow", allowed(m))
		d.Fail(w, r, newRequestID(), fault.New(fault.NotAllowed, "M_UNRECOGNIZED", "This endpoint has no method %s", r.Method))
		return
	}
	d.serve(w, r, rt)
}

func allowed(m methods) string {
	list := []string{http.MethodOptions}
	for method := range m {
		list = append(list, method)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// cors lets web clients of any origin call the API, as the specification asks.
//
// Spec: cs#web-browser-clients
func cors(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization")
	h.Set("Access-Control-Expose-Headers", "Content-Disposition, ETag, Location, Retry-After, X-Request-Id")
}

// commonHeader is what all answers of routes carry.
func commonHeader(h http.Header, id string) {
	cors(h)
	h.Set("X-Request-Id", id)
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request, rt *Route) {
	start := d.now()
	sw := &statusWriter{ResponseWriter: w}
	req := &Request{HTTP: r, ctx: r.Context(), w: sw, route: rt, ID: newRequestID(), Addr: d.limits.ClientAddr(r)}
	commonHeader(sw.Header(), req.ID)
	d.metrics.inflight.Inc()
	d.open.Add(1)
	parked := false
	defer func() {
		if parked {
			return // it is not answered yet
		}
		p := recover()
		broken := p == http.ErrAbortHandler //nolint:errorlint // net/http documents the comparison
		if p != nil && !broken {
			d.log.Error("handler panicked", "request", req.ID, "route", rt.Path, "panic", p, "stack", string(debug.Stack()))
			if sw.status == 0 {
				d.Fail(sw, r, req.ID, errors.New("panic"))
			}
		}
		d.served(req, sw.status, start)
		if broken {
			panic(p)
		}
	}()
	answer, err := d.admitAndHandle(req, start)
	if l, ok := answer.(Later); ok && err == nil {
		if parked, err = d.later(req, l, start); parked {
			return
		}
	} else if err == nil {
		err = d.answer(req, answer)
	}
	if err != nil {
		if sw.status != 0 { // the answer was under way: all that is left is to break it off
			level := slog.LevelWarn
			if sw.gone || r.Context().Err() != nil { // clients leave during a download; only a file that cannot be read is our affair
				level = slog.LevelDebug
			}
			d.log.Log(r.Context(), level, "answer broken off", "request", req.ID, "route", rt.Path, "error", err)
			panic(http.ErrAbortHandler)
		}
		d.Fail(sw, r, req.ID, err)
	}
}

func (d *Door) admitAndHandle(req *Request, now time.Time) (any, error) {
	rt := req.route
	var err error
	if req.Caller, err = gate.Admit(d.auth, req.HTTP, rt.Access); err != nil {
		return nil, err
	}
	if req.Caller.User != "" {
		d.seen(req.Caller, req.Addr, req.UserAgent())
	}
	origin := securitylog.Origin{User: req.Caller.User, Device: req.Caller.Device, Addr: req.Addr}
	req.ctx = securitylog.With(req.HTTP.Context(), origin)
	if err := d.limits.Allow(rt.Limit, req.Caller, req.Addr, now); err != nil {
		return nil, err
	}
	limit := rt.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	if req.HTTP.ContentLength > limit {
		return nil, fault.Oversize("The request is larger than %d bytes", limit)
	}
	req.HTTP.Body = http.MaxBytesReader(req.w, req.HTTP.Body, limit)
	return rt.Handle(req)
}

// answer encodes what a handler returned.
func (d *Door) answer(req *Request, v any) error {
	status := http.StatusOK
	if s, ok := v.(Status); ok {
		status, v = s.Code, s.Body
	}
	var body []byte
	switch a := v.(type) {
	case Responder:
		return a.Respond(req.w, req.HTTP)
	case nil:
		body = []byte("{}")
	case Raw:
		body = a
	default:
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
	}
	writeJSON(req.w, status, body)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone if this fails: nobody to tell
}

// Fail answers with an error. It is the only place where errors become HTTP.
//
// Spec: cs#standard-error-response
func (d *Door) Fail(w http.ResponseWriter, r *http.Request, id string, err error) {
	var tooLarge *http.MaxBytesError
	f := fault.Of(err)
	switch {
	case f == nil && errors.As(err, &tooLarge):
		f = fault.Oversize("The request is larger than %d bytes", tooLarge.Limit)
	case f == nil && (r.Context().Err() != nil || errors.Is(err, io.ErrUnexpectedEOF)):
		f = fault.New(fault.BadRequest, "M_UNKNOWN", "The request ended early")
	case f == nil || f.Kind == fault.Internal:
		d.log.Error("request failed", "request", id, "method", r.Method, "path", r.Pattern, "error", err)
		if f == nil {
			f = fault.New(fault.Internal, "M_UNKNOWN", "Internal error; the administrator finds it in the log under request %s", id)
		}
	case f.Err != nil:
		d.log.Info("request refused", "request", id, "path", r.Pattern, "code", f.Code, "error", f.Err)
	}
	body := map[string]any{"errcode": f.Code, "error": f.Msg}
	if f.Code == "" { // the 401 of user-interactive authentication may carry no errcode
		clear(body)
	}
	for k, v := range f.Body {
		body[k] = v
	}
	if ms, ok := f.Body["retry_after_ms"].(int64); ok {
		w.Header().Set("Retry-After", strconv.FormatInt((ms+999)/1000, 10))
	}
	data, merr := json.Marshal(body, json.Deterministic(true))
	if merr != nil {
		d.log.Error("error not encodable", "request", id, "error", merr)
		data = []byte(`{"errcode":"M_UNKNOWN","error":"Internal error"}`)
	}
	writeJSON(w, f.Kind.Status(), data)
}

// unknown answers for paths that nobody declared.
func (d *Door) unknown(w http.ResponseWriter, r *http.Request) {
	cors(w.Header())
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	d.Fail(w, r, newRequestID(), fault.Unrecognized("This server has no such endpoint"))
}

// statusWriter remembers the status for logs and metrics.
type statusWriter struct {
	http.ResponseWriter
	status int
	gone   bool // the client takes no more
}

func (w *statusWriter) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.gone = w.gone || err != nil
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
