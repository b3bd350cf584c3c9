package enrol

import (
	"context"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// welcomeLife is longer than a server runs that nobody administers.
const welcomeLife = 365 * 24 * time.Hour

// WelcomeLink makes the link by which the first administrator begins; it is empty where there is an administrator. Links that were made
// before are not good any more.
func (s *Service) WelcomeLink(ctx context.Context) (string, error) {
	token := credential.Text(24)
	err := s.accounts.DB.Write(func(tx *store.Tx) error {
		any, err := account.AnyAdmin(ctx, tx)
		if err != nil {
			return err
		}
		if any {
			token = ""
		}
		if err := account.DropTickets(tx, account.WelcomeTicket); err != nil || any {
			return err
		}
		return account.InsertTicket(tx, account.WelcomeTicket, credential.Hash(token), "", s.now()+welcomeLife.Milliseconds())
	})
	if err != nil || token == "" {
		return "", err
	}
	return s.accounts.PublicURL + "/welcome/" + token, nil
}

// CheckWelcome says whether the token of a link for the first administrator is good.
func (s *Service) CheckWelcome(ctx context.Context, token string) error {
	return s.checkWelcome(ctx, s.accounts.DB, token)
}

func (s *Service) checkWelcome(ctx context.Context, r store.Reader, token string) error {
	_, ok, err := account.FindTicket(ctx, r, account.WelcomeTicket, credential.Hash(token), s.now())
	if err != nil {
		return err
	}
	any, err := account.AnyAdmin(ctx, r)
	if err == nil && (!ok || any) {
		err = fault.Missing("This link is not valid any more. While there is no administrator, each start of the server prints another one")
	}
	return err
}

// Begin makes the first administrator's account for whoever holds the link, names the organisation unless the name is empty, and signs the
// administrator in.
func (s *Service) Begin(ctx context.Context, token string, n ident.NewAccount, organisation string) (*ident.Grant, error) {
	if err := s.CheckWelcome(ctx, token); err != nil {
		return nil, err
	}
	user, err := s.accounts.Free(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	n.Admin = true
	n.By = ident.By{Name: string(user), Addr: n.Client.Addr}
	n.Within = func(tx *store.Tx, _ mx.UserID) error {
		if err := s.checkWelcome(ctx, tx, token); err != nil {
			return err
		}
		if err := account.DropTickets(tx, account.WelcomeTicket); err != nil || organisation == "" {
			return err
		}
		return s.organisation.Rename(ctx, tx, n.By, organisation)
	}
	return s.accounts.Create(ctx, user, n)
}
