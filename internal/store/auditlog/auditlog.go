// Package auditlog is the SQL of the audit log: what administrators did, in one chain of hashes.
//
// Tables: audit. Rows enter through Record, in the transaction of the act that they tell of, and never change. Invariants: seq counts
// from 1 without gaps; prev is the hash of the row before, 32 zero bytes in the first; hash is SHA-256 over the row's fields in the order
//
//	seq, ts, actor, device, addr, action, target, was, became, prev
//
// each as its length in bytes (8 bytes, big-endian) and then its bytes. seq and ts are decimal digits, texts UTF-8, was and became the
// JSON as stored, prev the 32 bytes. This is a promise to whoever verifies an export with a program of their own: it does not change.
//
// Whoever can write to the database can write a new chain. An entry's number and hash that were noted elsewhere give that away.
package auditlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/listing"
)

// Actors that are no users.
const (
	CommandLine  = "command line"
	SharedSecret = "shared secret"
)

// Actor is who does something, and from where. The zero value is nobody: what users do with their own is not recorded.
type Actor struct {
	Name   string // a user id, or one of the names above
	Device mx.DeviceID
	Addr   string
}

// Act is what was done. Was and Became are encoded as JSON; nil is nothing.
type Act struct {
	Action string // subject and verb, such as account.lock
	Target string // what it was done to, by its id
	Was    any
	Became any
}

// Entry is a row of the log.
type Entry struct {
	Seq    int64
	Time   int64
	Actor  string
	Device string
	Addr   string
	Action string
	Target string
	Was    []byte
	Became []byte
	Prev   []byte
	Hash   []byte
}

const columns = "seq, ts, actor, device, addr, action, target, was, became, prev, hash"

func (e *Entry) fields() []any {
	return []any{&e.Seq, &e.Time, &e.Actor, &e.Device, &e.Addr, &e.Action, &e.Target, &e.Was, &e.Became, &e.Prev, &e.Hash}
}

// Digest is what the entry's hash must be.
func (e *Entry) Digest() []byte {
	h := sha256.New()
	for _, f := range [][]byte{
		strconv.AppendInt(nil, e.Seq, 10), strconv.AppendInt(nil, e.Time, 10), []byte(e.Actor), []byte(e.Device), []byte(e.Addr),
		[]byte(e.Action), []byte(e.Target), e.Was, e.Became, e.Prev,
	} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write(f)
	}
	return h.Sum(nil)
}

// Follows reports whether the entry is the next one after another; nil is the beginning.
func (e *Entry) Follows(before *Entry) bool {
	if before == nil {
		return e.Seq == 1 && bytes.Equal(e.Prev, make([]byte, sha256.Size))
	}
	return e.Seq == before.Seq+1 && bytes.Equal(e.Prev, before.Hash)
}

// Record appends an entry to the log. By the zero Actor nothing is recorded.
func Record(tx *store.Tx, now int64, by Actor, a Act) error {
	if by == (Actor{}) {
		return nil
	}
	last, err := Last(context.Background(), tx)
	if err != nil {
		return err
	}
	e := Entry{
		Seq: 1, Time: now, Actor: by.Name, Device: string(by.Device), Addr: by.Addr, Action: a.Action, Target: a.Target,
		Prev: make([]byte, sha256.Size),
	}
	if last != nil {
		e.Seq, e.Prev = last.Seq+1, last.Hash
	}
	if e.Was, err = encode(a.Was); err != nil {
		return err
	}
	if e.Became, err = encode(a.Became); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO audit ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		e.Seq, e.Time, e.Actor, e.Device, e.Addr, e.Action, e.Target, e.Was, e.Became, e.Prev, e.Digest())
	return err
}

func encode(v any) ([]byte, error) {
	if v == nil {
		return []byte{}, nil
	}
	return json.Marshal(v, json.Deterministic(true), jsontext.EscapeForHTML(false))
}

// Last reads the newest entry; nil if there is none.
func Last(ctx context.Context, r store.Reader) (*Entry, error) {
	return one(r.QueryRow(ctx, "SELECT "+columns+" FROM audit ORDER BY seq DESC LIMIT 1"))
}

// Find reads the entry of a number; nil if there is none.
func Find(ctx context.Context, r store.Reader, seq int64) (*Entry, error) {
	return one(r.QueryRow(ctx, "SELECT "+columns+" FROM audit WHERE seq = $1", seq))
}

func one(row *store.Row) (*Entry, error) {
	var e Entry
	err := row.Scan(e.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// After reads up to limit entries after a number, oldest first.
func After(ctx context.Context, r store.Reader, seq int64, limit int) ([]Entry, error) {
	rows, err := r.Query(ctx, "SELECT "+columns+" FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		var e Entry
		if err := rows.Scan(e.fields()...); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// Filter says which entries are wanted; zero fields do not matter.
type Filter struct {
	Actor, Action, Target string // Action may be the beginning of one, up to a dot
	Since, Until          int64  // from the one on, before the other
}

// Orders are the orders of List; the first is the default.
func Orders() []string { return []string{"-seq", "seq"} }

// List reads a page of the entries that a filter lets through, and how many there are in all.
func List(ctx context.Context, r store.Reader, f Filter, p listing.Page) (listing.Found[Entry], error) {
	q := listing.Query{Columns: columns, From: "audit", ID: "seq", Keys: map[string]listing.Key{"seq": {SQL: "seq", Number: true}}}
	if f.Actor != "" {
		q.Where("actor = ?", f.Actor)
	}
	if f.Action != "" {
		q.Where("(action = ? OR action LIKE ? ESCAPE '!')", f.Action, listing.Escape(f.Action)+".%")
	}
	if f.Target != "" {
		q.Where("target = ?", f.Target)
	}
	if f.Since != 0 {
		q.Where("ts >= ?", f.Since)
	}
	if f.Until != 0 {
		q.Where("ts < ?", f.Until)
	}
	return listing.Read(ctx, r, &q, p, (*Entry).fields)
}
