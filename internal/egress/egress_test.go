package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The special-purpose address registries of IANA (RFC 6890, 8190, 9637 …), and addresses around their borders.
func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "11.0.0.0": true, "9.255.255.255": true, "100.63.255.255": true, "100.128.0.0": true,
		"172.15.255.255": true, "172.32.0.0": true, "192.167.255.255": true, "223.255.255.255": true, "126.255.255.255": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "127.0.0.1": false,
		"127.255.255.254": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false,
		"192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.7": false, "203.0.113.9": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false,
		"255.255.255.255": false,
		"2606:4700::1111": true, "2a00:1450:4001::200e": true, "2620:fe::fe": true,
		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.1.2.3": false, "::ffff:8.8.8.8": true,
		"::ffff:0:8.8.8.8": false, "64:ff9b::8.8.8.8": true, "64:ff9b::10.0.0.1": false, "64:ff9b::127.0.0.1": false,
		"64:ff9b::169.254.169.254": false, "64:ff9b:1::8.8.8.8": false, "100::1": false, "2001::1": false, "2001:db8::1": false,
		"2002:7f00:1::": false, "2002:808:808::": false, "3fff::1": false, "5f00::1": false, "fc00::1": false, "fd12::1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "2606:4700::1111%eth0": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Public(%s) = %v, want %v", addr, got, want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address passes as public")
	}
}

func TestExceptionsAreExact(t *testing.T) {
	g, err := New([]string{"127.0.0.1", "10.1.0.0/16", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": true, "127.0.0.2": false, "10.1.2.3": true, "10.2.0.1": false, "fd12::1": true, "fc00::1": false,
	} {
		if got := g.Permits(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Permits(%s) = %v, want %v", addr, got, want)
		}
	}
	for _, bad := range []string{"localhost", "10.0.0.0/33", "", "10.0.0.1:80"} {
		if _, err := New([]string{bad}); err == nil {
			t.Errorf("%q was taken for an address", bad)
		}
	}
}

func TestOwnAddressesAreRefused(t *testing.T) {
	g, _ := New(nil)
	g.local = func() ([]net.Addr, error) {
		return []net.Addr{&net.IPNet{IP: net.ParseIP("8.8.4.4"), Mask: net.CIDRMask(24, 32)}}, nil
	}
	if g.Permits(netip.MustParseAddr("8.8.4.4")) || !g.Permits(netip.MustParseAddr("8.8.4.5")) {
		t.Error("the machine's own address and no other must be refused")
	}
	g.local = func() ([]net.Addr, error) { return nil, errors.New("no") }
	if g.Permits(netip.MustParseAddr("8.8.4.5")) {
		t.Error("without knowing its own addresses the guard must refuse")
	}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	return res, err
}

func TestClientConnectsNowherePrivate(t *testing.T) {
	hit := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit++ }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	g, _ := New(nil)
	c := g.Client(Options{Timeout: 5 * time.Second, Redirects: 3})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "2130706433", "0x7f000001", "127.1"} {
		if _, err := get(t, c, "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	if _, err := get(t, c, srv.URL); !errors.Is(err, ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}
	if hit != 0 {
		t.Errorf("%d requests arrived", hit)
	}
}

func TestRedirectsAreCheckedAndCounted(t *testing.T) {
	secret := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached through a redirect") }))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	secret.Listener = l
	secret.Start()
	defer secret.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/into", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, secret.URL, http.StatusFound) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/once", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end?from=once", http.StatusFound) })
	mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" {
			t.Errorf("the redirect's target learns where the request came from: %s", r.Referer())
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	g, _ := New([]string{"127.0.0.1"})
	c := g.Client(Options{Timeout: 5 * time.Second, Redirects: 3, Check: func(r *http.Request) error {
		if r.URL.Query().Get("from") == "blocked" {
			return errors.New("blocked by the caller")
		}
		return nil
	}})
	if _, err := get(t, c, srv.URL+"/into"); !errors.Is(err, ErrForbidden) {
		t.Errorf("redirect into a private network: %v", err)
	}
	if _, err := get(t, c, srv.URL+"/file"); !errors.Is(err, errScheme) {
		t.Errorf("redirect to a file: %v", err)
	}
	if _, err := get(t, c, srv.URL+"/loop"); err == nil || !strings.Contains(err.Error(), "more than 3 redirects") {
		t.Errorf("redirects without end: %v", err)
	}
	if res, err := get(t, c, srv.URL+"/once"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("one redirect: %v %v", res, err)
	}
	if _, err := get(t, c, srv.URL+"/end?from=blocked"); err == nil {
		t.Error("the caller's check was not asked")
	}
	none := g.Client(Options{Timeout: 5 * time.Second})
	if res, err := get(t, none, srv.URL+"/once"); err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("without redirects the redirect is the answer: %v %v", res, err)
	}
}

// FuzzPublic holds the guard against the standard library's own idea of what is not global.
func FuzzPublic(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok || !Public(addr) {
			return
		}
		a := addr.Unmap()
		if a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalUnicast() || !a.IsGlobalUnicast() {
			t.Errorf("%s passes as public", addr)
		}
	})
}
