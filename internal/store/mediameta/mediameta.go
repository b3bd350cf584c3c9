// Package mediameta is the SQL of media: who uploaded what, where its bytes are, thumbnails and page previews.
//
// Tables: media, media_usage, media_thumbnail, media_stray, media_preview (migrations 0050 to 0059). Invariants: content never
// changes once uploaded is set; media_usage is the sum over the owner's media; every blob in the store is named by exactly one
// row of media, media_thumbnail or media_stray, from before its first byte is written until after it is deleted. So a crash at any
// moment leaves no bytes that nobody knows of, and cleaning up never has to list the store.
package mediameta

import (
	"context"
	"errors"
	"fmt"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Media is one file.
type Media struct {
	ID       string
	Owner    mx.UserID // "" for a picture of a page preview
	Created  int64
	Uploaded int64 // 0: announced, content to come
	Expires  int64 // 0: never
	Size     int64
	Type     string
	Name     string
	Blob     string // "" for empty content
}

// Expired reports whether the row only waits for its collector.
func (m *Media) Expired(now int64) bool { return m.Expires > 0 && m.Expires <= now }

// Get reads a file's row, or nil.
func Get(ctx context.Context, r store.Reader, id string) (*Media, error) {
	m := &Media{ID: id}
	err := r.QueryRow(ctx, "SELECT owner, created, uploaded, expires, size, type, name, blob FROM media WHERE id = $1", id).
		Scan(&m.Owner, &m.Created, &m.Uploaded, &m.Expires, &m.Size, &m.Type, &m.Name, &m.Blob)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mediameta: read media: %w", err)
	}
	return m, nil
}

// Announce adds a file whose content comes later.
func Announce(tx *store.Tx, id string, owner mx.UserID, now, expires int64) error {
	_, err := tx.Exec(`INSERT INTO media (id, owner, created, uploaded, expires, size, type, name, blob)
		VALUES ($1, $2, $3, 0, $4, 0, '', '', '')`, id, string(owner), now, expires)
	return err
}

// Pending counts the user's announced files that may still be uploaded and tells when the first of them expires.
func Pending(ctx context.Context, r store.Reader, owner mx.UserID, now int64) (n int, first int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*), coalesce(min(expires), 0) FROM media WHERE owner = $1 AND uploaded = 0 AND expires > $2",
		string(owner), now).Scan(&n, &first)
	if err != nil {
		return 0, 0, fmt.Errorf("mediameta: count pending: %w", err)
	}
	return n, first, nil
}

// Put adds a file with its content, or gives its content to an announced one. The caller has checked that this may be.
func Put(tx *store.Tx, m *Media) error {
	_, err := tx.Exec(`INSERT INTO media (id, owner, created, uploaded, expires, size, type, name, blob)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET uploaded = excluded.uploaded, expires = excluded.expires, size = excluded.size,
			type = excluded.type, name = excluded.name, blob = excluded.blob`,
		m.ID, string(m.Owner), m.Created, m.Uploaded, m.Expires, m.Size, m.Type, m.Name, m.Blob)
	if err != nil || m.Owner == "" {
		return err
	}
	_, err = tx.Exec(`INSERT INTO media_usage (owner, files, bytes) VALUES ($1, 1, $2)
		ON CONFLICT (owner) DO UPDATE SET files = media_usage.files + 1, bytes = media_usage.bytes + excluded.bytes`,
		string(m.Owner), m.Size)
	return err
}

// Usage is what a user's files take.
func Usage(ctx context.Context, r store.Reader, owner mx.UserID) (files, bytes int64, err error) {
	err = r.QueryRow(ctx, "SELECT files, bytes FROM media_usage WHERE owner = $1", string(owner)).Scan(&files, &bytes)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return 0, 0, fmt.Errorf("mediameta: read usage: %w", err)
	}
	return files, bytes, nil
}

// Delete removes a file, its thumbnails and what it counted for, and dooms the blobs. It reports whether the file was there.
func Delete(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	m, err := Get(ctx, tx, id)
	if err != nil || m == nil {
		return false, err
	}
	blobs, err := texts(tx.Query(ctx, "SELECT blob FROM media_thumbnail WHERE media = $1", id))
	if err != nil {
		return false, err
	}
	if m.Blob != "" {
		blobs = append(blobs, m.Blob)
	}
	for _, b := range blobs {
		if err := doom(tx, b); err != nil {
			return false, err
		}
	}
	for _, stmt := range []string{"DELETE FROM media_thumbnail WHERE media = $1", "DELETE FROM media WHERE id = $1"} {
		if _, err := tx.Exec(stmt, id); err != nil {
			return false, err
		}
	}
	if m.Owner == "" || m.Uploaded == 0 {
		return true, nil
	}
	_, err = tx.Exec("UPDATE media_usage SET files = files - 1, bytes = bytes - $1 WHERE owner = $2", m.Size, string(m.Owner))
	if err == nil {
		_, err = tx.Exec("DELETE FROM media_usage WHERE owner = $1 AND files = 0", string(m.Owner))
	}
	return true, err
}

// Expired lists files whose time is over.
func Expired(ctx context.Context, r store.Reader, now int64, limit int) ([]string, error) {
	return texts(r.Query(ctx, "SELECT id FROM media WHERE expires > 0 AND expires <= $1 ORDER BY expires LIMIT $2", now, limit))
}

// OwnedBy lists up to limit files that a user uploaded, the oldest first, after a place in that order.
func OwnedBy(ctx context.Context, r store.Reader, owner mx.UserID, after Place, limit int) ([]Media, error) {
	rows, err := r.Query(ctx, `SELECT id, owner, created, uploaded, expires, size, type, name, blob FROM media
		WHERE owner = $1 AND uploaded > 0 AND (uploaded > $2 OR uploaded = $3 AND id > $4) ORDER BY uploaded, id LIMIT $5`,
		string(owner), after.Uploaded, after.Uploaded, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("mediameta: list files: %w", err)
	}
	defer rows.Close()
	var list []Media
	for rows.Next() {
		var m Media
		if err := rows.Scan(&m.ID, &m.Owner, &m.Created, &m.Uploaded, &m.Expires, &m.Size, &m.Type, &m.Name, &m.Blob); err != nil {
			return nil, fmt.Errorf("mediameta: list files: %w", err)
		}
		list = append(list, m)
	}
	return list, rows.Err()
}
