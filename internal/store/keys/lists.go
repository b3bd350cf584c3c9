package keys

import (
	"context"
	"database/sql"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// TouchList records that a user's devices or cross-signing keys changed, which all who share a room with the user hear of. It also
// serves for a new display name of a device that has keys: key queries carry the name.
func TouchList(tx *store.Tx, user mx.UserID) error {
	pos := tx.Next()
	_, err := tx.Exec(`INSERT INTO device_list (user_id, pos) VALUES ($1, $2)
		ON CONFLICT (user_id) DO UPDATE SET pos = excluded.pos`, user, pos)
	tx.Emit(store.Change{Pos: pos, Kind: store.KindDeviceList, User: user})
	return err
}

// touchPrivate records that a viewer signed a user's keys. Only the viewer's devices hear of it.
func touchPrivate(tx *store.Tx, viewer, user mx.UserID) error {
	pos := tx.Next()
	_, err := tx.Exec(`INSERT INTO device_list_private (viewer, user_id, pos) VALUES ($1, $2, $3)
		ON CONFLICT (viewer, user_id) DO UPDATE SET pos = excluded.pos`, viewer, user, pos)
	tx.Emit(store.Change{Pos: pos, Kind: store.KindDeviceList, User: viewer, Private: true})
	return err
}

// ChangedLists names the users whose devices or cross-signing keys changed last in (since, upto], in the order of the changes. It is
// one index scan over what changed, whoever it concerns; the caller keeps those who share a room with its user. A user who changed in
// the window and again after it is not listed: the next window lists that user.
func ChangedLists(ctx context.Context, r store.Reader, since, upto store.Pos) ([]mx.UserID, error) {
	rows, err := r.Query(ctx, "SELECT user_id FROM device_list WHERE pos > $1 AND pos <= $2 ORDER BY pos", since, upto)
	return users(rows, err)
}

// ChangedForViewer names the users whose keys the viewer signed in (since, upto]: they belong into the viewer's own device_lists.changed,
// whether a room is shared or not, so that the viewer's other devices fetch the new signatures.
func ChangedForViewer(ctx context.Context, r store.Reader, viewer mx.UserID, since, upto store.Pos) ([]mx.UserID, error) {
	rows, err := r.Query(ctx, "SELECT user_id FROM device_list_private WHERE viewer = $1 AND pos > $2 AND pos <= $3 ORDER BY pos",
		viewer, since, upto)
	return users(rows, err)
}

func users(rows *sql.Rows, err error) ([]mx.UserID, error) {
	var list []mx.UserID
	var u mx.UserID
	err = store.Each(rows, err, func() error { list = append(list, u); return nil }, &u)
	return list, err
}
