package eventlog

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Txn names one request of a device, however often it is sent.
type Txn struct {
	User    mx.UserID
	Device  mx.DeviceID
	Request string // the endpoint and what it is about, without the transaction id
	ID      string
}

// TxnEvent is the event that a request made, or "" if it was not carried out yet.
func TxnEvent(ctx context.Context, r store.Reader, t Txn) (mx.EventID, error) {
	var id string
	err := r.QueryRow(ctx, "SELECT event_id FROM room_txn WHERE user_id = $1 AND device_id = $2 AND request = $3 AND txn_id = $4",
		string(t.User), string(t.Device), t.Request, t.ID).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return mx.EventID(id), err
}

// AddTxn notes that a request is carried out and what it made.
func AddTxn(tx *store.Tx, t Txn, made mx.EventID, now int64) error {
	_, err := tx.Exec("INSERT INTO room_txn (user_id, device_id, request, txn_id, event_id, ts) VALUES ($1, $2, $3, $4, $5, $6)",
		string(t.User), string(t.Device), t.Request, t.ID, string(made), now)
	return err
}

// CollectTxns forgets the requests that were carried out before a time.
func CollectTxns(tx *store.Tx, before int64) error {
	_, err := tx.Exec("DELETE FROM room_txn WHERE ts < $1", before)
	return err
}
