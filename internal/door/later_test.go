package door_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
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
	parking *door.Parking
	poll    *later
}

func newPollServer(t *testing.T, start func(*httptest.Server)) *pollServer {
	t.Helper()
	p := &pollServer{parking: door.NewParking(), poll: &later{}}
	limits, err := gate.NewLimiter(gate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p.door = door.New(door.Deps{
		Limits: limits, Log: slog.New(slog.DiscardHandler), Metrics: door.NewMetrics(prometheus.NewRegistry()), Parking: p.parking,
	}, []door.Route{
		{Method: "GET", Path: "/poll", Handle: func(*door.Request) (any, error) { return p.poll, nil }},
		{Method: "GET", Path: "/now", Handle: func(*door.Request) (any, error) { return door.Raw(`{"now":1}`), nil }},
	})
	p.Server = httptest.NewUnstartedServer(p.door)
	start(p.Server)
	again := &http.Server{Handler: p.door, ReadHeaderTimeout: time.Minute}
	go func() { _ = again.Serve(p.parking) }()
	t.Cleanup(func() {
		_ = p.parking.Close()
		_ = again.Close()
		p.Server.Close()
	})
	wait(t, p.parking.Serving)
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

// A client that sends its next request before the answer gets this one, and a closed connection.
func TestAnEarlyRequestIsNotMixedUp(t *testing.T) {
	p := newPollServer(t, (*httptest.Server).Start)
	c, err := net.Dial("tcp", p.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /poll HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	go p.poll.answer(t, []byte(`{"n":1}`), nil)
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(body) != `{"n":1}` {
		t.Fatalf("the answer is %s", body)
	}
	if res.Close {
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is not closed: %v", err)
		}
		return
	}
	if res, err = http.ReadResponse(r, nil); err != nil { // the second request came in time to be read
		t.Fatal(err)
	}
	res.Body.Close()
}

func TestAClientThatGoesAwayCancels(t *testing.T) {
	p := newPollServer(t, func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() })
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
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := errors.Join(p.parking.Wait(ctx), p.door.Idle(ctx)); err != nil {
		t.Error(err)
	}
}
