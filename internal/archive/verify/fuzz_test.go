package verify_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
)

// memory is an archive in memory.
type memory map[string][]byte

func (m memory) Open(_ context.Context, name string) (io.ReadCloser, error) {
	b, ok := m[name]
	if !ok {
		return nil, depot.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m memory) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, n := range slices.Sorted(maps.Keys(m)) {
			if strings.HasPrefix(n, prefix) && !yield(n, nil) {
				return
			}
		}
	}
}

// Whatever lies in the place of one of the archive's files: there is a word about it.
func FuzzArchive(f *testing.F) {
	a := lives(f, 60)
	files := memory{}
	root := os.DirFS(a.dir)
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasSuffix(name, "lock") {
			files[name], err = fs.ReadFile(root, name)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(files))
	run := func(t testing.TB, d depot.Reader) *verify.Report {
		r, err := verify.Run(context.Background(), d, verify.Options{Policy: merkle.Policy{Log: a.verifier}, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := run(f, files); len(r.Problems) > 0 {
		f.Fatal(r.Problems)
	}
	for i, name := range names {
		f.Add(uint(i), files[name])
	}
	f.Fuzz(func(t *testing.T, which uint, data []byte) {
		name := names[which%uint(len(names))]
		d := maps.Clone(files)
		d[name] = data
		r := run(t, d)
		same := bytes.Equal(data, files[name]) || name == depot.Checkpoint && bytes.HasPrefix(data, files[name][:bytes.LastIndexByte(files[name][:len(files[name])-1], '\n')]) // with signatures of others
		if !same && len(r.Problems) == 0 {
			t.Fatalf("%s was changed without a word", name)
		}
	})
}
