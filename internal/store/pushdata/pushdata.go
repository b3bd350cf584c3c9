// Package pushdata is the SQL of push: pushers, counted unread notifications, and the lease of the node that notifies.
//
// Tables (migrations 0070 to 0079): pusher, unread, lease. A pusher belongs to the device that set it and ends with it. unread is a copy of
// what can be counted again from the event log; rows may be removed at any time.
package pushdata

import (
	"context"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Pusher is one place where a user's notifications go.
type Pusher struct {
	User       mx.UserID
	AppID      string
	Key        string
	Device     mx.DeviceID
	Kind       string
	AppName    string
	DeviceName string
	ProfileTag string
	Lang       string
	URL        string
	Data       []byte // as the client gave it, without url
	Created    int64
	Done       store.Pos
	AckToken   string // what its client has to send back before it counts; "" once it has, and for kinds without that
	AckUntil   int64  // milliseconds
}

const pusherColumns = "user_id, app_id, pushkey, device_id, kind, app_name, device_name, profile_tag, lang, url, data, created_ts, done_pos, ack_token, ack_until"

// Put adds or replaces a pusher. Without keepOthers, other users' pushers of the same application and key end: the device changed hands.
func Put(tx *store.Tx, p *Pusher, keepOthers bool) error {
	if !keepOthers {
		if _, err := tx.Exec("DELETE FROM pusher WHERE app_id = $1 AND pushkey = $2 AND user_id <> $3", p.AppID, p.Key, p.User); err != nil {
			return err
		}
	}
	_, err := tx.Exec("INSERT INTO pusher ("+pusherColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, kind = excluded.kind, app_name = excluded.app_name,
		device_name = excluded.device_name, profile_tag = excluded.profile_tag, lang = excluded.lang, url = excluded.url, data = excluded.data,
		created_ts = excluded.created_ts, ack_token = excluded.ack_token, ack_until = excluded.ack_until`,
		p.User, p.AppID, p.Key, p.Device, p.Kind, p.AppName, p.DeviceName, p.ProfileTag, p.Lang, p.URL, p.Data, p.Created, int64(p.Done),
		p.AckToken, p.AckUntil)
	changed(tx, p.User)
	return err
}

// Activate lets a pusher count for what comes after a position.
func Activate(tx *store.Tx, p *Pusher, from store.Pos) error {
	_, err := tx.Exec("UPDATE pusher SET ack_token = '', ack_until = 0, done_pos = $1 WHERE user_id = $2 AND app_id = $3 AND pushkey = $4",
		int64(from), p.User, p.AppID, p.Key)
	changed(tx, p.User)
	return err
}

// CollectInactive removes pushers that were not activated before a time (milliseconds).
func CollectInactive(tx *store.Tx, before int64) error {
	_, err := tx.Exec("DELETE FROM pusher WHERE ack_token <> '' AND ack_until < $1", before)
	return err
}

// changed tells that the user's pushers are not what they were.
func changed(tx *store.Tx, user mx.UserID) { tx.Emit(store.Change{Kind: store.KindPusher, User: user}) }

// Delete removes a pusher of a user.
func Delete(tx *store.Tx, user mx.UserID, appID, key string) error {
	_, err := tx.Exec("DELETE FROM pusher WHERE user_id = $1 AND app_id = $2 AND pushkey = $3", user, appID, key)
	changed(tx, user)
	return err
}

// DeleteDevice removes the pushers of a device that is no more.
func DeleteDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	n, err := tx.Exec("DELETE FROM pusher WHERE user_id = $1 AND device_id = $2", user, device)
	if n > 0 {
		changed(tx, user)
	}
	return err
}

// DeleteUser removes everything of an account that is no more.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	if _, err := tx.Exec("DELETE FROM pusher WHERE user_id = $1", user); err != nil {
		return err
	}
	changed(tx, user)
	_, err := tx.Exec("DELETE FROM unread WHERE user_id = $1", user)
	return err
}

// Pushers lists a user's pushers, or all if user is "".
func Pushers(ctx context.Context, r store.Reader, user mx.UserID) ([]Pusher, error) {
	rows, err := r.Query(ctx, "SELECT "+pusherColumns+" FROM pusher WHERE user_id = $1 OR $1 = '' ORDER BY user_id, created_ts", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Pusher
	for rows.Next() {
		var p Pusher
		if err := rows.Scan(&p.User, &p.AppID, &p.Key, &p.Device, &p.Kind, &p.AppName, &p.DeviceName, &p.ProfileTag, &p.Lang, &p.URL,
			&p.Data, &p.Created, &p.Done, &p.AckToken, &p.AckUntil); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// SetDone notes how far a pusher's gateway has been told. It tells nobody: only the notifying node cares.
func SetDone(tx *store.Tx, p *Pusher, done store.Pos) error {
	_, err := tx.Exec("UPDATE pusher SET done_pos = $1 WHERE user_id = $2 AND app_id = $3 AND pushkey = $4", int64(done), p.User, p.AppID, p.Key)
	return err
}

// Unread is what was counted for a user in a room.
type Unread struct {
	Pos    store.Pos // counted up to here
	Joined store.Pos // from here
	Marks  []byte
	Pruned store.Pos // read only: messages up to here were removed for their age
}

// FindUnread reads what was counted in some rooms; rooms where nothing was are missing from the result.
func FindUnread(ctx context.Context, r store.Reader, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]*Unread, error) {
	found := map[mx.RoomID]*Unread{}
	for part := range slices.Chunk(rooms, maxRooms) {
		size := 1
		for size < len(part) {
			size *= 4 // few sizes, so few SQL texts
		}
		args := []any{user}
		for i := range size {
			args = append(args, part[min(i, len(part)-1)])
		}
		err := findUnread(ctx, r, found, `SELECT u.room_id, u.pos, u.joined_pos, u.marks, COALESCE(p.upto, 0) FROM unread u
			LEFT JOIN room_retention p ON p.room_id = u.room_id WHERE u.user_id = $1 AND u.room_id IN (`+store.In(size, 2)+")", args)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// maxRooms is how many rooms one query takes.
const maxRooms = 256

func findUnread(ctx context.Context, r store.Reader, found map[mx.RoomID]*Unread, query string, args []any) error {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var room mx.RoomID
		var u Unread
		if err := rows.Scan(&room, &u.Pos, &u.Joined, &u.Marks, &u.Pruned); err != nil {
			return err
		}
		found[room] = &u
	}
	return rows.Err()
}

// PutUnread keeps what was counted.
func PutUnread(tx *store.Tx, user mx.UserID, room mx.RoomID, u *Unread) error {
	_, err := tx.Exec(`INSERT INTO unread (user_id, room_id, pos, joined_pos, marks) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id, room_id) DO UPDATE SET pos = excluded.pos, joined_pos = excluded.joined_pos, marks = excluded.marks
		WHERE excluded.pos > unread.pos`, user, room, int64(u.Pos), int64(u.Joined), u.Marks)
	return err
}

// CollectUnread removes counts of users who are not in the room any more.
func CollectUnread(tx *store.Tx) (int64, error) {
	return tx.Exec(`DELETE FROM unread WHERE NOT EXISTS (
		SELECT 1 FROM membership m WHERE m.user_id = unread.user_id AND m.room_id = unread.room_id AND m.membership = 'join')`)
}

// TakeLease takes or keeps a lease until a time (milliseconds) and reports whether the holder has it.
func TakeLease(tx *store.Tx, name, holder string, now, until int64) (bool, error) {
	n, err := tx.Exec(`INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE lease.holder = excluded.holder OR lease.until < $4`, name, holder, until, now)
	return n > 0, err
}
