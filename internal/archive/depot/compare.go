package depot

import (
	"context"
	"crypto/md5" //nolint:gosec // S3's tag of an object
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"
)

// Difference is a file whose copy in a bucket is not what is here.
type Difference struct{ Name, What string }

// Compare looks whether what Ship has sent once, and will not send again, is in the bucket as it is here. It lists the bucket, and reads of it what the list
// leaves in doubt: a service that encrypts gives tags that are no checksums, and then sizes alone are compared. What is not there yet Ship will send.
func Compare(ctx context.Context, from Dir, to *Bucket) ([]Difference, error) {
	c := comparison{from: from, to: to}
	for _, kind := range kinds() {
		for o, err := range to.objects(ctx, kind) {
			if err != nil {
				return nil, err
			}
			name := strings.TrimPrefix(o.Key, to.prefix)
			if changes(name) {
				continue
			}
			what, err := c.one(ctx, name, o)
			if err != nil {
				return nil, err
			}
			if what != "" {
				c.list = append(c.list, Difference{name, what})
			}
		}
	}
	return c.list, nil
}

type comparison struct {
	from   Dir
	to     *Bucket
	list   []Difference
	opaque bool // the service's tags say nothing
}

func (c *comparison) one(ctx context.Context, name string, o minio.ObjectInfo) (string, error) {
	f, err := c.from.Open(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return "", nil // it has ended here, or belongs to somebody else
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	tag, sum := md5.New(), sha256.New() //nolint:gosec // as above
	n, err := io.Copy(io.MultiWriter(tag, sum), Until(ctx, f))
	if err != nil {
		return "", fmt.Errorf("depot: %s: %w", name, err)
	}
	said := strings.Trim(o.ETag, `"`)
	switch {
	case n != o.Size:
		return fmt.Sprintf("the copy has %d bytes, and the file %d", o.Size, n), nil
	case said == hex.EncodeToString(tag.Sum(nil)), c.opaque, strings.Contains(said, "-"): // one that came in parts
		return "", nil
	}
	there, err := c.to.Open(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer there.Close()
	copied := sha256.New()
	if _, err := io.Copy(copied, Until(ctx, there)); err != nil {
		return "", fmt.Errorf("depot: s3: %s: %w", name, err)
	}
	if hex.EncodeToString(copied.Sum(nil)) != hex.EncodeToString(sum.Sum(nil)) {
		return "the copy was altered", nil
	}
	c.opaque = true
	return "", nil
}
