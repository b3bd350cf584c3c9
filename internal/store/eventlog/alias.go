package eventlog

import (
	"context"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Alias is a name of a room.
type Alias struct {
	Alias   mx.RoomAlias
	Room    mx.RoomID
	Creator mx.UserID
}

// AliasOf reads an alias, or gives M_NOT_FOUND.
func AliasOf(ctx context.Context, r store.Reader, alias mx.RoomAlias) (*Alias, error) {
	var room, creator string
	err := r.QueryRow(ctx, "SELECT room_id, creator FROM room_alias WHERE alias = $1", string(alias)).Scan(&room, &creator)
	if errors.Is(err, store.ErrNoRows) {
		return nil, fault.Missing("There is no room with this alias")
	}
	if err != nil {
		return nil, err
	}
	return &Alias{alias, mx.RoomID(room), mx.UserID(creator)}, nil
}

// Aliases lists the aliases of a room, oldest first.
func Aliases(ctx context.Context, r store.Reader, room mx.RoomID) ([]mx.RoomAlias, error) {
	rows, err := r.Query(ctx, "SELECT alias FROM room_alias WHERE room_id = $1 ORDER BY created_ts, alias", string(room))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []mx.RoomAlias{}
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, err
		}
		list = append(list, mx.RoomAlias(a))
	}
	return list, rows.Err()
}

// AddAlias names a room by an alias that is free.
func AddAlias(tx *store.Tx, a Alias, now int64) error {
	_, err := tx.Exec("INSERT INTO room_alias (alias, room_id, creator, created_ts) VALUES ($1, $2, $3, $4)",
		string(a.Alias), string(a.Room), string(a.Creator), now)
	return err
}

// RemoveAlias takes a name from a room. It reports false if that room does not have it.
func RemoveAlias(tx *store.Tx, alias mx.RoomAlias, room mx.RoomID) (bool, error) {
	n, err := tx.Exec("DELETE FROM room_alias WHERE alias = $1 AND room_id = $2", string(alias), string(room))
	return n > 0, err
}

// MoveAliases gives all names of a room to another one.
func MoveAliases(tx *store.Tx, from, to mx.RoomID) error {
	_, err := tx.Exec("UPDATE room_alias SET room_id = $1 WHERE room_id = $2", string(to), string(from))
	return err
}

// Publish puts a room into the directory of published rooms, or takes it out.
func Publish(tx *store.Tx, room mx.RoomID, published bool) error {
	_, err := tx.Exec("UPDATE room SET published = $1 WHERE room_id = $2", published, string(room))
	return err
}
