package keys

import (
	"context"
	"fmt"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Message is a to-device message on its way. Event is the whole JSON event that the device gets: content, sender, type.
type Message struct {
	Pos   store.Pos
	Event []byte
}

// ToDevice reads the messages that wait for a device with a position in (since, upto], oldest first, at most limit. Where there are
// more than a response may carry, a response that goes up to the position of its last message and no further loses none: each message
// has its own position.
func ToDevice(ctx context.Context, r store.Reader, user mx.UserID, device mx.DeviceID, since, upto store.Pos, limit int) ([]Message, error) {
	rows, err := r.Query(ctx, `SELECT pos, json FROM to_device
		WHERE user_id = $1 AND device_id = $2 AND pos > $3 AND pos <= $4 ORDER BY pos LIMIT $5`, user, device, since, upto, limit)
	var list []Message
	var m Message
	err = store.Each(rows, err, func() error { list = append(list, m); return nil }, &m.Pos, &m.Event)
	return list, err
}

// HasToDevice reports whether a device has messages with a position up to upto. It tells whether DeleteToDevice would do anything,
// without taking part in a write.
func HasToDevice(ctx context.Context, r store.Reader, user mx.UserID, device mx.DeviceID, upto store.Pos) (bool, error) {
	var n int
	err := r.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3 LIMIT 1) x`,
		user, device, upto).Scan(&n)
	return n > 0, err
}

// DeleteToDevice removes the messages up to a position that a device has acknowledged.
func DeleteToDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID, upto store.Pos) error {
	_, err := tx.Exec("DELETE FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3", user, device, upto)
	return err
}

// Recipient is a device that a message goes to.
type Recipient struct {
	User   mx.UserID
	Device mx.DeviceID
	Event  []byte
}

// sendRows is how many rows one INSERT of messages takes at most; smaller ones take a quarter of it each time.
const sendRows = 64

// Send puts a message into the queue of each recipient, at one new position. A device may be named once.
func Send(tx *store.Tx, now int64, to []Recipient) error {
	if len(to) == 0 {
		return nil
	}
	pos := tx.Next()
	for i := range to {
		tx.Emit(store.Change{Pos: pos, Kind: store.KindToDevice, User: to[i].User, Device: to[i].Device})
	}
	for size := sendRows; len(to) > 0; {
		if len(to) < size {
			size /= 4
			continue
		}
		args := make([]any, 0, 2+3*size)
		args = append(args, pos, now)
		for _, r := range to[:size] {
			args = append(args, r.User, r.Device, r.Event)
		}
		if _, err := tx.Exec(sendQuery(size), args...); err != nil {
			return err
		}
		to = to[size:]
	}
	return nil
}

func sendQuery(n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO to_device (pos, ts, user_id, device_id, json) VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "($1, $2, $%d, $%d, $%d)", 3+3*i, 4+3*i, 5+3*i)
	}
	return b.String()
}

// Txn names a request to send to-device messages.
type Txn struct {
	User   mx.UserID
	Device mx.DeviceID
	Type   string
	ID     string
}

// BeginTxn notes that a request is carried out and reports whether it is new.
func BeginTxn(tx *store.Tx, t Txn, now int64) (bool, error) {
	n, err := tx.Exec(`INSERT INTO to_device_txn (user_id, device_id, type, txn_id, ts) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`, t.User, t.Device, t.Type, t.ID, now)
	return n > 0, err
}

// DeleteTxns forgets requests from before a time.
func DeleteTxns(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM to_device_txn WHERE ts < $1", before)
}

// DeleteMessages removes messages from before a time that were never fetched.
func DeleteMessages(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM to_device WHERE ts < $1", before)
}

// Queue is how many messages wait for a device, and how many bytes they take.
type Queue struct {
	User   mx.UserID
	Device mx.DeviceID
	Len    int
	Bytes  int64
}

// Queues lists the devices that messages wait for.
func Queues(ctx context.Context, r store.Reader) ([]Queue, error) {
	rows, err := r.Query(ctx, "SELECT user_id, device_id, count(*), sum(length(json)) FROM to_device GROUP BY user_id, device_id")
	var list []Queue
	var q Queue
	err = store.Each(rows, err, func() error { list = append(list, q); return nil }, &q.User, &q.Device, &q.Len, &q.Bytes)
	return list, err
}

// TrimQueue keeps only the newest messages of a device.
func TrimQueue(tx *store.Tx, user mx.UserID, device mx.DeviceID, keep int) error {
	_, err := tx.Exec(`DELETE FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= (
			SELECT pos FROM to_device WHERE user_id = $1 AND device_id = $2 ORDER BY pos DESC LIMIT 1 OFFSET $3
		)`, user, device, keep)
	return err
}

// TrimQueueBytes keeps only the newest messages of a device, as many as take no more than some bytes together.
func TrimQueueBytes(tx *store.Tx, user mx.UserID, device mx.DeviceID, keep int64) error {
	_, err := tx.Exec(`DELETE FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= (
			SELECT max(pos) FROM (
				SELECT pos, sum(length(json)) OVER (ORDER BY pos DESC) AS total FROM to_device WHERE user_id = $1 AND device_id = $2
			) x WHERE total > $3
		)`, user, device, keep)
	return err
}
