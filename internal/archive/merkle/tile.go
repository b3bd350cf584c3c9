package merkle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Height of tiles: 256 hashes each.
const (
	Height = 8
	Width  = 1 << Height
)

// MaxEntry is how long an entry may be: its length is written in 16 bits.
const MaxEntry = 1<<16 - 1

// TilePath is where a tile lies (C2SP tlog-tiles).
func TilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	if rest, data := strings.CutPrefix(path, "data/"); data {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// ParseTilePath reads what TilePath gives, and nothing else.
func ParseTilePath(path string) (tlog.Tile, error) {
	inner, ok := strings.CutPrefix(path, "tile/")
	if rest, data := strings.CutPrefix(inner, "entries/"); data {
		inner = "data/" + rest
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", Height, inner))
	if err != nil || !ok || TilePath(t) != path {
		return tlog.Tile{}, fmt.Errorf("%q is not the path of a tile", path)
	}
	return t, nil
}

// Bundle is the tile that holds the n-th 256 entries of a log of a size.
func Bundle(n, size int64) tlog.Tile {
	return tlog.Tile{H: Height, L: -1, N: n, W: int(min(Width, size-n*Width))}
}

// Partial names the tiles of a checkpoint that are not full: the next one replaces them. Whether it is signed is not looked at.
func Partial(checkpoint []byte) ([]string, error) {
	text, _, _ := bytes.Cut(checkpoint, []byte("\n\n"))
	c, err := parseCheckpoint(string(text) + "\n")
	if err != nil {
		return nil, err
	}
	var names []string
	for level, n := 0, c.N; n > 0; level, n = level+1, n>>Height {
		w := int(n % Width)
		if w == 0 {
			continue
		}
		names = append(names, TilePath(tlog.Tile{H: Height, L: level, N: n >> Height, W: w}))
		if level == 0 {
			names = append(names, TilePath(tlog.Tile{H: Height, L: -1, N: n >> Height, W: w}))
		}
	}
	return names, nil
}

// ErrBundle means that a bundle of entries is damaged.
var ErrBundle = errors.New("it does not hold the entries that it should")

// AppendEntry adds an entry to a bundle.
func AppendEntry(bundle, entry []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...)
}

// SplitBundle gives the w entries of a bundle.
func SplitBundle(data []byte, w int) ([][]byte, error) {
	if w < 0 || w > Width {
		return nil, ErrBundle
	}
	entries := make([][]byte, 0, w)
	for range w {
		if len(data) < 2 {
			return nil, ErrBundle
		}
		n := 2 + int(binary.BigEndian.Uint16(data))
		if len(data) < n {
			return nil, ErrBundle
		}
		entries = append(entries, data[2:n:n])
		data = data[n:]
	}
	if len(data) != 0 {
		return nil, ErrBundle
	}
	return entries, nil
}
