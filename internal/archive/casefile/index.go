package casefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// index takes records in within a transaction.
type index struct {
	tx                                      *sql.Tx
	known                                   map[string]int64  // numbers
	called                                  map[string]string // last names
	record, message, words, names, attaches *sql.Stmt
}

func newIndex(ctx context.Context, tx *sql.Tx, known map[string]int64) (*index, error) {
	ix := &index{tx: tx, known: known, called: map[string]string{}}
	for to, q := range map[**sql.Stmt]string{
		&ix.record:   "INSERT INTO record (seq, line, entry) VALUES (?, ?, ?)",
		&ix.message:  "INSERT INTO message (seq, room, person, kind, sent, event, rel, target, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		&ix.words:    "INSERT INTO words (rowid, body, mark) VALUES (?, ?, ?)",
		&ix.names:    "INSERT OR IGNORE INTO named (what, n, name, folded) VALUES (?, ?, ?, ?)",
		&ix.attaches: "INSERT INTO attachment (seq, n, blob, name, folded, type) VALUES (?, ?, ?, ?, ?, ?)",
	} {
		stmt, err := tx.PrepareContext(ctx, q) //nolint:sqlclosecheck // close does, as does the transaction's end
		if err != nil {
			return nil, errors.Join(err, ix.close())
		}
		*to = stmt
	}
	return ix, nil
}

func (ix *index) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{ix.record, ix.message, ix.words, ix.names, ix.attaches} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// add takes in a record.
func (ix *index) add(ctx context.Context, seq uint64, line, entry []byte, r *record.Record) error {
	m := transcript.Alone(seq, r)
	room, err := ix.number(ctx, aRoom, r.Room, r.RoomName)
	if err != nil {
		return err
	}
	name := ""
	if m.Member != nil && m.Member.UserID == m.Sender {
		name = m.Member.Name
	}
	person, err := ix.number(ctx, aPerson, m.Sender, name)
	if err != nil {
		return err
	}
	if m.Member != nil && m.Member.UserID != m.Sender { // who was invited or removed is known by name too
		if _, err := ix.number(ctx, aPerson, m.Member.UserID, m.Member.Name); err != nil {
			return err
		}
	}
	if m.Kind == transcript.RoomName {
		if _, err := ix.number(ctx, aRoom, r.Room, m.Body); err != nil {
			return err
		}
	}
	rel := relNone
	switch m.Kind { //nolint:exhaustive // the others are about nothing that a search tells
	case transcript.Edit:
		rel = relEdit
	case transcript.Deletion:
		rel = relRemoval
	}
	text := Text(m)
	if _, err := ix.record.ExecContext(ctx, int64(seq), line, entry); err != nil {
		return err
	}
	if _, err := ix.message.ExecContext(ctx, int64(seq), room, person, string(m.Kind), m.Sent.UnixMilli(), m.EventID, rel, m.Related, text); err != nil {
		return err
	}
	marks := []string{query.All, fmt.Sprint("r", room), fmt.Sprint("p", person), kindMark(m.Kind)}
	if len(m.Attachments) > 0 {
		marks = append(marks, fileMark)
	}
	for i, a := range m.Attachments {
		if _, err := ix.attaches.ExecContext(ctx, int64(seq), i, a.Blob, a.Name, query.Fold(a.Name), strings.ToLower(a.Type)); err != nil {
			return err
		}
	}
	_, err = ix.words.ExecContext(ctx, int64(seq), query.Words(text), strings.Join(marks, " "))
	return err
}

const fileMark = "f"

func kindMark(k transcript.Kind) string { return "k" + strings.ReplaceAll(string(k), " ", "") }

// kind is what has a number and names: a room or a person.
type kind struct {
	what                int
	insert, look, names string
}

//nolint:gochecknoglobals // a constant
var aRoom = kind{
	namedRoom, "INSERT OR IGNORE INTO room (id, name) VALUES (?, '')", "SELECT n FROM room WHERE id = ?", "UPDATE room SET name = ? WHERE n = ?",
}

//nolint:gochecknoglobals // as above
var aPerson = kind{
	namedPerson, "INSERT OR IGNORE INTO person (id, name) VALUES (?, '')", "SELECT n FROM person WHERE id = ?", "UPDATE person SET name = ? WHERE n = ?",
}

// number gives a room or a person a number, and keeps the names that they have had; the last one is what they are called.
func (ix *index) number(ctx context.Context, k kind, id, name string) (int64, error) {
	own := fmt.Sprint(k.what, " ", len(id), " ", id, " ")
	n, ok := ix.known[own]
	if !ok {
		if _, err := ix.tx.ExecContext(ctx, k.insert, id); err != nil {
			return 0, err
		}
		if err := ix.tx.QueryRowContext(ctx, k.look, id).Scan(&n); err != nil {
			return 0, err
		}
		ix.known[own] = n
	}
	if name == "" || ix.called[own] == name {
		return n, nil
	}
	ix.called[own] = name
	if _, err := ix.names.ExecContext(ctx, k.what, n, name, query.Fold(name)); err != nil {
		return 0, err
	}
	_, err := ix.tx.ExecContext(ctx, k.names, name, n)
	return n, err
}

// Text is what of a message can be searched: what members read, the names of its files, and what its HTML says if that is something else.
func Text(m *transcript.Message) string {
	parts := []string{m.Body}
	if m.HTML != "" {
		if shown := transcript.PlainText(m.HTML); !query.Same(shown, m.Body) {
			parts = append(parts, shown)
		}
	}
	if m.Poll != nil {
		for _, a := range m.Poll.Answers {
			parts = append(parts, a.Text)
		}
	}
	if m.Member != nil {
		parts = append(parts, m.Member.Name, m.Member.Reason)
	}
	for _, a := range m.Attachments {
		if !a.Thumbnail {
			parts = append(parts, a.Name)
		}
	}
	parts = append(parts, m.Key)
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n")
}
