// Package merkle keeps a Merkle log in a folder, in the public layout: C2SP tlog-tiles, tlog-checkpoint and tlog-cosignature. The
// tree itself is golang.org/x/mod/sumdb/tlog, signatures are golang.org/x/mod/sumdb/note; this package writes the tiles in an order that survives
// a crash, and reads checkpoints by a policy.
//
//	checkpoint                    the newest signed checkpoint
//	tile/<level>/<n>[.p/<width>]  256 hashes of the level below
//	tile/entries/<n>[.p/<width>]  256 entries, each behind its length (16 bits)
//
// Paths, tiles and checkpoints are those of the specifications, so that other people's tools read them; what an entry says is the
// caller's. Entries come in memory first; Publish makes the tiles durable, then signs and replaces the checkpoint. After a crash the log is what
// its checkpoint says, and the caller adds again what it knows beyond that: the same entries give the same bytes.
package merkle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/depot"
)

// Log is a log that is being written, by one process and one goroutine.
type Log struct {
	dir    string
	origin string
	saved  int64 // entries in the tiles of the last checkpoint
	size   int64
	hashes map[int64]tlog.Hash // by stored index: those of the entries since
	tail   [][]byte            // bundles since, the first one from its beginning
	root   tlog.Hash           // of the last checkpoint
}

// ErrNoLog means that a folder holds no log.
var ErrNoLog = errors.New("merkle: there is no log")

// Create starts an empty log, whose first checkpoint is signed at once.
func Create(dir string, signer note.Signer) (*Log, error) {
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
		return nil, fmt.Errorf("merkle: %s: %w", dir, fs.ErrExist)
	}
	if err := depot.MakeDir(dir); err != nil {
		return nil, err
	}
	l := &Log{dir: dir, origin: signer.Name(), hashes: map[int64]tlog.Hash{}}
	_, err := l.Publish(signer, nil)
	return l, err
}

// Open continues a log. Its checkpoint must be signed by the log's key.
func Open(dir string, key note.Verifier) (*Log, error) {
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint")) //nolint:gosec // the operator's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoLog
	}
	if err != nil {
		return nil, fmt.Errorf("merkle: %w", err)
	}
	c, err := Policy{Log: key}.Open(msg)
	if err != nil {
		return nil, fmt.Errorf("merkle: checkpoint: %w", err)
	}
	l := &Log{dir: dir, origin: c.Origin, saved: c.N, size: c.N, hashes: map[int64]tlog.Hash{}, root: c.Hash}
	root, err := tlog.TreeHash(c.N, tlog.TileHashReader(c.Tree, l))
	if err != nil || root != c.Hash {
		return nil, fmt.Errorf("merkle: the tiles do not lead to the signed checkpoint: %w", err)
	}
	if c.N%Width != 0 {
		if err := l.loadTail(c); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// loadTail reads the bundle that is not full yet, which the next entries continue.
func (l *Log) loadTail(c Checkpoint) error {
	entries, err := l.Entries(c.N / Width)
	if err != nil {
		return err
	}
	indexes := make([]int64, len(entries))
	for i := range entries {
		indexes[i] = tlog.StoredHashIndex(0, c.N/Width*Width+int64(i))
	}
	hashes, err := tlog.TileHashReader(c.Tree, l).ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("merkle: %w", err)
	}
	var bundle []byte
	for i, e := range entries {
		if tlog.RecordHash(e) != hashes[i] {
			return fmt.Errorf("merkle: entry %d is not the one that was signed", c.N/Width*Width+int64(i))
		}
		bundle = AppendEntry(bundle, e)
	}
	l.tail = [][]byte{bundle}
	return nil
}

// Size is the number of entries, published or not.
func (l *Log) Size() int64 { return l.size }

// Published is the tree of the last checkpoint.
func (l *Log) Published() Checkpoint {
	return Checkpoint{Origin: l.origin, Tree: tlog.Tree{N: l.saved, Hash: l.root}}
}

// Entries gives those of a bundle that is published.
func (l *Log) Entries(bundle int64) ([][]byte, error) {
	t := Bundle(bundle, l.saved)
	data, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(TilePath(t))))
	if err != nil {
		return nil, fmt.Errorf("merkle: %w", err)
	}
	entries, err := SplitBundle(data, t.W)
	if err != nil {
		return nil, fmt.Errorf("merkle: %s: %w", TilePath(t), err)
	}
	return entries, nil
}

// Add appends an entry and gives its number. It is durable with the next Publish.
func (l *Log) Add(entry []byte) (int64, error) {
	if len(entry) > MaxEntry {
		return 0, fmt.Errorf("merkle: an entry of %d bytes is too long", len(entry))
	}
	hashes, err := tlog.StoredHashesForRecordHash(l.size, tlog.RecordHash(entry), l)
	if err != nil {
		return 0, fmt.Errorf("merkle: %w", err)
	}
	first := tlog.StoredHashIndex(0, l.size)
	for i, h := range hashes {
		l.hashes[first+int64(i)] = h
	}
	if l.size%Width == 0 {
		l.tail = append(l.tail, nil)
	}
	last := len(l.tail) - 1
	l.tail[last] = AppendEntry(l.tail[last], entry)
	l.size++
	return l.size - 1, nil
}

// ReadHashes gives stored hashes, from memory or from the tiles.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var old []int64
	for i, x := range indexes {
		h, ok := l.hashes[x]
		if !ok {
			old = append(old, x)
		}
		out[i] = h
	}
	if len(old) == 0 {
		return out, nil
	}
	hashes, err := tlog.TileHashReader(tlog.Tree{N: l.saved, Hash: l.root}, l).ReadHashes(old)
	if err != nil {
		return nil, err
	}
	for i, x := range indexes {
		if _, ok := l.hashes[x]; !ok {
			out[i], hashes = hashes[0], hashes[1:]
		}
	}
	return out, nil
}

// Height is that of the tiles.
func (l *Log) Height() int { return Height }

// ReadTiles reads tiles from the folder.
func (l *Log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(TilePath(t))))
		if errors.Is(err, fs.ErrNotExist) && t.W < Width {
			full := t
			full.W = Width // once it is full, the part may be gone
			data, err = os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(TilePath(full))))
			data = data[:min(len(data), t.W*tlog.HashSize)]
		}
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

// SaveTiles is part of tlog.TileReader; the tiles are here already.
func (l *Log) SaveTiles([]tlog.Tile, [][]byte) {}

// Cosigner asks a witness to sign a checkpoint, whose last signed one had a size; it gives the lines of its signature.
type Cosigner func(c Checkpoint, signed []byte) ([]byte, error)

// Publish makes all entries durable and signs a checkpoint over them. The cosigner, if there is one, gives the checkpoint back with more
// signatures; when it fails, the log's own checkpoint counts all the same, and the error is returned with it.
func (l *Log) Publish(signer note.Signer, cosign Cosigner) (Checkpoint, error) {
	c := Checkpoint{Origin: l.origin, Tree: tlog.Tree{N: l.size, Hash: emptyRoot}}
	if l.size > 0 {
		root, err := tlog.TreeHash(l.size, l)
		if err != nil {
			return c, fmt.Errorf("merkle: %w", err)
		}
		c.Hash = root
	}
	if err := l.writeTiles(); err != nil {
		return c, err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return c, fmt.Errorf("merkle: %w", err)
	}
	if err := depot.Replace(l.dir, "checkpoint", signed); err != nil {
		return c, err
	}
	old := l.saved
	l.forget(c)
	l.removeParts(old)
	if cosign == nil {
		return c, nil
	}
	more, err := cosign(c, signed)
	if err != nil {
		return c, fmt.Errorf("merkle: witness: %w", err)
	}
	return c, depot.Replace(l.dir, "checkpoint", more)
}

// emptyRoot is the hash of nothing, the root of the empty tree (RFC 6962).
//
//nolint:gochecknoglobals // a constant
var emptyRoot = tlog.Hash{
	0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
	0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
}

// EmptyRoot is the root of an empty log.
func EmptyRoot() tlog.Hash { return emptyRoot }

func (l *Log) writeTiles() error {
	dirs := map[string]bool{}
	put := func(t tlog.Tile, data []byte) error {
		path := TilePath(t)
		dirs[filepath.Dir(path)] = true
		return depot.Write(l.dir, path, data)
	}
	for _, t := range tlog.NewTiles(Height, l.saved, l.size) {
		data, err := tlog.ReadTileData(t, l)
		if err != nil {
			return fmt.Errorf("merkle: %w", err)
		}
		if err := put(t, data); err != nil {
			return err
		}
	}
	if l.size > l.saved {
		for i, bundle := range l.tail {
			if err := put(Bundle(l.saved/Width+int64(i), l.size), bundle); err != nil {
				return err
			}
		}
	}
	return depot.SyncDirs(l.dir, slices.Collect(maps.Keys(dirs)))
}

// forget drops what the tiles hold now.
func (l *Log) forget(c Checkpoint) {
	l.saved, l.root = c.N, c.Hash
	clear(l.hashes)
	switch {
	case c.N%Width == 0:
		l.tail = nil
	case len(l.tail) > 1:
		l.tail = l.tail[len(l.tail)-1:]
	}
}

// removeParts removes the unfinished tiles of an older checkpoint: those of the new one hold all that they held.
func (l *Log) removeParts(old int64) {
	if old == l.saved {
		return
	}
	for level, n := 0, old; n > 0; level, n = level+1, n>>Height {
		w := int(n % Width)
		if w == 0 || n == l.saved>>(Height*level) {
			continue
		}
		tiles := []tlog.Tile{{H: Height, L: level, N: n >> Height, W: w}}
		if level == 0 {
			tiles = append(tiles, tlog.Tile{H: Height, L: -1, N: n >> Height, W: w})
		}
		for _, t := range tiles {
			path := filepath.Join(l.dir, filepath.FromSlash(TilePath(t)))
			_ = os.Remove(path)
			_ = os.Remove(filepath.Dir(path)) // only if it is empty
		}
	}
}

// ProveEntry gives the proof that an entry is in the published log.
func (l *Log) ProveEntry(n int64) (tlog.RecordProof, error) { return tlog.ProveRecord(l.saved, n, l) }

// ProveGrowth gives the proof that the published log has grown from one of that size.
func (l *Log) ProveGrowth(from int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(l.saved, from, l)
}
