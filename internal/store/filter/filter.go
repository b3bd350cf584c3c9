// Package filter is the SQL of filters that clients define for later requests.
//
// Table: sync_filter (migration 0060). Invariants: a filter's id follows from its content alone; a user has at most as many filters as
// Put is told to keep.
package filter

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Stored is a filter as it lies in the database.
type Stored struct {
	ID   string
	JSON []byte
	Used int64
}

// Find reads a user's filter; nil if there is none of that id.
func Find(ctx context.Context, r store.Reader, user mx.UserID, id string) (*Stored, error) {
	f := Stored{ID: id}
	err := r.QueryRow(ctx, "SELECT json, used FROM sync_filter WHERE user_id = $1 AND filter_id = $2", string(user), id).Scan(&f.JSON, &f.Used)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	return &f, err
}

// Put stores a filter. Of more than keep filters of the user those go that were not used for the longest time.
func Put(tx *store.Tx, user mx.UserID, f Stored, keep int) error {
	if _, err := tx.Exec(`INSERT INTO sync_filter (user_id, filter_id, json, used) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, filter_id) DO UPDATE SET used = excluded.used`, string(user), f.ID, f.JSON, f.Used); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM sync_filter WHERE user_id = $1 AND filter_id <> $2 AND filter_id NOT IN (
			SELECT filter_id FROM sync_filter WHERE user_id = $1 AND filter_id <> $2 ORDER BY used DESC, filter_id LIMIT $3
		)`, string(user), f.ID, keep-1)
	return err
}

// Touch notes that a filter was used.
func Touch(tx *store.Tx, user mx.UserID, id string, now int64) error {
	_, err := tx.Exec("UPDATE sync_filter SET used = $1 WHERE user_id = $2 AND filter_id = $3", now, string(user), id)
	return err
}

// Collect removes filters that were not used since a time.
func Collect(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM sync_filter WHERE used < $1", before)
}

// DeleteUser removes a user's filters.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM sync_filter WHERE user_id = $1", string(user))
	return err
}
