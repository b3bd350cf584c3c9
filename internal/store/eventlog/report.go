package eventlog

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Kinds of reports.
const (
	ReportEvent = "event"
	ReportRoom  = "room"
	ReportUser  = "user"
)

// Report is what a user told the administrators of.
type Report struct {
	ID       store.Pos
	Kind     string
	Reporter mx.UserID
	Room     mx.RoomID  // of an event or room
	Event    mx.EventID // of an event
	User     mx.UserID  // of an event's sender or a user
	Reason   string
	TS       int64
}

// AddReport keeps a report. It takes the place of an earlier one by the same user of the same thing.
func AddReport(tx *store.Tx, r Report) error {
	_, err := tx.Exec(`INSERT INTO report (id, kind, reporter, room_id, event_id, user_id, reason, ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (reporter, kind, room_id, event_id, user_id) DO UPDATE SET id = excluded.id, reason = excluded.reason, ts = excluded.ts`,
		int64(tx.Next()), r.Kind, string(r.Reporter), string(r.Room), string(r.Event), string(r.User), r.Reason, r.TS)
	return err
}

// Reports is up to limit reports before one, latest first.
func Reports(ctx context.Context, r store.Reader, before store.Pos, limit int) ([]Report, error) {
	rows, err := r.Query(ctx, `SELECT id, kind, reporter, room_id, event_id, user_id, reason, ts FROM report
		WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(before), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Report
	for rows.Next() {
		var p Report
		if err := rows.Scan(&p.ID, &p.Kind, &p.Reporter, &p.Room, &p.Event, &p.User, &p.Reason, &p.TS); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
