package recorder

import (
	"bytes"
	"context"
	"crypto/hkdf"
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

// tags tell of each sealed segment which rooms and people occur in it, so that a hold finds it: its records can be read by nobody here. They are keyed
// hashes, in one small file for each segment, written when that closes. A segment without one, as after a crash, may hold anything.
//
// A file is its first line, two times (8 bytes each, Unix milliseconds, big endian: when the oldest and the newest that it holds were sent; zero: that is not
// known), and tags of 16 bytes in order.
type tags struct {
	dir string
	key []byte
}

const (
	tagsFolder = "segments"
	tagsMagic  = "conclave recorder tags v1\n"
	tagSize    = 16
)

// derive makes a key for one purpose from the recorder's secrets.
func (s *secrets) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, s.Database, nil, "conclave recorder "+purpose, 32)
}

func newTags(c *Config, s *secrets) (*tags, error) {
	key, err := s.derive("tags v1")
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return &tags{filepath.Join(c.DataDir, tagsFolder), key}, nil
}

// everybody stands for members whom the recorder did not learn.
const everybody = "*"

type tag [tagSize]byte

func (t *tags) tag(kind, id string) tag {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte(kind + " " + id))
	return tag(h.Sum(nil)[:tagSize])
}

func (t *tags) room(id string) tag { return t.tag("room", id) }
func (t *tags) user(id string) tag { return t.tag("user", id) }

// put writes what a segment holds.
func (t *tags) put(s archive.Sealed) error {
	seen := map[string]bool{}
	var list []tag
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
	slices.SortFunc(list, func(a, b tag) int { return bytes.Compare(a[:], b[:]) })
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

// tagged is what is known of a segment.
type tagged struct {
	first, last time.Time
	list        []byte
}

// get gives what is known of a segment, or nil.
func (t *tags) get(id segment.ID) (*tagged, error) {
	data, err := os.ReadFile(filepath.Join(t.dir, id.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is nothing, and that is no error
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
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
	return &tagged{at(rest), at(rest[8:]), rest[16:]}, nil
}

func (t *tagged) has(x tag) bool {
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

// Occurs tells whether any closed segment is known to hold something of a hold's room, and of its custodian. Of what a hold does not name it is true.
func Occurs(c *Config, h Hold) (room, custodian bool, err error) {
	s, err := c.secrets()
	if err != nil {
		return false, false, err
	}
	t, err := newTags(c, s)
	if err != nil {
		return false, false, err
	}
	return t.occurs(h)
}

func (t *tags) occurs(h Hold) (room, custodian bool, err error) {
	room, custodian = h.Room == "", h.Custodian == ""
	list, err := os.ReadDir(t.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, false, fmt.Errorf("recorder: %w", err)
	}
	for _, f := range list {
		if room && custodian {
			break
		}
		id, err := segment.ParseID(f.Name())
		if err != nil {
			continue
		}
		known, err := t.get(id)
		if err != nil {
			return false, false, err
		}
		if known != nil {
			room, custodian = room || known.has(t.room(h.Room)), custodian || known.has(t.user(h.Custodian))
		}
	}
	return room, custodian, nil
}

// drop forgets a segment that has ended.
func (t *tags) drop(ctx context.Context, id segment.ID) error {
	d, err := depot.OpenDir(t.dir)
	if err != nil {
		return nil //nolint:nilerr // without the folder there is nothing to forget
	}
	return d.Remove(ctx, id.String())
}
