// Package account is the SQL of accounts, devices, sessions, short-lived tokens, profiles and the user directory.
//
// Tables: account, device, session (access tokens), ticket (login, OpenID and nonce tokens), uia, registration_token, profile,
// directory_word. Secrets enter hashed and never leave. Invariants: a session row has a device row, a device row has an account
// that is not deactivated, and the words of directory_word belong to accounts that are neither locked nor deactivated.
package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Account is one person or bot on this server.
type Account struct {
	User        mx.UserID
	Password    string // Argon2id hash; empty where no password fits
	Created     int64
	Admin       bool
	Locked      bool
	Suspended   bool
	Deactivated bool
	Erased      bool
	ErasedAt    store.Pos // who joined a room by then sees the user's events as they were
	Leaving     bool      // deactivated, with rooms still to leave
}

const accountColumns = "user_id, password, created, admin, locked, suspended, deactivated, erased, erased_at, leaving"

func (a *Account) fields() []any {
	return []any{&a.User, &a.Password, &a.Created, &a.Admin, &a.Locked, &a.Suspended, &a.Deactivated, &a.Erased, &a.ErasedAt, &a.Leaving}
}

// Find reads an account; nil if there is none.
func Find(ctx context.Context, r store.Reader, user mx.UserID) (*Account, error) {
	var a Account
	err := r.QueryRow(ctx, "SELECT "+accountColumns+" FROM account WHERE user_id = $1", user).Scan(a.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// Any reports whether there is any account at all.
func Any(ctx context.Context, r store.Reader) (bool, error) {
	var one int
	err := r.QueryRow(ctx, "SELECT 1 FROM account LIMIT 1").Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Insert adds an account, unless the name was ever given away: then it reports false.
func Insert(tx *store.Tx, a Account) (bool, error) {
	n, err := tx.Exec("INSERT INTO account ("+accountColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
		a.User, a.Password, a.Created, a.Admin, a.Locked, a.Suspended, a.Deactivated, a.Erased, a.ErasedAt, a.Leaving)
	return n > 0, err
}

// Update writes an account's changed fields.
func Update(tx *store.Tx, a *Account) error {
	_, err := tx.Exec(`UPDATE account SET password = $1, admin = $2, locked = $3, suspended = $4, deactivated = $5, erased = $6, erased_at = $7,
		leaving = $8 WHERE user_id = $9`, a.Password, a.Admin, a.Locked, a.Suspended, a.Deactivated, a.Erased, a.ErasedAt, a.Leaving, a.User)
	return err
}

// List reads accounts in the order of their ids, after one id, at most limit.
func List(ctx context.Context, r store.Reader, after mx.UserID, limit int) ([]Account, error) {
	return accounts(ctx, r, "SELECT "+accountColumns+" FROM account WHERE user_id > $1 ORDER BY user_id LIMIT $2", after, limit)
}

// Leaving reads the accounts that have rooms to leave yet.
func Leaving(ctx context.Context, r store.Reader) ([]Account, error) {
	return accounts(ctx, r, "SELECT "+accountColumns+" FROM account WHERE leaving ORDER BY user_id LIMIT 1000")
}

// Erasures reads who asked for erasure, and when.
func Erasures(ctx context.Context, r store.Reader) (map[mx.UserID]store.Pos, error) {
	rows, err := r.Query(ctx, "SELECT user_id, erased_at FROM account WHERE erased_at > 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	erased := map[mx.UserID]store.Pos{}
	for rows.Next() {
		var user mx.UserID
		var at store.Pos
		if err := rows.Scan(&user, &at); err != nil {
			return nil, err
		}
		erased[user] = at
	}
	return erased, rows.Err()
}

func accounts(ctx context.Context, r store.Reader, query string, args ...any) ([]Account, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Account
	for rows.Next() {
		var a Account
		if err := rows.Scan(a.fields()...); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}
