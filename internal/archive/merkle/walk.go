package merkle

import (
	"context"
	"fmt"
	"iter"

	"conclave.chat/internal/archive/depot"
)

// ReadBundle gives the n-th 256 entries of a log of a size, or as many as there are. The error is [depot.ErrNotFound] or [ErrBundle] where they are missing or damaged.
func ReadBundle(ctx context.Context, d depot.Reader, n, size int64) ([][]byte, error) {
	t := Bundle(n, size)
	data, err := depot.ReadFile(ctx, d, TilePath(t), depot.MaxFile)
	if err != nil {
		return nil, err
	}
	return SplitBundle(data, t.W)
}

// Walk gives the entries of a log of a size, in order. It does not look whether they are those that a checkpoint covers: who has the checkpoint does.
func Walk(ctx context.Context, d depot.Reader, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for n := int64(0); n*Width < size; n++ {
			entries, err := ReadBundle(ctx, d, n, size)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", TilePath(Bundle(n, size)), err))
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
