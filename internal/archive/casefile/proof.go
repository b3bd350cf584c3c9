package casefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/unseal"
)

// ErrNewer means that a record is newer than the case's checkpoint.
var ErrNewer = errors.New("the record is newer than the archive's checkpoint, which does not prove it")

// Prove gives the proof that a record's leaf is in the archive's log, out of the case alone. It is checked before it is given.
func (c *Case) Prove(ctx context.Context, seq uint64) (tlog.RecordProof, error) {
	if seq >= uint64(c.tree.N) {
		return nil, ErrNewer
	}
	var entry []byte
	if err := c.db.QueryRowContext(ctx, "SELECT entry FROM record WHERE seq = ?", int64(seq)).Scan(&entry); err != nil {
		return nil, fmt.Errorf("case: record %d: %w", seq, err)
	}
	proof, err := tlog.ProveRecord(c.tree.N, int64(seq), tlog.TileHashReader(c.tree.Tree, &tiles{dir: filepath.Join(c.dir, logDir)}))
	if err != nil {
		return nil, fmt.Errorf("case: record %d: %w", seq, err)
	}
	if err := tlog.CheckRecord(proof, c.tree.N, c.tree.Hash, int64(seq), tlog.RecordHash(entry)); err != nil {
		return nil, fmt.Errorf("case: record %d: %w", seq, err)
	}
	return proof, nil
}

// tiles reads the tiles of the case, and from the archive those that are missing; tlog has them kept once they are verified.
type tiles struct {
	dir     string
	ctx     context.Context //nolint:containedctx // tlog's interface takes none
	archive depot.Reader
	err     error
}

// Height is that of tiles.
func (*tiles) Height() int { return merkle.Height }

// ReadTiles reads each from the case, or else from the archive, where a tile may have grown since.
func (t *tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, tile := range list {
		data, err := os.ReadFile(filepath.Join(t.dir, filepath.FromSlash(merkle.TilePath(tile))))
		if err != nil && t.archive != nil {
			data, err = t.fetch(tile)
		}
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (t *tiles) fetch(tile tlog.Tile) ([]byte, error) {
	for w := tile.W; w <= merkle.Width; w++ {
		larger := tile
		larger.W = w
		f, err := t.archive.Open(t.ctx, merkle.TilePath(larger))
		if errors.Is(err, depot.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(f, merkle.Width*tlog.HashSize))
		return data[:min(len(data), tile.W*tlog.HashSize)], errors.Join(err, f.Close())
	}
	return nil, fmt.Errorf("%s: %w", merkle.TilePath(tile), depot.ErrNotFound)
}

// SaveTiles keeps tiles that were verified.
func (t *tiles) SaveTiles(list []tlog.Tile, data [][]byte) {
	if t.archive == nil {
		return
	}
	for i, tile := range list {
		path := merkle.TilePath(tile)
		if _, err := os.Stat(filepath.Join(t.dir, filepath.FromSlash(path))); err == nil {
			continue
		}
		if err := depot.Write(t.dir, path, data[i]); err != nil {
			t.err = err
		}
	}
}

// edge keeps the checkpoint and the tiles at the right edge of the log, which a log that grows replaces.
func (f *filling) edge() error {
	dir := filepath.Join(f.c.dir, logDir)
	if err := depot.Replace(dir, depot.Checkpoint, f.c.msg); err != nil {
		return err
	}
	f.tile = -1
	if f.c.tree.N == 0 {
		return nil
	}
	r := &tiles{dir: dir, ctx: context.Background(), archive: f.src.Archive}
	root, err := tlog.TreeHash(f.c.tree.N, tlog.TileHashReader(f.c.tree.Tree, r))
	if err = errors.Join(err, r.err); err != nil {
		return fmt.Errorf("the archive's log: %w", err)
	}
	if root != f.c.tree.Hash {
		return errors.New("the archive's log is not the one that was signed: run archive verify")
	}
	return nil
}

// leaf gives the hash of a leaf, out of its tile, for which all is kept that a proof takes: leaves of one tile have their proofs' other hashes in the same tiles.
func (f *filling) leaf(ctx context.Context, n int64) (tlog.Hash, error) {
	if f.tile == n/merkle.Width {
		return f.leaves[n%merkle.Width], nil
	}
	tile := n / merkle.Width
	r := &tiles{dir: filepath.Join(f.c.dir, logDir), ctx: ctx, archive: f.src.Archive}
	reader := tlog.TileHashReader(f.c.tree.Tree, r)
	if _, err := tlog.ProveRecord(f.c.tree.N, n, reader); err != nil {
		return tlog.Hash{}, f.unproved(ctx, n, err)
	}
	first := tile * merkle.Width
	var indexes []int64
	for i := first; i < min(first+merkle.Width, f.c.tree.N); i++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, i))
	}
	hashes, err := reader.ReadHashes(indexes)
	if r.err != nil {
		return tlog.Hash{}, fmt.Errorf("case: %w", r.err)
	}
	if err != nil {
		return tlog.Hash{}, f.unproved(ctx, n, err)
	}
	f.tile, f.leaves = tile, hashes
	return hashes[n%merkle.Width], nil
}

// unproved is what is wrong where the archive's tiles do not prove a record.
func (f *filling) unproved(ctx context.Context, n int64, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &unseal.DamageError{Place: fmt.Sprintf("the archive's log: record %d", n), Err: err}
}
