package account

import (
	"context"
	"errors"

	"conclave.chat/internal/store"
)

// Invitation is a registration token.
type Invitation struct {
	Token   []byte // SHA-256
	Name    string // its first characters, by which an administrator knows it
	Created int64
	Allowed int64 // number of uses; 0 is any
	Used    int64
	Expires int64 // 0 never
}

// Valid reports whether the token opens registration at a time.
func (i *Invitation) Valid(now int64) bool {
	return (i.Allowed == 0 || i.Used < i.Allowed) && (i.Expires == 0 || i.Expires > now)
}

const invitationColumns = "token, name, created, allowed, used, expires"

func (i *Invitation) fields() []any {
	return []any{&i.Token, &i.Name, &i.Created, &i.Allowed, &i.Used, &i.Expires}
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

// Invitations reads all registration tokens.
func Invitations(ctx context.Context, r store.Reader) ([]Invitation, error) {
	rows, err := r.Query(ctx, "SELECT "+invitationColumns+" FROM registration_token ORDER BY created, name")
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
	n, err := tx.Exec("INSERT INTO registration_token ("+invitationColumns+") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
		i.Token, i.Name, i.Created, i.Allowed, i.Used, i.Expires)
	return n > 0, err
}

// UseInvitation counts one use.
func UseInvitation(tx *store.Tx, token []byte) error {
	_, err := tx.Exec("UPDATE registration_token SET used = used + 1 WHERE token = $1", token)
	return err
}

// DeleteInvitation removes a registration token by name and reports whether there was one.
func DeleteInvitation(tx *store.Tx, name string) (bool, error) {
	n, err := tx.Exec("DELETE FROM registration_token WHERE name = $1", name)
	return n > 0, err
}

// ExpireInvitations removes registration tokens that expired before a time.
func ExpireInvitations(tx *store.Tx, before int64) (int64, error) {
	return tx.Exec("DELETE FROM registration_token WHERE expires > 0 AND expires < $1", before)
}
