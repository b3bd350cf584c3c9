// Package census is the SQL of what administrators look at: lists and numbers over several table families.
//
// Tables: census_progress, room_census, daily (migration 0082), which repeat what the log of events says so that nobody has to read all
// of it. It reads account, device, contact, media_usage, membership and room besides, and changes none of them.
package census

import (
	"context"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// Person is an account as lists show it.
type Person struct {
	User        mx.UserID
	Display     string
	Created     int64
	Seen        int64
	Admin       bool
	Locked      bool
	Suspended   bool
	Deactivated bool
	Erased      bool
	Devices     int64
	Files       int64
	Bytes       int64
	Emails      []string
}

// PeopleFilter says which accounts are wanted; zero fields do not matter.
type PeopleFilter struct {
	Search string // words that names, ids or addresses contain
	State  string // one of States
}

// States are the states of accounts that can be asked for.
func States() []string {
	return []string{"", "active", "locked", "suspended", "deactivated", "admin"}
}

// PeopleOrders are what People can be sorted by; the first is the default.
func PeopleOrders() []string {
	return []string{"name", "-name", "user_id", "-user_id", "created", "-created", "last_seen", "-last_seen", "devices", "-devices", "bytes", "-bytes"}
}

const personColumns = "user_id, display, created, seen, admin, locked, suspended, deactivated, erased, devices, files, bytes"

func (p *Person) fields() []any {
	return []any{&p.User, &p.Display, &p.Created, &p.Seen, &p.Admin, &p.Locked, &p.Suspended, &p.Deactivated, &p.Erased, &p.Devices, &p.Files, &p.Bytes}
}

const people = `(SELECT a.user_id, a.display, a.found_by, a.created, a.seen, a.admin, a.locked, a.suspended, a.deactivated, a.erased,
	(SELECT count(*) FROM device d WHERE d.user_id = a.user_id) AS devices, COALESCE(u.files, 0) AS files, COALESCE(u.bytes, 0) AS bytes
	FROM account a LEFT JOIN media_usage u ON u.owner = a.user_id) p`

// People reads a page of the accounts.
func People(ctx context.Context, r store.Reader, f PeopleFilter, p listing.Page) (listing.Found[Person], error) {
	q := listing.Query{Columns: personColumns, From: people, ID: "user_id", Keys: map[string]listing.Key{
		"name": {SQL: "found_by"}, "user_id": {SQL: "user_id"}, "created": {SQL: "created", Number: true}, "last_seen": {SQL: "seen", Number: true},
		"devices": {SQL: "devices", Number: true}, "bytes": {SQL: "bytes", Number: true},
	}}
	for _, word := range strings.Fields(account.Fold(f.Search)) {
		q.Where("found_by LIKE ? ESCAPE '!'", "%"+listing.Escape(word)+"%")
	}
	switch f.State {
	case "active":
		q.Where("NOT locked AND NOT suspended AND NOT deactivated")
	case "locked", "suspended", "deactivated", "admin":
		q.Where(f.State)
	}
	found, err := listing.Read(ctx, r, &q, p, (*Person).fields)
	if err != nil {
		return found, err
	}
	return found, addEmails(ctx, r, found.Items)
}

// FindPerson reads one account; nil if there is none.
func FindPerson(ctx context.Context, r store.Reader, user mx.UserID) (*Person, error) {
	q := listing.Query{Columns: personColumns, From: people, ID: "user_id", Keys: map[string]listing.Key{"user_id": {SQL: "user_id"}}}
	q.Where("user_id = ?", user)
	found, err := listing.Read(ctx, r, &q, listing.Page{Order: "user_id", Limit: 1, Uncounted: true}, (*Person).fields)
	if err != nil || len(found.Items) == 0 {
		return nil, err
	}
	return &found.Items[0], addEmails(ctx, r, found.Items)
}

func addEmails(ctx context.Context, r store.Reader, list []Person) error {
	if len(list) == 0 {
		return nil
	}
	at := make(map[string]*Person, len(list))
	users := make([]mx.UserID, len(list))
	for i := range list {
		at[string(list[i].User)], users[i], list[i].Emails = &list[i], list[i].User, []string{}
	}
	rows, err := r.Query(ctx, "SELECT user_id, address FROM contact WHERE user_id IN ("+store.In(len(users), 1)+") ORDER BY added, address", store.Strings(users)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var user, address string
		if err := rows.Scan(&user, &address); err != nil {
			return err
		}
		at[user].Emails = append(at[user].Emails, address)
	}
	return rows.Err()
}

// JoinedRooms is the number of rooms that a user is in.
func JoinedRooms(ctx context.Context, r store.Reader, user mx.UserID) (n int64, err error) {
	err = r.QueryRow(ctx, "SELECT count(*) FROM membership WHERE user_id = $1 AND membership = 'join'", user).Scan(&n)
	return n, err
}
