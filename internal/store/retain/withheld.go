package retain

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Withheld is what a redacted event said that had to be kept.
type Withheld struct {
	Pos    store.Pos
	Room   mx.RoomID
	Event  mx.EventID
	Sender mx.UserID
	TS     int64
}

// Withhold keeps what an event says that is about to be redacted, until it is looked at again. Of one that is redacted already there is nothing to keep.
func Withhold(tx *store.Tx, pos store.Pos, look int64) error {
	_, err := tx.Exec(`INSERT INTO withheld_event (pos, room_id, event_id, sender, ts, look, json)
		SELECT pos, room_id, event_id, sender, ts, $1, json FROM event WHERE pos = $2 AND redacted_by IS NULL
		ON CONFLICT (pos) DO NOTHING`, look, int64(pos))
	return err
}

// open is what was accepted in a recorded room and is not known to be archived.
const open = "EXISTS (SELECT 1 FROM accepted_event a WHERE a.room_id = e.room_id AND a.event_id = e.event_id AND NOT a.archived)"

// WithholdOpen keeps what a message says that is about to be redacted or removed, if it was accepted in a recorded room and no recorder is known to have it:
// the archive is to have what was said, not that something was.
func WithholdOpen(tx *store.Tx, pos store.Pos, look int64) error {
	_, err := tx.Exec(`INSERT INTO withheld_event (pos, room_id, event_id, sender, ts, look, json)
		SELECT pos, room_id, event_id, sender, ts, $1, json FROM event e WHERE pos = $2 AND redacted_by IS NULL AND `+open+`
		ON CONFLICT (pos) DO NOTHING`, look, int64(pos))
	return err
}

const withheldColumns = "pos, room_id, event_id, sender, ts"

func withheld(ctx context.Context, r store.Reader, query string, args ...any) ([]Withheld, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Withheld
	for rows.Next() {
		var w Withheld
		if err := rows.Scan(&w.Pos, &w.Room, &w.Event, &w.Sender, &w.TS); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

// DueWithheld lists up to limit of those that are to be looked at by now.
func DueWithheld(ctx context.Context, r store.Reader, now int64, limit int) ([]Withheld, error) {
	return withheld(ctx, r, "SELECT "+withheldColumns+" FROM withheld_event WHERE look <= $1 ORDER BY look LIMIT $2", now, limit)
}

// WithheldOf lists up to limit of what a user sent, after a position.
func WithheldOf(ctx context.Context, r store.Reader, user mx.UserID, after store.Pos, limit int) ([]Withheld, error) {
	return withheld(ctx, r, "SELECT "+withheldColumns+" FROM withheld_event WHERE sender = $1 AND pos > $2 ORDER BY pos LIMIT $3",
		string(user), int64(after), limit)
}

// WithheldContent is what a withheld event said; nil if nothing of it is withheld.
func WithheldContent(ctx context.Context, r store.Reader, event mx.EventID) (raw []byte, err error) {
	err = r.QueryRow(ctx, "SELECT json FROM withheld_event WHERE event_id = $1", string(event)).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return raw, err
}

// Said is an event as it was before it was redacted.
type Said struct {
	Withheld
	Raw []byte
}

// WithheldIn lists up to limit withheld events of a room that were sent from one time on and before another, in the order in which they were, after a position.
func WithheldIn(ctx context.Context, r store.Reader, room mx.RoomID, from, to int64, after store.Pos, limit int) ([]Said, error) {
	rows, err := r.Query(ctx, "SELECT "+withheldColumns+", json FROM withheld_event WHERE room_id = $1 AND ts >= $2 AND ts < $3 AND pos > $4 ORDER BY pos LIMIT $5",
		string(room), from, to, int64(after), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Said
	for rows.Next() {
		var w Said
		if err := rows.Scan(&w.Pos, &w.Room, &w.Event, &w.Sender, &w.TS, &w.Raw); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

// NextWithheld is when the next of them is to be looked at; Never if none is.
func NextWithheld(ctx context.Context, r store.Reader) (look int64, err error) {
	err = r.QueryRow(ctx, "SELECT look FROM withheld_event ORDER BY look LIMIT 1").Scan(&look)
	if errors.Is(err, store.ErrNoRows) {
		return Never, nil
	}
	return look, err
}

// LookAgain says when a withheld event is to be looked at again.
func LookAgain(tx *store.Tx, pos store.Pos, look int64) error {
	_, err := tx.Exec("UPDATE withheld_event SET look = $1 WHERE pos = $2", look, int64(pos))
	return err
}

// DropWithheld removes what a redacted event said. Where a recorder has yet to get that, it stays, and is looked at again.
func DropWithheld(tx *store.Tx, pos store.Pos, look int64) error {
	n, err := tx.Exec("DELETE FROM withheld_event AS e WHERE pos = $1 AND NOT "+open, int64(pos))
	if err != nil || n > 0 {
		return err
	}
	return LookAgain(tx, pos, look)
}

// Released has everything looked at again that waits for the release of a hold: in one room, or in all.
func Released(tx *store.Tx, room mx.RoomID, now int64) error {
	where, args := "", []any(nil)
	if room != "" {
		where, args = " AND room_id = $1", []any{string(room)}
	}
	for _, q := range []string{
		"UPDATE room_retention SET look = 0, swept = 0 WHERE TRUE" + where,
		"UPDATE withheld_event SET look = 0 WHERE look > 0" + where,
		"UPDATE room_deletion SET held = FALSE WHERE held" + where,
	} {
		if _, err := tx.Exec(q, args...); err != nil {
			return err
		}
	}
	if room != "" {
		where = " AND room_id = $3"
	}
	if _, err := tx.Exec("UPDATE media_link SET gone = $1 WHERE gone = $2"+where, append([]any{now, int64(Never)}, args...)...); err != nil {
		return err
	}
	for _, q := range []string{"UPDATE erasure SET look = 0", "UPDATE withheld_person SET look = 0"} {
		if _, err := tx.Exec(q); err != nil {
			return err
		}
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindHold, Room: room})
	return nil
}

// Waiting is what would go of a room's messages that were sent from one time on and before another.
type Waiting struct{ Messages, Redacted, Files int64 }

// CountWaiting counts what is due of a room: messages sent before a time, what redacted messages said that were sent before another, and files that
// wait for a release.
func CountWaiting(ctx context.Context, r store.Reader, room mx.RoomID, from, to, aged, young int64) (w Waiting, err error) {
	id := string(room)
	if aged > from {
		if err := r.QueryRow(ctx, "SELECT count(*) FROM event WHERE room_id = $1 AND ts >= $2 AND ts < $3 AND state_key IS NULL", id, from, min(aged, to)).
			Scan(&w.Messages); err != nil {
			return w, err
		}
	}
	if err := r.QueryRow(ctx, "SELECT count(*) FROM withheld_event WHERE room_id = $1 AND ts >= $2 AND ts < $3", id, from, min(young, to)).Scan(&w.Redacted); err != nil {
		return w, err
	}
	err = r.QueryRow(ctx, "SELECT count(DISTINCT media) FROM media_link WHERE room_id = $1 AND sent >= $2 AND sent < $3 AND gone = $4", id, from, to, int64(Never)).
		Scan(&w.Files)
	return w, err
}
