package mediameta

import (
	"context"
	"errors"
	"fmt"

	"conclave.chat/internal/store"
)

// Thumbnail is a picture that was made of a file.
type Thumbnail struct {
	Media   string
	Kind    string
	Created int64
	Size    int64
	Type    string
	Blob    string
}

// GetThumbnail reads a thumbnail's row, or nil.
func GetThumbnail(ctx context.Context, r store.Reader, media, kind string) (*Thumbnail, error) {
	t := &Thumbnail{Media: media, Kind: kind}
	err := r.QueryRow(ctx, "SELECT created, size, type, blob FROM media_thumbnail WHERE media = $1 AND kind = $2", media, kind).
		Scan(&t.Created, &t.Size, &t.Type, &t.Blob)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mediameta: read thumbnail: %w", err)
	}
	return t, nil
}

// PutThumbnail adds a thumbnail. It reports false, and the blob is not taken over, if the file is gone or another node was faster.
func PutThumbnail(ctx context.Context, tx *store.Tx, t *Thumbnail) (bool, error) {
	m, err := Get(ctx, tx, t.Media)
	if err != nil || m == nil {
		return false, err
	}
	n, err := tx.Exec(`INSERT INTO media_thumbnail (media, kind, created, size, type, blob) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (media, kind) DO NOTHING`, t.Media, t.Kind, t.Created, t.Size, t.Type, t.Blob)
	if err != nil || n == 0 {
		return false, err
	}
	return true, nil
}

// OldThumbnails lists thumbnails made before a time.
func OldThumbnails(ctx context.Context, r store.Reader, before int64, limit int) ([]Thumbnail, error) {
	rows, err := r.Query(ctx, "SELECT media, kind, blob FROM media_thumbnail WHERE created < $1 ORDER BY created LIMIT $2", before, limit)
	if err != nil {
		return nil, fmt.Errorf("mediameta: list thumbnails: %w", err)
	}
	defer rows.Close()
	var list []Thumbnail
	for rows.Next() {
		var t Thumbnail
		if err := rows.Scan(&t.Media, &t.Kind, &t.Blob); err != nil {
			return nil, fmt.Errorf("mediameta: list thumbnails: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// DropThumbnail removes a thumbnail and dooms its blob.
func DropThumbnail(tx *store.Tx, t *Thumbnail) error {
	n, err := tx.Exec("DELETE FROM media_thumbnail WHERE media = $1 AND kind = $2 AND blob = $3", t.Media, t.Kind, t.Blob)
	if err != nil || n == 0 {
		return err
	}
	return doom(tx, t.Blob)
}

// Preview is what a page said about itself.
type Preview struct {
	Page    []byte // hash of the address
	Fetched int64
	Expires int64
	Body    []byte // JSON; empty if the page could not be read
}

// GetPreview reads a preview that is still good, or nil.
func GetPreview(ctx context.Context, r store.Reader, page []byte, now int64) (*Preview, error) {
	p := &Preview{Page: page}
	err := r.QueryRow(ctx, "SELECT fetched, expires, body FROM media_preview WHERE page = $1 AND expires > $2", page, now).
		Scan(&p.Fetched, &p.Expires, &p.Body)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mediameta: read preview: %w", err)
	}
	return p, nil
}

// PutPreview remembers a preview.
func PutPreview(tx *store.Tx, p *Preview) error {
	_, err := tx.Exec(`INSERT INTO media_preview (page, fetched, expires, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (page) DO UPDATE SET fetched = excluded.fetched, expires = excluded.expires, body = excluded.body`,
		p.Page, p.Fetched, p.Expires, p.Body)
	return err
}

// DropPreviews removes previews that are no longer good.
func DropPreviews(tx *store.Tx, now int64) error {
	_, err := tx.Exec("DELETE FROM media_preview WHERE expires <= $1", now)
	return err
}
