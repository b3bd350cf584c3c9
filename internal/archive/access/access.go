// Package access is the log of who opened the archive. Each entry is a leaf of a Merkle log (package merkle) whose key only a quorum of officers has
// together, so nobody else can add to it, and nobody can take from it without a trace once a checkpoint of it is kept elsewhere.
//
// An entry is a JSON object (RFC 8259). New fields may come; those below keep name and meaning.
package access

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	// CaseKey is the public key of the case that was made (a note verifier's): what it signs comes out of this opening.
	CaseKey string `json:"case_key,omitempty"`
}

// Voucher proves that an entry is in the access log: it is what vouches for a case's key where the log itself is not at hand.
type Voucher struct {
	Entry      []byte           `json:"entry"` // as it was written
	Number     int64            `json:"number"`
	Proof      tlog.RecordProof `json:"proof"`
	Checkpoint []byte           `json:"checkpoint"`
}

// Verify gives the entry if it is in the log that the key signs.
func (v *Voucher) Verify(key note.Verifier) (*Entry, error) {
	c, err := merkle.Policy{Log: key}.Open(v.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("access log: checkpoint: %w", err)
	}
	if v.Number < 0 || v.Number >= c.N || tlog.CheckRecord(v.Proof, c.N, c.Hash, v.Number, tlog.RecordHash(v.Entry)) != nil {
		return nil, errors.New("access log: the entry is not in the log that is signed")
	}
	e := &Entry{}
	if err := json.Unmarshal(v.Entry, e); err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return e, nil
}

// Append writes an entry and signs the log with it. When it returns, the entry is durable; nothing is opened before.
func Append(dir string, signer note.Signer, verifier note.Verifier, e Entry) (*Voucher, error) {
	log, err := merkle.Open(dir, verifier)
	if errors.Is(err, merkle.ErrNoLog) {
		log, err = merkle.Create(dir, signer)
	}
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	e.Time = e.Time.UTC()
	raw, err := json.Marshal(&e, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	n, err := log.Add(raw)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	if _, err := log.Publish(signer, nil); err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return vouch(dir, log, n, raw)
}

// vouch proves an entry that is published.
func vouch(dir string, log *merkle.Log, n int64, raw []byte) (*Voucher, error) {
	v := &Voucher{Entry: raw, Number: n}
	var err error
	if v.Proof, err = log.ProveEntry(n); err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	if v.Checkpoint, err = os.ReadFile(filepath.Join(dir, depot.Checkpoint)); err != nil { //nolint:gosec // the officers' folder
		return nil, fmt.Errorf("access log: %w", err)
	}
	return v, nil
}

// Find gives the entry of a case's key, or nil: an opening that was interrupted after its entry was written goes on with that.
func Find(dir string, verifier note.Verifier, caseKey string) (*Voucher, error) {
	log, err := merkle.Open(dir, verifier)
	if errors.Is(err, merkle.ErrNoLog) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	for bundle := (log.Size() - 1) / merkle.Width; bundle >= 0 && log.Size() > 0; bundle-- { // from the newest
		entries, err := log.Entries(bundle)
		if err != nil {
			return nil, fmt.Errorf("access log: %w", err)
		}
		for i, raw := range slices.Backward(entries) {
			var e Entry
			if json.Unmarshal(raw, &e) == nil && e.CaseKey == caseKey {
				return vouch(dir, log, bundle*merkle.Width+int64(i), raw)
			}
		}
	}
	return nil, nil //nolint:nilnil // as above
}

// Read gives all entries, after it has verified that they are those that are signed.
func Read(ctx context.Context, d depot.Reader, key note.Verifier) ([]Entry, error) {
	msg, err := depot.ReadFile(ctx, d, depot.Checkpoint, depot.MaxFile)
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
	for raw, err := range merkle.Walk(ctx, d, c.N) {
		if err != nil {
			return nil, fmt.Errorf("access log: %w", err)
		}
		n := int64(len(entries))
		var e Entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("access log: entry %d: %w", n, err)
		}
		hashes, err := tlog.StoredHashes(n, raw, reader)
		if err != nil {
			return nil, fmt.Errorf("access log: %w", err)
		}
		for i, h := range hashes {
			stored[tlog.StoredHashIndex(0, n)+int64(i)] = h
		}
		entries = append(entries, e)
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
