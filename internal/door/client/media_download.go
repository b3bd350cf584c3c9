package client

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"conclave.chat/internal/door"
	"conclave.chat/internal/door/filehead"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/media"
)

// mediaPolicy is the Content-Security-Policy that the specification recommends, to the letter.
//
// Spec: cs#content-repo
const mediaPolicy = "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';"

const (
	defaultMediaWait = 20_000 // milliseconds
	maxMediaWait     = 600_000
	maxFileName      = 1024 // bytes
	maxThumbnailSide = 1 << 20
)

func (h *Handlers) download(r *door.Request) (any, error) {
	wait, err := mediaWait(r)
	if err != nil {
		return nil, err
	}
	name := r.Path("fileName")
	if len(name) > maxFileName || !utf8.ValidString(name) {
		return nil, fault.InvalidParam("The file name must be UTF-8 text of at most %d bytes", maxFileName)
	}
	c, err := h.Media.Download(r.Context(), r.Path("serverName"), r.Path("mediaId"), wait)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = c.Name
	}
	return &file{Content: c, disposition: filehead.Disposition(c.Type, name), shared: r.Caller == gate.Caller{}}, nil
}

func (h *Handlers) thumbnail(r *door.Request) (any, error) {
	q := media.ThumbnailQuery{Server: r.Path("serverName"), ID: r.Path("mediaId")}
	var err error
	if q.Wait, err = mediaWait(r); err != nil {
		return nil, err
	}
	for name, side := range map[string]*int{"width": &q.Width, "height": &q.Height} {
		if r.Param(name) == "" {
			return nil, fault.MissingParam("%s is missing", name)
		}
		if *side, err = r.Int(name, 0, 1, maxThumbnailSide); err != nil {
			return nil, err
		}
	}
	method, err := r.Choice("method", "scale", "crop")
	if err != nil {
		return nil, err
	}
	q.Crop = method == "crop"
	if q.Animated, err = r.Bool("animated", false); err != nil {
		return nil, err
	}
	c, err := h.Media.Thumbnail(r.Context(), q)
	if err != nil {
		return nil, err
	}
	name := "thumbnail." + strings.TrimPrefix(c.Type, "image/")
	return &file{Content: c, disposition: mime.FormatMediaType("inline", map[string]string{"filename": name}), shared: r.Caller == gate.Caller{}}, nil
}

func mediaWait(r *door.Request) (time.Duration, error) {
	ms, err := r.Int("timeout_ms", defaultMediaWait, 0, maxMediaWait)
	return time.Duration(ms) * time.Millisecond, err
}

// file is an answer that is a file, or a range of one.
type file struct {
	*media.Content
	disposition string
	shared      bool // served without login
}

// Respond writes the file. Its content never changes, so caches may keep it for ever; without a login even shared ones.
func (f *file) Respond(w http.ResponseWriter, r *http.Request) error {
	tag := `"` + f.Tag + `"`
	if filehead.Matches(r.Header.Get("If-None-Match"), tag) {
		f.head(w, tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header := r.Header.Get("Range")
	if c := r.Header.Get("If-Range"); c != "" && c != tag {
		header = ""
	}
	part := filehead.Span{N: f.Size}
	status := http.StatusOK
	asked, ok := filehead.ParseRange(header, f.Size)
	switch {
	case ok && asked.N == 0:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", f.Size))
		return fault.New(fault.RangeUnsatisfiable, "M_INVALID_PARAM", "The file has %d bytes; the range lies outside of them", f.Size)
	case ok:
		part, status = asked, http.StatusPartialContent
	}
	body := io.NopCloser(strings.NewReader(""))
	if r.Method != http.MethodHead {
		var err error
		if body, err = f.Open(r.Context(), part.From, part.N); err != nil {
			return err
		}
	}
	defer body.Close()
	f.head(w, tag)
	h := w.Header()
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", f.disposition)
	h.Set("Content-Length", strconv.FormatInt(part.N, 10))
	if status == http.StatusPartialContent {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.From, part.From+part.N-1, f.Size))
	}
	w.WriteHeader(status)
	return send(w, body)
}

// head writes what a file and the word that it has not changed have in common.
func (f *file) head(w http.ResponseWriter, tag string) {
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	if f.shared {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Security-Policy", mediaPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// sendSize is how much is read at a time: one package of the encryption, so that it is opened straight into the buffer.
const sendSize = 64 << 10

// send copies to the client for as long as it takes something.
func send(w http.ResponseWriter, body io.Reader) error {
	conn := http.NewResponseController(w)
	buf := make([]byte, sendSize)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if derr := conn.SetWriteDeadline(time.Now().Add(stallTime)); derr != nil && !errors.Is(derr, http.ErrNotSupported) {
				return derr
			}
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			if derr := conn.SetWriteDeadline(time.Time{}); derr != nil && !errors.Is(derr, http.ErrNotSupported) {
				return derr
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}
