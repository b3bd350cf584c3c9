package media

import (
	"context"
	"io"
	"sync"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
)

// Content is a file or a thumbnail to be served.
type Content struct {
	Tag  string // changes with the bytes; fit for an ETag
	Type string
	Name string // "" if the upload had none
	Size int64
	blob string
	from vault
}

// Open reads n bytes from an offset, both within Size. The caller closes the reader.
func (c *Content) Open(ctx context.Context, offset, n int64) (io.ReadCloser, error) {
	return c.from.open(ctx, c.blob, c.Size, offset, n)
}

// Download finds a file. If it was announced and has no content yet, it waits that long at most.
//
// Spec: cs#get_matrixclientv1mediadownloadservernamemediaid
func (s *Service) Download(ctx context.Context, server, id string, wait time.Duration) (*Content, error) {
	m, err := s.find(ctx, server, id, wait)
	if err != nil {
		return nil, err
	}
	return s.content(m), nil
}

func (s *Service) content(m *mediameta.Media) *Content {
	return &Content{Tag: m.ID, Type: m.Type, Name: m.Name, Size: m.Size, blob: m.Blob, from: s.vault}
}

// pollEvery is how often a waiting download looks for content that came in through another node.
const pollEvery = 2 * time.Second

var errNotYet = fault.New(fault.GatewayTimeout, "M_NOT_YET_UPLOADED", "This file was announced, but its content has not come yet")

func (s *Service) find(ctx context.Context, server, id string, wait time.Duration) (*mediameta.Media, error) {
	if err := s.ours(server, id); err != nil {
		return nil, err
	}
	deadline := time.NewTimer(min(wait, s.cfg.MaxWait))
	defer deadline.Stop()
	for {
		arrived, forget := s.arrivals.expect(id)
		m, err := mediameta.Get(ctx, s.db, id)
		switch {
		case err != nil:
			forget()
			return nil, err
		case m == nil || m.Expired(store.Millis(s.now())):
			forget()
			return nil, errNoMedia
		case m.Uploaded != 0:
			forget()
			return m, nil
		}
		poll := time.NewTimer(pollEvery)
		select {
		case <-arrived:
		case <-poll.C:
		case <-deadline.C:
			err = errNotYet
		case <-s.stopping:
			err = errNotYet
		case <-ctx.Done():
			err = ctx.Err()
		}
		poll.Stop()
		forget()
		if err != nil {
			return nil, err
		}
	}
}

// arrivals wakes downloads that wait for content.
type arrivals struct {
	mu      sync.Mutex
	waiting map[string]*arrival
}

type arrival struct {
	came  chan struct{}
	users int
}

// expect gives a channel that is closed when the file's content comes; forget must be called in the end.
func (a *arrivals) expect(id string) (came <-chan struct{}, forget func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waiting[id]
	if w == nil {
		if a.waiting == nil {
			a.waiting = map[string]*arrival{}
		}
		w = &arrival{came: make(chan struct{})}
		a.waiting[id] = w
	}
	w.users++
	return w.came, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if w.users--; w.users == 0 && a.waiting[id] == w {
			delete(a.waiting, id)
		}
	}
}

func (a *arrivals) announce(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.waiting[id]; w != nil {
		delete(a.waiting, id)
		close(w.came)
	}
}
