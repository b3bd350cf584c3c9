package mediameta

import (
	"context"
	"database/sql"
	"fmt"

	"conclave.chat/internal/store"
)

// Begin notes a blob before its first byte is written.
func Begin(tx *store.Tx, blob string, now int64) error {
	_, err := tx.Exec("INSERT INTO media_stray (blob, since, doomed) VALUES ($1, $2, FALSE)", blob, now)
	return err
}

// Adopt ends the note: from now on another row names the blob. It reports false if the collector was faster and deletes it.
func Adopt(tx *store.Tx, blob string) (bool, error) {
	n, err := tx.Exec("DELETE FROM media_stray WHERE blob = $1 AND doomed = FALSE", blob)
	return n == 1, err
}

// Doom marks a blob whose writing failed for deletion. It reports false if a row owns the blob.
func Doom(tx *store.Tx, blob string) (bool, error) {
	n, err := tx.Exec("UPDATE media_stray SET doomed = TRUE, since = 0 WHERE blob = $1", blob)
	return n == 1, err
}

func doom(tx *store.Tx, blob string) error {
	_, err := tx.Exec("INSERT INTO media_stray (blob, since, doomed) VALUES ($1, 0, TRUE)", blob)
	return err
}

// Abandon dooms blobs whose writing began before a time and never ended.
func Abandon(tx *store.Tx, before int64) error {
	_, err := tx.Exec("UPDATE media_stray SET doomed = TRUE, since = 0 WHERE since < $1 AND doomed = FALSE", before)
	return err
}

// Doomed lists blobs to delete.
func Doomed(ctx context.Context, r store.Reader, limit int) ([]string, error) {
	return texts(r.Query(ctx, "SELECT blob FROM media_stray WHERE since = 0 AND doomed = TRUE LIMIT $1", limit))
}

// Forget ends the note of a blob that was deleted.
func Forget(tx *store.Tx, blob string) error {
	_, err := tx.Exec("DELETE FROM media_stray WHERE blob = $1", blob)
	return err
}

func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, fmt.Errorf("mediameta: %w", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("mediameta: %w", err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("mediameta: %w", err)
	}
	return list, nil
}
