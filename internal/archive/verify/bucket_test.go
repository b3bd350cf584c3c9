package verify_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
	"conclave.chat/test/bucket"
)

// What is shipped to S3 verifies there as it does in the folder, while the archive is written and afterwards; what will not change is locked.
func TestABucketVerifies(t *testing.T) {
	s3 := bucket.Start(t)
	s3.Prefix = "x/"
	b, err := depot.OpenBucket(s3.S3)
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
	// What has not changed is not sent again, and of what was replaced no versions stay.
	open := s3.Puts("x/segment/6y/" + opened(t, b))
	ship(359)
	if n := s3.Puts("x/segment/6y/" + opened(t, b)); n != open || s3.Puts("x/checkpoint") != 2 {
		t.Errorf("the open segment was put %d times and then %d, the checkpoint %d", open, n, s3.Puts("x/checkpoint"))
	}
	for _, v := range s3.Versions(t, "x/") {
		if !v.IsLatest && v.Key != "x/checkpoint" {
			t.Errorf("an old version of %s is kept", v.Key)
		}
	}
	was := opened(t, b)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ship(359)
	// A shipment that was cut off has left the open file of a segment that is closed.
	if _, err := s3.PutObject(ctx, s3.Bucket, "x/segment/6y/"+was, strings.NewReader("half"), 4, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, err := verify.Run(ctx, b, verify.Options{Policy: merkle.Policy{Log: m.verifier}}); err != nil || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	ship(359)
	partial, err := merkle.Partial(read(t, b, depot.Checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range s3.Versions(t, "x/") {
		name := strings.TrimPrefix(v.Key, "x/")
		if strings.HasSuffix(name, depot.OpenSuffix) || strings.Contains(name, ".p/") && !slices.Contains(partial, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for name, err := range d.List(ctx, "segment/") {
		if err != nil {
			t.Fatal(err)
		}
		if until := s3.Locked("x/" + name); !until.Equal(keep(strings.Split(name, "/")[1], now)) || s3.Puts("x/"+name) != 1 {
			t.Errorf("%s was put %d times and is locked until %v", name, s3.Puts("x/"+name), until)
		}
	}
	if until := s3.Locked("x/tile/0/000"); !until.Equal(keep("", now)) || !s3.Locked("x/checkpoint").IsZero() {
		t.Errorf("a tile is locked until %v, the checkpoint until %v", until, s3.Locked("x/checkpoint"))
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

func read(t *testing.T, d depot.Reader, name string) []byte {
	t.Helper()
	data, err := depot.ReadFile(context.Background(), d, name, depot.MaxFile)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// opened names the open segment of the class 6y.
func opened(t *testing.T, d depot.Reader) string {
	t.Helper()
	for name, err := range d.List(context.Background(), "segment/6y/") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, depot.OpenSuffix) {
			return strings.TrimPrefix(name, "segment/6y/")
		}
	}
	t.Fatal("there is none")
	return ""
}
