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
