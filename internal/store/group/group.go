// Package group is the SQL of groups of people and who is in them.
//
// Tables: user_group, user_group_member (migration 0110). Invariant: members are of a group that exists; whoever changes who is in which group
// says so by Changed, so that every node drops its copy.
package group

import (
	"context"
	"errors"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// Group is a group as lists show it.
type Group struct {
	ID      string
	Name    string
	Created int64
	Members int64
}

const columns = "group_id, name, created, members"

func (g *Group) fields() []any { return []any{&g.ID, &g.Name, &g.Created, &g.Members} }

const groups = `(SELECT g.group_id, g.name, g.found_by, g.created,
	(SELECT count(*) FROM user_group_member m WHERE m.group_id = g.group_id) AS members FROM user_group g) g`

// Insert makes a group, unless there is one of that id: then it reports false.
func Insert(tx *store.Tx, id, name string, now int64) (bool, error) {
	n, err := tx.Exec("INSERT INTO user_group (group_id, name, found_by, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", id, name, foundBy(id, name), now)
	return n > 0, err
}

func foundBy(id, name string) string { return account.Fold(name) + "\n" + id }

// Rename gives a group another name.
func Rename(tx *store.Tx, id, name string) error {
	_, err := tx.Exec("UPDATE user_group SET name = $1, found_by = $2 WHERE group_id = $3", name, foundBy(id, name), id)
	return err
}

// Delete removes a group and its memberships.
func Delete(tx *store.Tx, id string) error {
	_, err := tx.Exec("DELETE FROM user_group_member WHERE group_id = $1", id)
	if err == nil {
		_, err = tx.Exec("DELETE FROM user_group WHERE group_id = $1", id)
	}
	return err
}

// Find reads a group; nil if there is none.
func Find(ctx context.Context, r store.Reader, id string) (*Group, error) {
	var g Group
	err := r.QueryRow(ctx, "SELECT "+columns+" FROM "+groups+" WHERE group_id = $1", id).Scan(g.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// Orders are what List can be sorted by; the first is the default.
func Orders() []string {
	return []string{"name", "-name", "group_id", "-group_id", "members", "-members", "created", "-created"}
}

// List reads a page of the groups whose names or ids contain the words of a search.
func List(ctx context.Context, r store.Reader, search string, p listing.Page) (listing.Found[Group], error) {
	q := listing.Query{Columns: columns, From: groups, ID: "group_id", Keys: map[string]listing.Key{
		"name": {SQL: "found_by"}, "group_id": {SQL: "group_id"}, "members": {SQL: "members", Number: true}, "created": {SQL: "created", Number: true},
	}}
	contains(&q, search)
	return listing.Read(ctx, r, &q, p, (*Group).fields)
}

func contains(q *listing.Query, search string) {
	for _, word := range strings.Fields(account.Fold(search)) {
		q.Where("found_by LIKE ? ESCAPE '!'", "%"+listing.Escape(word)+"%")
	}
}

// Of is the groups that a user is in, by name.
func Of(ctx context.Context, r store.Reader, user mx.UserID) ([]Group, error) {
	rows, err := r.Query(ctx, "SELECT "+columns+" FROM "+groups+" WHERE group_id IN (SELECT group_id FROM user_group_member WHERE user_id = $1) ORDER BY found_by", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Group{}
	for rows.Next() {
		var g Group
		if err := rows.Scan(g.fields()...); err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, rows.Err()
}

// Member is somebody in a group.
type Member struct {
	User    mx.UserID
	Display string
	Added   int64
}

func (m *Member) fields() []any { return []any{&m.User, &m.Display, &m.Added} }

// MemberOrders are what Members can be sorted by; the first is the default.
func MemberOrders() []string {
	return []string{"name", "-name", "user_id", "-user_id", "added", "-added"}
}

// Members reads a page of a group's members whose names, ids or addresses contain the words of a search.
func Members(ctx context.Context, r store.Reader, id, search string, p listing.Page) (listing.Found[Member], error) {
	q := listing.Query{
		Columns: "user_id, display, added", ID: "user_id",
		From: "(SELECT m.group_id, m.user_id, m.added, a.display, a.found_by FROM user_group_member m JOIN account a ON a.user_id = m.user_id) m",
		Keys: map[string]listing.Key{"name": {SQL: "found_by"}, "user_id": {SQL: "user_id"}, "added": {SQL: "added", Number: true}},
	}
	q.Where("group_id = ?", id)
	contains(&q, search)
	return listing.Read(ctx, r, &q, p, (*Member).fields)
}

// Join puts a user into a group and reports whether they were not in it.
func Join(tx *store.Tx, id string, user mx.UserID, now int64) (bool, error) {
	n, err := tx.Exec("INSERT INTO user_group_member (group_id, user_id, added) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, user, now)
	return n > 0, err
}

// Leave takes a user out of a group and reports whether they were in it.
func Leave(tx *store.Tx, id string, user mx.UserID) (bool, error) {
	n, err := tx.Exec("DELETE FROM user_group_member WHERE group_id = $1 AND user_id = $2", id, user)
	return n > 0, err
}

// LeaveAll takes a user out of all groups and reports whether they were in any.
func LeaveAll(tx *store.Tx, user mx.UserID) (bool, error) {
	n, err := tx.Exec("DELETE FROM user_group_member WHERE user_id = $1", user)
	return n > 0, err
}

// All is who is in which group, in the order of groups and users, a group without members with the empty user.
func All(ctx context.Context, r store.Reader, each func(group string, user mx.UserID)) error {
	rows, err := r.Query(ctx, "SELECT g.group_id, COALESCE(m.user_id, '') FROM user_group g LEFT JOIN user_group_member m ON m.group_id = g.group_id ORDER BY g.group_id, m.user_id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var user mx.UserID
		if err := rows.Scan(&id, &user); err != nil {
			return err
		}
		each(id, user)
	}
	return rows.Err()
}

// Changed says that groups are not as they were.
func Changed(tx *store.Tx) { tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindGroup}) }
