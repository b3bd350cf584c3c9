package depot

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3's tag of an object
	"encoding/hex"
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

// object is one that is read in parts, each with a request of its own.
type object struct {
	ctx  context.Context
	b    *Bucket
	name string
}

func (b *Bucket) parts(ctx context.Context, name string) (Parts, int64, error) {
	info, err := b.client.StatObject(ctx, b.name, b.prefix+name, minio.StatObjectOptions{})
	switch code := minio.ToErrorResponse(err).Code; {
	case code == "NoSuchKey" || code == "NotFound":
		return nil, 0, ErrNotFound
	case err != nil:
		return nil, 0, fmt.Errorf("depot: s3: %w", err)
	}
	return object{ctx, b, name}, info.Size, nil
}

func (o object) ReadAt(p []byte, at int64) (int, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(at, at+int64(len(p))-1); err != nil {
		return 0, fmt.Errorf("depot: s3: %w", err)
	}
	core := minio.Core{Client: o.b.client}
	body, _, _, err := core.GetObject(o.ctx, o.b.name, o.b.prefix+o.name, opts)
	if err != nil {
		return 0, fmt.Errorf("depot: s3: %w", err)
	}
	defer body.Close()
	return io.ReadFull(body, p)
}

func (o object) Close() error { return nil }

// List gives all objects whose names begin so, in order. Of a segment that was closed while it was copied, or whose copying was cut off, both files may be
// there: the closed one holds all that the open one held, and is the one that counts.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for o, err := range b.objects(ctx, prefix) {
			name := strings.TrimPrefix(o.Key, b.prefix)
			if err == nil && name == last+OpenSuffix {
				continue
			}
			if last = name; !yield(name, err) || err != nil {
				return
			}
		}
	}
}

func (b *Bucket) objects(ctx context.Context, prefix string) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
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
		if err := removed(name, err); err != nil {
			return err
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

// removed is what an answer says of a version that was to be deleted.
func removed(name string, err error) error {
	switch code := minio.ToErrorResponse(err).Code; {
	case err == nil, code == "NoSuchVersion", code == "NoSuchKey":
		return nil
	case code == "AccessDenied", code == "ObjectLocked", code == "InvalidRequest":
		return fmt.Errorf("%w: %s: %w", ErrLocked, name, err)
	default:
		return fmt.Errorf("depot: s3: %s: %w", name, err)
	}
}

// replaced deletes the older versions of an object that was replaced, or all versions of one that is replaced by others. A bucket that keeps them all the same,
// by a rule of its own or because nobody may delete anything there, is its owner's choice; an object that is not needed is hidden then.
func (b *Bucket) replaced(ctx context.Context, name string, needed bool) error {
	kept := false
	for o, err := range b.versions(ctx, name) {
		var said minio.ErrorResponse
		if errors.As(err, &said) && (said.Code == "AccessDenied" || said.Code == "NotImplemented") {
			kept = true
			break
		}
		if err != nil {
			return err
		}
		if o.Key != b.prefix+name || needed && o.IsLatest {
			continue
		}
		err = removed(name, b.client.RemoveObject(ctx, b.name, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}))
		if errors.Is(err, ErrLocked) {
			kept = true
			continue
		}
		if err != nil {
			return err
		}
	}
	if needed || !kept {
		return nil
	}
	err := removed(name, b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}))
	if errors.Is(err, ErrLocked) {
		return nil
	}
	return err
}

// Retention says until when nobody can delete what is shipped: of a retention class, or, for the empty name, of the log itself. Its time began with from, when
// the file was last written. A time that is past, as the zero time is, keeps nothing.
type Retention func(class string, from time.Time) time.Time

// maxTries is how often Ship begins anew because the writer has signed another checkpoint meanwhile.
const maxTries = 10

// Ship copies an archive to a bucket, while it is being written or not. What does not change any more is sent once, under Object Lock in compliance
// mode; segments that are open and tiles that are not full are replaced when they have changed. The checkpoint comes last, so what is in the
// bucket can be verified at any time; then what was replaced goes, also from among the versions that the bucket keeps.
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
		old, err := ReadFile(ctx, to, Checkpoint, MaxFile)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if !bytes.Equal(checkpoint, old) {
			if err := s.put(ctx, Checkpoint, bytes.NewReader(checkpoint), int64(len(checkpoint)), time.Time{}); err != nil {
				return err
			}
		}
		return s.tidy(ctx)
	}
	return errors.New("depot: the archive changes faster than it can be shipped")
}

type shipment struct {
	from Dir
	to   *Bucket
	keep Retention
	now  time.Time

	changed []string // in the bucket, with older versions
	past    []string // in the bucket, and replaced by others
}

// kinds are the folders of an archive. What opens something comes before what it opens.
func kinds() []string { return []string{"key/", "blob/", "segment/", "tile/", "certificate/"} }

func (s *shipment) all(ctx context.Context) error {
	for _, kind := range kinds() {
		there := map[string]minio.ObjectInfo{}
		for o, err := range s.to.objects(ctx, kind) {
			if err != nil {
				return err
			}
			there[strings.TrimPrefix(o.Key, s.to.prefix)] = o
		}
		here, err := s.kind(ctx, kind, there)
		if err != nil {
			return err
		}
		s.leave(here, there)
	}
	return nil
}

// kind sends the files of one folder that the bucket has not got as they are, and names those that are here.
func (s *shipment) kind(ctx context.Context, kind string, there map[string]minio.ObjectInfo) (here map[string]bool, err error) {
	here = map[string]bool{}
	for name, err := range s.from.List(ctx, kind) {
		if err != nil {
			return nil, err
		}
		here[name] = true
		if Unfinished(name) {
			continue
		}
		if o, ok := there[name]; ok {
			if !changes(name) || s.same(name, o) {
				continue
			}
			s.changed = append(s.changed, name)
		}
		if err := s.file(ctx, name, changes(name)); err != nil {
			return nil, err
		}
	}
	return here, nil
}

// leave notes what of the bucket was replaced by others.
func (s *shipment) leave(here map[string]bool, there map[string]minio.ObjectInfo) {
	for name := range there {
		closed, open := strings.CutSuffix(name, OpenSuffix)
		_, shipped := there[closed]
		if open && (shipped || here[closed]) || strings.Contains(name, partDir) && !here[name] {
			s.past = append(s.past, name)
		}
	}
}

// changes reports whether a file is one that grows, or is replaced by another.
func changes(name string) bool {
	return strings.HasSuffix(name, OpenSuffix) || strings.Contains(name, partDir)
}

// partDir is in the names of tiles that are not full.
const partDir = ".p/"

// same reports whether the bucket has a file as it is here. Of an object whose tag is no MD5, as where the service encrypts, that is not known.
func (s *shipment) same(name string, o minio.ObjectInfo) bool {
	f, err := os.Open(filepath.Join(s.from.root, filepath.FromSlash(name)))
	if err != nil {
		return false // it will be seen under its other name
	}
	defer f.Close()
	h := md5.New() //nolint:gosec // S3's tag, which finds changes and proves nothing
	n, err := io.Copy(h, f)
	return err == nil && n == o.Size && strings.Trim(o.ETag, `"`) == hex.EncodeToString(h.Sum(nil))
}

// tidy removes what the new checkpoint does not need. Whoever reads the bucket at an older one finds all that in what replaced it.
func (s *shipment) tidy(ctx context.Context) error {
	for _, name := range s.changed {
		if err := s.to.replaced(ctx, name, true); err != nil {
			return err
		}
	}
	for _, name := range s.past {
		if err := s.to.replaced(ctx, name, false); err != nil {
			return err
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
