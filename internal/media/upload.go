package media

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
)

// Upload is content on its way in.
type Upload struct {
	User   mx.UserID
	Server string // with ID: the announced file that this is the content of
	ID     string // "" makes a new file
	Type   string
	Name   string
	Size   int64 // -1 if not known
	Body   io.Reader
}

const (
	// maxName and maxType bound what is stored beside the content: bytes.
	maxName = 1024
	maxType = 255
	// DefaultType is the content type of a file that came without a usable one.
	DefaultType = "application/octet-stream"
)

// errAbandoned ends an upload that took so long that the collector has given it up.
var errAbandoned = errors.New("media: the blob was collected while it was written")

// Announced is a file whose content comes later.
type Announced struct {
	ID      string
	Expires int64
}

// Create announces a file.
//
// Spec: cs#post_matrixmediav1create
func (s *Service) Create(ctx context.Context, user mx.UserID) (Announced, error) {
	now := store.Millis(s.now())
	a := Announced{ID: rand.Text(), Expires: now + s.cfg.PendingLifetime.Milliseconds()}
	err := s.db.Write(func(tx *store.Tx) error {
		n, first, err := mediameta.Pending(ctx, tx, user, now)
		if err != nil {
			return err
		}
		if n >= s.cfg.PendingUploads {
			return fault.New(fault.Limited, "M_LIMIT_EXCEEDED", "You have %d announced uploads already; finish some of them first", n).
				With("retry_after_ms", max(first-now, 1))
		}
		return mediameta.Announce(tx, a.ID, user, now, a.Expires)
	})
	if err != nil {
		return Announced{}, err
	}
	return a, nil
}

// Upload stores content and gives the file's id. It returns once everything is durable.
//
// Spec: cs#post_matrixmediav3upload
func (s *Service) Upload(ctx context.Context, u Upload) (string, error) {
	id, err := s.upload(ctx, u)
	if err != nil {
		s.metrics.broken.Inc()
		return "", err
	}
	s.metrics.uploads.Inc()
	s.arrivals.announce(id)
	return id, nil
}

func (s *Service) upload(ctx context.Context, u Upload) (string, error) {
	if err := s.checkUpload(&u); err != nil {
		return "", err
	}
	m := &mediameta.Media{ID: u.ID, Owner: u.User, Created: store.Millis(s.now()), Type: u.Type, Name: u.Name}
	if m.ID == "" {
		m.ID = rand.Text()
	}
	admit := func(tx *store.Tx, size int64) error { return s.admit(ctx, tx, &u, size) }
	err := s.keep(ctx, s.limit(u.Body), u.Size,
		func(tx *store.Tx) error { return admit(tx, max(u.Size, 0)) },
		func(tx *store.Tx, blob string, size int64) error {
			if err := admit(tx, size); err != nil {
				return err
			}
			m.Blob, m.Size, m.Uploaded = blob, size, max(store.Millis(s.now()), 1)
			return mediameta.Put(tx, m)
		})
	if err != nil {
		return "", err
	}
	s.metrics.stored.Add(float64(m.Size))
	return m.ID, nil
}

func (s *Service) checkUpload(u *Upload) error {
	if u.ID != "" {
		if err := s.ours(u.Server, u.ID); err != nil {
			return err
		}
	}
	if len(u.Name) > maxName || !utf8.ValidString(u.Name) || strings.Contains(u.Name, "\x00") {
		return fault.InvalidParam("A file name must be UTF-8 text of at most %d bytes", maxName)
	}
	if _, _, err := mime.ParseMediaType(u.Type); err != nil || len(u.Type) > maxType || !utf8.ValidString(u.Type) {
		u.Type = DefaultType
	}
	if u.Size > s.MaxUpload() {
		return s.tooLarge()
	}
	return nil
}

func (s *Service) tooLarge() error {
	return fault.Oversize("Files must not be larger than %d bytes", s.MaxUpload())
}

// admit decides whether a user may store so many bytes, and under this id. It runs before the first byte is taken and again,
// with the true size, in the transaction that makes the file.
//
// Spec: cs#put_matrixmediav3uploadservernamemediaid
func (s *Service) admit(ctx context.Context, tx *store.Tx, u *Upload, size int64) error {
	if u.ID != "" {
		m, err := mediameta.Get(ctx, tx, u.ID)
		switch {
		case err != nil:
			return err
		case m == nil || m.Owner == "" || m.Expired(store.Millis(s.now())):
			return errNoMedia
		case m.Owner != u.User:
			return fault.Denied("Somebody else announced this file")
		case m.Uploaded != 0:
			return fault.New(fault.Conflict, "M_CANNOT_OVERWRITE_MEDIA", "This file has its content already")
		}
	}
	files, bytes, err := mediameta.Usage(ctx, tx, u.User)
	if err != nil {
		return err
	}
	if quota := s.quota(); quota > 0 && bytes+size > quota {
		return fault.Denied("Your files would take more than the %d bytes that each user has", quota)
	}
	if s.cfg.QuotaFiles > 0 && files >= s.cfg.QuotaFiles {
		return fault.Denied("You have %d files; that is as many as each user may have", files)
	}
	return nil
}

// keep takes a stream into a new blob. begin runs before the first byte is read; end, once everything is durable, makes the row
// that owns the blob (blob is "" for empty content). If either fails, or the stream breaks off, nothing is left.
func (s *Service) keep(ctx context.Context, r io.Reader, size int64,
	begin func(*store.Tx) error, end func(tx *store.Tx, blob string, size int64) error,
) error {
	blob := rand.Text()
	err := s.db.Write(func(tx *store.Tx) error {
		if err := begin(tx); err != nil {
			return err
		}
		return mediameta.Begin(tx, blob, max(store.Millis(s.now()), 1))
	})
	if err != nil {
		return err
	}
	n, err := s.vault.put(ctx, blob, r, size)
	if err == nil {
		err = s.db.Write(func(tx *store.Tx) error {
			ok, err := mediameta.Adopt(tx, blob)
			if err != nil {
				return err
			}
			if !ok {
				return errAbandoned
			}
			if n == 0 {
				return end(tx, "", 0)
			}
			return end(tx, blob, n)
		})
	}
	if err != nil {
		s.discard(ctx, blob)
	}
	return err
}

// discard removes a blob that nobody owns. It asks first: a write whose commit failed to be confirmed may have been made after
// all. What cannot be removed now stays noted for Collect.
func (s *Service) discard(ctx context.Context, blob string) {
	ctx = context.WithoutCancel(ctx)
	var ownerless bool
	err := s.db.Write(func(tx *store.Tx) (err error) {
		ownerless, err = mediameta.Doom(tx, blob)
		return err
	})
	if err == nil && ownerless {
		if err = s.vault.blobs.Delete(ctx, blob); err == nil {
			err = s.db.Write(func(tx *store.Tx) error { return mediameta.Forget(tx, blob) })
		}
	}
	if err != nil {
		s.log.Warn("unfinished upload is left to the collector", "blob", blob, "error", err)
	}
}

// limit fails a stream that is larger than uploads may be.
func (s *Service) limit(r io.Reader) io.Reader {
	return &limited{r: r, left: s.MaxUpload(), err: s.tooLarge()}
}

type limited struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, l.err
	}
	return n, err
}
