package client

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/blob"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/media"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

// testMedia is the media service on files.
func testMedia(t *testing.T, db *store.DB, change func(*media.Config), now func() time.Time) *media.Service {
	t.Helper()
	blobs, err := blob.New(blob.Config{Dir: filepath.Join(t.TempDir(), "media")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := media.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	s, err := media.New(media.Deps{DB: db, Blobs: blobs, Key: make([]byte, 32), Server: testServer, Config: cfg, Log: testLog(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachMedia runs a test with media configured as change says, on both database engines.
func eachMedia(t *testing.T, change func(*media.Config), run func(*testing.T, *harness)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "postgres" {
				t.Skip("the services' own tests run on PostgreSQL in any case")
			}
			bus := notify.New()
			db := open(t, store.Options{Publish: bus.Publish})
			run(t, newHarness(t, db, bus, func(_ *ident.Config, d *Deps) { d.Media = testMedia(t, db, change, time.Now) }))
		})
	}
}

// send makes a request with headers, given in pairs.
func (h *harness) send(method, path, token string, body []byte, headers ...string) *answer {
	h.t.Helper()
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, req)
	return h.answer(w)
}

const (
	uploadPath   = "/_matrix/media/v3/upload"
	downloadPath = "/_matrix/client/v1/media/download/hs1/"
	thumbPath    = "/_matrix/client/v1/media/thumbnail/hs1/"
	legacyPath   = "/_matrix/media/v3/"
)

// uploaded stores content and gives its media id.
func (h *harness) uploaded(p person, contentType, name string, data []byte) string {
	h.t.Helper()
	a := h.send("POST", uploadPath+"?filename="+url.QueryEscape(name), p.Token, data, "Content-Type", contentType).expect(200, "")
	id, ok := strings.CutPrefix(a.str("content_uri"), "mxc://hs1/")
	if !ok {
		h.t.Fatalf("content_uri is %q", a.str("content_uri"))
	}
	return id
}

func testPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Spec: cs#post_matrixmediav3upload
// Spec: cs#get_matrixclientv1mediadownloadservernamemediaid
func TestUploadAndDownload(t *testing.T) {
	eachMedia(t, nil, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		data := testPNG(t, 30, 30)
		id := h.uploaded(alice, "image/png", "test.png", data)
		for _, who := range []person{alice, bob} {
			a := h.send("GET", downloadPath+id, who.Token, nil).expect(200, "")
			if !bytes.Equal(a.Raw, data) {
				t.Error("the content came back different")
			}
			for name, want := range map[string]string{
				"Content-Type": "image/png", "Content-Disposition": "inline; filename=test.png", "Content-Length": fmt.Sprint(len(data)),
				"Content-Security-Policy":      "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
				"Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
				"Cache-Control": "private, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*",
			} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		}
		h.send("GET", downloadPath+id, "", nil).expect(401, "M_MISSING_TOKEN")
		h.send("POST", uploadPath, "", data).expect(401, "M_MISSING_TOKEN")
		h.send("GET", "/_matrix/client/v1/media/download/hs2/"+id, alice.Token, nil).expect(404, "M_NOT_FOUND")
		h.send("GET", downloadPath+"unknown", alice.Token, nil).expect(404, "M_NOT_FOUND")
		h.send("GET", downloadPath+"a%2Fb", alice.Token, nil).expect(404, "M_NOT_FOUND")
		h.send("GET", downloadPath+id+"?timeout_ms=soon", alice.Token, nil).expect(400, "M_INVALID_PARAM")
		h.send("GET", downloadPath+id+"?timeout_ms=-1", alice.Token, nil).expect(400, "M_INVALID_PARAM")
		h.send("POST", uploadPath+"?filename=%ff", alice.Token, data).expect(400, "M_INVALID_PARAM")
		h.send("POST", uploadPath+"?filename="+strings.Repeat("a", 2000), alice.Token, data).expect(400, "M_INVALID_PARAM")
		h.send("GET", uploadPath, alice.Token, nil).expect(405, "M_UNRECOGNIZED")

		head := h.send("HEAD", downloadPath+id, alice.Token, nil)
		if head.Status != 200 || len(head.Raw) != 0 || head.Header.Get("Content-Length") != fmt.Sprint(len(data)) {
			t.Errorf("HEAD: %d, %d bytes, %v", head.Status, len(head.Raw), head.Header)
		}
		empty := h.uploaded(alice, "text/plain", "", nil)
		if a := h.send("GET", downloadPath+empty, alice.Token, nil).expect(200, ""); len(a.Raw) != 0 || a.Header.Get("Content-Disposition") != "inline" {
			t.Errorf("an empty file: %v", a.Header)
		}
	})
}

// Spec: cs#serving-inline-content
// Spec: cs#content-repo
func TestContentTypesAndDisposition(t *testing.T) {
	eachMedia(t, nil, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		for sent, want := range map[string][2]string{
			"image/png": {"image/png", "inline"}, "img/png": {"img/png", "attachment"}, "text/html": {"text/html", "attachment"},
			"image/svg+xml": {"image/svg+xml", "attachment"}, "Text/Plain; charset=utf-8": {"Text/Plain; charset=utf-8", "inline"},
			"application/pdf": {"application/pdf", "attachment"}, "": {"application/octet-stream", "attachment"},
			"nonsense": {"nonsense", "attachment"}, "a/b; ;c": {"application/octet-stream", "attachment"},
			"text/" + strings.Repeat("x", 300): {"application/octet-stream", "attachment"}, "application/xhtml+xml": {"application/xhtml+xml", "attachment"},
			"text/javascript": {"text/javascript", "attachment"}, "audio/flac": {"audio/flac", "inline"},
		} {
			id := h.uploaded(alice, sent, "", []byte("<script>"))
			a := h.send("GET", downloadPath+id, alice.Token, nil).expect(200, "")
			if got := [2]string{a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition")}; got != want {
				t.Errorf("%.60q is served as %q, want %q", sent, got, want)
			}
		}
	})
}

// Spec: cs#get_matrixclientv1mediadownloadservernamemediaidfilename
func TestFileNames(t *testing.T) {
	eachMedia(t, nil, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		other := h.uploaded(alice, "application/pdf", "other", []byte("x"))
		for _, name := range []string{
			"ascii", "name with spaces", "name;with;semicolons", "\U0001f414", `quo"te`, `back\slash`, "naïve résumé.pdf", "100%.txt",
			"a/b", "x\r\nSet-Cookie: a=b", "' onload=1", "tab\there",
		} {
			id := h.uploaded(alice, "application/pdf", name, []byte("x"))
			for how, path := range map[string]string{"uploaded": id, "asked for": other + "/" + url.PathEscape(name)} {
				a := h.send("GET", downloadPath+path, alice.Token, nil).expect(200, "")
				_, params, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
				if err != nil || params["filename"] != name {
					t.Errorf("%s as %q: %q %v", how, name, a.Header.Get("Content-Disposition"), err)
				}
				if a.Header.Get("Set-Cookie") != "" {
					t.Errorf("%q wrote a header", name)
				}
			}
		}
		h.send("GET", downloadPath+other+"/%ff", alice.Token, nil).expect(400, "M_INVALID_PARAM")
		h.send("GET", downloadPath+other+"/"+strings.Repeat("a", 2000), alice.Token, nil).expect(400, "M_INVALID_PARAM")
	})
}

// Spec: rfc9110#section-14.2
func TestRangesAndCaches(t *testing.T) {
	eachMedia(t, nil, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		data := bytes.Repeat([]byte("0123456789"), 20_000)
		id := h.uploaded(alice, "text/plain", "", data)
		tag := h.send("HEAD", downloadPath+id, alice.Token, nil).Header.Get("ETag")
		for _, c := range []struct {
			headers  []string
			status   int
			from, to int
			part     string
		}{
			{[]string{"Range", "bytes=0-9"}, 206, 0, 10, "bytes 0-9/200000"},
			{[]string{"Range", "bytes=65530-65545"}, 206, 65530, 65546, "bytes 65530-65545/200000"},
			{[]string{"Range", "bytes=199990-"}, 206, 199990, 200000, "bytes 199990-199999/200000"},
			{[]string{"Range", "bytes=-5"}, 206, 199995, 200000, "bytes 199995-199999/200000"},
			{[]string{"Range", "bytes=199999-300000"}, 206, 199999, 200000, "bytes 199999-199999/200000"},
			{[]string{"Range", "bytes=-300000"}, 206, 0, 200000, "bytes 0-199999/200000"},
			{[]string{"Range", "bytes=0-99999999999999999999"}, 206, 0, 200000, "bytes 0-199999/200000"},
			{[]string{"Range", "bytes=0-1,5-6"}, 200, 0, 200000, ""},
			{[]string{"Range", "bytes=9-1"}, 200, 0, 200000, ""},
			{[]string{"Range", "lines=1-2"}, 200, 0, 200000, ""},
			{[]string{"Range", "bytes=a-b"}, 200, 0, 200000, ""},
			{[]string{"Range", "bytes=-"}, 200, 0, 200000, ""},
			{[]string{"Range", "bytes=0-9", "If-Range", tag}, 206, 0, 10, "bytes 0-9/200000"},
			{[]string{"Range", "bytes=0-9", "If-Range", `"other"`}, 200, 0, 200000, ""},
			{[]string{"If-None-Match", `"other"`}, 200, 0, 200000, ""},
		} {
			a := h.send("GET", downloadPath+id, alice.Token, nil, c.headers...)
			if a.Status != c.status || !bytes.Equal(a.Raw, data[c.from:c.to]) || a.Header.Get("Content-Range") != c.part {
				t.Errorf("%q: %d, %d bytes, %q", c.headers, a.Status, len(a.Raw), a.Header.Get("Content-Range"))
			}
		}
		for _, bad := range []string{"bytes=200000-", "bytes=-0", "bytes=99999999999999999999-"} {
			a := h.send("GET", downloadPath+id, alice.Token, nil, "Range", bad).expect(416, "M_INVALID_PARAM")
			if got := a.Header.Get("Content-Range"); got != "bytes */200000" {
				t.Errorf("%s: Content-Range %q", bad, got)
			}
		}
		for _, match := range []string{tag, `"x", W/` + tag, "*"} {
			a := h.send("GET", downloadPath+id, alice.Token, nil, "If-None-Match", match)
			if a.Status != http.StatusNotModified || len(a.Raw) != 0 || a.Header.Get("ETag") != tag {
				t.Errorf("If-None-Match %s: %d", match, a.Status)
			}
		}
	})
}

// Spec: cs#post_matrixmediav1create
// Spec: cs#put_matrixmediav3uploadservernamemediaid
func TestAnnouncedUpload(t *testing.T) {
	eachMedia(t, func(c *media.Config) { c.PendingUploads = 2 }, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		const create = "/_matrix/media/v1/create"
		a := h.ok("POST", create, alice.Token, nil)
		id, _ := strings.CutPrefix(a.str("content_uri"), "mxc://hs1/")
		expires, _ := a.JSON["unused_expires_at"].(float64)
		if left := time.Until(time.UnixMilli(int64(expires))); left < 23*time.Hour || left > 24*time.Hour {
			t.Errorf("expires in %v", left)
		}
		put := uploadPath + "/hs1/" + id
		h.send("GET", downloadPath+id+"?timeout_ms=1", alice.Token, nil).expect(504, "M_NOT_YET_UPLOADED")
		h.send("GET", thumbPath+id+"?width=9&height=9&timeout_ms=1", alice.Token, nil).expect(504, "M_NOT_YET_UPLOADED")
		h.send("PUT", put, "", []byte("x")).expect(401, "M_MISSING_TOKEN")
		h.send("PUT", put, bob.Token, []byte("x")).expect(403, "M_FORBIDDEN")
		h.send("PUT", uploadPath+"/hs2/"+id, alice.Token, []byte("x")).expect(404, "M_NOT_FOUND")
		h.send("PUT", uploadPath+"/hs1/unknown", alice.Token, []byte("x")).expect(404, "M_NOT_FOUND")
		if got := h.send("PUT", put+"?filename=n.txt", alice.Token, []byte("hello"), "Content-Type", "text/plain").expect(200, ""); string(got.Raw) != "{}" {
			t.Errorf("answer %s", got.Raw)
		}
		h.send("PUT", put, alice.Token, nil).expect(409, "M_CANNOT_OVERWRITE_MEDIA")
		got := h.send("GET", downloadPath+id, bob.Token, nil).expect(200, "")
		if string(got.Raw) != "hello" || got.Header.Get("Content-Disposition") != "inline; filename=n.txt" {
			t.Errorf("%s %v", got.Raw, got.Header)
		}
		h.fails("POST", create, "", nil, 401, "M_MISSING_TOKEN")
		h.fails("POST", create, alice.Token, "[1]", 400, "M_BAD_JSON")
		h.fails("POST", create, alice.Token, "{", 400, "M_NOT_JSON")
		h.ok("POST", create, alice.Token, map[string]any{})
		h.ok("POST", create, alice.Token, nil)
		if a := h.fails("POST", create, alice.Token, nil, 429, "M_LIMIT_EXCEEDED"); a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
}

// Spec: cs#get_matrixclientv1mediaconfig
func TestUploadLimits(t *testing.T) {
	eachMedia(t, func(c *media.Config) { c.MaxUpload, c.QuotaBytes = 1000, 1500 }, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		h.send("POST", uploadPath, alice.Token, make([]byte, 1001)).expect(413, "M_TOO_LARGE")
		req := httptest.NewRequest("POST", uploadPath, struct{ *bytes.Reader }{bytes.NewReader(make([]byte, 1001))})
		req.ContentLength = -1
		req.Header.Set("Authorization", "Bearer "+alice.Token)
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, req)
		h.answer(w).expect(413, "M_TOO_LARGE")
		h.send("POST", uploadPath, alice.Token, make([]byte, 1000)).expect(200, "")
		h.send("POST", uploadPath, alice.Token, make([]byte, 501)).expect(403, "M_FORBIDDEN")
		for _, path := range []string{"/_matrix/client/v1/media/config", legacyPath + "config", "/_matrix/media/r0/config"} {
			if a := h.ok("GET", path, alice.Token, nil); a.JSON["m.upload.size"] != 1000.0 {
				t.Errorf("%s: %s", path, a.Raw)
			}
			h.fails("GET", path, "", nil, 401, "M_MISSING_TOKEN")
		}
	})
}

// Spec: cs#get_matrixclientv1mediathumbnailservernamemediaid
func TestThumbnail(t *testing.T) {
	eachMedia(t, nil, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		id := h.uploaded(alice, "text/plain", "photo.png", testPNG(t, 300, 200)) // what it is called does not count
		a := h.send("GET", thumbPath+id+"?width=32&height=32&method=crop&animated=false", alice.Token, nil).expect(200, "")
		c, name, err := image.DecodeConfig(bytes.NewReader(a.Raw))
		if err != nil || c.Width != 32 || c.Height != 32 || a.Header.Get("Content-Type") != "image/"+name ||
			a.Header.Get("Content-Disposition") != "inline; filename=thumbnail."+name {
			t.Errorf("%+v %s %v %v", c, name, err, a.Header)
		}
		tag := a.Header.Get("ETag")
		if b := h.send("GET", thumbPath+id+"?width=32&height=32&method=crop", alice.Token, nil, "If-None-Match", tag); b.Status != 304 {
			t.Errorf("thumbnail with a known tag: %d", b.Status)
		}
		h.send("GET", thumbPath+id+"?width=32&height=32", "", nil).expect(401, "M_MISSING_TOKEN")
		text := h.uploaded(alice, "image/png", "", []byte("not a picture"))
		h.send("GET", thumbPath+text+"?width=32&height=32", alice.Token, nil).expect(400, "M_UNKNOWN")
		h.send("GET", thumbPath+"unknown?width=32&height=32", alice.Token, nil).expect(404, "M_NOT_FOUND")
		h.send("GET", thumbPath+id+"?width=32", alice.Token, nil).expect(400, "M_MISSING_PARAM")
		for _, q := range []string{
			"width=0&height=1", "width=-1&height=1", "width=1.5&height=1", "width=x&height=1", "width=1&height=1&method=stretch",
			"width=1&height=1&animated=maybe", "width=1&height=1&timeout_ms=x", "width=99999999999999999999&height=1",
		} {
			h.send("GET", thumbPath+id+"?"+q, alice.Token, nil).expect(400, "M_INVALID_PARAM")
		}
	})
}

// Spec: cs#get_matrixmediav3downloadservernamemediaid
// Spec: cs#get_matrixmediav3downloadservernamemediaidfilename
// Spec: cs#get_matrixmediav3thumbnailservernamemediaid
// Spec: cs#get_matrixmediav3config
// Spec: cs#content-repo-client-behaviour
func TestLegacyDownloads(t *testing.T) {
	paths := func(id string) (list []string) {
		for _, version := range []string{"v3", "r0", "v1"} {
			base := "/_matrix/media/" + version
			list = append(list, base+"/download/hs1/"+id, base+"/download/hs1/"+id+"/other.png?allow_remote=false",
				base+"/thumbnail/hs1/"+id+"?width=9&height=9&allow_redirect=true")
		}
		return list
	}
	t.Run("frozen", func(t *testing.T) {
		eachMedia(t, nil, func(t *testing.T, h *harness) {
			alice := h.register("alice")
			for _, path := range paths(h.uploaded(alice, "image/png", "", testPNG(t, 30, 30))) {
				h.send("GET", path, "", nil).expect(404, "M_NOT_FOUND")
				h.send("GET", path, alice.Token, nil).expect(404, "M_NOT_FOUND")
			}
		})
	})
	t.Run("served", func(t *testing.T) {
		eachMedia(t, func(c *media.Config) { c.LegacyDownloads = true }, func(t *testing.T, h *harness) {
			alice := h.register("alice")
			id := h.uploaded(alice, "image/png", "", testPNG(t, 30, 30))
			for _, path := range paths(id) {
				a := h.send("GET", path, "", nil).expect(200, "")
				if got := a.Header.Get("Cache-Control"); !strings.HasPrefix(got, "public") {
					t.Errorf("%s: %s", path, got)
				}
			}
			h.send("GET", legacyPath+"download/hs1/"+id+"?allow_remote=1", "", nil).expect(400, "M_INVALID_PARAM")
			h.send("GET", legacyPath+"download/hs2/"+id, "", nil).expect(404, "M_NOT_FOUND")
			h.send("GET", legacyPath+"unknown", alice.Token, nil).expect(404, "M_UNRECOGNIZED")
		})
	})
}

// Spec: cs#get_matrixclientv1mediapreview_url
// Spec: cs#get_matrixmediav3preview_url
func TestURLPreview(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/test.png" {
			_, _ = w.Write(testPNG(t, 20, 10))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<meta property="og:title" content="The Rock"><meta property="og:image" content="test.png">`))
	}))
	defer site.Close()
	ask := func(path, address string) string { return path + "?url=" + url.QueryEscape(address) }
	paths := []string{"/_matrix/client/v1/media/preview_url", legacyPath + "preview_url", "/_matrix/media/r0/preview_url"}
	t.Run("off", func(t *testing.T) {
		eachMedia(t, nil, func(t *testing.T, h *harness) {
			h.fails("GET", ask(paths[0], site.URL), h.register("alice").Token, nil, 404, "M_UNRECOGNIZED")
		})
	})
	on := func(c *media.Config) { c.URLPreviews.Enabled, c.URLPreviews.AllowPrivate = true, []string{"127.0.0.1"} }
	t.Run("on", func(t *testing.T) {
		eachMedia(t, on, func(t *testing.T, h *harness) {
			alice := h.register("alice")
			for _, path := range paths {
				a := h.ok("GET", ask(path, site.URL)+"&ts=1510610716656", alice.Token, nil)
				if a.str("og:title") != "The Rock" || a.JSON["og:image:width"] != 20.0 || !strings.HasPrefix(a.str("og:image"), "mxc://hs1/") {
					t.Errorf("%s", a.Raw)
				}
				h.fails("GET", ask(path, site.URL), "", nil, 401, "M_MISSING_TOKEN")
			}
			h.fails("GET", paths[0], alice.Token, nil, 400, "M_MISSING_PARAM")
			h.fails("GET", ask(paths[0], "ftp://x/"), alice.Token, nil, 400, "M_INVALID_PARAM")
			h.fails("GET", ask(paths[0], site.URL)+"&ts=now", alice.Token, nil, 400, "M_INVALID_PARAM")
			h.fails("GET", ask(paths[0], "http://127.0.0.2:1/"), alice.Token, nil, 502, "M_UNKNOWN")
			h.fails("GET", ask(paths[0], "http://169.254.169.254/"), alice.Token, nil, 502, "M_UNKNOWN")
		})
	})
}
