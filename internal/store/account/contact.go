package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Contact is an e-mail address of an account.
type Contact struct {
	Address   string
	User      mx.UserID
	Validated int64
	Added     int64
}

const contactColumns = "address, user_id, validated, added"

func (c *Contact) fields() []any { return []any{&c.Address, &c.User, &c.Validated, &c.Added} }

// FindContact reads whose an address is; nil if it is nobody's.
func FindContact(ctx context.Context, r store.Reader, address string) (*Contact, error) {
	var c Contact
	err := r.QueryRow(ctx, "SELECT "+contactColumns+" FROM contact WHERE address = $1", address).Scan(c.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// Contacts reads the addresses of a user.
func Contacts(ctx context.Context, r store.Reader, user mx.UserID) ([]Contact, error) {
	rows, err := r.Query(ctx, "SELECT "+contactColumns+" FROM contact WHERE user_id = $1 ORDER BY added, address", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Contact
	for rows.Next() {
		var c Contact
		if err := rows.Scan(c.fields()...); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// InsertContact adds an address, unless it is somebody's already: then it reports false.
func InsertContact(tx *store.Tx, c Contact) (bool, error) {
	n, err := tx.Exec("INSERT INTO contact ("+contactColumns+") VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", c.Address, c.User, c.Validated, c.Added)
	return n > 0, err
}

// DeleteContact removes an address of a user.
func DeleteContact(tx *store.Tx, user mx.UserID, address string) error {
	_, err := tx.Exec("DELETE FROM contact WHERE user_id = $1 AND address = $2", user, address)
	return err
}

// DeleteContacts removes all addresses of a user.
func DeleteContacts(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM contact WHERE user_id = $1", user)
	return err
}

// Validation is a proof under way that somebody reads an address.
type Validation struct {
	SID       string
	Purpose   string
	Address   string
	Secret    []byte // SHA-256 of the client's secret
	Token     []byte // SHA-256 of what the message says
	Attempt   int64
	Validated int64 // 0 not yet
	Expires   int64
}

const validationColumns = "sid, purpose, address, secret, token, attempt, validated, expires"

func validation(row *store.Row) (*Validation, error) {
	var v Validation
	err := row.Scan(&v.SID, &v.Purpose, &v.Address, &v.Secret, &v.Token, &v.Attempt, &v.Validated, &v.Expires)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// FindValidation reads a proof that has not expired; nil if there is none.
func FindValidation(ctx context.Context, r store.Reader, sid string, now int64) (*Validation, error) {
	return validation(r.QueryRow(ctx, "SELECT "+validationColumns+" FROM validation WHERE sid = $1 AND expires > $2", sid, now))
}

// FindRequest reads the proof that one client asked for, by what it asked; nil if there is none.
func FindRequest(ctx context.Context, r store.Reader, purpose, address string, secret []byte) (*Validation, error) {
	return validation(r.QueryRow(ctx, "SELECT "+validationColumns+" FROM validation WHERE purpose = $1 AND address = $2 AND secret = $3",
		purpose, address, secret))
}

// PutValidation writes a proof.
func PutValidation(tx *store.Tx, v *Validation) error {
	_, err := tx.Exec(`INSERT INTO validation (`+validationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (sid) DO UPDATE SET token = excluded.token, attempt = excluded.attempt, validated = excluded.validated, expires = excluded.expires`,
		v.SID, v.Purpose, v.Address, v.Secret, v.Token, v.Attempt, v.Validated, v.Expires)
	return err
}

// DeleteValidation removes a proof and reports whether it was there.
func DeleteValidation(tx *store.Tx, sid string) (bool, error) {
	n, err := tx.Exec("DELETE FROM validation WHERE sid = $1", sid)
	return n > 0, err
}

// ExpireValidations removes proofs that expired before a time, at most limit of them.
func ExpireValidations(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec("DELETE FROM validation WHERE sid IN (SELECT sid FROM validation WHERE expires < $1 LIMIT $2)", before, limit)
}
