package export_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/export"
)

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// memory is a folder.
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

// sameMeaning allows more signatures on the signed note: those of keys that nobody asked about.
func sameMeaning(name string, got, was []byte) bool {
	return name == export.SignedFile && bytes.HasPrefix(got, was[:bytes.LastIndexByte(was[:len(was)-1], '\n')])
}
