package casefile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/transcript"
)

// Search is what to look for. Without words, all that the filter lets through is found.
type Search struct {
	Query query.Query
	Filter
	Limit, Offset int
}

// Hit is a record that was found.
type Hit struct {
	Seq      uint64          `json:"seq"`
	Event    string          `json:"event_id"`
	Room     string          `json:"room"`
	RoomName string          `json:"room_name"`
	Sender   string          `json:"sender"`
	Name     string          `json:"sender_name"`
	Sent     time.Time       `json:"time"`
	Kind     transcript.Kind `json:"kind"`
	Text     string          `json:"text"`
	Marks    []query.Span    `json:"marks"`           // where in the text
	About    string          `json:"about,omitempty"` // event that an edit or a deletion is about
	Edited   bool            `json:"edited"`          // later on
	Deleted  bool            `json:"deleted"`
	Files    []string        `json:"files"`
}

// Search gives hits in the archive's order, and whether there are more.
func (c *Case) Search(ctx context.Context, s Search) (hits []Hit, more bool, err error) {
	conditions, args, err := c.where(ctx, s.Filter)
	if err != nil {
		return nil, false, err
	}
	from := "message"
	if expression, err := c.expression(ctx, s); err != nil {
		return nil, false, err
	} else if expression != "" {
		from = "words CROSS JOIN message ON message.seq = words.rowid"
		conditions = append([]string{"words MATCH ?"}, conditions...)
		args = append([]any{expression}, args...)
		if low, high, err := c.span(ctx, s.Filter); err != nil {
			return nil, false, err
		} else if high >= 0 {
			conditions = append(conditions, "words.rowid BETWEEN ? AND ?")
			args = append(args, low, high)
		}
	}
	where := ""
	if len(conditions) > 0 {
		where = " WHERE " + strings.Join(conditions, " AND ")
	}
	order := "message.seq"
	if from != "message" {
		order = "words.rowid"
	}
	q := "SELECT message.seq FROM " + from + where + " ORDER BY " + order + " LIMIT ? OFFSET ?"
	rows, err := c.db.QueryContext(ctx, q, append(args, s.Limit+1, s.Offset)...)
	if err != nil {
		return nil, false, fmt.Errorf("case: %w", err)
	}
	defer rows.Close()
	var found []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, false, fmt.Errorf("case: %w", err)
		}
		found = append(found, n)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("case: %w", err)
	}
	if more = len(found) > s.Limit; more {
		found = found[:s.Limit]
	}
	for _, n := range found {
		h, err := c.hit(ctx, n, s.Query)
		if err != nil {
			return nil, false, err
		}
		hits = append(hits, h)
	}
	return hits, more, nil
}

// expression asks the index for words and, as words too, for people, rooms and kinds.
func (c *Case) expression(ctx context.Context, s Search) (string, error) {
	var parts []string
	if words := s.Query.FTS(); words != "" {
		parts = append(parts, words)
	} else {
		return "", nil
	}
	marks := func(prefix string, list []int64) {
		all := make([]string, len(list))
		for i, n := range list {
			all[i] = fmt.Sprintf(`"%s%d"`, prefix, n)
		}
		parts = append(parts, "mark : ("+strings.Join(all, " OR ")+")")
	}
	if len(s.People) > 0 {
		list, err := c.numbers(ctx, namedPerson, s.People)
		if err != nil {
			return "", err
		}
		marks("p", list)
	}
	if len(s.Rooms) > 0 {
		list, err := c.numbers(ctx, namedRoom, s.Rooms)
		if err != nil {
			return "", err
		}
		marks("r", list)
	}
	if len(s.Kinds) > 0 {
		var all []string
		for _, k := range s.Kinds {
			all = append(all, `"`+kindMark(k)+`"`)
		}
		parts = append(parts, "mark : ("+strings.Join(all, " OR ")+")")
	}
	if s.File != "" || s.FileType != "" {
		parts = append(parts, `mark : "`+fileMark+`"`)
	}
	return strings.Join(parts, " AND "), nil
}

// span gives the sequences between which a period lies; a negative end says that there is no period.
func (c *Case) span(ctx context.Context, f Filter) (low, high int64, err error) {
	if f.Since.IsZero() && f.Until.IsZero() {
		return 0, -1, nil
	}
	until := int64(1) << 62
	if !f.Until.IsZero() {
		until = f.Until.UnixMilli()
	}
	since := int64(-1) << 62
	if !f.Since.IsZero() {
		since = f.Since.UnixMilli()
	}
	err = c.db.QueryRowContext(ctx, "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM message WHERE sent >= ? AND sent < ?", since, until).Scan(&low, &high)
	if err != nil {
		err = fmt.Errorf("case: %w", err)
	}
	return low, high, err
}

// hit reads what is shown of a record that was found.
func (c *Case) hit(ctx context.Context, seq int64, q query.Query) (h Hit, err error) {
	var sent int64
	var kind string
	const text = `SELECT message.event, room.id, room.name, person.id, person.name, message.sent, message.kind, message.text, message.target,
		EXISTS (SELECT 1 FROM message AS later WHERE later.target = message.event AND later.target <> '' AND later.rel = ? AND later.person = message.person AND later.room = message.room),
		EXISTS (SELECT 1 FROM message AS later WHERE later.target = message.event AND later.target <> '' AND later.rel = ? AND later.room = message.room)
		FROM message JOIN room ON room.n = message.room JOIN person ON person.n = message.person WHERE message.seq = ?`
	err = c.db.QueryRowContext(ctx, text, relEdit, relRemoval, seq).Scan(&h.Event, &h.Room, &h.RoomName, &h.Sender, &h.Name, &sent, &kind, &h.Text, &h.About, &h.Edited, &h.Deleted)
	if err != nil {
		return h, fmt.Errorf("case: %w", err)
	}
	h.Seq, h.Kind, h.Sent = uint64(seq), transcript.Kind(kind), time.UnixMilli(sent).UTC()
	h.Marks = q.Find(h.Text)
	h.Files, err = c.texts(ctx, "SELECT name FROM attachment WHERE seq = ? ORDER BY n", seq)
	return h, err
}
