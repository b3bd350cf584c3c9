// Package holds is the SQL of legal holds: what may not be destroyed, whatever else is due.
//
// Tables: legal_hold (migration 0120). Invariants: a hold names a custodian, a room or a period at least; it is never changed but by its
// release, and never removed. Who is about to destroy something asks within the transaction that does it, so that no hold, placed on whichever node,
// comes too late by less than that transaction.
//
// A hold with a custodian covers every room that the custodian was in (joined or invited) in its period, with what everybody said there in the
// period: what somebody could read belongs to the case. It is not asked when exactly they came and went within the period.
package holds

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// Hold is a legal hold.
type Hold struct {
	ID         string
	Case       string
	Reason     string
	Custodian  mx.UserID // "" whoever
	Room       mx.RoomID // "" wherever
	Since      int64     // 0 from the beginning
	Until      int64     // before this time; 0 without end
	Created    int64
	CreatedBy  string
	Released   int64 // 0 it is in force
	ReleasedBy string
}

const columns = "id, case_number, reason, custodian, room_id, since, until, created, created_by, released, released_by"

func (h *Hold) fields() []any {
	return []any{&h.ID, &h.Case, &h.Reason, &h.Custodian, &h.Room, &h.Since, &h.Until, &h.Created, &h.CreatedBy, &h.Released, &h.ReleasedBy}
}

// Add places a hold.
func Add(tx *store.Tx, h *Hold) error {
	_, err := tx.Exec("INSERT INTO legal_hold ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		h.ID, h.Case, h.Reason, string(h.Custodian), string(h.Room), h.Since, h.Until, h.Created, h.CreatedBy, h.Released, h.ReleasedBy)
	return err
}

// Find reads a hold; nil if there is none.
func Find(ctx context.Context, r store.Reader, id string) (*Hold, error) {
	var h Hold
	err := r.QueryRow(ctx, "SELECT "+columns+" FROM legal_hold WHERE id = $1", id).Scan(h.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &h, nil
}

// Release ends a hold. It reports false if it was not in force.
func Release(tx *store.Tx, id string, now int64, by string) (bool, error) {
	n, err := tx.Exec("UPDATE legal_hold SET released = $1, released_by = $2 WHERE id = $3 AND released = 0", now, by, id)
	return n > 0, err
}

// InForce reads the holds that are in force, the oldest first.
func InForce(ctx context.Context, r store.Reader) ([]Hold, error) {
	rows, err := r.Query(ctx, "SELECT "+columns+" FROM legal_hold WHERE released = 0 ORDER BY created, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Hold
	for rows.Next() {
		var h Hold
		if err := rows.Scan(h.fields()...); err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, rows.Err()
}

// Filter says which holds are wanted; zero fields do not matter.
type Filter struct {
	State     string // one of States
	Case      string
	Custodian mx.UserID
	Room      mx.RoomID
	Search    string // what the case number or the reason contains
}

// States are the states that can be asked for.
func States() []string { return []string{"", "in_force", "released"} }

// Orders are the orders of List; the first is the default.
func Orders() []string { return []string{"-created", "created", "case", "-case"} }

// List reads a page of the holds.
func List(ctx context.Context, r store.Reader, f Filter, p listing.Page) (listing.Found[Hold], error) {
	q := listing.Query{Columns: columns, From: "legal_hold", ID: "id", Keys: map[string]listing.Key{
		"created": {SQL: "created", Number: true}, "case": {SQL: "case_number"},
	}}
	switch f.State {
	case "in_force":
		q.Where("released = 0")
	case "released":
		q.Where("released > 0")
	}
	if f.Case != "" {
		q.Where("case_number = ?", f.Case)
	}
	if f.Custodian != "" {
		q.Where("custodian = ?", string(f.Custodian))
	}
	if f.Room != "" {
		q.Where("room_id = ?", string(f.Room))
	}
	if f.Search != "" {
		like := "%" + listing.Escape(account.Fold(f.Search)) + "%"
		q.Where("(lower(case_number) LIKE ? ESCAPE '!' OR lower(reason) LIKE ? ESCAPE '!')", like, like)
	}
	return listing.Read(ctx, r, &q, p, (*Hold).fields)
}

// In gives what the holds in force cover of a room.
func In(ctx context.Context, r store.Reader, room mx.RoomID) (Cover, error) {
	list, err := InForce(ctx, r)
	if err != nil {
		return nil, err
	}
	return Covering(ctx, r, list, room)
}

// Covering gives what some holds cover of a room.
func Covering(ctx context.Context, r store.Reader, list []Hold, room mx.RoomID) (Cover, error) {
	var c Cover
	for i := range list {
		h := &list[i]
		if h.Room != "" && h.Room != room {
			continue
		}
		if h.Custodian != "" {
			there, err := present(ctx, r, h, room)
			if err != nil {
				return nil, err
			}
			if !there {
				continue
			}
		}
		c = append(c, h.span())
	}
	return c.merged(), nil
}

// present reports whether a hold's custodian was in a room in its period. In doubt they were.
func present(ctx context.Context, r store.Reader, h *Hold, room mx.RoomID) (bool, error) {
	var membership, event string
	err := r.QueryRow(ctx, "SELECT membership, event_id FROM membership WHERE user_id = $1 AND room_id = $2", string(h.Custodian), string(room)).
		Scan(&membership, &event)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	away := membership != mx.Join && membership != mx.Invite && membership != mx.Knock
	if h.Since > 0 && away {
		var last int64
		err := r.QueryRow(ctx, "SELECT ts FROM event WHERE event_id = $1", event).Scan(&last)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return false, err
		}
		if err == nil && last < h.Since {
			return false, nil
		}
	}
	if h.Until > 0 {
		var first int64
		var replaces sql.NullString
		err := r.QueryRow(ctx, `SELECT ts, replaces FROM event WHERE room_id = $1 AND type = 'm.room.member' AND state_key = $2 AND state_key IS NOT NULL
			ORDER BY pos LIMIT 1`, string(room), string(h.Custodian)).Scan(&first, &replaces)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return false, err
		}
		// One that replaces another is not the first: that went as the room was being deleted.
		return err != nil || replaces.Valid || first < h.Until, nil
	}
	return true, nil
}

// OfAccount reports whether somebody is the custodian of a hold in force: what they stored with their account is then kept.
func OfAccount(ctx context.Context, r store.Reader, user mx.UserID) (bool, error) {
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM legal_hold WHERE released = 0 AND custodian = $1", string(user)).Scan(&n)
	return n > 0, err
}

// OfFile reports whether a hold in force covers a file that nothing is known to show: its owner may have sent it to any room that they were in, at
// any time since. It is enough that one of those is held.
func OfFile(ctx context.Context, r store.Reader, owner mx.UserID, uploaded int64) (bool, error) {
	list, err := InForce(ctx, r)
	if err != nil {
		return false, err
	}
	for i := range list {
		h := &list[i]
		if h.Until > 0 && uploaded >= h.Until {
			continue
		}
		if h.Custodian == "" && h.Room == "" || h.Custodian == owner && h.Room == "" {
			return true, nil
		}
		query, args := "SELECT count(*) FROM membership WHERE user_id = $1 AND room_id = $2", []any{string(owner), string(h.Room)}
		if h.Room == "" {
			query = "SELECT count(*) FROM membership o JOIN membership c ON c.room_id = o.room_id WHERE o.user_id = $1 AND c.user_id = $2"
			args[1] = string(h.Custodian)
		}
		var n int
		if err := r.QueryRow(ctx, query, args...).Scan(&n); err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// OfOwner reports whether somebody is the custodian of a hold in force whose period a file was uploaded in: it is then kept, whatever shows it.
func OfOwner(ctx context.Context, r store.Reader, owner mx.UserID, uploaded int64) (bool, error) {
	if owner == "" {
		return false, nil
	}
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM legal_hold WHERE released = 0 AND custodian = $1 AND since <= $2 AND (until = 0 OR until > $3)",
		string(owner), uploaded, uploaded).Scan(&n)
	return n > 0, err
}

// Without is the list without one hold.
func Without(list []Hold, id string) []Hold {
	return slices.DeleteFunc(slices.Clone(list), func(h Hold) bool { return h.ID == id })
}
