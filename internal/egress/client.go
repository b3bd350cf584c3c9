package egress

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxResponseHeader bounds what a server on the other side can make us hold before its answer begins: bytes.
const maxResponseHeader = 64 << 10

// Options shape a client.
type Options struct {
	// Timeout bounds a request as a whole, redirects and body included.
	Timeout time.Duration
	// Redirects is how many are followed; with 0 the first one is the answer.
	Redirects int
	// Check, if not nil, is asked about each URL before it is requested, redirects included.
	Check func(*http.Request) error
}

// Client makes an HTTP client that connects only to what the guard permits. It uses no proxy of the environment: a proxy would
// connect for us where no guard looks.
func (g *Guard) Client(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: g.Control}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	return &http.Client{
		Timeout:   o.Timeout,
		Transport: &checked{next: transport, check: o.Check},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			r.Header.Del("Referer")
			if o.Redirects == 0 {
				return http.ErrUseLastResponse
			}
			if len(via) > o.Redirects {
				return fmt.Errorf("egress: more than %d redirects", o.Redirects)
			}
			return nil
		},
	}
}

var errScheme = errors.New("egress: only http and https are spoken")

// checked looks at each request of a client, those that follow a redirect too.
type checked struct {
	next  http.RoundTripper
	check func(*http.Request) error
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, errScheme
	}
	if c.check != nil {
		if err := c.check(r); err != nil {
			return nil, err
		}
	}
	return c.next.RoundTrip(r)
}

func (c *checked) CloseIdleConnections() {
	if t, ok := c.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}
