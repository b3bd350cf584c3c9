package door_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
)

// later is an answer that the test gives when it likes.
type later struct {
	mu       sync.Mutex
	finish   func([]byte, error)
	canceled bool
}

func (l *later) Start(finish func([]byte, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finish = finish
}

func (l *later) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.canceled = true
}

// answer waits for the request to wait, and answers it.
func (l *later) answer(t *testing.T, body []byte, err error) {
	t.Helper()
	wait(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.finish != nil })
	l.mu.Lock()
	finish := l.finish
	l.finish = nil
	l.mu.Unlock()
	finish(body, err)
}

func wait(t *testing.T, until func() bool) {
	t.Helper()
	for range 1000 {
		if until() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it does not happen")
}

type pollServer struct {
	*httptest.Server
	door    *door.Door
	metrics *prometheus.Registry
	parking *door.Parking
	poll    *later
}

func newPollServer(t *testing.T, start func(*httptest.Server)) *pollServer {
	t.Helper()
	p := &pollServer{parking: door.NewParking(slog.New(slog.DiscardHandler)), metrics: prometheus.NewRegistry(), poll: &later{}}
	limits, err := gate.NewLimiter(gate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p.door = door.New(door.Deps{
		Limits: limits, Log: slog.New(slog.DiscardHandler), Metrics: door.NewMetrics(p.metrics), Parking: p.parking,
	}, []door.Route{
		{Method: "GET", Path: "/poll", Handle: func(*door.Request) (any, error) { return p.poll, nil }},
		{Method: "POST", Path: "/read", Handle: func(r *door.Request) (any, error) {
			_, err := r.ReadBody()
			return p.poll, err
		}},
		{Method: "GET", Path: "/now", Handle: func(*door.Request) (any, error) { return door.Raw(`{"now":1}`), nil }},
	})
	p.Server = httptest.NewUnstartedServer(p.door)
	start(p.Server)
	again := &http.Server{Handler: p.door, ReadHeaderTimeout: time.Minute}
	go func() { _ = again.Serve(p.parking) }()
	t.Cleanup(func() {
		_ = p.parking.Close()
		_ = again.Close()
		p.Close()
	})
	return p
}

// get asks and tells whether the connection had been used before.
func (p *pollServer) get(t *testing.T, path string) (status int, body string, reused bool, header http.Header) {
	t.Helper()
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw), reused, res.Header
}

func TestConnectionsWaitOutsideOfTheServerAndComeBack(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"plain": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPollServer(t, start)
			for i := range 4 {
				done := make(chan struct{})
				go func() {
					defer close(done)
					wait(t, func() bool { return p.parking.Parked() == 1 })
					if i == 2 {
						p.poll.answer(t, nil, fault.Denied("No"))
						return
					}
					p.poll.answer(t, fmt.Appendf(nil, `{"n":%d}`, i), nil)
				}()
				status, body, reused, header := p.get(t, "/poll")
				<-done
				wantStatus, want := 200, fmt.Sprintf(`{"n":%d}`, i)
				if i == 2 {
					wantStatus, want = 403, `{"errcode":"M_FORBIDDEN","error":"No"}`
				}
				if status != wantStatus || body != want || reused != (i > 0) {
					t.Errorf("request %d: %d %s on a used connection: %v", i, status, body, reused)
				}
				if header.Get("Access-Control-Allow-Origin") != "*" || header.Get("X-Request-Id") == "" || header.Get("Content-Type") != "application/json" || header.Get("Date") == "" {
					t.Errorf("headers: %v", header)
				}
				if _, body, reused, _ := p.get(t, "/now"); body != `{"now":1}` || !reused {
					t.Errorf("after request %d: %s on a used connection: %v", i, body, reused)
				}
			}
			wait(t, func() bool { return p.parking.Parked() == 0 })
		})
	}
}

func TestConnectionsThatCannotComeBackKeepTheirGoroutine(t *testing.T) {
	for name, ask := range map[string]func(*testing.T, *pollServer) string{
		"HTTP/2": func(t *testing.T, p *pollServer) string {
			_, body, _, _ := p.get(t, "/poll")
			return body
		},
		"HTTP/1.0": func(t *testing.T, p *pollServer) string { return raw(t, p, "GET /poll HTTP/1.0\r\n\r\n") },
		"close": func(t *testing.T, p *pollServer) string {
			return raw(t, p, "GET /poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPollServer(t, func(s *httptest.Server) {
				if name == "HTTP/2" {
					s.EnableHTTP2 = true
					s.StartTLS()
				} else {
					s.Start()
				}
			})
			go p.poll.answer(t, []byte(`{"n":1}`), nil)
			if body := ask(t, p); body != `{"n":1}` {
				t.Errorf("answer %q", body)
			}
			if p.parking.Parked() != 0 {
				t.Error("it was parked")
			}
		})
	}
}

// raw sends a request as it is and reads the body of the answer.
func raw(t *testing.T, p *pollServer, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", p.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// dial sends text as it is; answers are read from the reader.
func (p *pollServer) dial(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", p.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// next reads one answer.
func next(t *testing.T, r *bufio.Reader, method string) (status int, body string) {
	t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// A client may send its next requests before the answer; they are answered in order, also when they wait in turn.
func TestRequestsThatCameEarlyAreServedNext(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	const poll = "GET /poll HTTP/1.1\r\nHost: x\r\n\r\n"
	_, r := p.dial(t, poll+poll+"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"+poll)
	for i, want := range []string{`{"n":0}`, `{"n":1}`, `{"now":1}`, `{"n":3}`} {
		if i != 2 {
			wait(t, func() bool { return p.parking.Parked() == 1 })
			p.poll.answer(t, []byte(want), nil)
		}
		if _, body := next(t, r, http.MethodGet); body != want {
			t.Errorf("answer %d is %s", i, body)
		}
	}
}

// What is left of a body must not be taken for a request of its own: a proxy may have sent it for somebody else.
func TestABodyIsNeverTakenForARequest(t *testing.T) {
	const hidden = "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, head := range map[string]string{
		"GET":     fmt.Sprintf("GET /poll HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(hidden)),
		"POST":    fmt.Sprintf("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(hidden)),
		"chunked": fmt.Sprintf("POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(hidden)),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPollServer(t, (*httptest.Server).Start)
			c, r := p.dial(t, head)
			if name == "GET" { // is answered without its body
				p.poll.answer(t, []byte(`{"n":1}`), nil)
			}
			tail := hidden
			if name == "chunked" {
				tail += "\r\n0\r\n\r\n"
			}
			if _, err := io.WriteString(c, tail); err != nil {
				t.Fatal(err)
			}
			if name != "GET" {
				p.poll.answer(t, []byte(`{"n":1}`), nil)
			}
			if _, body := next(t, r, http.MethodGet); body != `{"n":1}` {
				t.Errorf("answer %s", body)
			}
			if _, err := io.WriteString(c, "GET /poll HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			p.poll.answer(t, []byte(`{"n":2}`), nil)
			if _, body := next(t, r, http.MethodGet); body != `{"n":2}` {
				t.Errorf("answer %s, to what was no request", body)
			}
		})
	}
}

func TestAnAnswerToHEADHasNoBody(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	_, r := p.dial(t, "HEAD /poll HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n")
	p.poll.answer(t, []byte(`{"n":1}`), nil)
	if status, _ := next(t, r, http.MethodHead); status != http.StatusOK {
		t.Error(status)
	}
	if _, body := next(t, r, http.MethodGet); body != `{"now":1}` {
		t.Errorf("then %s", body)
	}
}

// An answer larger than what fits into the sockets' buffers, to a client that reads only after a while.
func TestALargeAnswerArrivesWhole(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	_, r := p.dial(t, "GET /poll HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n")
	large := `{"n":"` + strings.Repeat("0123456789", 800_000) + `"}`
	p.poll.answer(t, []byte(large), nil)
	if _, body := next(t, r, http.MethodGet); body != large {
		t.Errorf("%d bytes of %d arrived", len(body), len(large))
	}
	if _, body := next(t, r, http.MethodGet); body != `{"now":1}` {
		t.Errorf("then %s", body)
	}
}

// A client that goes away frees what waits for it at once, whether its connection was taken out of net/http or not.
func TestAClientThatGoesAwayCancels(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"plain": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS,
		"HTTP/2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPollServer(t, start)
			for range 2 { // the second on what another request has used
				ctx, cancel := context.WithCancel(context.Background())
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/poll", nil)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					wait(t, func() bool { p.poll.mu.Lock(); defer p.poll.mu.Unlock(); return p.poll.finish != nil })
					cancel()
				}()
				if res, err := p.Client().Do(req); err == nil {
					res.Body.Close()
					t.Error("it was answered")
				}
				wait(t, func() bool { p.poll.mu.Lock(); defer p.poll.mu.Unlock(); return p.poll.canceled })
				if err := p.door.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				if n := p.parking.Parked(); n != 0 {
					t.Errorf("%d requests are still there", n)
				}
				p.poll.mu.Lock()
				finish := p.poll.finish
				p.poll.finish, p.poll.canceled = nil, false
				p.poll.mu.Unlock()
				finish([]byte(`{}`), nil) // too late, and no harm
				if _, body, _, _ := p.get(t, "/now"); body != `{"now":1}` {
					t.Errorf("then %s", body)
				}
			}
			want := map[string]float64{"GET /now 200": 2, "GET /poll 499": 2}
			if got := p.counted(t); !maps.Equal(got, want) {
				t.Errorf("counted %v", got)
			}
		})
	}
}

// counted is how many requests the metrics have seen, by method, route and status. None may be in flight.
func (p *pollServer) counted(t *testing.T) map[string]float64 {
	t.Helper()
	if err := p.door.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "conclave_http_requests_total":
				label := m.GetLabel() // sorted by name
				counts[label[0].GetValue()+" "+label[1].GetValue()+" "+label[2].GetValue()] = m.GetCounter().GetValue()
			case "conclave_http_requests_in_flight":
				if n := m.GetGauge().GetValue(); n != 0 {
					t.Errorf("%v requests in flight", n)
				}
			}
		}
	}
	return counts
}

// A client that is reset, not closed in order, is noticed too.
func TestAConnectionThatBreaksCancels(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	c, _ := p.dial(t, "GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
	wait(t, func() bool { return p.parking.Parked() == 1 })
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
	wait(t, func() bool { p.poll.mu.Lock(); defer p.poll.mu.Unlock(); return p.poll.canceled })
}

// While the server drains, waiting requests are answered and their connections closed.
func TestParkedRequestsAreAnsweredWhenTheServerDrains(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	go func() {
		wait(t, func() bool { return p.parking.Parked() == 1 })
		_ = p.parking.Close()
		p.poll.answer(t, []byte(`{"n":1}`), nil)
	}()
	_, body, _, header := p.get(t, "/poll")
	if body != `{"n":1}` || header.Get("Connection") != "" && header.Get("Connection") != "close" {
		t.Errorf("answer %s %v", body, header)
	}
	if err := p.door.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}
