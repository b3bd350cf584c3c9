package keys

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// DehydratedDevice is the device that a user left with the server to collect messages.
//
// Spec: MSC3814
type DehydratedDevice struct {
	User mx.UserID
	ID   mx.DeviceID
	Name string
	Data []byte // device_data: encrypted by the client
}

// Dehydrated reads a user's dehydrated device; nil if there is none.
func Dehydrated(ctx context.Context, r store.Reader, user mx.UserID) (*DehydratedDevice, error) {
	d := DehydratedDevice{User: user}
	err := r.QueryRow(ctx, "SELECT device_id, display_name, json FROM dehydrated_device WHERE user_id = $1", user).Scan(&d.ID, &d.Name, &d.Data)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// DehydratedNames reads the ids and display names of the dehydrated devices of some users.
func DehydratedNames(ctx context.Context, r store.Reader, list []mx.UserID) (map[mx.UserID]DehydratedDevice, error) {
	m := map[mx.UserID]DehydratedDevice{}
	err := chunks(list, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT user_id, device_id, display_name FROM dehydrated_device WHERE user_id IN ("+
			store.In(len(args), 1)+")", args...)
		var d DehydratedDevice
		return store.Each(rows, err, func() error { m[d.User] = d; return nil }, &d.User, &d.ID, &d.Name)
	})
	return m, err
}

// SetDehydrated stores a user's dehydrated device, also in place of the same one. Another must have been deleted.
func SetDehydrated(tx *store.Tx, d DehydratedDevice) error {
	_, err := tx.Exec(`INSERT INTO dehydrated_device (user_id, device_id, display_name, json) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO UPDATE SET device_id = excluded.device_id, display_name = excluded.display_name, json = excluded.json`,
		d.User, d.ID, d.Name, d.Data)
	return err
}

// DeleteDehydrated removes a user's dehydrated device with its keys and messages.
func DeleteDehydrated(tx *store.Tx, user mx.UserID) error {
	var id mx.DeviceID
	err := tx.QueryRow(context.Background(), "DELETE FROM dehydrated_device WHERE user_id = $1 RETURNING device_id", user).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return DeleteDevice(tx, user, id)
}
