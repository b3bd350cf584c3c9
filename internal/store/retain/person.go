package retain

import (
	"context"
	"math"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Backup is a version of a key backup that was removed, or as it was before it was changed.
type Backup struct {
	Version   int64          `json:"version,string"`
	Algorithm string         `json:"algorithm"`
	AuthData  jsontext.Value `json:"auth_data"`
}

// RoomKey is a room key in a backup that was removed or replaced.
type RoomKey struct {
	Version     int64          `json:"version,string"`
	Room        string         `json:"room_id"`
	Session     string         `json:"session_id"`
	Verified    bool           `json:"is_verified"`
	FirstIndex  int64          `json:"first_message_index"`
	Forwarded   int64          `json:"forwarded_count"`
	SessionData jsontext.Value `json:"session_data"`
}

// Secret is account data that the recovery key opens or that says which that is.
type Secret struct {
	Type    string         `json:"type"`
	Content jsontext.Value `json:"content"`
}

// Taken is one thing that a person removed or replaced of what they stored. One of the three is set.
type Taken struct {
	Backup  *Backup
	Key     *RoomKey
	Secret  *Secret
	Removed int64
}

// withhold runs what copies something of a user's and notes, if there was something, that it is to be looked at.
func withhold(tx *store.Tx, user mx.UserID, query string, args ...any) error {
	n, err := tx.Exec(query, args...)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Exec("INSERT INTO withheld_person (user_id, look) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING", string(user), int64(Never))
	return err
}

// WithholdBackup keeps what a version of a user's key backup says that is about to be removed or changed; not its keys.
func WithholdBackup(tx *store.Tx, user mx.UserID, version, now int64) error {
	return withhold(tx, user, `INSERT INTO withheld_backup (user_id, version, algorithm, auth_data, removed)
		SELECT user_id, version, algorithm, auth_data, CAST($1 AS BIGINT) FROM backup_version WHERE user_id = $2 AND version = $3`, now, string(user), version)
}

// WithholdKeys keeps keys of a version of a user's key backup that are about to be removed or replaced: all, those of a room, or one.
func WithholdKeys(tx *store.Tx, user mx.UserID, version int64, room, session string, now int64) error {
	where, args := "", []any{now, string(user), version}
	if room != "" {
		where, args = " AND room_id = $4", append(args, room)
	}
	if session != "" {
		where, args = where+" AND session_id = $5", append(args, session)
	}
	const columns = "user_id, version, room_id, session_id, is_verified, first_message_index, forwarded_count, session_data, "
	return withhold(tx, user, "INSERT INTO withheld_backup_key ("+columns+"removed) SELECT "+columns+
		"CAST($1 AS BIGINT) FROM backup_key WHERE user_id = $2 AND version = $3"+where, args...)
}

// WithholdSecret keeps account data of a user that is about to be removed or replaced.
func WithholdSecret(tx *store.Tx, user mx.UserID, typ string, now int64) error {
	return withhold(tx, user, `INSERT INTO withheld_secret (user_id, type, content, removed)
		SELECT user_id, type, json, CAST($1 AS BIGINT) FROM account_data WHERE user_id = $2 AND room_id = '' AND type = $3 AND deleted = 0`, now, string(user), typ)
}

// NextPerson is when it is next to be looked at what people removed; Never if it is not.
func NextPerson(ctx context.Context, r store.Reader) (look int64, err error) {
	err = r.QueryRow(ctx, "SELECT coalesce(min(look), $1) FROM withheld_person", int64(math.MaxInt64)).Scan(&look)
	return look, err
}

// People lists up to limit people of whom it is to be looked at by now.
func People(ctx context.Context, r store.Reader, now int64, limit int) ([]mx.UserID, error) {
	rows, err := r.Query(ctx, "SELECT user_id FROM withheld_person WHERE look <= $1 ORDER BY look, user_id LIMIT $2", now, limit)
	var list []mx.UserID
	var u mx.UserID
	err = store.Each(rows, err, func() error { list = append(list, u); return nil }, &u)
	return list, err
}

// LookAtPerson says when it is to be looked at again what a person removed.
func LookAtPerson(tx *store.Tx, user mx.UserID, look int64) error {
	_, err := tx.Exec("UPDATE withheld_person SET look = $1 WHERE user_id = $2", look, string(user))
	return err
}

// DropPerson removes what was kept of what a person removed, and says how many things that were.
func DropPerson(tx *store.Tx, user mx.UserID) (n int64, err error) {
	for _, q := range []string{
		"DELETE FROM withheld_backup WHERE user_id = $1", "DELETE FROM withheld_backup_key WHERE user_id = $1", "DELETE FROM withheld_secret WHERE user_id = $1",
	} {
		m, err := tx.Exec(q, string(user))
		if err != nil {
			return 0, err
		}
		n += m
	}
	_, err = tx.Exec("DELETE FROM withheld_person WHERE user_id = $1", string(user))
	return n, err
}

// CountTaken counts what is kept of what a person removed.
func CountTaken(ctx context.Context, r store.Reader, user mx.UserID) (n int64, err error) {
	err = r.QueryRow(ctx, `SELECT (SELECT count(*) FROM withheld_backup WHERE user_id = $1) + (SELECT count(*) FROM withheld_backup_key WHERE user_id = $1)
		+ (SELECT count(*) FROM withheld_secret WHERE user_id = $1)`, string(user)).Scan(&n)
	return n, err
}

// EachTaken gives what is kept of what a person removed.
func EachTaken(ctx context.Context, r store.Reader, user mx.UserID, f func(*Taken) error) error {
	var t Taken
	var b Backup
	rows, err := r.Query(ctx, "SELECT version, algorithm, auth_data, removed FROM withheld_backup WHERE user_id = $1 ORDER BY version, removed", string(user))
	if err := store.Each(rows, err, func() error { t.Backup = &b; return f(&t) }, &b.Version, &b.Algorithm, (*[]byte)(&b.AuthData), &t.Removed); err != nil {
		return err
	}
	var k RoomKey
	t.Backup = nil
	rows, err = r.Query(ctx, `SELECT version, room_id, session_id, is_verified, first_message_index, forwarded_count, session_data, removed
		FROM withheld_backup_key WHERE user_id = $1 ORDER BY version, room_id, session_id, removed`, string(user))
	if err := store.Each(rows, err, func() error { t.Key = &k; return f(&t) },
		&k.Version, &k.Room, &k.Session, &k.Verified, &k.FirstIndex, &k.Forwarded, (*[]byte)(&k.SessionData), &t.Removed); err != nil {
		return err
	}
	var c Secret
	t.Key = nil
	rows, err = r.Query(ctx, "SELECT type, content, removed FROM withheld_secret WHERE user_id = $1 ORDER BY type, removed", string(user))
	return store.Each(rows, err, func() error { t.Secret = &c; return f(&t) }, &c.Type, (*[]byte)(&c.Content), &t.Removed)
}
