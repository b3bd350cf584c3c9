package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// The kinds of ticket.
const (
	LoginTicket  = "login"
	OpenIDTicket = "openid"
	NonceTicket  = "nonce"
	// WelcomeTicket is of the link for the first administrator.
	WelcomeTicket = "welcome"
)

// InsertTicket adds a short-lived secret.
func InsertTicket(tx *store.Tx, kind string, token []byte, user mx.UserID, expires int64) error {
	_, err := tx.Exec("INSERT INTO ticket (kind, token, user_id, expires) VALUES ($1, $2, $3, $4)", kind, token, user, expires)
	return err
}

// FindTicket reports whether a ticket is valid, and whose it is.
func FindTicket(ctx context.Context, r store.Reader, kind string, token []byte, now int64) (mx.UserID, bool, error) {
	var user mx.UserID
	err := r.QueryRow(ctx, "SELECT user_id FROM ticket WHERE kind = $1 AND token = $2 AND expires > $3", kind, token, now).Scan(&user)
	if errors.Is(err, store.ErrNoRows) {
		return "", false, nil
	}
	return user, err == nil, err
}

// TakeTicket removes a ticket and reports whether it was valid, and whose it was.
func TakeTicket(ctx context.Context, tx *store.Tx, kind string, token []byte, now int64) (mx.UserID, bool, error) {
	user, ok, err := FindTicket(ctx, tx, kind, token, now)
	if err != nil || !ok {
		return "", false, err
	}
	_, err = tx.Exec("DELETE FROM ticket WHERE kind = $1 AND token = $2", kind, token)
	return user, err == nil, err
}

// DropTickets removes all tickets of a kind.
func DropTickets(tx *store.Tx, kind string) error {
	_, err := tx.Exec("DELETE FROM ticket WHERE kind = $1", kind)
	return err
}

// DeleteTickets removes the tickets of a user.
func DeleteTickets(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM ticket WHERE user_id = $1", user)
	return err
}

// ExpireTickets removes tickets that expired before a time, at most limit of them.
func ExpireTickets(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec("DELETE FROM ticket WHERE (kind, token) IN (SELECT kind, token FROM ticket WHERE expires < $1 LIMIT $2)", before, limit)
}

// UIA is a user-interactive authentication under way.
type UIA struct {
	Token      []byte // SHA-256 of the session id
	User       mx.UserID
	Action     string
	Body       []byte // hash of the request
	Done       string // completed stages, separated by spaces
	Invitation []byte // SHA-256 of the registration token that was shown
	Address    string // e-mail address that was proven; not stored
	Expires    int64
}

// FindUIA reads an authentication that has not expired; nil if there is none.
func FindUIA(ctx context.Context, r store.Reader, token []byte, now int64) (*UIA, error) {
	u := UIA{Token: token}
	err := r.QueryRow(ctx, "SELECT user_id, action, body, done, invitation, expires FROM uia WHERE token = $1 AND expires > $2", token, now).
		Scan(&u.User, &u.Action, &u.Body, &u.Done, &u.Invitation, &u.Expires)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &u, nil
}

// PutUIA writes an authentication.
func PutUIA(tx *store.Tx, u UIA) error {
	_, err := tx.Exec(`INSERT INTO uia (token, user_id, action, body, done, invitation, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (token) DO UPDATE SET done = excluded.done, invitation = excluded.invitation`,
		u.Token, u.User, u.Action, u.Body, u.Done, u.Invitation, u.Expires)
	return err
}

// DeleteUIA removes an authentication and reports whether it was still there.
func DeleteUIA(tx *store.Tx, token []byte) (bool, error) {
	n, err := tx.Exec("DELETE FROM uia WHERE token = $1", token)
	return n > 0, err
}

// ExpireUIA removes authentications that expired before a time, at most limit of them.
func ExpireUIA(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec("DELETE FROM uia WHERE token IN (SELECT token FROM uia WHERE expires < $1 LIMIT $2)", before, limit)
}
