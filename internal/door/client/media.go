package client

import (
	"errors"
	"io"
	"net/http"
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/media"
)

func (h *Handlers) mediaRoutes() []door.Route {
	const upload, authed, legacy = "/_matrix/media/v3/upload", "/_matrix/client/v1/media/", "/_matrix/media/v3/"
	const file = "{serverName}/{mediaId}"
	max := h.Media.MaxUpload()
	return []door.Route{
		// Spec: cs#post_matrixmediav3upload
		{Method: "POST", Path: upload, Access: gate.Active, Limit: gate.Costly, MaxBody: max, Handle: h.upload},
		// Spec: cs#put_matrixmediav3uploadservernamemediaid
		{Method: "PUT", Path: upload + "/" + file, Access: gate.Active, Limit: gate.Costly, MaxBody: max, Handle: h.uploadAnnounced},
		// Spec: cs#post_matrixmediav1create
		{Method: "POST", Path: "/_matrix/media/v1/create", Access: gate.Active, Limit: gate.Costly, Handle: h.createMedia},

		// Spec: cs#get_matrixclientv1mediadownloadservernamemediaid
		{Method: "GET", Path: authed + "download/" + file, Access: gate.User, Handle: h.download},
		// Spec: cs#get_matrixclientv1mediadownloadservernamemediaidfilename
		{Method: "GET", Path: authed + "download/" + file + "/{fileName}", Access: gate.User, Handle: h.download},
		// Spec: cs#get_matrixclientv1mediathumbnailservernamemediaid
		{Method: "GET", Path: authed + "thumbnail/" + file, Access: gate.User, Handle: h.thumbnail},
		// Spec: cs#get_matrixclientv1mediapreview_url
		{Method: "GET", Path: authed + "preview_url", Access: gate.User, Limit: gate.Costly, Handle: h.previewURL},
		// Spec: cs#get_matrixclientv1mediaconfig
		{Method: "GET", Path: authed + "config", Access: gate.User, Handle: h.mediaConfig},

		// Spec: cs#get_matrixmediav3downloadservernamemediaid
		{Method: "GET", Path: legacy + "download/" + file, Access: gate.Open, Handle: h.legacyMedia(h.download)},
		// Spec: cs#get_matrixmediav3downloadservernamemediaidfilename
		{Method: "GET", Path: legacy + "download/" + file + "/{fileName}", Access: gate.Open, Handle: h.legacyMedia(h.download)},
		// Spec: cs#get_matrixmediav3thumbnailservernamemediaid
		{Method: "GET", Path: legacy + "thumbnail/" + file, Access: gate.Open, Handle: h.legacyMedia(h.thumbnail)},
		// Spec: cs#get_matrixmediav3preview_url
		{Method: "GET", Path: legacy + "preview_url", Access: gate.User, Limit: gate.Costly, Handle: h.previewURL},
		// Spec: cs#get_matrixmediav3config
		{Method: "GET", Path: legacy + "config", Access: gate.User, Handle: h.mediaConfig},
	}
}

func (h *Handlers) upload(r *door.Request) (any, error) {
	id, err := h.Media.Upload(r.Context(), content(r))
	if err != nil {
		return nil, err
	}
	return map[string]string{"content_uri": h.Media.URI(id)}, nil
}

func (h *Handlers) uploadAnnounced(r *door.Request) (any, error) {
	u := content(r)
	u.Server, u.ID = r.Path("serverName"), r.Path("mediaId")
	_, err := h.Media.Upload(r.Context(), u)
	return nil, err
}

func content(r *door.Request) media.Upload {
	return media.Upload{
		User: r.Caller.User, Type: r.HTTP.Header.Get("Content-Type"), Name: r.Param("filename"), Size: r.HTTP.ContentLength,
		Body: &patient{r: r.Body(), conn: r.Conn()},
	}
}

// stallTime is how long a client may send or take nothing in the middle of a file before the connection is given up.
const stallTime = time.Minute

// patient reads a body for as long as something comes.
type patient struct {
	r    io.Reader
	conn *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(stallTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.r.Read(b)
	if err != nil { // storing what has come may take longer
		if derr := p.conn.SetReadDeadline(time.Time{}); derr != nil && !errors.Is(derr, http.ErrNotSupported) {
			return n, derr
		}
	}
	return n, err
}

func (h *Handlers) createMedia(r *door.Request) (any, error) {
	var b struct{}
	if err := r.DecodeOptional(&b); err != nil {
		return nil, err
	}
	a, err := h.Media.Create(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	return map[string]any{"content_uri": h.Media.URI(a.ID), "unused_expires_at": a.Expires}, nil
}

func (h *Handlers) mediaConfig(*door.Request) (any, error) {
	return map[string]int64{"m.upload.size": h.Media.MaxUpload()}, nil
}

func (h *Handlers) previewURL(r *door.Request) (any, error) {
	if _, err := r.Int("ts", 0, 0, int(^uint(0)>>1)); err != nil { // a newer preview than asked for may be given: the one there is
		return nil, err
	}
	body, err := h.Media.Preview(r.Context(), r.Param("url"))
	return door.Raw(body), err
}

var errFrozen = fault.Missing("This server gives out files to logged-in users only: ask under /_matrix/client/v1/media")

// legacyMedia serves the addresses without login where they are configured, and freezes them else.
//
// Spec: cs#content-repo-client-behaviour
func (h *Handlers) legacyMedia(next door.Handler) door.Handler {
	return func(r *door.Request) (any, error) {
		if !h.Media.LegacyDownloads() {
			return nil, errFrozen
		}
		for _, name := range []string{"allow_remote", "allow_redirect"} { // there is nothing remote, and no redirect is given
			if _, err := r.Bool(name, false); err != nil {
				return nil, err
			}
		}
		return next(r)
	}
}
