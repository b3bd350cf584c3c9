package keys

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Backup is one version of a user's key backup, without the keys.
type Backup struct {
	Version   int64
	Algorithm string
	AuthData  []byte
	Count     int64
	Bytes     int64 // of the keys
	ETag      int64
}

// BackupKey is a room key in a backup.
type BackupKey struct {
	Room       string
	Session    string
	Verified   bool
	FirstIndex int64
	Forwarded  int64
	Data       []byte
}

// Better reports whether a key replaces another for the same session.
//
// Spec: cs#server-side-key-backups
func (k BackupKey) Better(old BackupKey) bool {
	switch {
	case k.Verified != old.Verified:
		return k.Verified
	case k.FirstIndex != old.FirstIndex:
		return k.FirstIndex < old.FirstIndex
	default:
		return k.Forwarded < old.Forwarded
	}
}

const backupColumns = "version, algorithm, auth_data, keys, bytes, etag"

func scanBackup(row *store.Row) (*Backup, error) {
	var b Backup
	err := row.Scan(&b.Version, &b.Algorithm, &b.AuthData, &b.Count, &b.Bytes, &b.ETag)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// CurrentBackup reads a user's newest backup version; nil if there is none.
func CurrentBackup(ctx context.Context, r store.Reader, user mx.UserID) (*Backup, error) {
	return scanBackup(r.QueryRow(ctx, "SELECT "+backupColumns+" FROM backup_version WHERE user_id = $1 ORDER BY version DESC LIMIT 1", user))
}

// FindBackup reads a backup version; nil if there is no such version.
func FindBackup(ctx context.Context, r store.Reader, user mx.UserID, version int64) (*Backup, error) {
	return scanBackup(r.QueryRow(ctx, "SELECT "+backupColumns+" FROM backup_version WHERE user_id = $1 AND version = $2", user, version))
}

// CountBackups is how many backup versions a user has, and how many bytes their keys take.
func CountBackups(ctx context.Context, r store.Reader, user mx.UserID) (n int, bytes int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM backup_version WHERE user_id = $1", user).Scan(&n, &bytes)
	return n, bytes, err
}

// LastBackupVersion is the last version number that was given out to a user, 0 if none was.
func LastBackupVersion(ctx context.Context, r store.Reader, user mx.UserID) (int64, error) {
	var v int64
	err := r.QueryRow(ctx, "SELECT version FROM backup_counter WHERE user_id = $1", user).Scan(&v)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil
	}
	return v, err
}

// CreateBackup begins a new version and gives its number, which was never used before.
func CreateBackup(tx *store.Tx, user mx.UserID, algorithm string, authData []byte) (int64, error) {
	var version int64
	if err := tx.QueryRow(context.Background(), `INSERT INTO backup_counter (user_id, version) VALUES ($1, 1)
		ON CONFLICT (user_id) DO UPDATE SET version = backup_counter.version + 1 RETURNING version`, user).Scan(&version); err != nil {
		return 0, err
	}
	_, err := tx.Exec("INSERT INTO backup_version (user_id, version, algorithm, auth_data, keys, etag) VALUES ($1, $2, $3, $4, 0, 0)",
		user, version, algorithm, authData)
	return version, err
}

// SetBackupAuth replaces a version's auth_data.
func SetBackupAuth(tx *store.Tx, user mx.UserID, version int64, authData []byte) error {
	_, err := tx.Exec("UPDATE backup_version SET auth_data = $1 WHERE user_id = $2 AND version = $3", authData, user, version)
	return err
}

// DeleteBackup removes a version with its keys and reports whether there was one.
func DeleteBackup(tx *store.Tx, user mx.UserID, version int64) (bool, error) {
	if _, err := tx.Exec("DELETE FROM backup_key WHERE user_id = $1 AND version = $2", user, version); err != nil {
		return false, err
	}
	n, err := tx.Exec("DELETE FROM backup_version WHERE user_id = $1 AND version = $2", user, version)
	return n > 0, err
}

// where narrows keys of a version to a room and a session, "" for all.
func where(user mx.UserID, version int64, room, session string) (string, []any) {
	cond, args := " WHERE user_id = $1 AND version = $2", []any{user, version}
	if room != "" {
		cond, args = cond+" AND room_id = $3", append(args, room)
	}
	if session != "" {
		cond, args = cond+" AND session_id = $4", append(args, session)
	}
	return cond, args
}

// BackupKeys reads the keys of a version: all, those of a room, or one.
func BackupKeys(ctx context.Context, r store.Reader, user mx.UserID, version int64, room, session string) ([]BackupKey, error) {
	cond, args := where(user, version, room, session)
	rows, err := r.Query(ctx, `SELECT room_id, session_id, is_verified, first_message_index, forwarded_count, session_data
		FROM backup_key`+cond+" ORDER BY room_id, session_id", args...)
	var list []BackupKey
	var k BackupKey
	err = store.Each(rows, err, func() error { list = append(list, k); return nil },
		&k.Room, &k.Session, &k.Verified, &k.FirstIndex, &k.Forwarded, &k.Data)
	return list, err
}

// PutBackupKeys stores those keys that are new or better than what is there, and keeps b's count and etag in step. It calls replaces before it replaces one.
func PutBackupKeys(tx *store.Tx, user mx.UserID, b *Backup, list []BackupKey, replaces func(BackupKey) error) error {
	changed := false
	for _, k := range list {
		n, err := tx.Exec(`INSERT INTO backup_key
			(user_id, version, room_id, session_id, is_verified, first_message_index, forwarded_count, session_data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			user, b.Version, k.Room, k.Session, k.Verified, k.FirstIndex, k.Forwarded, k.Data)
		if err != nil {
			return err
		}
		if n > 0 {
			b.Count++
			b.Bytes += int64(len(k.Data))
			changed = true
			continue
		}
		replaced, err := replaceBackupKey(tx, user, b, k, replaces)
		if err != nil {
			return err
		}
		changed = changed || replaced
	}
	return saveBackup(tx, user, b, changed)
}

func replaceBackupKey(tx *store.Tx, user mx.UserID, b *Backup, k BackupKey, replaces func(BackupKey) error) (bool, error) {
	var old BackupKey
	var size int64
	if err := tx.QueryRow(context.Background(), `SELECT is_verified, first_message_index, forwarded_count, length(session_data) FROM backup_key
		WHERE user_id = $1 AND version = $2 AND room_id = $3 AND session_id = $4`, user, b.Version, k.Room, k.Session).
		Scan(&old.Verified, &old.FirstIndex, &old.Forwarded, &size); err != nil {
		return false, err
	}
	if !k.Better(old) {
		return false, nil
	}
	if err := replaces(k); err != nil {
		return false, err
	}
	_, err := tx.Exec(`UPDATE backup_key SET is_verified = $1, first_message_index = $2, forwarded_count = $3, session_data = $4
		WHERE user_id = $5 AND version = $6 AND room_id = $7 AND session_id = $8`,
		k.Verified, k.FirstIndex, k.Forwarded, k.Data, user, b.Version, k.Room, k.Session)
	b.Bytes += int64(len(k.Data)) - size
	return true, err
}

// DeleteBackupKeys removes keys of a version: all, those of a room, or one. It keeps b's count and etag in step.
func DeleteBackupKeys(tx *store.Tx, user mx.UserID, b *Backup, room, session string) error {
	cond, args := where(user, b.Version, room, session)
	var size int64
	if err := tx.QueryRow(context.Background(), "SELECT coalesce(sum(length(session_data)), 0) FROM backup_key"+cond, args...).Scan(&size); err != nil {
		return err
	}
	n, err := tx.Exec("DELETE FROM backup_key"+cond, args...)
	if err != nil {
		return err
	}
	b.Count -= n
	b.Bytes -= size
	return saveBackup(tx, user, b, n > 0)
}

func saveBackup(tx *store.Tx, user mx.UserID, b *Backup, changed bool) error {
	if !changed {
		return nil
	}
	b.ETag++
	_, err := tx.Exec("UPDATE backup_version SET keys = $1, bytes = $2, etag = $3 WHERE user_id = $4 AND version = $5", b.Count, b.Bytes, b.ETag, user, b.Version)
	return err
}
