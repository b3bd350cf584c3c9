package ident

import (
	"context"
	"regexp"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
)

// Invitation is a registration token, without the token itself.
type Invitation = account.Invitation

// tokenGrammar is that of registration tokens.
//
// Spec: cs#token-authenticated-registration
var tokenGrammar = regexp.MustCompile(`^[A-Za-z0-9._~-]{6,64}$`)

// Invite makes a registration token, of the server's choice if token is empty. uses 0 is any number, life 0 without end. The name by
// which it is listed is the token's beginning.
func (s *Service) Invite(by By, token string, uses int64, life time.Duration) (string, error) {
	if token == "" {
		token = credential.Text(16)
	}
	if !tokenGrammar.MatchString(token) {
		return "", fault.InvalidParam("A registration token has 6 to 64 letters, digits or . _ ~ -")
	}
	now := s.now()
	inv := Invitation{Token: credential.Hash(token), Name: token[:min(len(token)/2, 6)], Created: now, Allowed: uses}
	if life > 0 {
		inv.Expires = now + life.Milliseconds()
	}
	return token, s.DB.Write(func(tx *store.Tx) error {
		ok, err := account.InsertInvitation(tx, inv)
		if err == nil && !ok {
			err = fault.InvalidParam("There is a registration token that begins like this already")
		}
		if err != nil {
			return err
		}
		return auditlog.Record(tx, now, by, auditlog.Act{
			Action: "registration_token.create", Target: inv.Name, Became: map[string]int64{"allowed": inv.Allowed, "expires": inv.Expires},
		})
	})
}

// Invitations lists the registration tokens.
func (s *Service) Invitations(ctx context.Context) ([]Invitation, error) {
	return account.Invitations(ctx, s.DB)
}

// Revoke removes the registration token of a name.
func (s *Service) Revoke(by By, name string) error {
	return s.DB.Write(func(tx *store.Tx) error {
		ok, err := account.DeleteInvitation(tx, name)
		if err == nil && !ok {
			err = fault.Missing("There is no such registration token")
		}
		if err != nil {
			return err
		}
		return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: "registration_token.revoke", Target: name})
	})
}
