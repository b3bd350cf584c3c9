package account

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// DeviceNames reads the display names of all devices of some users, by device; "" where a device has none. Users without devices are
// not in the answer.
func DeviceNames(ctx context.Context, r store.Reader, users []mx.UserID) (map[mx.UserID]map[mx.DeviceID]string, error) {
	names := map[mx.UserID]map[mx.DeviceID]string{}
	for len(users) > 0 {
		n, size := min(len(users), 256), 1
		for size < n {
			size *= 4 // few sizes, so few SQL texts: the last user is named again to fill up
		}
		args := make([]any, size)
		for i := range args {
			args[i] = users[min(i, n-1)]
		}
		if err := addNames(ctx, r, names, args); err != nil {
			return nil, err
		}
		users = users[n:]
	}
	return names, nil
}

func addNames(ctx context.Context, r store.Reader, names map[mx.UserID]map[mx.DeviceID]string, args []any) error {
	rows, err := r.Query(ctx, "SELECT user_id, device_id, display_name FROM device WHERE user_id IN ("+store.In(len(args), 1)+")", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var user mx.UserID
		var device mx.DeviceID
		var name string
		if err := rows.Scan(&user, &device, &name); err != nil {
			return err
		}
		if names[user] == nil {
			names[user] = map[mx.DeviceID]string{}
		}
		names[user][device] = name
	}
	return rows.Err()
}
