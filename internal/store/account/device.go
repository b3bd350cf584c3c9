package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Device is one client of a user.
type Device struct {
	User    mx.UserID
	ID      mx.DeviceID
	Name    string
	Created int64
	Seen    int64 // last request, to the minute
	Addr    string
	Agent   string
}

const deviceColumns = "user_id, device_id, display_name, created, seen, addr, agent"

func (d *Device) fields() []any {
	return []any{&d.User, &d.ID, &d.Name, &d.Created, &d.Seen, &d.Addr, &d.Agent}
}

// FindDevice reads a device; nil if there is none.
func FindDevice(ctx context.Context, r store.Reader, user mx.UserID, id mx.DeviceID) (*Device, error) {
	var d Device
	err := r.QueryRow(ctx, "SELECT "+deviceColumns+" FROM device WHERE user_id = $1 AND device_id = $2", user, id).Scan(d.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Devices reads the devices of a user.
func Devices(ctx context.Context, r store.Reader, user mx.UserID) ([]Device, error) {
	return devices(ctx, r, "SELECT "+deviceColumns+" FROM device WHERE user_id = $1 ORDER BY device_id", user)
}

// IdleDevices reads devices that made no request since a time, at most limit of them.
func IdleDevices(ctx context.Context, r store.Reader, before int64, limit int) ([]Device, error) {
	return devices(ctx, r, "SELECT "+deviceColumns+" FROM device WHERE seen < $1 ORDER BY seen LIMIT $2", before, limit)
}

func devices(ctx context.Context, r store.Reader, query string, args ...any) ([]Device, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Device
	for rows.Next() {
		var d Device
		if err := rows.Scan(d.fields()...); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// InsertDevice adds a device, unless the user has it already.
func InsertDevice(tx *store.Tx, d Device) error {
	_, err := tx.Exec("INSERT INTO device ("+deviceColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
		d.User, d.ID, d.Name, d.Created, d.Seen, d.Addr, d.Agent)
	if err != nil {
		return err
	}
	return seen(tx, d.User, d.Seen)
}

// RenameDevice changes a device's display name and reports whether there is such a device.
func RenameDevice(tx *store.Tx, user mx.UserID, id mx.DeviceID, name string) (bool, error) {
	n, err := tx.Exec("UPDATE device SET display_name = $1 WHERE user_id = $2 AND device_id = $3", name, user, id)
	return n > 0, err
}

// DeleteDevice removes a device and reports whether there was one.
func DeleteDevice(tx *store.Tx, user mx.UserID, id mx.DeviceID) (bool, error) {
	n, err := tx.Exec("DELETE FROM device WHERE user_id = $1 AND device_id = $2", user, id)
	return n > 0, err
}

// Seen notes when and from where a device was last used.
func Seen(tx *store.Tx, d Device) error {
	n, err := tx.Exec("UPDATE device SET seen = $1, addr = $2, agent = $3 WHERE user_id = $4 AND device_id = $5 AND seen < $1",
		d.Seen, d.Addr, d.Agent, d.User, d.ID)
	if err != nil || n == 0 {
		return err
	}
	return seen(tx, d.User, d.Seen)
}

func seen(tx *store.Tx, user mx.UserID, at int64) error {
	_, err := tx.Exec("UPDATE account SET seen = $1 WHERE user_id = $2 AND seen < $1", at, user)
	return err
}

// Live is a device that may make requests.
type Live struct {
	User   mx.UserID
	Device mx.DeviceID
}

// LiveDevices tells which devices of those users are signed in to an account that is neither locked nor deactivated. At most 500 are asked for.
func LiveDevices(ctx context.Context, r store.Reader, of []Live) (map[Live]bool, error) {
	args := make([]any, len(of))
	for i := range of {
		args[i] = of[i].User
	}
	rows, err := r.Query(ctx, `SELECT d.user_id, d.device_id FROM device d JOIN account a ON a.user_id = d.user_id
		WHERE NOT a.deactivated AND NOT a.locked AND d.user_id IN (`+store.In(len(args), 1)+")", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	live := map[Live]bool{}
	for rows.Next() {
		var l Live
		if err := rows.Scan(&l.User, &l.Device); err != nil {
			return nil, err
		}
		live[l] = true
	}
	return live, rows.Err()
}
