package personal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Types of receipts.
const (
	Read        = "m.read"
	ReadPrivate = "m.read.private"
)

// Receipt says up to which event a user has read a room or a thread of it. Thread is "" if it is for the whole room, else "main" or the
// id of the thread's root.
type Receipt struct {
	Room     mx.RoomID
	User     mx.UserID
	Type     string
	Thread   string
	Event    mx.EventID
	EventPos store.Pos
	TS       int64
	Pos      store.Pos
}

const receiptColumns = "room_id, user_id, type, thread, event_id, event_pos, ts, pos"

// maxRooms is how many rooms one query takes.
const maxRooms = 256

// Receipts reads the receipts of some rooms that changed last in (since, upto] and that a viewer may see: all public ones and the
// viewer's private ones. Those of one room come together, in order of position.
//
// Spec: cs#private-read-receipts
func Receipts(ctx context.Context, r store.Reader, viewer mx.UserID, rooms []mx.RoomID, since, upto store.Pos) ([]Receipt, error) {
	var list []Receipt
	for len(rooms) > 0 {
		args, rest := roomArgs(rooms)
		size := len(args)
		rows, err := r.Query(ctx, fmt.Sprintf(`SELECT %s FROM receipt
			WHERE room_id IN (%s) AND pos > $%d AND pos <= $%d AND (type = $%d OR user_id = $%d) ORDER BY room_id, pos`,
			receiptColumns, store.In(size, 1), size+1, size+2, size+3, size+4), append(args, since, upto, Read, viewer)...)
		got, err := receipts(rows, err)
		if err != nil {
			return nil, err
		}
		list, rooms = append(list, got...), rest
	}
	return list, nil
}

// UserReceipts reads all receipts of one user in some rooms, public and private. Those of one room come in order of position.
func UserReceipts(ctx context.Context, r store.Reader, user mx.UserID, rooms []mx.RoomID) ([]Receipt, error) {
	var list []Receipt
	for len(rooms) > 0 {
		args, rest := roomArgs(rooms)
		rows, err := r.Query(ctx, fmt.Sprintf("SELECT %s FROM receipt WHERE room_id IN (%s) AND user_id = $%d ORDER BY pos",
			receiptColumns, store.In(len(args), 1), len(args)+1), append(args, user)...)
		got, err := receipts(rows, err)
		if err != nil {
			return nil, err
		}
		list, rooms = append(list, got...), rest
	}
	return list, nil
}

// roomArgs makes an IN list of at most maxRooms rooms, in few sizes, so that there are few SQL texts: the last room is named again to
// fill up. The rooms that are left come too.
func roomArgs(rooms []mx.RoomID) (args []any, rest []mx.RoomID) {
	n, size := min(len(rooms), maxRooms), 1
	for size < n {
		size *= 4
	}
	args = make([]any, size, size+4)
	for i := range args {
		args[i] = rooms[min(i, n-1)]
	}
	return args, rooms[n:]
}

func receipts(rows *sql.Rows, err error) ([]Receipt, error) {
	var list []Receipt
	var c Receipt
	err = each(rows, err, func() { list = append(list, c) }, &c.Room, &c.User, &c.Type, &c.Thread, &c.Event, &c.EventPos, &c.TS, &c.Pos)
	return list, err
}

// PutReceipt moves a receipt forward and reports whether it moved: one that is at or past the event already stays.
func PutReceipt(tx *store.Tx, c Receipt) (bool, error) {
	var old store.Pos
	err := tx.QueryRow(context.Background(), "SELECT event_pos FROM receipt WHERE room_id = $1 AND user_id = $2 AND type = $3 AND thread = $4",
		c.Room, c.User, c.Type, c.Thread).Scan(&old)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return false, err
	}
	if err == nil && old >= c.EventPos {
		return false, nil
	}
	c.Pos = tx.Next()
	tx.Emit(store.Change{Pos: c.Pos, Kind: store.KindReceipt, Room: c.Room, User: c.User, Private: c.Type == ReadPrivate})
	_, err = tx.Exec("INSERT INTO receipt ("+receiptColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (room_id, user_id, type, thread) DO UPDATE SET
		event_id = excluded.event_id, event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos`,
		c.Room, c.User, c.Type, c.Thread, c.Event, c.EventPos, c.TS, c.Pos)
	return true, err
}
