package casefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// Filter narrows what is read. Empty fields do not.
type Filter struct {
	People       []string // user ids, or parts of names
	Rooms        []string // ids, or names
	Since, Until time.Time
	Kinds        []transcript.Kind
	File         string // name of an attachment, with * and ?
	FileType     string // beginning of its media type, such as image/
	From         uint64 // sequence of the first one
}

// Record is one line of the archive, with what proves it.
type Record struct {
	Seq    uint64
	Line   []byte // as sealed
	Entry  []byte // its leaf in the archive's log
	Record *record.Record
}

// Room is a room of the case.
type Room struct {
	ID, Name    string
	Records     int
	First, Last time.Time
}

// Rooms lists rooms by name.
func (c *Case) Rooms(ctx context.Context) (list []Room, err error) {
	const q = "SELECT room.id, room.name, count(*), min(sent), max(sent) FROM message JOIN room ON room.n = message.room GROUP BY room.n ORDER BY room.name, room.id"
	rows, err := c.db.QueryContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Room
		var first, last int64
		if err := rows.Scan(&r.ID, &r.Name, &r.Records, &first, &last); err != nil {
			return nil, fmt.Errorf("case: %w", err)
		}
		r.First, r.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		list = append(list, r)
	}
	return list, rows.Err()
}

// where makes conditions on message of a filter.
func (c *Case) where(ctx context.Context, f Filter) (conditions []string, args []any, err error) {
	add := func(text string, values ...any) {
		conditions = append(conditions, text)
		args = append(args, values...)
	}
	for _, by := range []struct {
		what   int
		names  []string
		column string
	}{{namedPerson, f.People, "message.person"}, {namedRoom, f.Rooms, "message.room"}} {
		if len(by.names) == 0 {
			continue
		}
		list, err := c.numbers(ctx, by.what, by.names)
		if err != nil {
			return nil, nil, err
		}
		add(by.column + " IN (" + join(list) + ")")
	}
	if !f.Since.IsZero() {
		add("message.sent >= ?", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		add("message.sent < ?", f.Until.UnixMilli())
	}
	if f.From > 0 {
		add("message.seq >= ?", int64(min(f.From, math.MaxInt64)))
	}
	if len(f.Kinds) > 0 {
		marks := make([]string, len(f.Kinds))
		values := make([]any, len(f.Kinds))
		for i, k := range f.Kinds {
			marks[i], values[i] = "?", string(k)
		}
		add("message.kind IN ("+strings.Join(marks, ", ")+")", values...)
	}
	if f.File != "" || f.FileType != "" {
		add("EXISTS (SELECT 1 FROM attachment WHERE attachment.seq = message.seq AND folded GLOB ? AND type GLOB ?)", glob(query.Fold(f.File)), globEscape(strings.ToLower(f.FileType))+"*")
	}
	return conditions, args, nil
}

// glob makes SQLite's pattern of one in which * and ? alone mean something; without either it is part of a name.
func glob(s string) string {
	if s == "" {
		return "*"
	}
	if !strings.ContainsAny(s, "*?") {
		return "*" + globEscape(s) + "*"
	}
	return strings.ReplaceAll(s, "[", "[[]")
}

func globEscape(s string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(s)
}

func join(list []int64) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
}

// ErrUnknown means that nobody and nothing in the case is called so.
var ErrUnknown = errors.New("is nowhere in this case")

// numbers finds rooms or people by id, or by one of the names that they have had: a room's whole name, or part of a person's name or id.
func (c *Case) numbers(ctx context.Context, what int, names []string) (list []int64, err error) {
	for _, name := range names {
		q, args := "SELECT n FROM person WHERE id = ?", []any{name}
		if what == namedRoom {
			q = "SELECT n FROM room WHERE id = ?"
		}
		switch folded := query.Fold(name); {
		case what == namedRoom && strings.HasPrefix(name, "!"), what == namedPerson && strings.HasPrefix(name, "@"):
		case what == namedRoom:
			q, args = "SELECT n FROM named WHERE what = ? AND folded = ?", []any{what, folded}
		default:
			part := "*" + globEscape(folded) + "*"
			q, args = "SELECT n FROM named WHERE what = ? AND folded GLOB ? UNION SELECT n FROM person WHERE id GLOB ?", []any{what, part, "@" + part}
		}
		found, err := c.integers(ctx, q, args...)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%q %w", name, ErrUnknown)
		}
		list = append(list, found...)
	}
	return list, nil
}

func (c *Case) integers(ctx context.Context, q string, args ...any) (list []int64, err error) {
	rows, err := c.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("case: %w", err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	return list, nil
}

// Records gives the records that a filter lets through, in the archive's order.
func (c *Case) Records(ctx context.Context, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		fail := func(err error) { yield(Record{}, err) }
		conditions, args, err := c.where(ctx, f)
		if err != nil {
			fail(err)
			return
		}
		q := "SELECT record.seq, record.line, record.entry FROM message CROSS JOIN record ON record.seq = message.seq"
		if len(conditions) > 0 {
			q += " WHERE " + strings.Join(conditions, " AND ")
		}
		rows, err := c.db.QueryContext(ctx, q+" ORDER BY message.seq", args...)
		if err != nil {
			fail(fmt.Errorf("case: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var r Record
			var seq int64
			if err := rows.Scan(&seq, &r.Line, &r.Entry); err != nil {
				fail(fmt.Errorf("case: %w", err))
				return
			}
			r.Seq = uint64(seq)
			said, rec, err := record.Decode(r.Line)
			if err != nil || said != r.Seq {
				fail(fmt.Errorf("case: record %d: it is not what it was: %w", seq, err))
				return
			}
			if r.Record = rec; !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(fmt.Errorf("case: %w", err))
		}
	}
}

// Transcript gives the conversation of a room, by its id.
func (c *Case) Transcript(ctx context.Context, room string) (*transcript.Conversation, error) {
	b := transcript.New(room)
	for r, err := range c.Records(ctx, Filter{Rooms: []string{room}}) {
		if err != nil {
			return nil, err
		}
		b.Add(r.Seq, r.Record)
	}
	return b.Conversation(), nil
}

// FindRooms gives the ids of rooms, by id or name.
func (c *Case) FindRooms(ctx context.Context, names ...string) ([]string, error) {
	list, err := c.numbers(ctx, namedRoom, names)
	if err != nil {
		return nil, err
	}
	return c.texts(ctx, "SELECT id FROM room WHERE n IN ("+join(list)+") ORDER BY name, id")
}

// Locate gives the room and the sequence of an event.
func (c *Case) Locate(ctx context.Context, event string) (room string, seq uint64, err error) {
	var n int64
	err = c.db.QueryRowContext(ctx, "SELECT room.id, seq FROM message JOIN room ON room.n = message.room WHERE event = ? ORDER BY seq LIMIT 1", event).Scan(&room, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, fmt.Errorf("%q %w", event, ErrUnknown)
	}
	if err != nil {
		return "", 0, fmt.Errorf("case: %w", err)
	}
	return room, uint64(n), nil
}

// ErrNoFile means that an attachment is not in the case: the archive had no key for it any more, or attachments were left out.
var ErrNoFile = errors.New("the attachment is not in this case")

// OpenFile reads an attachment by the name that records give its blob.
func (c *Case) OpenFile(blob string) (io.ReadCloser, error) {
	if !blobForm.MatchString(blob) {
		return nil, ErrNoFile
	}
	f, err := os.Open(filepath.Join(c.dir, filesDir, blob)) //nolint:gosec // a hash in hexadecimal
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	plain, err := age.Decrypt(f, c.identity)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("case: attachment %s: %w", blob, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, f}, nil
}
