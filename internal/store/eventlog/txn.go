package eventlog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

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

// key is the number under which the request is kept, from a hash of its names. Two requests with the same number would be taken for one:
// by chance that does not happen to the few that are kept, and nobody can find one for another user's request, whose device and
// transaction id he would have to guess besides.
func (t Txn) key() int64 {
	h := sha256.New()
	for _, s := range []string{string(t.User), string(t.Device), t.Request, t.ID} {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		_, _ = io.WriteString(h, s)
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

// TxnEvent is the event that a request made, or "" if it was not carried out yet.
func TxnEvent(ctx context.Context, r store.Reader, t Txn) (mx.EventID, error) {
	var id string
	err := r.QueryRow(ctx, "SELECT event_id FROM room_txn WHERE txn = $1", t.key()).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return mx.EventID(id), err
}

// AddTxn notes that a request is carried out and what it made.
func AddTxn(tx *store.Tx, t Txn, made mx.EventID, now int64) error {
	_, err := tx.Exec("INSERT INTO room_txn (txn, event_id, ts) VALUES ($1, $2, $3)", t.key(), string(made), now)
	return err
}

// CollectTxns forgets the requests that were carried out before a time.
func CollectTxns(tx *store.Tx, before int64) error {
	_, err := tx.Exec("DELETE FROM room_txn WHERE ts < $1", before)
	return err
}
