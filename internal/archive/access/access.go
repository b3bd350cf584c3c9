// Package access is the log of who opened the archive. Each entry is a leaf of a Merkle log (package merkle) whose key only a quorum of officers has
// together, so nobody else can add to it, and nobody can take from it without a trace once a checkpoint of it is kept elsewhere.
//
// An entry is a JSON object (RFC 8259). New fields may come; those below keep name and meaning.
package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
)

// Entry says who opened what, and why.
type Entry struct {
	Time     time.Time  `json:"time"`
	Case     string     `json:"case"`
	Reason   string     `json:"reason,omitempty"`
	Officers []string   `json:"officers"`
	Archive  string     `json:"archive"` // the log's name
	Size     int64      `json:"size"`    // of the archive's checkpoint
	Root     string     `json:"root"`
	Since    *time.Time `json:"since,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Classes  []string   `json:"classes,omitempty"`
	Rooms    []string   `json:"rooms,omitempty"`
	Segments []string   `json:"segments"`
}

// Append writes an entry and signs the log with it. When it returns, the entry is durable; nothing is opened before.
func Append(dir string, signer note.Signer, verifier note.Verifier, e Entry) error {
	log, err := merkle.Open(dir, verifier)
	if errors.Is(err, merkle.ErrNoLog) {
		log, err = merkle.Create(dir, signer)
	}
	if err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	e.Time = e.Time.UTC()
	raw, err := json.Marshal(&e, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	if _, err := log.Add(raw); err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	if _, err := log.Publish(signer, nil); err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	return nil
}

// Read gives all entries, after it has verified that they are those that are signed.
func Read(ctx context.Context, d depot.Reader, key note.Verifier) ([]Entry, error) {
	msg, err := all(ctx, d, depot.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("access log: checkpoint: %w", err)
	}
	c, err := merkle.Policy{Log: key}.Open(msg)
	if err != nil {
		return nil, fmt.Errorf("access log: checkpoint: %w", err)
	}
	var entries []Entry
	stored := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for n := int64(0); n*merkle.Width < c.N; n++ {
		t := merkle.Bundle(n, c.N)
		path := merkle.TilePath(t)
		data, err := all(ctx, d, path)
		if err != nil {
			return nil, fmt.Errorf("access log: %s: %w", path, err)
		}
		raw, err := merkle.SplitBundle(data, t.W)
		if err != nil {
			return nil, fmt.Errorf("access log: %s: %w", path, err)
		}
		for _, r := range raw {
			var e Entry
			if err := json.Unmarshal(r, &e); err != nil {
				return nil, fmt.Errorf("access log: entry %d: %w", len(entries), err)
			}
			hashes, err := tlog.StoredHashes(int64(len(entries)), r, reader)
			if err != nil {
				return nil, fmt.Errorf("access log: %w", err)
			}
			for i, h := range hashes {
				stored[tlog.StoredHashIndex(0, int64(len(entries)))+int64(i)] = h
			}
			entries = append(entries, e)
		}
	}
	if c.N > 0 {
		root, err := tlog.TreeHash(c.N, reader)
		if err != nil {
			return nil, fmt.Errorf("access log: %w", err)
		}
		if root != c.Hash {
			return nil, errors.New("access log: its entries are not those that are signed")
		}
	}
	return entries, nil
}

func all(ctx context.Context, d depot.Reader, name string) ([]byte, error) {
	f, err := d.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, 64<<20))
	return data, errors.Join(err, f.Close())
}
