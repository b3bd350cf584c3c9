package app

import (
	"context"
	"errors"
	"log/slog"

	"conclave.chat/internal/config"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
)

// bounds is what the organisation says of how long messages are kept.
func (a *App) bounds() retention.Bounds {
	v := a.organisation.Current()
	return retention.InDays(v.RetentionDays, v.RetentionMinDays, v.RetentionMaxDays)
}

// keeper tells those who destroy something what has to stay.
func (a *App) keeper() retention.Keeper { return retention.Keeper{Bounds: a.bounds} }

// wireRetention makes what removes messages and files that are too old, and keeps what legal holds cover.
func (a *App) wireRetention() {
	a.retention = retention.New(retention.Deps{
		DB: a.db, Server: a.server, Bounds: a.bounds, Files: a.media, Log: a.log, Metrics: a.metrics,
		Compliance: a.compliance, Forget: a.accounts.Forget,
	})
	a.background = append(a.background, a.retention.Run)
}

// Holds opens the legal holds of an installation for the command line, beside a running server or without one.
func Holds(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (*retention.Service, func() error, error) {
	db, err := commandStore(ctx, cfg, k, log)
	if err != nil {
		return nil, nil, err
	}
	a := &App{cfg: cfg, keys: k, log: log, server: mx.ServerName(cfg.ServerName), db: db}
	base, err := a.settingsBase()
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if a.organisation, err = organisation.New(ctx, organisation.Deps{DB: db, Base: base}); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return retention.New(retention.Deps{DB: db, Server: a.server, Bounds: a.bounds, Log: log}), db.Close, nil
}
