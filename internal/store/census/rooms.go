package census

import (
	"context"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// Room is a room as lists show it.
type Room struct {
	ID        mx.RoomID
	Version   string
	Creator   mx.UserID
	Created   int64
	Published bool
	Name      string
	Alias     string
	Encrypted bool
	Recorded  bool
	Space     bool
	Public    bool
	Orphaned  bool
	Blocked   bool
	Members   int64
	Events    int64
	Bytes     int64
	Last      int64
}

// RoomFilter says which rooms are wanted; zero fields do not matter.
type RoomFilter struct {
	Search string // words that the name, an alias or the id contains
	Kind   string // one of RoomKinds
}

// RoomKinds are the kinds of rooms that can be asked for.
func RoomKinds() []string {
	return []string{"", "orphaned", "encrypted", "unencrypted", "space", "public", "blocked", "empty", "recorded", "unrecorded"}
}

// RoomOrders are what Rooms can be sorted by; the first is the default.
func RoomOrders() []string {
	return []string{
		"name", "-name", "members", "-members", "events", "-events", "bytes", "-bytes", "created", "-created", "last_activity", "-last_activity", "room_id",
	}
}

const roomColumns = "room_id, version, creator, created_ts, published, name, alias, encrypted, recorded, space, public, orphaned, blocked, members, events, bytes, last_ts"

func (m *Room) fields() []any {
	return []any{
		&m.ID, &m.Version, &m.Creator, &m.Created, &m.Published, &m.Name, &m.Alias, &m.Encrypted, &m.Recorded, &m.Space, &m.Public, &m.Orphaned, &m.Blocked,
		&m.Members, &m.Events, &m.Bytes, &m.Last,
	}
}

const rooms = `(SELECT r.room_id, r.version, r.creator, r.created_ts, r.published, c.name, c.alias, c.found_by, c.encrypted, c.recorded, c.space, c.public, c.orphaned,
	EXISTS (SELECT 1 FROM blocked_room b WHERE b.room_id = r.room_id) AS blocked,
	(SELECT count(*) FROM membership m WHERE m.room_id = r.room_id AND m.membership = 'join') AS members, c.events, c.bytes, c.last_ts
	FROM room r JOIN room_census c ON c.room_id = r.room_id WHERE NOT c.deleted) p`

func roomQuery() listing.Query {
	return listing.Query{Columns: roomColumns, From: rooms, ID: "room_id", Keys: map[string]listing.Key{
		"name": {SQL: "found_by"}, "members": {SQL: "members", Number: true}, "events": {SQL: "events", Number: true}, "bytes": {SQL: "bytes", Number: true},
		"created": {SQL: "created_ts", Number: true}, "last_activity": {SQL: "last_ts", Number: true}, "room_id": {SQL: "room_id"},
	}}
}

// Rooms reads a page of the rooms.
func Rooms(ctx context.Context, r store.Reader, f RoomFilter, p listing.Page) (listing.Found[Room], error) {
	q := roomQuery()
	for _, word := range strings.Fields(account.Fold(f.Search)) {
		q.Where("found_by LIKE ? ESCAPE '!'", "%"+listing.Escape(word)+"%")
	}
	switch f.Kind {
	case "orphaned", "encrypted", "recorded", "space", "public", "blocked":
		q.Where(f.Kind)
	case "unencrypted":
		q.Where("NOT encrypted")
	case "unrecorded":
		q.Where("NOT recorded")
	case "empty":
		q.Where("members = 0")
	}
	return listing.Read(ctx, r, &q, p, (*Room).fields)
}

// FindRoom reads one room; nil if there is none.
func FindRoom(ctx context.Context, r store.Reader, id mx.RoomID) (*Room, error) {
	q := roomQuery()
	q.Where("room_id = ?", id)
	found, err := listing.Read(ctx, r, &q, listing.Page{Order: "room_id", Limit: 1, Uncounted: true}, (*Room).fields)
	if err != nil || len(found.Items) == 0 {
		return nil, err
	}
	return &found.Items[0], nil
}

// Member is somebody with a membership of a room.
type Member struct {
	User       mx.UserID
	Display    string
	Membership string
}

// MemberOrders are what Members can be sorted by; the first is the default.
func MemberOrders() []string { return []string{"name", "-name", "user_id", "-user_id"} }

// Members reads a page of the members of a room; membership "" is any.
func Members(ctx context.Context, r store.Reader, id mx.RoomID, membership, search string, p listing.Page) (listing.Found[Member], error) {
	q := listing.Query{
		Columns: "user_id, display, membership", ID: "user_id",
		From: `(SELECT m.room_id, m.user_id, m.membership, COALESCE(a.display, '') AS display, COALESCE(a.found_by, m.user_id) AS found_by
			FROM membership m LEFT JOIN account a ON a.user_id = m.user_id) p`,
		Keys: map[string]listing.Key{"name": {SQL: "found_by"}, "user_id": {SQL: "user_id"}},
	}
	q.Where("room_id = ?", id)
	if membership != "" {
		q.Where("membership = ?", membership)
	}
	for _, word := range strings.Fields(account.Fold(search)) {
		q.Where("found_by LIKE ? ESCAPE '!'", "%"+listing.Escape(word)+"%")
	}
	return listing.Read(ctx, r, &q, p, func(m *Member) []any { return []any{&m.User, &m.Display, &m.Membership} })
}

// Progress is the position up to which the log has been read.
func Progress(ctx context.Context, r store.Reader) (at store.Pos, err error) {
	err = r.QueryRow(ctx, "SELECT pos FROM census_progress WHERE one = 1").Scan(&at)
	return at, err
}

// Advance notes that the log was read from one position up to another. It reports false, having changed nothing, if somebody else has read on.
func Advance(tx *store.Tx, from, to store.Pos) (bool, error) {
	n, err := tx.Exec("UPDATE census_progress SET pos = $1 WHERE one = 1 AND pos = $2", int64(to), int64(from))
	return n > 0, err
}

// Line is what the census notes of an event.
type Line struct {
	Pos   store.Pos
	Room  mx.RoomID
	Type  string
	State bool
	TS    int64
	Bytes int64
}

// Lines reads up to limit events after a position.
func Lines(ctx context.Context, r store.Reader, after store.Pos, limit int) ([]Line, error) {
	rows, err := r.Query(ctx, "SELECT pos, room_id, type, state_key IS NOT NULL, ts, length(json) FROM event WHERE pos > $1 ORDER BY pos LIMIT $2", int64(after), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Line
	for rows.Next() {
		var l Line
		if err := rows.Scan(&l.Pos, &l.Room, &l.Type, &l.State, &l.TS, &l.Bytes); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// Look is what a room's state says of it.
type Look struct {
	Name, Alias                                  string
	Encrypted, Recorded, Space, Public, Orphaned bool
}

// SetLook writes what a room's state says.
func SetLook(tx *store.Tx, id mx.RoomID, l Look) error {
	foundBy := account.Fold(strings.Join([]string{l.Name, l.Alias, string(id)}, "\n"))
	_, err := tx.Exec(`INSERT INTO room_census (room_id, name, alias, found_by, encrypted, recorded, space, public, orphaned, deleted, events, bytes, last_ts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, FALSE, 0, 0, 0) ON CONFLICT (room_id) DO UPDATE SET name = excluded.name, alias = excluded.alias,
			found_by = excluded.found_by, encrypted = excluded.encrypted, recorded = excluded.recorded, space = excluded.space, public = excluded.public, orphaned = excluded.orphaned`,
		id, l.Name, l.Alias, foundBy, l.Encrypted, l.Recorded, l.Space, l.Public, l.Orphaned)
	return err
}

// CountRoom adds events to what is known of a room.
func CountRoom(tx *store.Tx, id mx.RoomID, events, bytes, last int64) error {
	_, err := tx.Exec("UPDATE room_census SET events = events + $1, bytes = bytes + $2, last_ts = $3 WHERE room_id = $4 AND NOT deleted", events, bytes, last, id)
	return err
}

// CountDay adds events to a day.
func CountDay(tx *store.Tx, day, messages, events int64) error {
	_, err := tx.Exec(`INSERT INTO daily (day, messages, events) VALUES ($1, $2, $3)
		ON CONFLICT (day) DO UPDATE SET messages = daily.messages + excluded.messages, events = daily.events + excluded.events`, day, messages, events)
	return err
}

// Day is how much was sent on one.
type Day struct{ Day, Messages, Events int64 }

// Days reads the days from one on.
func Days(ctx context.Context, r store.Reader, from int64) ([]Day, error) {
	rows, err := r.Query(ctx, "SELECT day, messages, events FROM daily WHERE day >= $1 ORDER BY day", from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Day
	for rows.Next() {
		var d Day
		if err := rows.Scan(&d.Day, &d.Messages, &d.Events); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Totals are numbers about the whole.
type Totals struct {
	People, Admins, Locked, Suspended, Deactivated int64
	Active                                         [3]int64 // in the last day, week and month
	Devices, Invitations                           int64
	Rooms, Spaces, EncryptedRooms, Orphaned        int64
	Events, EventBytes                             int64
	Files, FileBytes                               int64
	Pushers, Reports                               int64
}

// Total counts.
func Total(ctx context.Context, r store.Reader, now int64) (*Totals, error) {
	const day = 24 * 60 * 60 * 1000
	t := &Totals{}
	active := func(to *int64, days int64) (string, []any, []any) {
		return "SELECT count(*) FROM account WHERE seen >= $1 AND NOT deactivated", []any{now - days*day}, []any{to}
	}
	type question struct {
		query string
		args  []any
		into  []any
	}
	count := func(condition string) string {
		return "COALESCE(SUM(CASE WHEN " + condition + " THEN 1 ELSE 0 END), 0)"
	}
	list := []question{
		{
			"SELECT " + strings.Join([]string{count("NOT deactivated"), count("admin AND NOT deactivated"), count("locked"), count("suspended"), count("deactivated")}, ", ") + " FROM account", nil,
			[]any{&t.People, &t.Admins, &t.Locked, &t.Suspended, &t.Deactivated},
		},
		{"SELECT count(*) FROM device", nil, []any{&t.Devices}},
		{"SELECT count(*) FROM registration_token WHERE personal AND used = 0 AND (expires = 0 OR expires > $1)", []any{now}, []any{&t.Invitations}},
		{
			"SELECT count(*), " + strings.Join([]string{count("space"), count("encrypted"), count("orphaned")}, ", ") + `, CAST(COALESCE(SUM(events), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT)
				FROM room_census WHERE NOT deleted`, nil,
			[]any{&t.Rooms, &t.Spaces, &t.EncryptedRooms, &t.Orphaned, &t.Events, &t.EventBytes},
		},
		{"SELECT CAST(COALESCE(SUM(files), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM media_usage", nil, []any{&t.Files, &t.FileBytes}},
		{"SELECT count(*) FROM pusher", nil, []any{&t.Pushers}},
		{"SELECT count(*) FROM report", nil, []any{&t.Reports}},
	}
	for i, days := range []int64{1, 7, 30} {
		query, args, into := active(&t.Active[i], days)
		list = append(list, question{query, args, into})
	}
	for _, q := range list {
		if err := r.QueryRow(ctx, q.query, q.args...).Scan(q.into...); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// DatabaseBytes is what the database takes on disk, as far as the engine tells.
func DatabaseBytes(ctx context.Context, db *store.DB) (n int64, err error) {
	query := "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
	if db.Engine() == "postgres" {
		query = "SELECT pg_database_size(current_database())"
	}
	err = db.QueryRow(ctx, query).Scan(&n)
	return n, err
}
