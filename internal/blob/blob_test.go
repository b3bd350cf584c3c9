package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
)

// each runs the test on both kinds of store. left lists what the store holds, finished or not.
func each(t *testing.T, run func(t *testing.T, s Store, left func() []string)) {
	t.Run("files", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "media")
		s, err := New(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, func() (list []string) {
			_ = filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
				if err == nil && !info.IsDir() {
					list = append(list, p)
				}
				return nil
			})
			return list
		})
	})
	t.Run("s3", func(t *testing.T) {
		backend := s3mem.New()
		srv := httptest.NewServer(gofakes3.New(backend).Server())
		t.Cleanup(srv.Close)
		if err := backend.CreateBucket("media"); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{S3: S3{
			Endpoint: strings.TrimPrefix(srv.URL, "http://"), Bucket: "media", Prefix: "x/", Region: "us-east-1",
			AccessKey: "key", SecretKey: "secret", PlainHTTP: true, PathStyle: true,
		}})
		if err != nil {
			t.Fatal(err)
		}
		client := s.(*bucket).core.Client
		run(t, s, func() (list []string) {
			for o := range client.ListObjects(context.Background(), "media", minio.ListObjectsOptions{Recursive: true}) {
				list = append(list, o.Key)
			}
			for o := range client.ListIncompleteUploads(context.Background(), "media", "", true) {
				if o.Err == nil {
					list = append(list, o.Key)
				}
			}
			return list
		})
	})
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func read(t *testing.T, s Store, name string, offset, n int64) []byte {
	t.Helper()
	r, err := s.Open(context.Background(), name, offset, n)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBlobsComeBack(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, s Store, left func() []string) {
		for name, size := range map[string]int{"byte0000": 1, "small000": 1000, "part0000": partSize, "large000": 2*partSize + 17} {
			for _, known := range []bool{true, false} {
				data, name, announced := noise(size), name, int64(-1)
				if known {
					name, announced = name+"known", int64(size)
				}
				if err := s.Put(ctx, name, bytes.NewReader(data), announced); err != nil {
					t.Fatalf("put %s: %v", name, err)
				}
				if got, err := s.Stat(ctx, name); err != nil || got != int64(size) {
					t.Errorf("%s has %d bytes, want %d: %v", name, got, size, err)
				}
				if got := read(t, s, name, 0, int64(size)); !bytes.Equal(got, data) {
					t.Errorf("%s came back different", name)
				}
				if size > 100 {
					if got := read(t, s, name, 90, 10); !bytes.Equal(got, data[90:100]) {
						t.Errorf("a range of %s came back different", name)
					}
					if got := read(t, s, name, int64(size)-1, 1); !bytes.Equal(got, data[size-1:]) {
						t.Errorf("the end of %s came back different", name)
					}
				}
				if err := s.Delete(ctx, name); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Open(ctx, name, 0, int64(size)); !errors.Is(err, ErrNotFound) {
					t.Errorf("%s after its deletion: %v", name, err)
				}
				if _, err := s.Stat(ctx, name); !errors.Is(err, ErrNotFound) {
					t.Errorf("%s after its deletion: %v", name, err)
				}
				if err := s.Delete(ctx, name); err != nil {
					t.Errorf("deleting twice: %v", err)
				}
			}
		}
		for _, announced := range []int64{-1, 0} {
			if err := s.Put(ctx, "empty000", strings.NewReader(""), announced); !errors.Is(err, ErrEmpty) {
				t.Errorf("put of nothing: %v", err)
			}
		}
		if list := left(); len(list) != 0 {
			t.Errorf("left behind: %v", list)
		}
	})
}

// broken gives some bytes and then an error, as a client does who goes away.
type broken struct {
	n   int
	err error
}

func (b *broken) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, b.err
	}
	n := min(len(p), b.n)
	b.n -= n
	return n, nil
}

func TestAPutThatBreaksOffLeavesNothing(t *testing.T) {
	ctx := context.Background()
	gone := errors.New("the client is gone")
	each(t, func(t *testing.T, s Store, left func() []string) {
		for _, size := range []int{0, 100, partSize, 2*partSize + 5} {
			for _, announced := range []int64{-1, int64(size) + 1, 3 * partSize} {
				if err := s.Put(ctx, "broken00", &broken{size, gone}, announced); !errors.Is(err, gone) {
					t.Errorf("%d of %d bytes: %v", size, announced, err)
				}
			}
			for _, announced := range []int64{int64(size) + 1, max(0, int64(size)-1)} {
				if announced == int64(size) {
					continue
				}
				if err := s.Put(ctx, "broken00", &broken{size, io.EOF}, announced); !errors.Is(err, errSize) {
					t.Errorf("%d bytes announced as %d: %v", size, announced, err)
				}
			}
		}
		if list := left(); len(list) != 0 {
			t.Errorf("left behind: %v", list)
		}
	})
}

// After a crash in the middle of a Put nothing has run that could clean up: Delete of the name must.
func TestDeleteRemovesWhatACrashLeft(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, s Store, left func() []string) {
		switch s := s.(type) {
		case *files:
			dir, path := s.path("crashed0")
			if err := s.makeDir(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+partSuffix, noise(10), 0o600); err != nil {
				t.Fatal(err)
			}
		case *bucket:
			id, err := s.core.NewMultipartUpload(ctx, s.name, s.prefix+"crashed0", minio.PutObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.core.PutObjectPart(ctx, s.name, s.prefix+"crashed0", id, 1, bytes.NewReader(noise(10)), 10, minio.PutObjectPartOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if list := left(); len(list) != 1 {
			t.Fatalf("the crash left %v", list)
		}
		if _, err := s.Open(ctx, "crashed0", 0, 10); !errors.Is(err, ErrNotFound) {
			t.Errorf("half a blob can be read: %v", err)
		}
		if err := s.Delete(ctx, "crashed0"); err != nil {
			t.Fatal(err)
		}
		if list := left(); len(list) != 0 {
			t.Errorf("left behind: %v", list)
		}
	})
}

func TestNamesLeadNowhereElse(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, s Store, _ func() []string) {
		for _, name := range []string{"", "short", "../../etc/passwd", "abc/def/ghi", "abcdefg.part", "abcdefgh\x00", "naïvename", strings.Repeat("a", 65)} {
			_, oerr := s.Open(ctx, name, 0, 1)
			_, serr := s.Stat(ctx, name)
			for op, err := range map[string]error{
				"put": s.Put(ctx, name, strings.NewReader("x"), 1), "open": oerr, "stat": serr, "delete": s.Delete(ctx, name),
			} {
				if !errors.Is(err, ErrName) {
					t.Errorf("%s %q: %v", op, name, err)
				}
			}
		}
	})
}

func TestFilesAreForTheServerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "media")
	s, err := New(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(context.Background(), "private0", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(context.Background(), "private0", strings.NewReader("y"), 1); err == nil {
		t.Error("a blob was overwritten")
	}
	if got := read(t, s, "private0", 0, 1); string(got) != "x" {
		t.Errorf("got %q", got)
	}
	_ = filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: %v", p, info.Mode(), err)
		}
		return nil
	})
}

func TestConfigurationErrorsAreNamed(t *testing.T) {
	for _, c := range []Config{{}, {S3: S3{Endpoint: "localhost:1"}}, {S3: S3{Endpoint: "http://nonsense/%", Bucket: "b"}}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
