package ident

import (
	"context"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// Lives of short-lived tokens. The specification recommends the first.
const (
	loginTokenLife  = 2 * time.Minute
	openIDTokenLife = time.Hour
)

// LoginToken makes a token by which another client can sign in once as the user.
//
// Spec: cs#post_matrixclientv1loginget_token
func (s *Service) LoginToken(user mx.UserID) (token string, life time.Duration, err error) {
	token, err = s.ticket(account.LoginTicket, credential.Login, user, loginTokenLife)
	return token, loginTokenLife, err
}

// OpenIDToken makes a token that proves to somebody else who the user is, and opens nothing.
//
// Spec: cs#post_matrixclientv3useruseridopenidrequest_token
func (s *Service) OpenIDToken(user mx.UserID) (token string, life time.Duration, err error) {
	token, err = s.ticket(account.OpenIDTicket, credential.OpenID, user, openIDTokenLife)
	return token, openIDTokenLife, err
}

func (s *Service) ticket(kind, prefix string, user mx.UserID, life time.Duration) (string, error) {
	token, hash := credential.New(prefix)
	return token, s.DB.Write(func(tx *store.Tx) error {
		return account.InsertTicket(tx, kind, hash, user, s.now()+life.Milliseconds())
	})
}

// OpenIDUser answers whose OpenID token this is.
func (s *Service) OpenIDUser(ctx context.Context, token string) (mx.UserID, error) {
	user, ok, err := account.FindTicket(ctx, s.DB, account.OpenIDTicket, credential.Hash(token), s.now())
	if err == nil && !ok {
		err = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "The token is not known or has expired")
	}
	return user, err
}
