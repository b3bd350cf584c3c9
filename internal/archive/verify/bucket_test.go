package verify_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
	"conclave.chat/internal/blob"
)

// What is shipped to S3 verifies there as it does in the folder, while the archive is written and afterwards; what will not change is locked.
func TestABucketVerifies(t *testing.T) {
	backend := s3mem.New()
	fake := gofakes3.New(backend).Server()
	var mu sync.Mutex
	locked := map[string]string{}
	puts := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			name := strings.TrimPrefix(r.URL.Path, "/archive/x/")
			mu.Lock()
			puts[name]++
			if r.Header.Get("X-Amz-Object-Lock-Mode") == "COMPLIANCE" {
				locked[name] = r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date")
			}
			mu.Unlock()
		}
		fake.ServeHTTP(w, r)
	}))
	defer srv.Close()
	if err := backend.CreateBucket("archive"); err != nil {
		t.Fatal(err)
	}
	b, err := depot.OpenBucket(blob.S3{
		Endpoint: strings.TrimPrefix(srv.URL, "http://"), Bucket: "archive", Prefix: "x/", Region: "us-east-1",
		AccessKey: "key", SecretKey: "secret", PlainHTTP: true, PathStyle: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := lives(t, 60)
	l, err := archive.Open(m.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	keep := func(class string, from time.Time) time.Time {
		return from.Add(map[string]time.Duration{"3y": 3 * 24 * time.Hour, "6y": 6 * 24 * time.Hour, "7y": 7 * 24 * time.Hour, "": 9 * 24 * time.Hour}[class])
	}
	d, _ := depot.OpenDir(m.dir)
	ship := func(records int64) {
		t.Helper()
		if err := depot.Ship(ctx, d, b, keep, now); err != nil {
			t.Fatal(err)
		}
		r, err := verify.Run(ctx, b, verify.Options{Policy: merkle.Policy{Log: m.verifier}})
		if err != nil || len(r.Problems) > 0 || r.Records != records {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	ship(59)
	for i := range 300 {
		event := string(rune('a'+i%26)) + "$more" + time.Duration(i).String()
		if _, err := l.Append(ctx, archive.Draft{Class: "6y", Kind: segment.Record, Subject: segment.Subject("!room", event), Line: line(t, event)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	ship(359) // with an open segment
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ship(359)
	for name, err := range d.List(ctx, "segment/") {
		if err != nil {
			t.Fatal(err)
		}
		if until := locked[name]; until != keep(strings.Split(name, "/")[1], now).Format(time.RFC3339) || puts[name] != 1 {
			t.Errorf("%s was put %d times and is locked until %q", name, puts[name], until)
		}
	}
	if locked["tile/0/000"] != "2026-01-11T00:00:00Z" || locked["checkpoint"] != "" {
		t.Errorf("locks: %v", locked)
	}
	for name, err := range b.List(ctx, "segment/") {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(m.dir, name)); err != nil {
			t.Errorf("%s is in the bucket alone", name)
		}
	}
	if _, err := b.Open(ctx, "nothing"); !errors.Is(err, depot.ErrNotFound) {
		t.Errorf("nothing: %v", err)
	}
}
