package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
)

// fixCRC makes the first chunk of a PNG whole again.
func fixCRC(b []byte) { binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29])) }

// web is a web site on a private address that the tests allow.
type web struct {
	*httptest.Server
	mux  *http.ServeMux
	hits atomic.Int64
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{mux: http.NewServeMux()}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.hits.Add(1)
		w.mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *web) serve(path, contentType string, body []byte) {
	w.mux.HandleFunc(path, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		_, _ = rw.Write(body)
	})
}

func previews(c *Config) {
	c.URLPreviews.Enabled = true
	c.URLPreviews.AllowPrivate = []string{"127.0.0.1"}
	c.URLPreviews.Blocked = []string{"blocked.example", "*.evil.example"}
	c.URLPreviews.Timeout = 2 * time.Second
	c.URLPreviews.MaxImage = 50_000
	c.URLPreviews.MaxPage = 20_000
}

func (f *fixture) preview(address string) map[string]any {
	f.t.Helper()
	body, err := f.Preview(context.Background(), address)
	if err != nil {
		f.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		f.t.Fatal(err)
	}
	return out
}

// Spec: cs#get_matrixclientv1mediapreview_url
func TestPreview(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		w := newWeb(t)
		pic := picturePNG(t, 120, 80)
		w.serve("/pic.png", "image/png", pic)
		w.serve("/page", "text/html; charset=utf-8", []byte(`<title>T</title><meta property="og:title" content="The Rock"><meta property="og:image" content="pic.png">`))
		got := f.preview(w.URL + "/page#part")
		uri, _ := got["og:image"].(string)
		id, ok := strings.CutPrefix(uri, "mxc://hs1/")
		if !ok || got["og:title"] != "The Rock" || got["og:image:type"] != "image/png" || got["og:image:width"] != 120.0 ||
			got["og:image:height"] != 80.0 || got["matrix:image:size"] != float64(len(pic)) {
			t.Fatalf("%v", got)
		}
		if !bytes.Equal(f.get(id), pic) {
			t.Error("the picture came back different")
		}
		if c, cfg := f.thumb(id, 32, 32, false); cfg.Width != 32 || c.Type != "image/jpeg" {
			t.Errorf("the picture's thumbnail: %+v", cfg)
		}
		hits := w.hits.Load()
		f.preview(w.URL + "/page")
		if w.hits.Load() != hits {
			t.Error("the page was read again")
		}
		f.pass(time.Hour)
		f.preview(w.URL + "/page")
		if w.hits.Load() != hits+2 {
			t.Error("the page was not read again after an hour")
		}
		if direct := f.preview(w.URL + "/pic.png"); direct["matrix:image:size"] != float64(len(pic)) || !strings.HasPrefix(fmt.Sprint(direct["og:image"]), "mxc://hs1/") {
			t.Errorf("a picture by itself: %v", direct)
		}
		f.holds(4)
		f.pass(8 * 24 * time.Hour)
		f.collect()
		f.holds(0)
		var n int
		if err := f.db.QueryRow(context.Background(), "SELECT (SELECT count(*) FROM media) + (SELECT count(*) FROM media_preview)").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows are left: %v", n, err)
		}
	}, previews)
}

func TestPagesThatCannotBeRead(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		l, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		secret := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private address was reached") }))
		secret.Listener = l
		secret.Start()
		defer secret.Close()
		w := newWeb(t)
		w.mux.HandleFunc("/into", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, secret.URL, http.StatusFound) })
		w.mux.HandleFunc("/loop", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/loop", http.StatusFound) })
		w.mux.HandleFunc("/blocked", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://a.evil.example/", http.StatusFound)
		})
		w.mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		w.mux.HandleFunc("/broken", func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", http.StatusInternalServerError) })
		for _, address := range []string{
			secret.URL, w.URL + "/into", w.URL + "/loop", w.URL + "/slow", w.URL + "/broken", w.URL + "/missing",
			"http://blocked.example/", "http://BLOCKED.example./x", "http://a.evil.example/", w.URL + "/blocked", "http://127.0.0.2/",
			"http://[::1]:1/", "http://169.254.169.254/latest/meta-data/", "http://2130706434/", "http://localhost.invalid/",
		} {
			_, err := f.Preview(ctx, address)
			wantCode(t, err, fault.BadGateway, "M_UNKNOWN")
		}
		hits := w.hits.Load()
		_, err = f.Preview(ctx, w.URL+"/broken")
		wantCode(t, err, fault.BadGateway, "M_UNKNOWN")
		if w.hits.Load() != hits {
			t.Error("a page that failed a moment ago was read again")
		}
		f.pass(failureKeptFor)
		_, _ = f.Preview(ctx, w.URL+"/broken")
		if w.hits.Load() != hits+1 {
			t.Error("a page that failed is never read again")
		}
	}, previews)
}

func TestAddressesThatAreNone(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		_, err := f.Preview(ctx, "")
		wantCode(t, err, fault.BadRequest, "M_MISSING_PARAM")
		for _, address := range []string{
			"example.org", "/path", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///x",
			"https://user:pass@example.org/", "http://exa mple.org/", "http://a\x00b/", "http:example.org", "http://example.org/" + strings.Repeat("a", 3000),
			"gopher://127.0.0.1:70/", "http://[::1", "data:text/html,x",
		} {
			_, err := f.Preview(ctx, address)
			wantCode(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
	}, previews)
}

func TestPreviewsAreOffByDefault(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		_, err := f.Preview(context.Background(), "https://example.org/")
		wantCode(t, err, fault.NotFound, "M_UNRECOGNIZED")
	})
}

func TestPagesThatAreTooMuch(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		w := newWeb(t)
		w.serve("/long", "text/html", []byte("<title>Long</title>"+strings.Repeat("<p>x</p>", 10_000)+`<meta property="og:type" content="late">`))
		w.serve("/large.png", "image/png", append(picturePNG(t, 10, 10), make([]byte, 60_000)...))
		w.serve("/fake.png", "image/png", []byte("<html>not a picture"))
		w.serve("/svg", "image/svg+xml", []byte("<svg/>"))
		for _, name := range []string{"large.png", "fake.png", "svg", "missing.png"} {
			w.serve("/with-"+name, "text/html", fmt.Appendf(nil, `<title>%s</title><meta property="og:image" content="/%s">`, name, name))
		}
		w.serve("/file.pdf", "application/pdf", []byte("%PDF"))
		w.serve("/none", "", []byte("<title>?"))
		w.mux.HandleFunc("/endless", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			for r.Context().Err() == nil {
				if _, err := rw.Write(bytes.Repeat([]byte("<p>x</p>"), 1000)); err != nil {
					return
				}
			}
		})
		if got := f.preview(w.URL + "/long"); got["og:title"] != "Long" || got["og:type"] != nil {
			t.Errorf("a page longer than is read: %v", got)
		}
		if got := f.preview(w.URL + "/endless"); got["og:description"] != "x" {
			t.Errorf("a page without end: %v", got)
		}
		for _, name := range []string{"large.png", "fake.png", "svg", "missing.png"} {
			if got := f.preview(w.URL + "/with-" + name); got["og:title"] != name || len(got) != 1 {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := f.preview(w.URL + "/file.pdf"); len(got) != 0 {
			t.Errorf("a file: %v", got)
		}
		f.holds(0)
	}, previews)
}

func TestPagesAreReadOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		w := newWeb(t)
		w.mux.HandleFunc("/page", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(100 * time.Millisecond)
			rw.Header().Set("Content-Type", "text/html")
			_, _ = rw.Write([]byte("<title>T</title>"))
		})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := f.Preview(context.Background(), w.URL+"/page"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := w.hits.Load(); n != 1 {
			t.Errorf("read %d times", n)
		}
		// One who found nothing just before the page was kept, and comes to read it just after.
		u, err := url.Parse(w.URL + "/page")
		if err != nil {
			t.Fatal(err)
		}
		key := sha256.Sum256([]byte(u.String()))
		if _, err := f.fetchOnce(context.Background(), u, key[:]); err != nil {
			t.Error(err)
		}
		if n := w.hits.Load(); n != 1 {
			t.Errorf("read %d times by a latecomer", n)
		}
	}, previews)
}
