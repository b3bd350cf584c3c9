package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Session is one access token with what it opens.
type Session struct {
	Token     []byte // SHA-256
	ID        int64
	Step      int64
	User      mx.UserID
	Device    mx.DeviceID
	Refresh   []byte // SHA-256; nil where the client cannot refresh
	Confirmed bool   // the client has shown that it holds this token
	Expires   int64  // 0 never
}

const sessionColumns = "token, id, step, user_id, device_id, refresh, confirmed, expires"

func (s *Session) fields() []any {
	return []any{&s.Token, &s.ID, &s.Step, &s.User, &s.Device, &s.Refresh, &s.Confirmed, &s.Expires}
}

// Authenticated is a session with the state of its account.
type Authenticated struct {
	Session
	Admin, Locked, Suspended bool
}

// FindToken reads the session of an access token; nil if there is none.
func FindToken(ctx context.Context, r store.Reader, token []byte) (*Authenticated, error) {
	var a Authenticated
	err := r.QueryRow(ctx, `SELECT s.token, s.id, s.step, s.user_id, s.device_id, s.refresh, s.confirmed, s.expires, a.admin, a.locked, a.suspended
		FROM session s JOIN account a ON a.user_id = s.user_id WHERE s.token = $1 AND NOT a.deactivated`, token).
		Scan(append(a.fields(), &a.Admin, &a.Locked, &a.Suspended)...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// FindRefresh reads the session of a refresh token; nil if there is none.
func FindRefresh(ctx context.Context, r store.Reader, refresh []byte) (*Session, error) {
	var s Session
	err := r.QueryRow(ctx, "SELECT "+sessionColumns+" FROM session WHERE refresh = $1", refresh).Scan(s.fields()...)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// InsertSession adds a token.
func InsertSession(tx *store.Tx, s Session) error {
	_, err := tx.Exec("INSERT INTO session ("+sessionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		s.Token, s.ID, s.Step, s.User, s.Device, s.Refresh, s.Confirmed, s.Expires)
	return err
}

// LastStep is the highest step of a session.
func LastStep(ctx context.Context, tx *store.Tx, id int64) (int64, error) {
	var step int64
	err := tx.QueryRow(ctx, "SELECT max(step) FROM session WHERE id = $1", id).Scan(&step)
	return step, err
}

// Confirm keeps one token of a session and removes its others.
func Confirm(tx *store.Tx, s *Session) error {
	if _, err := tx.Exec("UPDATE session SET confirmed = $1 WHERE token = $2", true, s.Token); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM session WHERE id = $1 AND token <> $2", s.ID, s.Token)
	return err
}

// DropUnconfirmed removes the tokens of a session that were handed out before the given step and never used.
func DropUnconfirmed(tx *store.Tx, id, before int64) error {
	_, err := tx.Exec("DELETE FROM session WHERE id = $1 AND step < $2 AND NOT confirmed", id, before)
	return err
}

// DeleteSessions removes the tokens of one device.
func DeleteSessions(tx *store.Tx, user mx.UserID, device mx.DeviceID) (int64, error) {
	return tx.Exec("DELETE FROM session WHERE user_id = $1 AND device_id = $2", user, device)
}

// ExpireSessions removes tokens that expired before a time, at most limit of them. Those that can be refreshed stay unless refreshable
// is set: for them refresh tokens do not expire.
func ExpireSessions(tx *store.Tx, before int64, refreshable bool, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM session WHERE token IN (SELECT token FROM session WHERE expires > 0 AND expires < $1
		AND (refresh IS NULL OR $2) LIMIT $3)`, before, refreshable, limit)
}
