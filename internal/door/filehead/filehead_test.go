package filehead

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzParseRange: what is sent lies within the file, and where both have an opinion it is that of net/http.
func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=5-", "bytes=-5", "bytes=-0", "bytes=9-1", "bytes=0-99999999999999999999", "bytes = 1-2", "bytes=1-2,3-4"} {
		f.Add(s, int64(100))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size &= 1<<20 - 1
		s, ok := ParseRange(header, size)
		if s.From < 0 || s.N < 0 || s.From+s.N > size {
			t.Fatalf("%q of %d gives %+v", header, size, s)
		}
		if !ok {
			return
		}
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("Range", header)
		w := httptest.NewRecorder()
		http.ServeContent(w, req, "x", time.Time{}, bytes.NewReader(make([]byte, size)))
		switch want := w.Header().Get("Content-Range"); {
		case w.Code == http.StatusPartialContent && want != fmt.Sprintf("bytes %d-%d/%d", s.From, s.From+s.N-1, size):
			t.Errorf("%q of %d gives %+v, net/http says %s", header, size, s, want)
		case w.Code == http.StatusOK && s.N != 0 && s.N != size:
			t.Errorf("%q of %d gives %+v, net/http sends all", header, size, s)
		}
	})
}

// FuzzDisposition: no name breaks out of its header, and each comes back as it was.
func FuzzDisposition(f *testing.F) {
	f.Add("text/plain", "a\"b\r\nX: y")
	f.Add("image/png", "\U0001f414")
	f.Fuzz(func(t *testing.T, contentType, name string) {
		d := Disposition(contentType, name)
		if strings.ContainsAny(d, "\r\n\x00") {
			t.Fatalf("%q", d)
		}
		kind, params, err := mime.ParseMediaType(d)
		if err != nil || (kind != "inline" && kind != "attachment") || params["filename"] != name {
			t.Errorf("%q became %q: %v", name, d, err)
		}
	})
}
