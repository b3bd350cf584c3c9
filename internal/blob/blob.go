// Package blob keeps named byte strings on the file system or in an S3 bucket.
//
// A blob is written once, as a whole, and never changed: Put returns when the bytes are durable, and until then the name does not
// exist for readers. What a Put that broke off may have left behind is removed by Delete of the same name, so whoever notes a
// name before writing can always clean up without listing the store. No blob is empty: not every S3 service takes one. Names are made by the caller from letters and digits; anything
// else is refused, so no name leads out of the folder.
//
// Bytes are stored as they come. Encryption, sizes and meaning are the caller's.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrNotFound means that no blob has the name.
var ErrNotFound = errors.New("blob: no such blob")

// ErrName means that a name has other characters than letters and digits, or a length outside 8 to 64.
var ErrName = errors.New("blob: not a name")

// Store keeps blobs.
type Store interface {
	// Put stores what r gives, one byte or more, under a new name. size is the number of bytes to come, or -1 if it is not known; with any other
	// number of bytes nothing is stored.
	Put(ctx context.Context, name string, r io.Reader, size int64) error
	// Open reads n bytes from an offset; both must lie within the blob. The caller closes the reader.
	Open(ctx context.Context, name string, offset, n int64) (io.ReadCloser, error)
	// Stat gives a blob's size.
	Stat(ctx context.Context, name string) (int64, error)
	// Delete removes a blob and all that an unfinished Put of it left. A name that does not exist is no error.
	Delete(ctx context.Context, name string) error
}

// Config says where blobs are kept.
type Config struct {
	Dir string `yaml:"dir" doc:"Folder for media on this machine. Empty means media under the data folder. Not used with S3."`
	S3  S3     `yaml:"s3"`
}

// S3 names a bucket and how to reach it.
type S3 struct {
	Endpoint  string `yaml:"endpoint" doc:"Keep media in an S3 bucket, for several nodes or for storage that grows: host and port of the service, such as s3.eu-central-1.amazonaws.com. Empty: media are files."`
	Bucket    string `yaml:"bucket" doc:"Bucket for media. It must exist."`
	Prefix    string `yaml:"prefix" doc:"Put before the name of each object, such as conclave/."`
	Region    string `yaml:"region" doc:"Region of the bucket. Empty means that the service is asked."`
	AccessKey string `yaml:"access_key" doc:"Access key. Empty means the credentials of the environment (AWS_ACCESS_KEY_ID), of the file ~/.aws/credentials, or of the machine's role."`
	SecretKey string `yaml:"secret_key" doc:"Secret key." secret:"yes"`
	PlainHTTP bool   `yaml:"plain_http" doc:"Speak HTTP without TLS, for a service on the same machine. Media are encrypted either way."`
	PathStyle bool   `yaml:"path_style" doc:"Put the bucket's name into the path instead of the host name."`
}

// New opens the store that the configuration names.
func New(c Config) (Store, error) {
	if c.S3.Endpoint != "" {
		return newS3(c.S3)
	}
	return newFiles(c.Dir)
}

func checkName(name string) error {
	if len(name) < 8 || len(name) > 64 {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return fmt.Errorf("%w: %q", ErrName, name)
		}
	}
	return nil
}

// ErrEmpty means that there was nothing to put.
var ErrEmpty = errors.New("blob: nothing to store")

// exactly fails a read of a stream that ends early or goes on beyond its announced size.
type exactly struct {
	r    io.Reader
	left int64
}

var errSize = errors.New("blob: the stream has another length than announced")

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		return n, errSize
	case err == io.EOF && e.left > 0:
		return n, errSize
	}
	return n, err
}
