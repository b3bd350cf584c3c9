package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"conclave.chat/internal/egress"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/media/page"
	"conclave.chat/internal/media/picture"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
)

const (
	maxAddress      = 2048 // bytes
	maxRedirects    = 5
	pagesAtOnce     = 16
	failureKeptFor  = time.Minute
	previewAgent    = "Mozilla/5.0 (compatible; Conclave; preview for a chat message)"
	acceptedContent = "text/html, application/xhtml+xml, image/jpeg, image/png, image/gif, image/webp;q=0.9, */*;q=0.1"
)

// pages reads pages of the web.
type pages struct {
	client  *http.Client
	blocked []string
	cfg     URLPreviews
	flight  singleflight.Group
	slots   *semaphore.Weighted
}

// The answers for pages that cannot be shown. One answer stands for every reason: which of them it was would tell users about the
// network that this server is in.
var (
	errPreviewsOff = fault.Unrecognized("URL previews are switched off on this server")
	errNoPreview   = fault.New(fault.BadGateway, "M_UNKNOWN", "This page cannot be read")
	errBlocked     = errors.New("media: the host is on the list of blocked ones")
)

func newPages(c URLPreviews) (*pages, error) {
	guard, err := egress.New(c.AllowPrivate)
	if err != nil {
		return nil, fmt.Errorf("media.url_previews.allow_private: %w", err)
	}
	p := &pages{cfg: c, blocked: c.Blocked, slots: semaphore.NewWeighted(pagesAtOnce)}
	p.client = guard.Client(egress.Options{Timeout: c.Timeout, Redirects: maxRedirects, Check: func(r *http.Request) error {
		if p.blocks(r.URL.Hostname()) {
			return errBlocked
		}
		return nil
	}})
	return p, nil
}

func (p *pages) blocks(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, b := range p.blocked {
		b = strings.ToLower(b)
		if suffix, below := strings.CutPrefix(b, "*"); host == b || (below && strings.HasSuffix(host, suffix)) {
			return true
		}
	}
	return false
}

// Preview gives what a page says about itself, as JSON.
//
// Spec: cs#get_matrixclientv1mediapreview_url
func (s *Service) Preview(ctx context.Context, address string) ([]byte, error) {
	if s.pages == nil {
		return nil, errPreviewsOff
	}
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(u.String()))
	p, err := mediameta.GetPreview(ctx, s.db, key[:], store.Millis(s.now()))
	if err != nil {
		return nil, err
	}
	if p == nil {
		if p, err = s.fetchOnce(ctx, u, key[:]); err != nil {
			return nil, err
		}
	}
	if len(p.Body) == 0 {
		return nil, errNoPreview
	}
	return p.Body, nil
}

// parseAddress admits what a person could mean: an absolute http or https address without credentials.
func parseAddress(address string) (*url.URL, error) {
	if address == "" {
		return nil, fault.MissingParam("url is missing")
	}
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, fault.InvalidParam("url must be an http or https address of at most %d bytes", maxAddress)
	}
	u.Fragment, u.RawFragment = "", ""
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// fetchOnce reads a page once for all who ask for it at the same time.
func (s *Service) fetchOnce(ctx context.Context, u *url.URL, key []byte) (*mediameta.Preview, error) {
	done := s.pages.flight.DoChan(string(key), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*s.pages.cfg.Timeout)
		defer cancel()
		return s.fetch(ctx, u, key)
	})
	select {
	case r := <-done:
		p, _ := r.Val.(*mediameta.Preview)
		return p, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fetch reads a page and remembers the outcome, a failure too.
func (s *Service) fetch(ctx context.Context, u *url.URL, key []byte) (*mediameta.Preview, error) {
	if err := s.pages.slots.Acquire(ctx, 1); err != nil {
		return nil, errNoPreview.Because(err)
	}
	defer s.pages.slots.Release(1)
	now := s.now()
	if p, err := mediameta.GetPreview(ctx, s.db, key, store.Millis(now)); p != nil || err != nil { // read while we waited
		return p, err
	}
	p := &mediameta.Preview{Page: key, Fetched: store.Millis(now), Expires: store.Millis(now.Add(s.pages.cfg.CacheFor))}
	properties, err := s.readPage(ctx, u)
	if err == nil {
		s.metrics.previews.WithLabelValues("read").Inc()
		p.Body, err = json.Marshal(properties, json.Deterministic(true))
	}
	if err != nil {
		s.metrics.previews.WithLabelValues("failed").Inc()
		s.log.Debug("page not read", "error", err)
		p.Expires, p.Body = store.Millis(now.Add(min(failureKeptFor, s.pages.cfg.CacheFor))), []byte{}
	}
	return p, s.db.Write(func(tx *store.Tx) error { return mediameta.PutPreview(tx, p) })
}

// readPage fetches an address: a page that tells of itself, or a picture.
func (s *Service) readPage(ctx context.Context, u *url.URL) (map[string]any, error) {
	res, err := s.pages.get(ctx, u.String())
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := map[string]any{}
	kind := res.Header.Get("Content-Type")
	if isImage(kind) {
		return out, s.addImage(ctx, out, res)
	}
	if !page.IsHTML(kind) {
		return out, nil
	}
	found, err := page.Parse(io.LimitReader(res.Body, s.pages.cfg.MaxPage), kind, res.Request.URL)
	if err != nil {
		return nil, err
	}
	for k, v := range found.Properties {
		out[k] = v
	}
	if found.Image == "" {
		return out, nil
	}
	image, err := s.pages.get(ctx, found.Image)
	if err == nil {
		defer image.Body.Close()
		err = s.addImage(ctx, out, image)
	}
	if err != nil { // a preview without its picture is still one
		s.log.Debug("picture of a page not read", "error", err)
	}
	return out, nil
}

func (p *pages) get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", previewAgent)
	req.Header.Set("Accept", acceptedContent)
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("media: the page's server answered %d", res.StatusCode), res.Body.Close())
	}
	return res, nil
}

func isImage(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && strings.HasPrefix(t, "image/")
}

// addImage keeps a picture as a file of this server and names it in the preview. Only what thumbnails are made of is kept.
func (s *Service) addImage(ctx context.Context, out map[string]any, res *http.Response) error {
	limit := s.pages.cfg.MaxImage
	if res.ContentLength > limit {
		return fmt.Errorf("media: picture of %d bytes", res.ContentLength)
	}
	body := &limited{r: res.Body, left: limit, err: fmt.Errorf("media: picture of more than %d bytes", limit)}
	header, err := io.ReadAll(io.LimitReader(body, picture.HeaderSize))
	if err != nil {
		return err
	}
	info, err := picture.Inspect(header)
	if err != nil {
		return err
	}
	now := s.now()
	m := &mediameta.Media{
		ID: rand.Text(), Created: store.Millis(now), Uploaded: store.Millis(now),
		Expires: store.Millis(now.Add(s.pages.cfg.KeepImages)), Type: info.Type,
	}
	err = s.keep(ctx, io.MultiReader(bytes.NewReader(header), body), -1, func(*store.Tx) error { return nil },
		func(tx *store.Tx, blob string, size int64) error {
			m.Blob, m.Size = blob, size
			return mediameta.Put(tx, m)
		})
	if err != nil {
		return err
	}
	out["og:image"] = s.URI(m.ID)
	out["og:image:type"] = info.Type
	out["og:image:width"] = info.Width
	out["og:image:height"] = info.Height
	out["matrix:image:size"] = m.Size
	return nil
}
