// Package depottest has an archive in memory, for tests.
package depottest

import (
	"bytes"
	"context"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"conclave.chat/internal/archive/depot"
)

// Memory is an archive's files by name.
type Memory map[string][]byte

// Open reads a file.
func (m Memory) Open(_ context.Context, name string) (io.ReadCloser, error) {
	b, ok := m[name]
	if !ok {
		return nil, depot.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// List gives the names that begin so, in order.
func (m Memory) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, n := range slices.Sorted(maps.Keys(m)) {
			if strings.HasPrefix(n, prefix) && !yield(n, nil) {
				return
			}
		}
	}
}
