// Package tag notes of each sealed segment which rooms and people occur in it, for holds.
package tag

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
)

// Tags tell of each sealed segment which rooms and people occur in it, so that a hold finds it: its records can be read by nobody here. They are keyed
// hashes, in one small file for each segment, written when that closes. A segment without one, as after a crash, may hold anything.
//
// A file is its first line, two times (8 bytes each, Unix milliseconds, big endian: when the oldest and the newest that it holds were sent; zero: that is not
// known), and tags of 16 bytes in order.
type Tags struct {
	dir string
	key []byte
}

const (
	tagsMagic = "conclave recorder tags v1\n"
	tagSize   = 16
)

// New are the tags in a folder, by a key.
func New(dir string, key []byte) *Tags { return &Tags{dir, key} }

// Everybody stands for members whom the recorder did not learn.
const Everybody = "*"

// Tag is the keyed hash of a room or of somebody.
type Tag [tagSize]byte

func (t *Tags) tag(kind, id string) Tag {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte(kind + " " + id))
	return Tag(h.Sum(nil)[:tagSize])
}

// Room is a room's tag.
func (t *Tags) Room(id string) Tag { return t.tag("room", id) }

// User is somebody's tag.
func (t *Tags) User(id string) Tag { return t.tag("user", id) }

// Put writes what a segment holds.
func (t *Tags) Put(s archive.Sealed) error {
	seen := map[string]bool{}
	var list []Tag
	add := func(kind, id string) {
		if key := kind + id; !seen[key] {
			seen[key] = true
			list = append(list, t.tag(kind, id))
		}
	}
	for _, p := range s.Parties {
		add("room", p.Room)
		for _, u := range p.Users {
			add("user", u)
		}
	}
	slices.SortFunc(list, func(a, b Tag) int { return bytes.Compare(a[:], b[:]) })
	out := []byte(tagsMagic)
	for _, at := range []time.Time{s.First, s.Last} {
		ms := uint64(0)
		if !at.IsZero() {
			ms = uint64(at.UnixMilli())
		}
		out = binary.BigEndian.AppendUint64(out, ms)
	}
	for i := range list {
		out = append(out, list[i][:]...)
	}
	return depot.Replace(t.dir, s.ID.String(), out)
}

// Tagged is what is known of a segment.
type Tagged struct {
	First, Last time.Time
	list        []byte
}

// Get gives what is known of a segment, or nil.
func (t *Tags) Get(id segment.ID) (*Tagged, error) {
	data, err := os.ReadFile(filepath.Join(t.dir, id.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is nothing, and that is no error
	}
	if err != nil {
		return nil, fmt.Errorf("tag: %w", err)
	}
	rest, ok := bytes.CutPrefix(data, []byte(tagsMagic))
	if !ok || len(rest) < 16 || (len(rest)-16)%tagSize != 0 {
		return nil, nil //nolint:nilnil // a damaged file tells nothing
	}
	at := func(b []byte) time.Time {
		if ms := binary.BigEndian.Uint64(b); ms > 0 {
			return time.UnixMilli(int64(ms))
		}
		return time.Time{}
	}
	return &Tagged{at(rest), at(rest[8:]), rest[16:]}, nil
}

// Has tells whether a room or somebody occurs in it.
func (t *Tagged) Has(x Tag) bool {
	n := len(t.list) / tagSize
	i, found := 0, false
	for lo, hi := 0, n; lo < hi && !found; {
		i = (lo + hi) / 2
		switch bytes.Compare(t.list[i*tagSize:(i+1)*tagSize], x[:]) {
		case 0:
			found = true
		case -1:
			lo = i + 1
		default:
			hi = i
		}
	}
	return found
}

// Occur tells whether a room, and somebody, occur in any closed segment. Of what is empty it is true.
func (t *Tags) Occur(inRoom, who string) (room, user bool, err error) {
	room, user = inRoom == "", who == ""
	list, err := os.ReadDir(t.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, false, fmt.Errorf("tag: %w", err)
	}
	for _, f := range list {
		if room && user {
			break
		}
		id, err := segment.ParseID(f.Name())
		if err != nil {
			continue
		}
		known, err := t.Get(id)
		if err != nil {
			return false, false, err
		}
		if known != nil {
			room, user = room || known.Has(t.Room(inRoom)), user || known.Has(t.User(who))
		}
	}
	return room, user, nil
}

// Drop forgets a segment that has ended.
func (t *Tags) Drop(ctx context.Context, id segment.ID) error {
	d, err := depot.OpenDir(t.dir)
	if err != nil {
		return nil //nolint:nilerr // without the folder there is nothing to forget
	}
	return d.Remove(ctx, id.String())
}
