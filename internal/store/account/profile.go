package account

import (
	"context"
	"database/sql"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Field is one field of a profile: a JSON value.
type Field struct {
	Name  string
	Value []byte
}

// Profile reads all fields of a user's profile.
func Profile(ctx context.Context, r store.Reader, user mx.UserID) ([]Field, error) {
	return fields(r.Query(ctx, "SELECT field, value FROM profile WHERE user_id = $1 ORDER BY field", user))
}

// ProfileFields reads two fields of a user's profile, as far as there are such.
func ProfileFields(ctx context.Context, r store.Reader, user mx.UserID, one, other string) ([]Field, error) {
	return fields(r.Query(ctx, "SELECT field, value FROM profile WHERE user_id = $1 AND field IN ($2, $3)", user, one, other))
}

func fields(rows *sql.Rows, err error) ([]Field, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Field
	for rows.Next() {
		var f Field
		if err := rows.Scan(&f.Name, &f.Value); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// ProfileField reads one field; nil if there is none.
func ProfileField(ctx context.Context, r store.Reader, user mx.UserID, name string) ([]byte, error) {
	var value []byte
	err := r.QueryRow(ctx, "SELECT value FROM profile WHERE user_id = $1 AND field = $2", user, name).Scan(&value)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

// SetProfileField writes one field.
func SetProfileField(tx *store.Tx, user mx.UserID, f Field) error {
	_, err := tx.Exec("INSERT INTO profile (user_id, field, value) VALUES ($1, $2, $3) ON CONFLICT (user_id, field) DO UPDATE SET value = excluded.value",
		user, f.Name, f.Value)
	return err
}

// DeleteProfileField removes one field.
func DeleteProfileField(tx *store.Tx, user mx.UserID, name string) error {
	_, err := tx.Exec("DELETE FROM profile WHERE user_id = $1 AND field = $2", user, name)
	return err
}

// DeleteProfile removes all fields.
func DeleteProfile(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM profile WHERE user_id = $1", user)
	return err
}
