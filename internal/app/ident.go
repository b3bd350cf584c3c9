package app

import (
	"context"
	"time"

	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
)

// wireAccounts makes the accounts service.
func (a *App) wireAccounts(context.Context) error {
	var err error
	a.accounts, err = ident.New(ident.Deps{
		DB: a.db, Server: a.server, Config: a.cfg.Accounts, Log: a.log,
		KeyID: a.e2ee.IsKeyID, Erasers: []ident.Eraser{a.e2ee},
		Rooms:   a.rooms,
		Attempt: func(account string) error { return a.limits.AllowKey(gate.Login, account, time.Now()) },
	})
	if err != nil {
		return err
	}
	a.bus.Listen(a.accounts.Changed)
	return nil
}

func (a *App) seen(c gate.Caller, addr, agent string) { a.accounts.Seen(ident.Caller(c), addr, agent) }
