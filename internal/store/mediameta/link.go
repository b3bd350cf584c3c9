package mediameta

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
)

// Never is when a link is to be ended that a legal hold keeps.
const Never = math.MaxInt64

// Link says that an event shows a file.
type Link struct {
	Media  string
	Event  mx.EventID
	Room   mx.RoomID
	Sent   int64
	Gone   int64             // when the link is to be ended; 0: the event stands
	Ground precedence.Ground // why it is to be ended
}

// AddLinks notes which files an event shows. What is no file of this server is left out. A sender's own files are from now on kept for as
// long as something shows them, and no longer.
func AddLinks(tx *store.Tx, files []string, event mx.EventID, room mx.RoomID, sender mx.UserID, sent int64) error {
	for _, id := range files {
		_, err := tx.Exec(`INSERT INTO media_link (media, event_id, room_id, sent, gone, ground)
			SELECT id, $1, $2, $3, 0, '' FROM media WHERE id = $4 ON CONFLICT (media, event_id) DO NOTHING`, string(event), string(room), sent, id)
		if err == nil {
			_, err = tx.Exec("UPDATE media SET claimed = TRUE WHERE id = $1 AND owner = $2 AND NOT claimed", id, string(sender))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// EndLinks says that an event does not show its files any more.
func EndLinks(tx *store.Tx, event mx.EventID, ground precedence.Ground, now int64) error {
	_, err := tx.Exec("UPDATE media_link SET gone = $1, ground = $2 WHERE event_id = $3 AND gone = 0", now, string(ground), string(event))
	return err
}

// EndRoom says that none of a room's events shows its files any more, whatever was said before.
func EndRoom(tx *store.Tx, room mx.RoomID, ground precedence.Ground, now int64) error {
	_, err := tx.Exec("UPDATE media_link SET gone = $1, ground = $2 WHERE room_id = $3", now, string(ground), string(room))
	return err
}

// EndedLinks lists links that are to be ended by now.
func EndedLinks(ctx context.Context, r store.Reader, now int64, limit int) ([]Link, error) {
	rows, err := r.Query(ctx, `SELECT media, event_id, room_id, sent, gone, ground FROM media_link
		WHERE gone > 0 AND gone <= $1 ORDER BY gone LIMIT $2`, now, limit)
	if err != nil {
		return nil, fmt.Errorf("mediameta: list links: %w", err)
	}
	defer rows.Close()
	var list []Link
	for rows.Next() {
		var l Link
		if err := rows.Scan(&l.Media, &l.Event, &l.Room, &l.Sent, &l.Gone, &l.Ground); err != nil {
			return nil, fmt.Errorf("mediameta: list links: %w", err)
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// Postpone lets a link stand until a time.
func Postpone(tx *store.Tx, l *Link, until int64) error {
	_, err := tx.Exec("UPDATE media_link SET gone = $1 WHERE media = $2 AND event_id = $3", until, l.Media, string(l.Event))
	return err
}

// DropLink ends a link, and the file with it if that was its last one, its owner had linked it, and it is nobody's picture. It reports
// whether the file went.
func DropLink(ctx context.Context, tx *store.Tx, l *Link, server mx.ServerName) (bool, error) {
	if _, err := tx.Exec("DELETE FROM media_link WHERE media = $1 AND event_id = $2", l.Media, string(l.Event)); err != nil {
		return false, err
	}
	var claimed bool
	err := tx.QueryRow(ctx, `SELECT claimed AND NOT EXISTS (SELECT 1 FROM media_link l WHERE l.media = media.id) FROM media WHERE id = $1`, l.Media).Scan(&claimed)
	if errors.Is(err, store.ErrNoRows) || err == nil && !claimed {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("mediameta: read links: %w", err)
	}
	shown, err := IsPicture(ctx, tx, server, l.Media)
	if err != nil || shown {
		return false, err
	}
	return Delete(ctx, tx, l.Media)
}

// IsPicture reports whether a file is somebody's picture.
func IsPicture(ctx context.Context, r store.Reader, server mx.ServerName, id string) (bool, error) {
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM profile WHERE field = 'avatar_url' AND value = $1",
		[]byte(`"mxc://`+string(server)+`/`+id+`"`)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("mediameta: look for picture: %w", err)
	}
	return n > 0, nil
}

// Unlinked lists files that were uploaded before a time and that no event is known to show, the oldest first, after a place in that order.
func Unlinked(ctx context.Context, r store.Reader, before int64, after Place, limit int) ([]Place, error) {
	return places(r.Query(ctx, `SELECT uploaded, id FROM media WHERE uploaded > 0 AND uploaded < $1 AND (uploaded > $2 OR uploaded = $3 AND id > $4)
		AND owner <> '' AND NOT EXISTS (SELECT 1 FROM media_link l WHERE l.media = media.id) ORDER BY uploaded, id LIMIT $5`,
		before, after.Uploaded, after.Uploaded, after.ID, limit))
}

// UnlinkedOf lists those of one owner, whenever they were uploaded.
func UnlinkedOf(ctx context.Context, r store.Reader, owner mx.UserID, after Place, limit int) ([]Place, error) {
	return places(r.Query(ctx, `SELECT uploaded, id FROM media WHERE owner = $1 AND uploaded > 0 AND (uploaded > $2 OR uploaded = $3 AND id > $4)
		AND NOT EXISTS (SELECT 1 FROM media_link l WHERE l.media = media.id) ORDER BY uploaded, id LIMIT $5`,
		string(owner), after.Uploaded, after.Uploaded, after.ID, limit))
}

func places(rows *sql.Rows, err error) ([]Place, error) {
	if err != nil {
		return nil, fmt.Errorf("mediameta: list files: %w", err)
	}
	defer rows.Close()
	var list []Place
	for rows.Next() {
		var p Place
		if err := rows.Scan(&p.Uploaded, &p.ID); err != nil {
			return nil, fmt.Errorf("mediameta: list files: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// Place is where a file stands in the order of uploads.
type Place struct {
	Uploaded int64
	ID       string
}

// DropUnlinked removes a file if nothing is known to show it and it is nobody's picture. It reports whether it did.
func DropUnlinked(ctx context.Context, tx *store.Tx, id string, server mx.ServerName) (bool, error) {
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM media_link WHERE media = $1", id).Scan(&n); err != nil || n > 0 {
		return false, err
	}
	shown, err := IsPicture(ctx, tx, server, id)
	if err != nil || shown {
		return false, err
	}
	return Delete(ctx, tx, id)
}
