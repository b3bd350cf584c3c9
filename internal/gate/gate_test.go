package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"conclave.chat/internal/fault"
)

// people resolves tokens from a table.
type people map[string]Caller

func (p people) Authenticate(_ context.Context, token string) (Caller, error) {
	if c, ok := p[token]; ok {
		return c, nil
	}
	return Caller{}, fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "unknown")
}

// Spec: cs#using-access-tokens
func TestAdmit(t *testing.T) {
	auth := people{
		"user": {User: "@u:x"}, "admin": {User: "@a:x", Admin: true}, "locked": {User: "@l:x", Locked: true, Admin: true}, "suspended": {User: "@s:x", Suspended: true},
	}
	all := []Access{Open, Optional, Leaving, User, Active, Admin}
	for token, want := range map[string][]string{ // for each class, in that order: "" is let in
		"":          {"", "", "M_MISSING_TOKEN", "M_MISSING_TOKEN", "M_MISSING_TOKEN", "M_MISSING_TOKEN"},
		"nobody":    {"", "M_UNKNOWN_TOKEN", "M_UNKNOWN_TOKEN", "M_UNKNOWN_TOKEN", "M_UNKNOWN_TOKEN", "M_UNKNOWN_TOKEN"},
		"user":      {"", "", "", "", "", "M_FORBIDDEN"},
		"admin":     {"", "", "", "", "", ""},
		"locked":    {"", "M_USER_LOCKED", "", "M_USER_LOCKED", "M_USER_LOCKED", "M_USER_LOCKED"},
		"suspended": {"", "", "", "", "M_USER_SUSPENDED", "M_FORBIDDEN"},
	} {
		for i, access := range all {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			c, err := Admit(auth, r, access)
			if code := codeOf(err); code != want[i] {
				t.Errorf("%q at %s: %q, want %q", token, access, code, want[i])
			}
			if err != nil && c != (Caller{}) || err == nil && access != Open && c != auth[token] {
				t.Errorf("%q at %s: %+v", token, access, c)
			}
		}
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestToken(t *testing.T) {
	for _, tt := range []struct{ header, url, want string }{
		{"Bearer abc", "/", "abc"},
		{"bearer  abc ", "/", "abc"},
		{"Basic abc", "/", ""},
		{"abc", "/", ""},
		{"", "/?access_token=abc", "abc"},
		{"Bearer abc", "/?access_token=other", "abc"},
		{"Basic x", "/?access_token=other", ""},
		{"", "/?x=1", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, tt.url, nil)
		if tt.header != "" {
			r.Header.Set("Authorization", tt.header)
		}
		if got := Token(r); got != tt.want {
			t.Errorf("%q at %s: %q", tt.header, tt.url, got)
		}
	}
}

func limiter(t *testing.T, l Limits) *Limiter {
	t.Helper()
	lim, err := NewLimiter(l)
	if err != nil {
		t.Fatal(err)
	}
	return lim
}

func TestLimits(t *testing.T) {
	l := limiter(t, Limits{Login: Rate{PerSecond: 0.5, Burst: 2}, Message: Rate{PerSecond: 1, Burst: 1}, Exempt: []string{"@bot:x"}})
	now := time.UnixMilli(1_700_000_000_000)
	allow := func(class Class, c Caller, addr string, ok bool) {
		t.Helper()
		if err := l.Allow(class, c, addr, now); (err == nil) != ok {
			t.Errorf("%d, %s, %s: %v", class, c.User, addr, err)
		}
	}
	const a, b = "192.0.2.1", "192.0.2.2"
	allow(Login, Caller{}, a, true)
	allow(Login, Caller{}, a, true)
	allow(Login, Caller{}, a, false)
	if f := fault.Of(l.Allow(Login, Caller{}, a, now)); f.Code != "M_LIMIT_EXCEEDED" || f.Body["retry_after_ms"] != int64(2000) {
		t.Errorf("%+v", f) // and asking does not make the wait longer
	}
	allow(Login, Caller{}, b, true)
	allow(Register, Caller{}, a, true) // no limit is set
	allow(Message, Caller{User: "@u:x"}, a, true)
	allow(Message, Caller{User: "@u:x"}, b, false) // a user is one wherever
	allow(Message, Caller{User: "@v:x"}, a, true)
	for range 5 {
		allow(Message, Caller{User: "@bot:x"}, a, true)
	}
	now = now.Add(2 * time.Second)
	allow(Login, Caller{}, a, true)
	allow(Login, Caller{}, a, false)
	now = now.Add(time.Hour)
	allow(Login, Caller{}, "192.0.2.3", true)
	if n := len(l.buckets); n != 1 {
		t.Errorf("%d buckets are kept", n)
	}
}

// Whoever has an IPv6 network to choose addresses from is still one caller.
func TestLimitsByNetwork(t *testing.T) {
	l := limiter(t, Limits{Login: Rate{PerSecond: 1, Burst: 1}})
	now := time.UnixMilli(1_700_000_000_000)
	for _, tt := range []struct {
		addr string
		ok   bool
	}{
		{"2001:db8:1:1::1", true},
		{"2001:db8:1:1:ffff::2", false},
		{"2001:db8:1:2::1", true},
		{"fe80::1%eth0", true},
		{"fe80::2%eth1", false},
		{"192.0.2.1", true},
		{"192.0.2.2", true},
		{"::ffff:192.0.2.3", true},
		{"::ffff:192.0.2.4", true},
		{"@", true},
	} {
		if err := l.Allow(Login, Caller{}, tt.addr, now); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.addr, err)
		}
	}
}

func TestClientAddr(t *testing.T) {
	l := limiter(t, Limits{Proxies: []string{"10.0.0.0/8", "2001:db8::1"}})
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:1000", "198.51.100.1", "192.0.2.1"}, // a stranger's word counts nothing
		{"10.0.0.1:1000", "", "10.0.0.1"},
		{"10.0.0.1:1000", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1000", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"}, // only what a proxy of ours saw
		{"[2001:db8::1]:1000", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1000", "198.51.100.1, nonsense", "10.0.0.1"},
		{"10.0.0.1:1000", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := l.ClientAddr(r); got != tt.want {
			t.Errorf("%s, %q: %s, want %s", tt.remote, tt.forwarded, got, tt.want)
		}
	}
	if _, err := NewLimiter(Limits{Proxies: []string{"proxy.example.org"}}); err == nil {
		t.Error("a name was taken for a network")
	}
}
