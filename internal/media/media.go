// Package media owns files: what users upload, the thumbnails made of it, and the pictures of page previews.
//
// Content enters through Upload as a stream and leaves through Content.Open as one, in ranges; no file is ever in memory as a
// whole. An upload runs through a chain of readers: from the client, counted and limited, sealed, into the blob store, durable
// before it is acknowledged. A note in the database is made before the first byte is written and stays until a row owns the blob,
// so an upload that breaks off, or a crash, leaves nothing that Collect does not find.
//
// Everything in the blob store is encrypted with DARE 2.0 (github.com/minio/sio: AES-256-GCM or ChaCha20-Poly1305 over packages of
// 64 KiB, numbered, the last one marked) under a key of its own, HKDF-SHA-256(media key, info = "conclave media 1 " and the blob's
// name). The key and the length, which is in the database, make a blob that was swapped, cut or reordered unreadable.
//
// It refuses ids of other servers, content over the limit or the user's quota, pictures too large to decode in bounded memory, and
// pages at addresses that are not public.
package media

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Blobs keeps sealed content under names of letters and digits; see the blob package for what each method promises.
type Blobs interface {
	Put(ctx context.Context, name string, r io.Reader, size int64) error
	Open(ctx context.Context, name string, offset, n int64) (io.ReadCloser, error)
	Delete(ctx context.Context, name string) error
}

// Deps is what a Service needs.
type Deps struct {
	DB      *store.DB
	Blobs   Blobs
	Key     []byte // 32 bytes
	Server  mx.ServerName
	Config  Config
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
	// Stopping is closed when the server begins to drain: downloads that wait for content are answered then.
	Stopping <-chan struct{}
	// Limits are the size limit of uploads and what the files of one user may take. Nil are those of Config.
	Limits func() (upload, quota int64)
}

// Service stores and serves files.
type Service struct {
	db       *store.DB
	vault    vault
	server   mx.ServerName
	cfg      Config
	limits   func() (upload, quota int64)
	log      *slog.Logger
	now      func() time.Time
	metrics  *metrics
	arrivals arrivals
	stopping <-chan struct{}
	memory   *semaphore.Weighted // bytes for making thumbnails
	making   singleflight.Group  // thumbnails under way
	pages    *pages              // nil: no previews
}

// New makes a Service.
func New(d Deps) (*Service, error) {
	if len(d.Key) != keySize {
		return nil, errors.New("media: the key must have 32 bytes")
	}
	if err := d.Config.Check(); err != nil {
		return nil, err
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	s := &Service{
		db: d.DB, vault: vault{blobs: d.Blobs, key: d.Key}, server: d.Server, cfg: d.Config, log: d.Log, now: d.Now, stopping: d.Stopping,
		metrics: newMetrics(d.Metrics), memory: semaphore.NewWeighted(d.Config.Thumbnails.Memory),
	}
	if s.limits = d.Limits; s.limits == nil {
		s.limits = func() (int64, int64) { return d.Config.MaxUpload, d.Config.QuotaBytes }
	}
	if d.Config.URLPreviews.Enabled {
		var err error
		if s.pages, err = newPages(d.Config.URLPreviews); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// MaxUpload is the size limit of uploads: bytes.
func (s *Service) MaxUpload() int64 {
	upload, _ := s.limits()
	return upload
}

func (s *Service) quota() int64 {
	_, quota := s.limits()
	return quota
}

// LegacyDownloads reports whether files are served without a login too.
func (s *Service) LegacyDownloads() bool { return s.cfg.LegacyDownloads }

// URI is the mxc:// address of a file of this server.
//
// Spec: cs#matrix-content-mxc-uris
func (s *Service) URI(id string) string { return "mxc://" + string(s.server) + "/" + id }

var errNoMedia = fault.Missing("There is no such file here")

// ours checks that a file may be one of this server's. Files of other servers are not fetched.
func (s *Service) ours(server, id string) error {
	if server != string(s.server) || !validID(id) {
		return errNoMedia
	}
	return nil
}

// maxIDLength is far longer than any id given out here.
const maxIDLength = 64

// validID reports whether an id has the characters that the specification admits and no others.
//
// Spec: cs#content-repo-security-considerations
func validID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= maxIDLength
}
