package depot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave.chat/internal/archive/depot"
)

func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A copy is an archive once it is whole; one that was interrupted goes on, and takes nothing over that has changed since.
func TestCopy(t *testing.T) {
	ctx := context.Background()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	put(t, from, map[string]string{
		"checkpoint": "log\n3\n\n— log x\n", "lock": "", "tile/0/000": "whole", "tile/0/001.p/2": "two", "segment/7y/a": "closed", "segment/7y/b.open": "open", "key/7y/a": "key",
		"key/7y/b": "key", "key/7y/c.part": "torn", "certificate/x": "gone",
	})
	d, err := depot.OpenDir(from)
	if err != nil {
		t.Fatal(err)
	}
	freeze := func() depot.Frozen {
		t.Helper()
		f, err := depot.Freeze(ctx, d, func([]byte) ([]string, error) { return []string{"tile/0/001.p/2"}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stopping, stop := context.WithCancel(ctx)
	if _, err := depot.Copy(stopping, freeze(), to, func(n int64) {
		if n >= 12 {
			stop()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not interrupted: %v", err)
	}
	if _, err := os.Stat(filepath.Join(to, "checkpoint")); err == nil {
		t.Fatal("half a copy is an archive")
	}
	// Meanwhile the recorder goes on, and an open segment of the first half is closed.
	put(t, to, map[string]string{"segment/7y/b.open": "op", "tile/0/001.p/1": "one"})
	frozen := freeze()
	put(t, from, map[string]string{"segment/7y/b": "open and closed", "tile/0/001.p/3": "three"})
	for _, name := range []string{"segment/7y/b.open", "tile/0/001.p/2"} {
		if err := os.Remove(filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := depot.Copy(ctx, frozen, to, nil); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"checkpoint": "log\n3\n\n— log x\n", "tile/0/000": "whole", "tile/0/001.p/2": "two", "tile/0/001.p/3": "three", "segment/7y/a": "closed", "segment/7y/b": "open and closed",
		"key/7y/a": "key", "key/7y/b": "key", "certificate/x": "gone",
	}
	got := map[string]string{}
	err = filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		got[strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(to)+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is %q, want %q", name, got[name], text)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is in the copy", name)
	}
	if _, err := depot.Copy(ctx, freeze(), to, nil); !errors.Is(err, depot.ErrCopied) {
		t.Errorf("over an archive: %v", err)
	}
}
