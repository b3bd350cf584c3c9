package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"conclave.chat/internal/blob"
	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
)

func TestMediaCheck(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Media.Store.Dir = filepath.Join(dir, "media")
	for range 2 {
		if f := MediaCheck(&cfg)(context.Background()); f.Level != doctor.OK {
			t.Errorf("a good folder: %+v", f)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "media", "*", "*")); len(left) != 0 {
		t.Errorf("the examination left %v", left)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]blob.Config{
		"a file as folder": {Dir: file}, "no bucket": {S3: blob.S3{Endpoint: "127.0.0.1:1"}},
		"nobody there": {S3: blob.S3{Endpoint: "127.0.0.1:1", Bucket: "media", Region: "us-east-1", AccessKey: "a", SecretKey: "b", PlainHTTP: true}},
	} {
		cfg.Media.Store = c
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // the S3 client would try again for long
		if f := MediaCheck(&cfg)(ctx); f.Level != doctor.Problem || f.Do == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
