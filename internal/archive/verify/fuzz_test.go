package verify_test

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/depot/depottest"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
)

// Whatever lies in the place of one of the archive's files: there is a word about it.
func FuzzArchive(f *testing.F) {
	a := lives(f, 60)
	files := depottest.Memory{}
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
