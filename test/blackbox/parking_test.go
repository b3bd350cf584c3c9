package blackbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// Long polls that are answered keep their connection, those whose client goes away are forgotten, however the client speaks.
//
// Spec: cs#get_matrixclientv3sync
func TestLongPollsKeepTheirConnection(t *testing.T) {
	for name, proto := range map[string]struct {
		tls, http2 bool
		version    string
	}{
		"plain": {version: "HTTP/1.1"}, "TLS": {tls: true, version: "HTTP/1.1"}, "HTTP2": {tls: true, http2: true, version: "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := "127.0.0.1:" + freePort(t)
			opts := []harness.Option{harness.Env("CONCLAVE_METRICS_LISTEN=" + metrics)}
			if proto.tls {
				opts = append(opts, harness.TLS())
			}
			s := harness.Start(t, harness.SQLite, opts...)
			transport := s.Transport()
			transport.ForceAttemptHTTP2 = proto.http2
			defer transport.CloseIdleConnections()
			alice, bob := s.Register("alice"), s.Register("bob")
			room := alice.CreateRoom(harness.M{"preset": "public_chat"})
			bob.Join(room)
			p := poller{t, s, alice, transport, "http://" + metrics + "/metrics"}
			since := alice.Sync("").Get("next_batch").Str

			for i := range 3 {
				got := p.start(t.Context(), since)
				p.inFlight("1")
				id := bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "hello"})
				a := <-got
				if a.err != nil {
					t.Fatal(a.err)
				}
				if e := a.body.Get("rooms.join." + gjson.Escape(room) + ".timeline.events.0.event_id").Str; e != id {
					t.Errorf("poll %d: answer %s", i, a.body.Raw)
				}
				if a.version != proto.version || a.reused != (i > 0) || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("X-Request-Id") == "" {
					t.Errorf("poll %d: %s on a used connection: %v, %v", i, a.version, a.reused, a.header)
				}
				since = a.body.Get("next_batch").Str
			}

			ctx, cancel := context.WithCancel(t.Context())
			got := p.start(ctx, since)
			p.inFlight("1")
			cancel()
			if a := <-got; !errors.Is(a.err, context.Canceled) {
				t.Errorf("the poll that was broken off: %v", a.err)
			}
			p.inFlight("0")
			if text := p.metric(`conclave_http_requests_total{method="GET",route="/_matrix/client/v3/sync",status="499"}`); text != "1" {
				t.Errorf("%q polls were counted as broken off", text)
			}
		})
	}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// poller long-polls and looks at what the server counts.
type poller struct {
	t         *testing.T
	s         *harness.Server
	user      *harness.User
	transport *http.Transport
	metrics   string
}

type polled struct {
	version string
	reused  bool
	header  http.Header
	body    gjson.Result
	err     error
}

func (p *poller) start(ctx context.Context, since string) <-chan polled {
	got := make(chan polled, 1)
	go func() {
		var a polled
		defer func() { got <- a }()
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { a.reused = i.Reused }})
		var req *http.Request
		if req, a.err = http.NewRequestWithContext(ctx, http.MethodGet, p.s.URL+harness.API+"/sync?timeout=120000&since="+since, nil); a.err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+p.user.Token)
		var res *http.Response
		if res, a.err = p.transport.RoundTrip(req); a.err != nil {
			return
		}
		defer res.Body.Close()
		var raw []byte
		raw, a.err = io.ReadAll(res.Body)
		a.version, a.header, a.body = res.Proto, res.Header, gjson.ParseBytes(raw)
		if a.err == nil && res.StatusCode != http.StatusOK {
			a.err = fmt.Errorf("%s %s", res.Status, raw)
		}
	}()
	return got
}

// inFlight waits until the server counts so many requests.
func (p *poller) inFlight(want string) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if p.metric("conclave_http_requests_in_flight") == want {
			return
		}
	}
	p.t.Fatalf("never %s requests in flight", want)
}

// metric is one of the server's figures, "" if there is none of that name.
func (p *poller) metric(name string) string {
	p.t.Helper()
	res, err := http.Get(p.metrics)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return v
		}
	}
	return ""
}
