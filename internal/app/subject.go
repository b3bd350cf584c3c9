package app

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/config"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/subject"
)

// wireSubject makes what answers for the data of one person.
func (a *App) wireSubject() {
	a.subject = subject.New(subject.Deps{
		DB: a.db, Server: a.server, Open: a.openFile, Erase: a.accounts.Erase, Compliance: a.compliance, Log: a.log,
	})
}

// openFile reads a file of this server.
func (a *App) openFile(ctx context.Context, id string) (io.ReadCloser, error) {
	c, err := a.media.Download(ctx, string(a.server), id, 0)
	if err != nil {
		return nil, err
	}
	return c.Open(ctx, 0, c.Size)
}

// Subject opens an installation for the command line to answer for the data of one person, beside a running server or without one. remove does what
// an erasure has left to be done, unless a server is at it.
func Subject(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (s *subject.Service, remove func(context.Context) error, closeAll func() error, err error) {
	accounts, closeAccounts, err := Accounts(ctx, cfg, k, log)
	if err != nil {
		return nil, nil, nil, err
	}
	a := &App{cfg: cfg, keys: k, log: log, server: mx.ServerName(cfg.ServerName), accounts: accounts, db: accounts.DB, metrics: prometheus.NewRegistry(), stopping: make(chan struct{})}
	base, err := a.settingsBase()
	if err == nil {
		a.organisation, err = organisation.New(ctx, organisation.Deps{DB: a.db, Base: base})
	}
	if err == nil {
		err = a.wireMedia()
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, closeAccounts())
	}
	r := retention.New(retention.Deps{DB: a.db, Server: a.server, Bounds: a.bounds, Files: a.media, Log: log, Forget: accounts.Forget})
	s = subject.New(subject.Deps{DB: a.db, Server: a.server, Open: a.openFile, Erase: accounts.Erase, Log: log})
	return s, r.Sweep, closeAccounts, nil
}
