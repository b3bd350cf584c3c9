package depot_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/test/bucket"
)

// What was altered in a bucket is found, also where its size is the same; what was copied is not sent again by itself.
func TestAnAlteredCopyIsFound(t *testing.T) {
	ctx := context.Background()
	s3 := bucket.Start(t)
	s3.Prefix = "x/"
	b, err := depot.OpenBucket(s3.S3)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for name, text := range map[string]string{"checkpoint": "c", "key/standard/1": "a key", "segment/standard/1": "a segment", "segment/standard/2.open": "open", "tile/0/000": "a tile", "tile/0/001.p/3": "a part"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := depot.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	none := func(string, time.Time) time.Time { return time.Time{} }
	if err := depot.Ship(ctx, d, b, none, time.Now()); err != nil {
		t.Fatal(err)
	}
	compare := func() []depot.Difference {
		t.Helper()
		list, err := depot.Compare(ctx, d, b)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := compare(); len(list) != 0 {
		t.Fatalf("of what was just copied: %+v", list)
	}
	// What changes by itself is no difference.
	if err := os.WriteFile(filepath.Join(root, "segment/standard/2.open"), []byte("open, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"segment/standard/1": "a sEgment", "tile/0/000": "a til"} {
		if _, err := s3.PutObject(ctx, s3.Bucket, "x/"+name, bytes.NewReader([]byte(text)), int64(len(text)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := depot.Ship(ctx, d, b, none, time.Now()); err != nil {
		t.Fatal(err)
	}
	list := compare()
	if len(list) != 2 || list[0].Name != "segment/standard/1" || list[1].Name != "tile/0/000" {
		t.Errorf("%+v", list)
	}
}
