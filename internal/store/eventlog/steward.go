package eventlog

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/listing"
)

// BlockedRooms reads the rooms that are blocked.
func BlockedRooms(ctx context.Context, r store.Reader) (map[mx.RoomID]bool, error) {
	rows, err := r.Query(ctx, "SELECT room_id FROM blocked_room")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := map[mx.RoomID]bool{}
	for rows.Next() {
		var id mx.RoomID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list[id] = true
	}
	return list, rows.Err()
}

// Block notes that a room is blocked, or is not any more. It reports whether that is news.
func Block(tx *store.Tx, room mx.RoomID, on bool, actor string, now int64) (bool, error) {
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindBlocked, Room: room})
	query, args := "DELETE FROM blocked_room WHERE room_id = $1", []any{room}
	if on {
		query, args = "INSERT INTO blocked_room (room_id, actor, ts) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", []any{room, actor, now}
	}
	n, err := tx.Exec(query, args...)
	return n > 0, err
}

// Deletion is a room that is being deleted, or was.
type Deletion struct {
	ID        string
	Room      mx.RoomID
	Name      string
	Actor     string
	Phase     string
	Requested int64
	Finished  int64 // 0 not yet
	Members   int64
	Gone      int64
	Events    int64
	Purged    int64
	Held      bool // a legal hold keeps the events
}

const deletionColumns = "id, room_id, name, actor, phase, requested, finished, members, gone, events, purged, held"

func (d *Deletion) fields() []any {
	return []any{&d.ID, &d.Room, &d.Name, &d.Actor, &d.Phase, &d.Requested, &d.Finished, &d.Members, &d.Gone, &d.Events, &d.Purged, &d.Held}
}

// FindDeletion reads a deletion; nil if there is none.
func FindDeletion(ctx context.Context, r store.Reader, id string) (*Deletion, error) {
	return oneDeletion(r.QueryRow(ctx, "SELECT "+deletionColumns+" FROM room_deletion WHERE id = $1", id))
}

// DeletionOf reads the deletion of a room; nil if there is none.
func DeletionOf(ctx context.Context, r store.Reader, room mx.RoomID) (*Deletion, error) {
	return oneDeletion(r.QueryRow(ctx, "SELECT "+deletionColumns+" FROM room_deletion WHERE room_id = $1 LIMIT 1", room))
}

// NextDeletion reads the oldest deletion that is neither finished nor waits for a hold; nil if there is none.
func NextDeletion(ctx context.Context, r store.Reader) (*Deletion, error) {
	return oneDeletion(r.QueryRow(ctx, "SELECT "+deletionColumns+" FROM room_deletion WHERE finished = 0 AND NOT held ORDER BY requested LIMIT 1"))
}

func oneDeletion(row *store.Row) (*Deletion, error) {
	var d Deletion
	err := row.Scan(d.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Deletions reads a page of the deletions.
func Deletions(ctx context.Context, r store.Reader, p listing.Page) (listing.Found[Deletion], error) {
	q := listing.Query{Columns: deletionColumns, From: "room_deletion", ID: "id", Keys: map[string]listing.Key{"requested": {SQL: "requested", Number: true}}}
	return listing.Read(ctx, r, &q, p, (*Deletion).fields)
}

// PutDeletion writes a deletion.
func PutDeletion(tx *store.Tx, d *Deletion) error {
	_, err := tx.Exec("INSERT INTO room_deletion ("+deletionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, finished = excluded.finished, gone = excluded.gone, purged = excluded.purged,
			held = excluded.held`,
		d.ID, d.Room, d.Name, d.Actor, d.Phase, d.Requested, d.Finished, d.Members, d.Gone, d.Events, d.Purged, d.Held)
	return err
}

// ExpireDeletions forgets deletions that were finished before a time, but not that their rooms are deleted.
func ExpireDeletions(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM room_deletion WHERE finished > 0 AND finished < $1", before)
}

// Present reads up to limit users who are in a room, or invited, or knock, and how many there are.
func Present(ctx context.Context, r store.Reader, room mx.RoomID, limit int) (list []mx.UserID, total int64, err error) {
	const which = " FROM membership WHERE room_id = $1 AND membership IN ('join', 'invite', 'knock')"
	if err := r.QueryRow(ctx, "SELECT count(*)"+which, room).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := r.Query(ctx, "SELECT user_id"+which+" ORDER BY user_id LIMIT $2", room, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var u mx.UserID
		if err := rows.Scan(&u); err != nil {
			return nil, 0, err
		}
		list = append(list, u)
	}
	return list, total, rows.Err()
}

// disposable are the events of a room that Purge removes: all but how it began, its head, and how its members left, which clients that
// were away meanwhile still have to be told.
const disposable = ` FROM event e WHERE e.room_id = $1 AND e.type <> 'm.room.create'
	AND NOT EXISTS (SELECT 1 FROM room r WHERE r.room_id = e.room_id AND r.head_pos = e.pos)
	AND NOT (e.type = 'm.room.member' AND EXISTS (SELECT 1 FROM membership m WHERE m.user_id = e.state_key AND m.room_id = e.room_id AND m.event_id = e.event_id))`

// Disposable counts the events that Purge would remove.
func Disposable(ctx context.Context, r store.Reader, room mx.RoomID) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*)"+disposable, room).Scan(&n)
	return n, err
}

// Purge removes up to limit events of a room and says how many it did.
func Purge(tx *store.Tx, room mx.RoomID, limit int) (int64, error) {
	if _, err := tx.Exec("DELETE FROM search_word WHERE pos IN (SELECT e.pos"+disposable+" ORDER BY e.pos LIMIT $2)", room, limit); err != nil {
		return 0, err
	}
	n, err := tx.Exec("DELETE FROM event WHERE pos IN (SELECT e.pos"+disposable+" ORDER BY e.pos LIMIT $2)", room, limit)
	if err != nil || n >= int64(limit) {
		return n, err
	}
	pruned, err := tx.Exec("DELETE FROM pruned_event WHERE pos IN (SELECT pos FROM pruned_event WHERE room_id = $1 ORDER BY pos LIMIT $2)", room, int64(limit)-n)
	return n + pruned, err
}

// Strip removes what else is kept of a room that was purged.
func Strip(tx *store.Tx, room mx.RoomID) error {
	for _, query := range []string{
		"DELETE FROM room_alias WHERE room_id = $1", "DELETE FROM receipt WHERE room_id = $1", "DELETE FROM unread WHERE room_id = $1",
		"DELETE FROM thread_subscription WHERE room_id = $1", "DELETE FROM room_retention WHERE room_id = $1",
		"DELETE FROM delayed_event WHERE room_id = $1", "DELETE FROM withheld_event WHERE room_id = $1", "UPDATE room SET published = FALSE WHERE room_id = $1",
		`INSERT INTO room_census (room_id, name, alias, found_by, encrypted, space, public, orphaned, deleted, events, bytes, last_ts)
			VALUES ($1, '', '', '', FALSE, FALSE, FALSE, FALSE, TRUE, 0, 0, 0)
			ON CONFLICT (room_id) DO UPDATE SET deleted = TRUE, name = '', alias = '', events = 0, bytes = 0`,
	} {
		if _, err := tx.Exec(query, room); err != nil {
			return err
		}
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindRoom, Room: room})
	return nil
}

// IsNoticeRoom reports whether the server sends notices to somebody in a room.
func IsNoticeRoom(ctx context.Context, r store.Reader, room mx.RoomID) (bool, error) {
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM server_notice WHERE room_id = $1", room).Scan(&n)
	return n > 0, err
}
