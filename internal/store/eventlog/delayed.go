package eventlog

import (
	"context"
	"database/sql"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Delayed is an event that is to be sent later, or was.
type Delayed struct {
	ID        string
	User      mx.UserID
	Device    mx.DeviceID
	Room      mx.RoomID
	Type      string
	StateKey  *string
	Content   []byte
	Delay     int64 // milliseconds
	Scheduled int64 // when it was scheduled or restarted
	Due       int64
	Request   string
	TxnID     string

	Finalised int64 // 0: still scheduled
	EventID   mx.EventID
	ErrorCode string
	Error     string
}

const delayedColumns = `delay_id, user_id, device_id, room_id, type, state_key, content, delay_ms, scheduled_at, due, request, txn_id,
	finalised_ts, event_id, error_code, error`

func scanDelayed(row Scanner) (*Delayed, error) {
	var d Delayed
	var user, device, room string
	var stateKey, txn, event, code, text sql.NullString
	var finalised sql.NullInt64
	err := row.Scan(&d.ID, &user, &device, &room, &d.Type, &stateKey, &d.Content, &d.Delay, &d.Scheduled, &d.Due, &d.Request, &txn,
		&finalised, &event, &code, &text)
	if err != nil {
		return nil, err
	}
	if stateKey.Valid {
		d.StateKey = &stateKey.String
	}
	d.User, d.Device, d.Room, d.TxnID = mx.UserID(user), mx.DeviceID(device), mx.RoomID(room), txn.String
	d.Finalised, d.EventID, d.ErrorCode, d.Error = finalised.Int64, mx.EventID(event.String), code.String, text.String
	return &d, nil
}

func delayedList(rows *sql.Rows, err error) ([]*Delayed, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []*Delayed{}
	for rows.Next() {
		d, err := scanDelayed(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// DelayedByID reads one, or gives M_NOT_FOUND.
func DelayedByID(ctx context.Context, r store.Reader, id string) (*Delayed, error) {
	d, err := scanDelayed(r.QueryRow(ctx, "SELECT "+delayedColumns+" FROM delayed_event WHERE delay_id = $1", id))
	if errors.Is(err, store.ErrNoRows) {
		return nil, fault.Missing("There is no such delayed event")
	}
	return d, err
}

// DelayedOf lists what a user has scheduled, the next one first.
func DelayedOf(ctx context.Context, r store.Reader, user mx.UserID) ([]*Delayed, error) {
	return delayedList(r.Query(ctx, "SELECT "+delayedColumns+" FROM delayed_event WHERE user_id = $1 AND finalised_ts IS NULL ORDER BY due, delay_id",
		string(user)))
}

// DelayedDue lists what is to be sent by now, the oldest first.
func DelayedDue(ctx context.Context, r store.Reader, now int64, limit int) ([]*Delayed, error) {
	return delayedList(r.Query(ctx, "SELECT "+delayedColumns+" FROM delayed_event WHERE finalised_ts IS NULL AND due <= $1 ORDER BY due, delay_id LIMIT $2",
		now, limit))
}

// DelayedNext is when the next one is due, or 0 if there is none.
func DelayedNext(ctx context.Context, r store.Reader) (int64, error) {
	var due sql.NullInt64
	err := r.QueryRow(ctx, "SELECT min(due) FROM delayed_event WHERE finalised_ts IS NULL").Scan(&due)
	return due.Int64, err
}

// DelayedTxn is the one that a request has made, or "".
func DelayedTxn(ctx context.Context, r store.Reader, t Txn) (string, error) {
	var id string
	err := r.QueryRow(ctx, `SELECT delay_id FROM delayed_event
		WHERE user_id = $1 AND device_id = $2 AND request = $3 AND txn_id = $4 AND txn_id IS NOT NULL`,
		string(t.User), string(t.Device), t.Request, t.ID).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// AddDelayed schedules one.
func AddDelayed(tx *store.Tx, d *Delayed) error {
	var stateKey any
	if d.StateKey != nil {
		stateKey = *d.StateKey
	}
	_, err := tx.Exec(`INSERT INTO delayed_event (delay_id, user_id, device_id, room_id, type, state_key, content, delay_ms, scheduled_at, due, request, txn_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		d.ID, string(d.User), string(d.Device), string(d.Room), d.Type, stateKey, d.Content, d.Delay, d.Scheduled, d.Due, d.Request, orNull(d.TxnID))
	return err
}

// RestartDelayed schedules one anew from now on.
func RestartDelayed(tx *store.Tx, id string, now int64) error {
	_, err := tx.Exec("UPDATE delayed_event SET scheduled_at = $1, due = $2 + delay_ms WHERE delay_id = $3", now, now, id)
	return err
}

// FinaliseDelayed notes how one ended: sent, failed or, without event and error, cancelled.
func FinaliseDelayed(tx *store.Tx, id string, now int64, event mx.EventID, code, text string) error {
	_, err := tx.Exec("UPDATE delayed_event SET finalised_ts = $1, event_id = $2, error_code = $3, error = $4 WHERE delay_id = $5",
		now, orNull(string(event)), orNull(code), orNull(text), id)
	return err
}

// CollectDelayed forgets what ended before a time.
func CollectDelayed(tx *store.Tx, before int64) error {
	_, err := tx.Exec("DELETE FROM delayed_event WHERE finalised_ts IS NOT NULL AND finalised_ts < $1", before)
	return err
}
