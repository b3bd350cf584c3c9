package verify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
)

// walk goes through the log from its first entry to its last. It holds the path from the current leaf to the root (RFC 6962: the roots of the
// complete subtrees to the left), and of each level the tile that is being filled.
type walk struct {
	*run
	n     int64
	edge  []tlog.Hash // edge[i] is the root of a subtree of 2^i leaves, where bit i of n is set
	tiles [][]byte
	kept  map[int64][]merkle.Checkpoint
}

func (r *run) walkLog() error {
	w := &walk{run: r, kept: map[int64][]merkle.Checkpoint{}}
	for i, msg := range r.Kept {
		c, err := r.Policy.Open(msg)
		switch {
		case err != nil:
			r.problem(fmt.Sprintf("kept checkpoint %d", i+1), "%v", err)
		case c.N > r.size:
			r.problem(depot.Checkpoint, "the archive ends with %d entries, and a checkpoint that was kept has %d: the end was removed", r.size, c.N)
		default:
			w.kept[c.N] = append(w.kept[c.N], c)
		}
	}
	for _, c := range r.certs {
		if at := c.Checkpoint; at.N > r.size {
			r.problem(c.path, "it speaks of %d entries, and the archive ends with %d", at.N, r.size)
		} else {
			w.kept[at.N] = append(w.kept[at.N], at)
		}
	}
	w.compareKept()
	for n := int64(0); n*merkle.Width < r.size; n++ {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := w.bundle(n); err != nil {
			return err
		}
	}
	for level, data := range w.tiles {
		if len(data) > 0 {
			if err := w.compareTile(level, (r.size>>(merkle.Height*level))/merkle.Width, data); err != nil {
				return err
			}
		}
	}
	if w.root() != r.report.Checkpoint.Hash && len(r.report.Problems) == 0 {
		r.problem(depot.Checkpoint, "the entries lead to another root than the one that it signs")
	}
	return nil
}

// bundle takes the next entries.
func (w *walk) bundle(n int64) error {
	t := merkle.Bundle(n, w.size)
	path := merkle.TilePath(t)
	entries, hashes, err := w.readBundle(n, path)
	if err != nil {
		return err
	}
	stored, err := w.readTile(tlog.Tile{H: merkle.Height, L: 0, N: n, W: t.W})
	if err != nil {
		return err
	}
	if !bytes.Equal(hashes, stored) && stored != nil && w.signed(n, t.W) {
		// The tile is the one that was signed, so the entries are not.
		w.badTiles[n] = true
		hashes = stored
		if entries != nil {
			w.problem(path, "%s", firstWrong(entries, stored, n*merkle.Width))
		}
	}
	if hashes == nil {
		w.badTiles[n] = true
		return errStop // neither entries nor a tile: nothing says what comes here
	}
	for i := range t.W {
		if !w.badTiles[n] {
			w.entry(entries[i], path)
		}
		if err := w.leaf(tlog.Hash(hashes[i*tlog.HashSize:])); err != nil {
			return err
		}
	}
	return nil
}

func firstWrong(entries [][]byte, stored []byte, first int64) string {
	for i, e := range entries {
		if tlog.RecordHash(e) != tlog.Hash(stored[i*tlog.HashSize:]) {
			return fmt.Sprintf("entry %d is not the one that was signed", first+int64(i))
		}
	}
	return merkle.ErrBundle.Error()
}

func (w *walk) readBundle(n int64, path string) (entries [][]byte, hashes []byte, err error) {
	entries, err = merkle.ReadBundle(w.ctx, w.depot, n, w.size)
	switch {
	case errors.Is(err, depot.ErrNotFound):
		w.problem(path, "it is missing")
		return nil, nil, nil
	case errors.Is(err, merkle.ErrBundle):
		w.problem(path, "%v", err)
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	for _, e := range entries {
		h := tlog.RecordHash(e)
		hashes = append(hashes, h[:]...)
	}
	return entries, hashes, nil
}

// readTile reads a tile of hashes, or a part of the full one, or gives nil where there is none.
func (r *run) readTile(t tlog.Tile) ([]byte, error) {
	data, err := r.read(merkle.TilePath(t))
	if errors.Is(err, depot.ErrNotFound) && t.W < merkle.Width {
		full := t
		full.W = merkle.Width
		data, err = r.read(merkle.TilePath(full))
	}
	if errors.Is(err, depot.ErrNotFound) || err == nil && len(data) < t.W*tlog.HashSize {
		return nil, nil
	}
	return data[:min(len(data), t.W*tlog.HashSize)], err
}

// signed tells whether a tile of leaves leads to the signed root, through the tiles above it.
func (w *walk) signed(n int64, width int) bool {
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, n*merkle.Width+int64(i))
	}
	_, err := tlog.TileHashReader(w.report.Checkpoint.Tree, tiles{w.run}).ReadHashes(indexes)
	return err == nil
}

type tiles struct{ *run }

func (tiles) Height() int                         { return merkle.Height }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (r tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(want))
	for i, t := range want {
		data, err := r.readTile(t)
		if err == nil && data == nil {
			err = depot.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

// leaf adds a leaf to the tree.
func (w *walk) leaf(h tlog.Hash) error {
	level := 0
	for {
		if level%merkle.Height == 0 {
			if err := w.addToTile(level/merkle.Height, h); err != nil {
				return err
			}
		}
		if len(w.edge) <= level {
			w.edge = append(w.edge, tlog.Hash{})
		}
		if w.n>>level&1 == 0 {
			break
		}
		h = tlog.NodeHash(w.edge[level], h)
		level++
	}
	w.edge[level] = h
	w.n++
	w.compareKept()
	return nil
}

func (w *walk) addToTile(level int, h tlog.Hash) error {
	if len(w.tiles) <= level {
		w.tiles = append(w.tiles, nil)
	}
	w.tiles[level] = append(w.tiles[level], h[:]...)
	if len(w.tiles[level]) < merkle.Width*tlog.HashSize {
		return nil
	}
	data := w.tiles[level]
	w.tiles[level] = data[:0]
	return w.compareTile(level, w.n>>(merkle.Height*level)/merkle.Width, data)
}

// compareTile compares a tile with what it should be by the entries.
func (w *walk) compareTile(level int, n int64, want []byte) error {
	t := tlog.Tile{H: merkle.Height, L: level, N: n, W: len(want) / tlog.HashSize}
	got, err := w.readTile(t)
	switch {
	case err != nil:
		return err
	case got == nil:
		w.problem(merkle.TilePath(t), "it is missing, or too short")
	case !bytes.Equal(got, want):
		w.problem(merkle.TilePath(t), "it does not hold the hashes that the entries give")
	}
	return nil
}

// root is that of the leaves so far.
func (w *walk) root() tlog.Hash {
	if w.n == 0 {
		return merkle.EmptyRoot()
	}
	var h tlog.Hash
	first := true
	for level, left := range w.edge {
		if w.n>>level&1 == 0 {
			continue
		}
		if first {
			h, first = left, false
		} else {
			h = tlog.NodeHash(left, h)
		}
	}
	return h
}

func (w *walk) compareKept() {
	for _, c := range w.kept[w.n] {
		if c.Hash != w.root() {
			w.problem(depot.Checkpoint, "the first %d entries are not those of a checkpoint that was kept: the log was written anew", c.N)
		}
	}
}

// entry notes what an entry says.
func (w *walk) entry(raw []byte, path string) {
	e, err := segment.ParseEntry(raw)
	if err != nil || e.Seq != uint64(w.n) {
		w.problem(path, "entry %d is not an entry of this log", w.n)
		return
	}
	s := w.segments[e.Segment]
	if s == nil {
		s = &info{}
		w.segments[e.Segment] = s
	}
	switch e.Kind {
	case segment.Opened:
		s.class = e.Note
	case segment.Record:
		w.report.Records++
		s.records++
		w.accepted(&e, path)
	case segment.Gap:
		s.gaps++
		g := GapEvent{Seq: e.Seq, Reason: e.Note}
		if a := w.accepted(&e, path); a != nil {
			g.Room, g.Event = a.room, a.id
		}
		w.report.Gaps = append(w.report.Gaps, g)
	case segment.Blob:
		w.blobs = append(w.blobs, blob{segment: e.Segment, class: s.class, name: e.Subject.String(), key: strings.Clone(e.Note)})
	case segment.Receipt: // no event: no statement names it
		w.report.Receipts++
	case segment.Closed: // its block is compared with the segment
	case segment.Shred:
		if id, err := segment.ParseID(e.Note); err == nil {
			if w.segments[id] == nil {
				w.segments[id] = &info{}
			}
			if d := w.segments[id]; !d.shredded {
				d.shredded, d.shred, d.key = true, e.Seq, e.Subject
			}
		}
	}
}
