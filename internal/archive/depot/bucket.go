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

// Retention says how long nobody can delete what is shipped: of a retention class, or, for the empty name, of the log itself.
type Retention func(class string) time.Duration

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
		return s.put(ctx, Checkpoint, bytes.NewReader(checkpoint), int64(len(checkpoint)), 0)
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
	for _, kind := range []string{"key/", "blob/", "segment/", "tile/"} {
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
	keep := s.keep(class)
	if changes {
		keep = 0
	}
	return s.put(ctx, name, io.LimitReader(f, info.Size()), info.Size(), keep)
}

func (s *shipment) put(ctx context.Context, name string, r io.Reader, size int64, keep time.Duration) error {
	o := minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true}
	if keep > 0 {
		o.Mode, o.RetainUntilDate = minio.Compliance, s.now.Add(keep).UTC()
	}
	if _, err := s.to.client.PutObject(ctx, s.to.name, s.to.prefix+name, r, size, o); err != nil {
		return fmt.Errorf("depot: s3: %s: %w", name, err)
	}
	return nil
}
