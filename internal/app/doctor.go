package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/secret"
)

// DatabaseCheck opens the database, reads the signing key with the master key and times a durable write.
func DatabaseCheck(cfg *config.Config, keys *keyring.Keyring) doctor.Check {
	return func(ctx context.Context) doctor.Finding {
		f := doctor.Finding{Check: "database"}
		a := &App{cfg: cfg, keys: keys, log: slog.New(slog.DiscardHandler), server: mx.ServerName(cfg.ServerName), bus: notify.New()}
		made, err := store.Made(ctx, a.storeOptions(nil))
		var took time.Duration
		if made {
			took, err = a.examineDatabase(ctx)
		}
		switch {
		case errors.Is(err, store.ErrWrongKey), errors.Is(err, keyring.ErrWrongKey):
			f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "Use the master key that this database was made with."
		case errors.Is(err, errOthers):
			f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "Set server_name back, or choose another database for the other name."
		case err != nil:
			f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "Check that the database runs and that database.postgres or data_dir is right."
		case !made:
			f.Found = "none yet: the first start makes it"
		default:
			f.Found = fmt.Sprintf("%s, signing key %s, a durable write takes %s", a.db.Engine(), a.signer.KeyID, took.Round(10*time.Microsecond))
		}
		return f
	}
}

func (a *App) examineDatabase(ctx context.Context) (took time.Duration, err error) {
	a.db, err = store.Open(ctx, a.storeOptions(nil))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.db.Close()) }()
	if err := a.identity(ctx); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := a.db.Write(func(tx *store.Tx) error { return secret.Examined(tx, start.UTC().Format(time.RFC3339Nano)) }); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

// databaseCheck times a durable write of the running server.
func (a *App) databaseCheck(context.Context) doctor.Finding {
	f := doctor.Finding{Check: "database"}
	start := time.Now()
	err := a.db.Write(func(tx *store.Tx) error { return secret.Examined(tx, start.UTC().Format(time.RFC3339Nano)) })
	if err != nil {
		f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "Check that the database runs."
		return f
	}
	f.Found = fmt.Sprintf("%s, signing key %s, a durable write takes %s", a.db.Engine(), a.signer.KeyID, time.Since(start).Round(10*time.Microsecond))
	return f
}

// ReachChecks are those of what the server reaches, and of what reaches it.
func ReachChecks(cfg *config.Config) []doctor.Check {
	var checks []doctor.Check
	if cfg.TLS.Certificate != "" {
		checks = append(checks, doctor.Certificate(cfg.TLS.Certificate, cfg.TLS.Key))
	}
	if cfg.SMTP.Host != "" {
		checks = append(checks, doctor.Mail(cfg.SMTP))
	}
	if cfg.NATS.URL != "" {
		checks = append(checks, doctor.NATS(cfg.NATS.URL))
	}
	for _, o := range cfg.Recording.Recorders() {
		checks = append(checks, doctor.Recorder(o, cfg.Recording.Mode))
	}
	return append(checks, doctor.Listener(cfg.Listen, answersAt(cfg)), doctor.Public(cfg.PublicURL))
}

// answersAt asks the address that the server listens on as clients do, with TLS or without.
func answersAt(cfg *config.Config) func(context.Context) error {
	base, name := "http://"+cfg.Listen, ""
	if cfg.TLS.Certificate != "" || len(cfg.TLS.ACMEDomains) > 0 {
		base = "https://" + cfg.Listen
		if u, err := url.Parse(cfg.PublicURL); err == nil {
			name = u.Hostname()
		}
		if len(cfg.TLS.ACMEDomains) > 0 {
			name = cfg.TLS.ACMEDomains[0]
		}
	}
	return func(ctx context.Context) error { return doctor.AnswersHere(ctx, base, name) }
}
