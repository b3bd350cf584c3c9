package account

import (
	"context"
	"errors"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/listing"
)

// Invitation is a registration token.
type Invitation struct {
	Token   []byte // SHA-256
	Name    string // its first characters, by which an administrator knows it
	Created int64
	Allowed int64 // number of uses; 0 is any
	Used    int64
	Expires int64 // 0 never

	Personal   bool   // it is one person's, with what follows
	UserName   string // local part of the account; empty where the person chooses
	Display    string
	Address    string // e-mail address that the account gets
	Admin      bool
	Groups     string // that the account will be in: ids with spaces between
	Inviter    string
	AcceptedBy mx.UserID
	Accepted   int64
}

// Valid reports whether the token opens registration at a time.
func (i *Invitation) Valid(now int64) bool {
	return (i.Allowed == 0 || i.Used < i.Allowed) && (i.Expires == 0 || i.Expires > now)
}

const invitationColumns = "token, name, created, allowed, used, expires, personal, user_name, display, address, admin, group_ids, inviter, accepted_by, accepted"

func (i *Invitation) fields() []any {
	return []any{
		&i.Token, &i.Name, &i.Created, &i.Allowed, &i.Used, &i.Expires, &i.Personal, &i.UserName, &i.Display, &i.Address, &i.Admin, &i.Groups, &i.Inviter,
		&i.AcceptedBy, &i.Accepted,
	}
}

// FindInvitation reads a registration token; nil if there is none.
func FindInvitation(ctx context.Context, r store.Reader, token []byte) (*Invitation, error) {
	var i Invitation
	err := r.QueryRow(ctx, "SELECT "+invitationColumns+" FROM registration_token WHERE token = $1", token).Scan(i.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &i, nil
}

// Invitations reads all registration tokens that are not one person's.
func Invitations(ctx context.Context, r store.Reader) ([]Invitation, error) {
	rows, err := r.Query(ctx, "SELECT "+invitationColumns+" FROM registration_token WHERE NOT personal ORDER BY created, name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Invitation
	for rows.Next() {
		var i Invitation
		if err := rows.Scan(i.fields()...); err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

// InsertInvitation adds a registration token, unless it or its name is taken: then it reports false.
func InsertInvitation(tx *store.Tx, i Invitation) (bool, error) {
	n, err := tx.Exec("INSERT INTO registration_token ("+invitationColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
		i.Token, i.Name, i.Created, i.Allowed, i.Used, i.Expires, i.Personal, i.UserName, i.Display, i.Address, i.Admin, i.Groups, i.Inviter, i.AcceptedBy, i.Accepted)
	return n > 0, err
}

// UseInvitation counts one use, and notes whose it was.
func UseInvitation(tx *store.Tx, token []byte, by mx.UserID, now int64) error {
	_, err := tx.Exec("UPDATE registration_token SET used = used + 1, accepted_by = $1, accepted = $2 WHERE token = $3", by, now, token)
	return err
}

// AnyPersonal reports whether there is an invitation of somebody that can be accepted.
func AnyPersonal(ctx context.Context, r store.Reader, now int64) (bool, error) {
	var one int
	err := r.QueryRow(ctx, "SELECT 1 FROM registration_token WHERE personal AND used = 0 AND (expires = 0 OR expires > $1) LIMIT 1", now).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// PendingFor reports whether somebody with this user name or address is invited already. Empty ones are nobody's.
func PendingFor(ctx context.Context, r store.Reader, userName, address string, now int64) (bool, error) {
	var one int
	err := r.QueryRow(ctx, `SELECT 1 FROM registration_token WHERE personal AND used = 0 AND (expires = 0 OR expires > $1)
		AND (user_name <> '' AND user_name = $2 OR address <> '' AND address = $3) LIMIT 1`, now, userName, address).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// InvitationStates are the states of invitations that can be asked for.
func InvitationStates() []string { return []string{"", "open", "accepted", "expired"} }

// InvitationOrders are what ListInvitations can be sorted by; the first is the default.
func InvitationOrders() []string {
	return []string{"-created", "created", "expires", "-expires", "user_name", "-user_name"}
}

// ListInvitations reads a page of the invitations of single persons.
func ListInvitations(ctx context.Context, r store.Reader, state, search string, now int64, p listing.Page) (listing.Found[Invitation], error) {
	q := listing.Query{Columns: invitationColumns, From: "registration_token", ID: "name", Keys: map[string]listing.Key{
		"created": {SQL: "created", Number: true}, "expires": {SQL: "expires", Number: true}, "user_name": {SQL: "user_name"},
	}}
	q.Where("personal")
	switch state {
	case "open":
		q.Where("used = 0 AND (expires = 0 OR expires > ?)", now)
	case "accepted":
		q.Where("used > 0")
	case "expired":
		q.Where("used = 0 AND expires > 0 AND expires <= ?", now)
	}
	if search != "" {
		like := "%" + listing.Escape(strings.ToLower(search)) + "%"
		q.Where("(lower(user_name) LIKE ? ESCAPE '!' OR lower(display) LIKE ? ESCAPE '!' OR lower(address) LIKE ? ESCAPE '!')", like, like, like)
	}
	return listing.Read(ctx, r, &q, p, (*Invitation).fields)
}

// DeleteInvitation removes a registration token by name and reports whether there was one.
func DeleteInvitation(tx *store.Tx, name string) (bool, error) {
	n, err := tx.Exec("DELETE FROM registration_token WHERE name = $1", name)
	return n > 0, err
}

// ExpireInvitations removes registration tokens that expired before a time; those of single persons before another.
func ExpireInvitations(tx *store.Tx, before, personal int64) (int64, error) {
	return tx.Exec("DELETE FROM registration_token WHERE expires > 0 AND (NOT personal AND expires < $1 OR expires < $2)", before, personal)
}

// DeletePersonal removes an invitation of somebody and reports whether there was one.
func DeletePersonal(tx *store.Tx, name string) (bool, error) {
	n, err := tx.Exec("DELETE FROM registration_token WHERE name = $1 AND personal", name)
	return n > 0, err
}
