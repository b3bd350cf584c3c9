// Package depot is where the files of an archive lie: in a folder, or in an S3 bucket with Object Lock. It owns their names and how they become
// durable; what is in them is not its business. An archive is written in a folder, because a group of records must be durable within milliseconds
// and S3 cannot append; [Ship] copies to the bucket what will not change any more, and a verifier reads either.
//
//	checkpoint, tile/…          the Merkle log
//	segment/<class>/<id>        a segment that is closed and covered by a checkpoint
//	segment/<class>/<id>.open   one that is not
//	key/<class>/<id>            the age file with the segment's secret
//	blob/<class>/<sha256>       an attachment: the payload of an age file
//	key/<class>/<sha256>        the header of that age file
//	certificate/<id>            says which of these keys were destroyed
//
// All that opens something lies under key: who destroys those files, with their copies, has destroyed what they open.
package depot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
)

// ErrNotFound means that there is no such file.
var ErrNotFound = errors.New("depot: no such file")

// Reader reads an archive.
type Reader interface {
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// MaxFile bounds what is read into memory of a checkpoint, a tile or another small file.
const MaxFile = 64 << 20

// ReadFile reads a file, at most so many bytes of it.
func ReadFile(ctx context.Context, d Reader, name string, most int64) ([]byte, error) {
	f, err := d.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, errors.Join(err, f.Close())
}

// Parts reads parts of one file.
type Parts interface {
	io.ReaderAt
	io.Closer
}

// OpenParts opens a file to read parts of it, and gives its size.
func OpenParts(ctx context.Context, d Reader, name string) (p Parts, size int64, err error) {
	switch d := d.(type) {
	case Frozen:
		if data, ok := d.held[name]; ok {
			return partsOf(data)
		}
		return OpenParts(ctx, d.Reader, name)
	case Dir:
		return d.parts(ctx, name)
	case *Bucket:
		return d.parts(ctx, name)
	}
	data, err := ReadFile(ctx, d, name, MaxFile)
	if err != nil {
		return nil, 0, err
	}
	return partsOf(data)
}

func partsOf(data []byte) (Parts, int64, error) {
	return struct {
		io.ReaderAt
		io.Closer
	}{bytes.NewReader(data), io.NopCloser(nil)}, int64(len(data)), nil
}

// Until is a reader that ends with the context.
func Until(ctx context.Context, r io.Reader) io.Reader { return &until{ctx, r} }

type until struct {
	ctx context.Context
	r   io.Reader
}

func (u *until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Names of files.
const (
	OpenSuffix = ".open"
	Checkpoint = "checkpoint"
)

// SegmentPath, KeyPath and BlobPath name the files of a retention class.
func SegmentPath(class, id string) string { return "segment/" + class + "/" + id }

// KeyPath names the file that opens a segment or a blob.
func KeyPath(class, id string) string { return "key/" + class + "/" + id }

// CertificatePath names a certificate of destruction.
func CertificatePath(id string) string { return "certificate/" + id }

// BlobPath names an attachment's file.
func BlobPath(class, sum string) string { return "blob/" + class + "/" + sum }
