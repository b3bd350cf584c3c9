package archive

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/depot/depottest"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
)

// Whatever lies in the place of a sealed attachment: what opens is what was sealed, or an error.
func FuzzBlob(f *testing.F) {
	l, err := Open(config(f.TempDir()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	const said = "a file"
	b, err := l.PutBlob(context.Background(), "6y", strings.NewReader(said))
	if err != nil {
		f.Fatal(err)
	}
	name := b.Sum.String()
	var parts [2][]byte
	for i, path := range []string{depot.KeyPath("6y", name), depot.BlobPath("6y", name)} {
		if parts[i], err = os.ReadFile(filepath.Join(l.w.Dir, filepath.FromSlash(path))); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(parts[0], parts[1])
	f.Add(parts[0], parts[1][:20])
	f.Fuzz(func(t *testing.T, header, body []byte) {
		in, err := OpenBlob(context.Background(), depottest.Memory{depot.KeyPath("6y", name): header, depot.BlobPath("6y", name): body}, "6y", name, testKeys().id)
		if err != nil {
			return
		}
		if got, err := io.ReadAll(in); err == nil && string(got) != said {
			t.Fatalf("%q was never sealed", got)
		}
	})
}

// Whatever a crash makes of the segment that was being written: the archive opens with all that its checkpoint covers and is right, or it does not open.
func FuzzRecovery(f *testing.F) {
	base := f.TempDir()
	l, err := Open(config(base))
	if err != nil {
		f.Fatal(err)
	}
	add := func(event string) {
		if _, err := l.Append(context.Background(), draft(f, "6y", event)); err != nil {
			f.Fatal(err)
		}
	}
	add("$covered")
	if _, err := l.Checkpoint(context.Background()); err != nil {
		f.Fatal(err)
	}
	add("$answered")
	add("$last")
	// A copy is what a kill leaves: nothing is closed.
	left := f.TempDir()
	if err := os.CopyFS(left, os.DirFS(base)); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(left, "segment", "6y", "*"+depot.OpenSuffix))
	if err != nil || len(found) != 1 {
		f.Fatal(found, err)
	}
	name, _ := filepath.Rel(left, found[0])
	whole, err := os.ReadFile(found[0])
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range []int{len(whole), len(whole) - 1, len(whole) / 2, 40, 0} {
		f.Add(whole[:n])
	}
	f.Add(append(bytes.Clone(whole), "more"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := filepath.Join(t.TempDir(), "archive")
		if err := os.CopyFS(dir, os.DirFS(left)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(config(dir))
		if err != nil {
			return
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		covered := false
		for _, event := range readAll(t, dir) {
			covered = covered || event == "$covered"
		}
		if !covered {
			t.Fatal("what the checkpoint covers is lost, and the archive opens")
		}
		d, err := depot.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := verify.Run(context.Background(), d, verify.Options{Policy: merkle.Policy{Log: testKeys().verifier}}); err != nil || len(r.Problems) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}
