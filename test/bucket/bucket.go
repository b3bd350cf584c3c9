// Package bucket is an S3 bucket for tests, with versions and Object Lock: gofakes3 in the test's own process, and what that lacks of Object Lock. Where
// CONCLAVE_TEST_S3 names a real service, such as http://key:secret@127.0.0.1:9000, it is a new bucket there.
package bucket

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"

	"conclave.chat/internal/blob"
)

// Bucket is one for a test.
type Bucket struct {
	blob.S3
	*minio.Client

	mu    sync.Mutex
	now   func() time.Time
	until map[string]time.Time // by path and version: gofakes3 has no locks
	puts  map[string]int
}

// Start makes a bucket.
func Start(t testing.TB) *Bucket {
	t.Helper()
	b := &Bucket{now: time.Now, until: map[string]time.Time{}, puts: map[string]int{}, S3: blob.S3{
		Bucket: "archive", Region: "us-east-1", AccessKey: "key", SecretKey: "secret", PlainHTTP: true, PathStyle: true,
	}}
	if real := os.Getenv("CONCLAVE_TEST_S3"); real != "" {
		b.real(t, real)
		return b
	}
	backend := s3mem.New()
	fake := gofakes3.New(backend).Server()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.refuses(r) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied because object protected by object lock.</Message></Error>`))
			return
		}
		fake.ServeHTTP(w, r)
		b.note(r, w.Header().Get("X-Amz-Version-Id"))
	}))
	t.Cleanup(srv.Close)
	if err := backend.CreateBucket(b.Bucket); err != nil {
		t.Fatal(err)
	}
	if err := backend.SetVersioningConfiguration(b.Bucket, gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
	b.Endpoint = strings.TrimPrefix(srv.URL, "http://")
	b.connect(t)
	return b
}

func (b *Bucket) connect(t testing.TB) {
	t.Helper()
	var err error
	if b.Client, err = blob.Connect(b.S3); err != nil {
		t.Fatal(err)
	}
}

func (b *Bucket) real(t testing.TB, addr string) {
	t.Helper()
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	b.Endpoint, b.PlainHTTP, b.AccessKey = u.Host, u.Scheme == "http", u.User.Username()
	b.SecretKey, _ = u.User.Password()
	b.Bucket = "conclave-test-" + strings.ToLower(rand.Text()[:12])
	b.connect(t)
	if err := b.MakeBucket(context.Background(), b.Bucket, minio.MakeBucketOptions{Region: b.Region, ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
}

// note keeps how long the version that was put is locked.
func (b *Bucket) note(r *http.Request, version string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method != http.MethodPut {
		return
	}
	b.puts[r.URL.Path]++
	if until, err := time.Parse(time.RFC3339, r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date")); err == nil && r.Header.Get("X-Amz-Object-Lock-Mode") == "COMPLIANCE" {
		b.until[r.URL.Path+" "+version], b.until[r.URL.Path] = until, until
	}
}

// refuses tells whether a request would delete a locked version.
func (b *Bucket) refuses(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.Method == http.MethodDelete && b.now().Before(b.until[r.URL.Path+" "+r.URL.Query().Get("versionId")])
}

// SetNow sets the clock that locks end by; a real service has its own.
func (b *Bucket) SetNow(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = func() time.Time { return now }
}

// Locked says until when an object was locked last; the zero time is not at all. Of a real service it knows nothing.
func (b *Bucket) Locked(name string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until["/"+b.Bucket+"/"+name]
}

// Puts is how often an object was put. Of a real service it knows nothing.
func (b *Bucket) Puts(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.puts["/"+b.Bucket+"/"+name]
}

// Versions are those of the objects whose names begin so.
func (b *Bucket) Versions(t testing.TB, prefix string) (list []minio.ObjectInfo) {
	t.Helper()
	for o := range b.ListObjects(context.Background(), b.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		list = append(list, o)
	}
	return list
}
