package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// partSize is how much of an upload is held in memory at a time: bytes. S3 takes 10,000 parts, so objects go up to 78 GiB.
const partSize = 8 << 20

// roleTimeout bounds the questions of what role a machine has, on one that has none.
const roleTimeout = 10 * time.Second

const contentType = "application/octet-stream" // what the bytes mean is not the store's business

// bucket keeps each blob in an object of its own.
type bucket struct {
	core   minio.Core
	name   string
	prefix string
}

func newS3(c S3) (*bucket, error) {
	client, err := Connect(c)
	if err != nil {
		return nil, err
	}
	return &bucket{core: minio.Core{Client: client}, name: c.Bucket, prefix: c.Prefix}, nil
}

// Connect makes the client for a bucket, for packages that keep other things in one than blobs.
func Connect(c S3) (*minio.Client, error) {
	if c.Bucket == "" {
		return nil, errors.New("blob: s3.bucket is not set")
	}
	creds := credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	if c.AccessKey == "" {
		creds = credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: roleTimeout}},
		})
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(c.Endpoint, &minio.Options{Creds: creds, Secure: !c.PlainHTTP, Region: c.Region, BucketLookup: lookup})
	if err != nil {
		return nil, fmt.Errorf("blob: s3: %w", err)
	}
	return client, nil
}

// Put uploads a small object in one request and a large one in parts. S3 shows an object only once it is there as a whole. Each
// part is read before it is sent, with its hash: a stream that breaks off never becomes an object.
func (b *bucket) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	if size >= 0 {
		r = &exactly{r, size}
	}
	var part bytes.Buffer
	more, err := nextPart(&part, r)
	switch {
	case err != nil:
		return err
	case part.Len() == 0:
		return ErrEmpty
	case more:
		return b.putParts(ctx, b.prefix+name, &part, r)
	}
	opts := minio.PutObjectOptions{ContentType: contentType, DisableContentSha256: true}
	_, err = b.core.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(part.Bytes()), int64(part.Len()), "", hash(&part), opts)
	if err != nil {
		return fmt.Errorf("blob: s3: %w", err)
	}
	return nil
}

func (b *bucket) putParts(ctx context.Context, key string, part *bytes.Buffer, r io.Reader) (err error) {
	id, err := b.core.NewMultipartUpload(ctx, b.name, key, minio.PutObjectOptions{ContentType: contentType})
	if err != nil {
		return fmt.Errorf("blob: s3: %w", err)
	}
	defer func() {
		if err != nil {
			// If this fails too, the caller's Delete does it later.
			_ = b.core.AbortMultipartUpload(context.WithoutCancel(ctx), b.name, key, id)
		}
	}()
	var done []minio.CompletePart
	for more := true; part.Len() > 0; {
		p, err := b.core.PutObjectPart(ctx, b.name, key, id, len(done)+1, bytes.NewReader(part.Bytes()), int64(part.Len()),
			minio.PutObjectPartOptions{Sha256Hex: hash(part), DisableContentSha256: true})
		if err != nil {
			return fmt.Errorf("blob: s3: %w", err)
		}
		done = append(done, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
		part.Reset()
		if more {
			if more, err = nextPart(part, r); err != nil {
				return err
			}
		}
	}
	if _, err := b.core.CompleteMultipartUpload(ctx, b.name, key, id, done, minio.PutObjectOptions{}); err != nil {
		return fmt.Errorf("blob: s3: %w", err)
	}
	return nil
}

// nextPart fills the buffer and tells whether there may be more.
func nextPart(part *bytes.Buffer, r io.Reader) (more bool, err error) {
	const small = 1 << 20 // most are: they should not cost a whole part's memory
	for _, until := range []int64{small, partSize} {
		_, err = io.CopyN(part, r, until-int64(part.Len()))
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("blob: read: %w", err)
		}
		part.Grow(partSize - part.Len() + bytes.MinRead)
	}
	return true, nil
}

func hash(part *bytes.Buffer) string {
	sum := sha256.Sum256(part.Bytes())
	return hex.EncodeToString(sum[:])
}

// Open starts one request for the range; the body is read as the caller reads.
func (b *bucket) Open(ctx context.Context, name string, offset, n int64) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if n == 0 { // S3 has no empty ranges
		if _, err := b.Stat(ctx, name); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
	var opts minio.GetObjectOptions
	if err := opts.SetRange(offset, offset+n-1); err != nil {
		return nil, fmt.Errorf("blob: s3: %w", err)
	}
	body, _, _, err := b.core.GetObject(ctx, b.name, b.prefix+name, opts)
	if err != nil {
		return nil, s3Error(err)
	}
	return body, nil
}

// Stat asks for the object's size.
func (b *bucket) Stat(ctx context.Context, name string) (int64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	info, err := b.core.StatObject(ctx, b.name, b.prefix+name, minio.StatObjectOptions{})
	if err != nil {
		return 0, s3Error(err)
	}
	return info.Size, nil
}

// Delete removes the object and the parts of an upload that was never completed.
func (b *bucket) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := b.core.RemoveIncompleteUpload(ctx, b.name, b.prefix+name); err != nil {
		if err = s3Error(err); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if err := b.core.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}); err != nil {
		if err = s3Error(err); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func s3Error(err error) error {
	switch minio.ToErrorResponse(err).Code {
	case "NoSuchKey", "NotFound", "NoSuchUpload":
		return ErrNotFound
	}
	return fmt.Errorf("blob: s3: %w", err)
}
