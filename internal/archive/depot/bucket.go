package depot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave.chat/internal/blob"
)

// Bucket is an archive in an S3 bucket.
type Bucket struct {
	client *minio.Client
	name   string
	prefix string
}

// OpenBucket connects to the bucket of an archive. For retention it must have been made with Object Lock.
func OpenBucket(c blob.S3) (*Bucket, error) {
	client, err := blob.Connect(c)
	if err != nil {
		return nil, fmt.Errorf("depot: %w", err)
	}
	return &Bucket{client: client, name: c.Bucket, prefix: c.Prefix}, nil
}

// Open reads an object.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	core := minio.Core{Client: b.client}
	body, _, _, err := core.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	switch code := minio.ToErrorResponse(err).Code; {
	case code == "NoSuchKey" || code == "NotFound":
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("depot: s3: %w", err)
	}
	return body, nil
}

// List gives all objects whose names begin so, in order.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
			if o.Err != nil {
				yield("", fmt.Errorf("depot: s3: %w", o.Err))
				return
			}
			if !yield(strings.TrimPrefix(o.Key, b.prefix), nil) {
				return
			}
		}
	}
}

// ErrLocked means that Object Lock still keeps a file, or that the bucket's rules do.
var ErrLocked = errors.New("depot: the bucket does not let it be deleted yet")

// Versions gives the names of all objects that begin so, also those of which the bucket keeps older versions alone.
func (b *Bucket) Versions(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for o, err := range b.versions(ctx, prefix) {
			if err != nil {
				yield("", err)
				return
			}
			if name := strings.TrimPrefix(o.Key, b.prefix); name != last {
				if last = name; !yield(name, nil) {
					return
				}
			}
		}
	}
}

func (b *Bucket) versions(ctx context.Context, prefix string) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true, WithVersions: true}) {
			var err error
			if o.Err != nil {
				err = fmt.Errorf("depot: s3: %w", o.Err)
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Remove deletes all versions of an object for good, and looks whether they are gone.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	for o, err := range b.versions(ctx, name) {
		if err != nil {
			return err
		}
		if o.Key != b.prefix+name {
			continue
		}
		err := b.client.RemoveObject(ctx, b.name, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID})
		switch code := minio.ToErrorResponse(err).Code; {
		case err == nil, code == "NoSuchVersion", code == "NoSuchKey":
		case code == "AccessDenied", code == "ObjectLocked", code == "InvalidRequest":
			return fmt.Errorf("%w: %s: %w", ErrLocked, name, err)
		default:
			return fmt.Errorf("depot: s3: %s: %w", name, err)
		}
	}
	for o, err := range b.versions(ctx, name) {
		if err != nil {
			return err
		}
		if o.Key == b.prefix+name {
			return fmt.Errorf("%w: %s", ErrLocked, name)
		}
	}
	return nil
}

// Retention says until when nobody can delete what is shipped: of a retention class, or, for the empty name, of the log itself. Its time began with from, when
// the file was last written. A time that is past, as the zero time is, keeps nothing.
type Retention func(class string, from time.Time) time.Time

// maxTries is how often Ship begins anew because the writer has signed another checkpoint meanwhile.
const maxTries = 10

// Ship copies an archive to a bucket, while it is being written or not. What does not change any more is sent once, under Object Lock in compliance
// mode; segments that are open and tiles that are not full are replaced each time. The checkpoint comes last, so what is in the
// bucket can be verified at any time.
func Ship(ctx context.Context, from Dir, to *Bucket, keep Retention, now time.Time) error {
	for range maxTries {
		checkpoint, err := os.ReadFile(filepath.Join(from.root, Checkpoint))
		if err != nil {
			return fmt.Errorf("depot: %w", err)
		}
		s := shipment{from: from, to: to, keep: keep, now: now}
		if err := s.all(ctx); err != nil {
			return err
		}
		again, err := os.ReadFile(filepath.Join(from.root, Checkpoint))
		if err != nil {
			return fmt.Errorf("depot: %w", err)
		}
		if !bytes.Equal(checkpoint, again) {
			continue
		}
		return s.put(ctx, Checkpoint, bytes.NewReader(checkpoint), int64(len(checkpoint)), time.Time{})
	}
	return errors.New("depot: the archive changes faster than it can be shipped")
}

type shipment struct {
	from Dir
	to   *Bucket
	keep Retention
	now  time.Time
}

func (s *shipment) all(ctx context.Context) error {
	for _, kind := range []string{"key/", "blob/", "segment/", "tile/", "certificate/"} {
		there := map[string]bool{}
		for name, err := range s.to.List(ctx, kind) {
			if err != nil {
				return err
			}
			there[name] = true
		}
		for name, err := range s.from.List(ctx, kind) {
			if err != nil {
				return err
			}
			changes := strings.HasSuffix(name, OpenSuffix) || strings.Contains(name, ".p/")
			if Unfinished(name) || there[name] && !changes {
				continue
			}
			if err := s.file(ctx, name, changes); err != nil {
				return err
			}
			if old := name + OpenSuffix; there[old] {
				if err := s.to.client.RemoveObject(ctx, s.to.name, s.to.prefix+old, minio.RemoveObjectOptions{}); err != nil {
					return fmt.Errorf("depot: s3: %w", err)
				}
			}
		}
	}
	return nil
}

// file sends one file. One that is gone, because it got its final name or was replaced, will be seen under that.
func (s *shipment) file(ctx context.Context, name string, changes bool) error {
	f, err := os.Open(filepath.Join(s.from.root, filepath.FromSlash(name)))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("depot: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("depot: %w", err)
	}
	class := ""
	if parts := strings.Split(name, "/"); parts[0] != "tile" && len(parts) == 3 {
		class = parts[1]
	}
	from := s.now
	if at := info.ModTime(); at.Before(from) {
		from = at
	}
	until := s.keep(class, from)
	if changes {
		until = time.Time{}
	}
	return s.put(ctx, name, io.LimitReader(f, info.Size()), info.Size(), until)
}

func (s *shipment) put(ctx context.Context, name string, r io.Reader, size int64, until time.Time) error {
	o := minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true}
	if until.After(s.now) {
		o.Mode, o.RetainUntilDate = minio.Compliance, until.UTC()
	}
	if _, err := s.to.client.PutObject(ctx, s.to.name, s.to.prefix+name, r, size, o); err != nil {
		return fmt.Errorf("depot: s3: %s: %w", name, err)
	}
	return nil
}
