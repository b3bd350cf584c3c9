package retain

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Erasure is an account of which something is still to be removed.
type Erasure struct {
	User      mx.UserID
	Requested int64
	Personal  bool   // what the account stored
	Messages  bool   // what its owner sent and uploaded
	Kept      []byte // JSON: the profile and the addresses that a hold keeps
	Look      int64
	Removed   int64 // messages that went
}

const erasureColumns = "user_id, requested, personal, messages, kept, look, removed"

func (e *Erasure) fields() []any {
	return []any{&e.User, &e.Requested, &e.Personal, &e.Messages, &e.Kept, &e.Look, &e.Removed}
}

// AddErasure notes that something of an account is to be removed.
func AddErasure(tx *store.Tx, e *Erasure) error {
	if e.Kept == nil {
		e.Kept = []byte{}
	}
	_, err := tx.Exec("INSERT INTO erasure ("+erasureColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id) DO UPDATE SET
		personal = excluded.personal OR erasure.personal, messages = excluded.messages OR erasure.messages, look = excluded.look,
		kept = CASE WHEN length(excluded.kept) > 0 THEN excluded.kept ELSE erasure.kept END`,
		string(e.User), e.Requested, e.Personal, e.Messages, e.Kept, e.Look, e.Removed)
	return err
}

// Forgotten notes that nothing is left of what an account stored.
func Forgotten(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("UPDATE erasure SET personal = FALSE, kept = $1 WHERE user_id = $2", []byte{}, string(user))
	return err
}

// Removed counts messages of an account that went.
func Removed(tx *store.Tx, user mx.UserID, n int) error {
	_, err := tx.Exec("UPDATE erasure SET removed = removed + $1 WHERE user_id = $2", int64(n), string(user))
	return err
}

// LookAfter says when an erasure is to be looked at again.
func LookAfter(tx *store.Tx, user mx.UserID, look int64) error {
	_, err := tx.Exec("UPDATE erasure SET look = $1 WHERE user_id = $2", look, string(user))
	return err
}

// FindErasure reads the erasure of an account; nil if there is none, or nothing is left to be done.
func FindErasure(ctx context.Context, r store.Reader, user mx.UserID) (*Erasure, error) {
	var e Erasure
	err := r.QueryRow(ctx, "SELECT "+erasureColumns+" FROM erasure WHERE user_id = $1", string(user)).Scan(e.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// Erasures lists up to limit erasures that are to be looked at by now.
func Erasures(ctx context.Context, r store.Reader, now int64, limit int) ([]Erasure, error) {
	rows, err := r.Query(ctx, "SELECT "+erasureColumns+" FROM erasure WHERE look <= $1 ORDER BY look, user_id LIMIT $2", now, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Erasure
	for rows.Next() {
		var e Erasure
		if err := rows.Scan(e.fields()...); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// DropErasure says that nothing is left to be done.
func DropErasure(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM erasure WHERE user_id = $1", string(user))
	return err
}

// Sent is up to limit events, state aside, that a user sent in a room after a position.
func Sent(ctx context.Context, r store.Reader, room mx.RoomID, user mx.UserID, after store.Pos, limit int) ([]*eventlog.Event, error) {
	return eventlog.Collect(r.Query(ctx, "SELECT "+eventlog.Columns+` FROM event
		WHERE room_id = $1 AND sender = $2 AND pos > $3 AND state_key IS NULL ORDER BY pos LIMIT $4`, string(room), string(user), int64(after), limit))
}

// CountSent counts the events, state aside, that a user sent in a room from one time on and before another.
func CountSent(ctx context.Context, r store.Reader, room mx.RoomID, user mx.UserID, from, to int64) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*) FROM event WHERE room_id = $1 AND sender = $2 AND ts >= $3 AND ts < $4 AND state_key IS NULL",
		string(room), string(user), from, to).Scan(&n)
	return n, err
}

// SentAny is up to limit events that a user sent in a room after a position, with those of its state.
func SentAny(ctx context.Context, r store.Reader, room mx.RoomID, user mx.UserID, after store.Pos, limit int) ([]*eventlog.Event, error) {
	return eventlog.Collect(r.Query(ctx, "SELECT "+eventlog.Columns+` FROM event
		WHERE room_id = $1 AND sender = $2 AND pos > $3 ORDER BY pos LIMIT $4`, string(room), string(user), int64(after), limit))
}

// CountState counts the events of a room's state that a user sent.
func CountState(ctx context.Context, r store.Reader, room mx.RoomID, user mx.UserID) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*) FROM event WHERE room_id = $1 AND sender = $2 AND state_key IS NOT NULL", string(room), string(user)).Scan(&n)
	return n, err
}
