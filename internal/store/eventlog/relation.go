package eventlog

import (
	"context"
	"database/sql"
	"strconv"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// inRoom compares the room of an event in a way that keeps the engines from walking the whole room where a more telling column is given
// too: SQLite would rather do that.
func inRoom(alias string, n int) string {
	return "coalesce(" + alias + "room_id, '') = $" + strconv.Itoa(n)
}

// Relation types that are summed up for their target.
const (
	RelThread    = "m.thread"
	RelReplace   = "m.replace"
	RelReference = "m.reference"
)

// Children says which events that point to a parent are asked for.
type Children struct {
	Room      mx.RoomID
	Parent    mx.EventID
	RelType   string // "" for any
	EventType string // "" for any
	Depth     int    // 1 for those that point to the parent itself, 2 for those that point to these too, and so on
	From, To  store.Pos
	Backwards bool
	Limit     int
}

// RelatedEvents is the events that point to a parent, directly or over others, ordered by position. Redacted ones point to nothing.
func RelatedEvents(ctx context.Context, r store.Reader, c Children) ([]*Event, error) {
	match := " " + inRoom("e.", 1) + ` AND e.redacted_by IS NULL AND ($3 = '' OR e.rel_type = $3) AND ($4 = '' OR e.type = $4)`
	order := " ORDER BY child.pos LIMIT $8"
	if c.Backwards {
		order = " ORDER BY child.pos DESC LIMIT $8"
	}
	// A hash of itself is in no event, so that there are no loops; the depth is bounded for the sake of long chains.
	// SQLite keeps the order of a cross join: the children come first, then their events.
	return Collect(r.Query(ctx, `WITH RECURSIVE child (room_id, event_id, pos, depth) AS (
			SELECT room_id, event_id, pos, 0 FROM event WHERE room_id = $1 AND event_id = $2
			UNION ALL
			SELECT e.room_id, e.event_id, e.pos, child.depth + 1 FROM child JOIN event e ON e.relates_to = child.event_id
			WHERE`+match+` AND child.depth < $5
		)
		SELECT `+ColumnsE+` FROM child CROSS JOIN event e
		WHERE e.pos = child.pos AND child.depth > 0 AND child.pos >= $6 AND child.pos <= $7`+order,
		string(c.Room), string(c.Parent), c.RelType, c.EventType, c.Depth, int64(c.From), int64(c.To), c.Limit))
}

// Reference is an event that points to another one by m.reference.
type Reference struct {
	Parent, ID mx.EventID
	Pos        store.Pos
	Sender     mx.UserID
}

// Aggregated gives, of the listed events of a room, those that have children which are summed up, with the relation types of these.
func Aggregated(ctx context.Context, r store.Reader, room mx.RoomID, ids []mx.EventID) (map[string][]mx.EventID, error) {
	found := map[string][]mx.EventID{}
	err := chunked(ids, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT DISTINCT rel_type, relates_to FROM event WHERE relates_to IN ("+store.In(len(args), 1)+
			`) AND rel_type IN ('m.thread', 'm.replace', 'm.reference') AND redacted_by IS NULL AND `+inRoom("", len(args)+1),
			append(args, string(room))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var typ string
			var id mx.EventID
			if err := rows.Scan(&typ, &id); err != nil {
				return err
			}
			found[typ] = append(found[typ], id)
		}
		return rows.Err()
	})
	return found, err
}

// References is the events that point to the listed ones by m.reference, oldest first.
func References(ctx context.Context, r store.Reader, room mx.RoomID, ids []mx.EventID) ([]Reference, error) {
	var found []Reference
	err := chunked(ids, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT relates_to, event_id, pos, sender FROM event WHERE relates_to IN ("+store.In(len(args), 1)+
			") AND rel_type = 'm.reference' AND redacted_by IS NULL AND "+inRoom("", len(args)+1)+" ORDER BY pos",
			append(args, string(room))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var f Reference
			if err := rows.Scan(&f.Parent, &f.ID, &f.Pos, &f.Sender); err != nil {
				return err
			}
			found = append(found, f)
		}
		return rows.Err()
	})
	return found, err
}

// Edits is the replacements of the listed events by their own senders and of the same type, for each event those with the latest
// few times; more than few where times are the same.
func Edits(ctx context.Context, r store.Reader, room mx.RoomID, ids []mx.EventID, few int) ([]*Event, error) {
	var found []*Event
	err := chunked(ids, func(args []any) error {
		n := len(args)
		list, err := Collect(r.Query(ctx, "SELECT "+ColumnsE+` FROM event e JOIN (
				SELECT c.pos AS pos, rank() OVER (PARTITION BY c.relates_to ORDER BY c.ts DESC) AS place
				FROM event c JOIN event p ON p.event_id = c.relates_to
				WHERE c.relates_to IN (`+store.In(n, 1)+`) AND c.rel_type = 'm.replace' AND c.redacted_by IS NULL
				AND `+inRoom("c.", n+1)+` AND `+inRoom("p.", n+1)+` AND p.sender = c.sender AND p.type = c.type
				AND c.state_key IS NULL AND p.state_key IS NULL AND p.redacted_by IS NULL
				AND (p.rel_type IS NULL OR p.rel_type <> 'm.replace')
			) latest ON e.pos = latest.pos WHERE latest.place <= $`+strconv.Itoa(n+2), append(args, string(room), few)...))
		found = append(found, list...)
		return err
	})
	return found, err
}

// Thread is what a thread's replies come to.
type Thread struct {
	Root         mx.EventID
	Count        int
	Latest       store.Pos
	Participated bool // the user that was asked for has replied
}

// Threads sums up the replies between two positions of the listed threads of a room, or of all its threads if the list is nil, for a
// user: those of other users that the user ignores do not count.
func Threads(
	ctx context.Context, r store.Reader, room mx.RoomID, roots []mx.EventID, from, to store.Pos, user mx.UserID, ignored []mx.UserID,
) ([]Thread, error) {
	var found []Thread
	query := func(args []any) error {
		base := []any{string(user), string(room), int64(from), int64(to)}
		text := `SELECT relates_to, count(*), max(pos), max(CASE WHEN sender = $1 THEN 1 ELSE 0 END) FROM event
			WHERE room_id = $2 AND relates_to > '' AND rel_type = 'm.thread' AND redacted_by IS NULL AND +pos >= $3 AND +pos <= $4`
		if len(args) > 0 {
			text += " AND relates_to IN (" + store.In(len(args), len(base)+1) + ")"
			base = append(base, args...)
		}
		if len(ignored) > 0 {
			not := padded(ignored)
			text += " AND sender NOT IN (" + store.In(len(not), len(base)+1) + ")"
			base = append(base, not...)
		}
		rows, err := r.Query(ctx, text+" GROUP BY relates_to", base...)
		if err != nil {
			return err
		}
		found, err = collectThreads(rows, found)
		return err
	}
	if roots == nil {
		return found, query(nil)
	}
	err := chunked(roots, query)
	return found, err
}

func collectThreads(rows *sql.Rows, found []Thread) ([]Thread, error) {
	defer rows.Close()
	for rows.Next() {
		var t Thread
		var root sql.NullString
		var participated int
		if err := rows.Scan(&root, &t.Count, &t.Latest, &participated); err != nil {
			return nil, err
		}
		t.Root, t.Participated = mx.EventID(root.String), participated == 1
		found = append(found, t)
	}
	return found, rows.Err()
}
