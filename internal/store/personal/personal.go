// Package personal is the SQL of what belongs to one user alone: account data (with tags and read markers), receipts and thread
// subscriptions.
//
// Tables (migrations 0040 to 0049): account_data, receipt, thread_subscription. All hold the latest value only, with the position of its
// last change, so what changed since a position is an index scan and nothing grows. Invariant: a receipt's event_pos never falls.
package personal

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Types of account data that the server itself knows.
const (
	TypeFullyRead    = "m.fully_read"
	TypePushRules    = "m.push_rules"
	TypeTag          = "m.tag"
	TypeIgnored      = "m.ignored_user_list"
	TypeInviteConfig = "m.invite_permission_config"
)

// Datum is one piece of account data. Room is "" for global data.
type Datum struct {
	Room    mx.RoomID
	Type    string
	Pos     store.Pos
	Deleted bool // Content is {}
	Content []byte
}

// InvitesBlocked reads m.invite_permission_config: what is missing or not understood blocks nothing.
func InvitesBlocked(content []byte) bool {
	var c struct {
		Action jsontext.Value `json:"default_action"`
	}
	return json.Unmarshal(content, &c) == nil && string(c.Action) == `"block"`
}

func each(rows *sql.Rows, err error, row func(), dest ...any) error {
	return store.Each(rows, err, func() error {
		row()
		return nil
	}, dest...)
}

// AccountData reads a user's account data, global and of all rooms, that changed last in (since, upto]. With since 0 deleted data is
// left out: a client that knows nothing need not hear of it.
func AccountData(ctx context.Context, r store.Reader, user mx.UserID, since, upto store.Pos) ([]Datum, error) {
	rows, err := r.Query(ctx, `SELECT room_id, type, pos, deleted > 0, json FROM account_data
		WHERE user_id = $1 AND pos > $2 AND pos <= $3 AND (deleted = 0 OR $2 > 0) ORDER BY pos`, user, since, upto)
	return data(rows, err)
}

// RoomAccountData reads all account data that a user has for one room.
func RoomAccountData(ctx context.Context, r store.Reader, user mx.UserID, room mx.RoomID) ([]Datum, error) {
	rows, err := r.Query(ctx, `SELECT room_id, type, pos, deleted > 0, json FROM account_data
		WHERE user_id = $1 AND room_id = $2 AND deleted = 0 ORDER BY pos`, user, room)
	return data(rows, err)
}

func data(rows *sql.Rows, err error) ([]Datum, error) {
	var list []Datum
	var d Datum
	err = each(rows, err, func() { list = append(list, d) }, &d.Room, &d.Type, &d.Pos, &d.Deleted, &d.Content)
	return list, err
}

// FindAccountData reads the content of one piece of account data; nil if there is none.
func FindAccountData(ctx context.Context, r store.Reader, user mx.UserID, room mx.RoomID, typ string) ([]byte, error) {
	var content []byte
	err := r.QueryRow(ctx, "SELECT json FROM account_data WHERE user_id = $1 AND room_id = $2 AND type = $3 AND deleted = 0",
		user, room, typ).Scan(&content)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return content, err
}

// PutAccountData stores account data, the user's clients hear of it. room is "" for global data.
func PutAccountData(tx *store.Tx, user mx.UserID, room mx.RoomID, typ string, content []byte) error {
	return put(tx, user, room, typ, content, 0)
}

// EmptyAccountData removes account data. The user's clients hear of it in any case: one that wrote it waits for that.
func EmptyAccountData(tx *store.Tx, user mx.UserID, room mx.RoomID, typ string, now int64) error {
	return put(tx, user, room, typ, []byte("{}"), now)
}

// DeleteAccountData removes account data and reports whether there was any.
func DeleteAccountData(tx *store.Tx, user mx.UserID, room mx.RoomID, typ string, now int64) (bool, error) {
	old, err := FindAccountData(context.Background(), tx, user, room, typ)
	if err != nil || old == nil {
		return false, err
	}
	return true, EmptyAccountData(tx, user, room, typ, now)
}

func put(tx *store.Tx, user mx.UserID, room mx.RoomID, typ string, content []byte, deleted int64) error {
	pos := tx.Next()
	tx.Emit(store.Change{Pos: pos, Kind: store.KindAccountData, User: user, Room: room})
	_, err := tx.Exec(`INSERT INTO account_data (user_id, room_id, type, pos, deleted, json) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, room_id, type) DO UPDATE SET pos = excluded.pos, deleted = excluded.deleted, json = excluded.json`,
		user, room, typ, pos, deleted, content)
	return err
}

// CollectAccountData removes what was deleted before a time: by then clients know.
func CollectAccountData(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM account_data WHERE deleted > 0 AND deleted < $1", before)
}

// DeleteUser removes all account data, thread subscriptions and private receipts of a user who is deactivated.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	if _, err := tx.Exec("DELETE FROM account_data WHERE user_id = $1", user); err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM thread_subscription WHERE user_id = $1", user); err != nil {
		return err
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindAccountData, User: user})
	_, err := tx.Exec("DELETE FROM receipt WHERE user_id = $1 AND type = $2", user, ReadPrivate)
	return err
}
