// Package door turns HTTP into service calls and back.
//
// Sub-packages declare routes: a method, a path, who may call it (gate.Access), how often (gate.Class) and a handler that decodes,
// calls one service method and returns what to encode. This package owns everything that all routes share: admission, limits on
// rate and size, strict JSON, the one place where a fault becomes an HTTP answer, CORS, request ids, logs and metrics.
package door

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"conclave.chat/internal/gate"
)

// Handler serves one route. It returns what to answer: nil is {}, Raw is JSON as it is, Responder writes itself, Later is not there yet,
// anything else is encoded as JSON. An error is answered by Fail.
type Handler func(*Request) (any, error)

// Route is one row of the API.
type Route struct {
	Method  string
	Path    string // pattern of http.ServeMux without method; a trailing slash is optional for clients
	Access  gate.Access
	Limit   gate.Class
	MaxBody int64    // 0 means DefaultMaxBody
	Also    []string // other paths of the same route: unstable names, older versions
	Handle  Handler
}

// DefaultMaxBody is the size limit of request bodies: bytes.
const DefaultMaxBody = 4 << 20

// Raw is an answer that is JSON already.
type Raw []byte

// Responder is an answer that writes itself, such as a download.
type Responder interface {
	Respond(w http.ResponseWriter, r *http.Request) error
}

// Status is an answer with a status other than 200.
type Status struct {
	Code int
	Body any
}

// Request is what a handler gets.
type Request struct {
	HTTP   *http.Request
	Caller gate.Caller
	Addr   string // client address
	ID     string // request id
	w      http.ResponseWriter
	route  *Route
	query  url.Values
	ctx    context.Context //nolint:containedctx // of this one request, as in http.Request
}

// Context is the request's context: it ends when the client goes away, and knows who asks.
func (r *Request) Context() context.Context { return r.ctx }

// Path is a decoded wildcard of the route's path.
func (r *Request) Path(name string) string { return r.HTTP.PathValue(name) }

// Query is the parsed query.
func (r *Request) Query() url.Values {
	if r.query == nil {
		r.query = r.HTTP.URL.Query()
	}
	return r.query
}

// Param is one query parameter, "" if absent.
func (r *Request) Param(name string) string {
	if r.HTTP.URL.RawQuery == "" {
		return ""
	}
	return r.Query().Get(name)
}

// Body is the request body, limited in size.
func (r *Request) Body() io.Reader { return r.HTTP.Body }

// Conn reaches the connection, to set deadlines for bodies that take long.
func (r *Request) Conn() *http.ResponseController { return http.NewResponseController(r.w) }

// UserAgent is what the client calls itself, cut to a sane length.
func (r *Request) UserAgent() string {
	ua := r.HTTP.UserAgent()
	return ua[:min(len(ua), 256)]
}

// Door serves routes.
type Door struct {
	auth    gate.Authenticator
	seen    func(gate.Caller, string, string)
	limits  *gate.Limiter
	log     *slog.Logger
	metrics *Metrics
	parking *Parking
	open    atomic.Int64 // requests that are not answered yet, parked ones among them
	mux     *http.ServeMux
	now     func() time.Time
	paths   map[string]methods
}

type methods map[string]*Route

// Deps is what a Door needs.
type Deps struct {
	Auth gate.Authenticator
	// Seen hears of every request with a caller, its address and what its client calls itself. Nil is nobody.
	Seen    func(c gate.Caller, addr, agent string)
	Limits  *gate.Limiter
	Log     *slog.Logger
	Metrics *Metrics
	Parking *Parking // nil: requests that wait keep their goroutine
}

// New makes a Door that serves the routes.
func New(d Deps, routes ...[]Route) *Door {
	if d.Seen == nil {
		d.Seen = func(gate.Caller, string, string) {}
	}
	door := &Door{
		auth: d.Auth, seen: d.Seen, limits: d.Limits, log: d.Log, metrics: d.Metrics, parking: d.Parking,
		mux: http.NewServeMux(), now: time.Now, paths: map[string]methods{},
	}
	for _, list := range routes {
		for i := range list {
			rt := &list[i]
			for _, p := range append([]string{rt.Path}, rt.Also...) {
				for _, pattern := range patterns(p) {
					door.add(pattern, rt)
				}
			}
		}
	}
	door.mux.Handle("/", http.HandlerFunc(door.unknown))
	return door
}

// patterns spells a path for http.ServeMux: with and without a slash at the end, and under the older version names that clients
// still use.
func patterns(p string) []string {
	if strings.HasSuffix(p, "/") {
		p += "{$}"
	}
	list := []string{p}
	if base, ok := strings.CutSuffix(p, "/{$}"); ok && base != "" {
		list = append(list, base)
	}
	for _, q := range list {
		for _, api := range []string{"/_matrix/client/", "/_matrix/media/"} {
			if rest, ok := strings.CutPrefix(q, api+"v3/"); ok {
				list = append(list, api+"r0/"+rest)
				if api == "/_matrix/media/" && !strings.HasPrefix(rest, "create") {
					list = append(list, api+"v1/"+rest)
				}
			}
		}
	}
	return list
}

func (d *Door) add(pattern string, rt *Route) {
	m := d.paths[pattern]
	if m == nil {
		m = methods{}
		d.paths[pattern] = m
		d.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { d.dispatch(w, r, m) })
	}
	if m[rt.Method] != nil {
		panic("door: two routes for " + rt.Method + " " + pattern)
	}
	m[rt.Method] = rt
}

// ServeHTTP serves a request. http.ServeMux would answer a path with // or .. by a redirect, which API clients do not follow
// with their body: the first is unknown here, and the second a name like any other, for there may be state keys of that name.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := r.URL.EscapedPath()
	if strings.Contains(p, "//") {
		d.unknown(w, r)
		return
	}
	if strings.Contains(p, "/.") {
		u := *r.URL
		u.RawPath = escapeDots(p)
		r = r.WithContext(r.Context()) // a copy
		r.URL = &u
	}
	d.mux.ServeHTTP(w, r)
}

// escapeDots spells the segments . and .. of an escaped path so that http.ServeMux leaves them alone.
func escapeDots(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if s == "." || s == ".." {
			segments[i] = strings.ReplaceAll(s, ".", "%2E")
		}
	}
	return strings.Join(segments, "/")
}

// Drain waits until all requests are answered, those that are parked too.
func (d *Door) Drain(ctx context.Context) error {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for d.open.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("door: requests were not answered in time")
		}
	}
	return nil
}

const drainTick = 5 * time.Millisecond

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
