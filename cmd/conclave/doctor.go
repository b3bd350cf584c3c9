package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"conclave.chat/internal/app"
	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
	"conclave.chat/internal/keyring"
)

type doctorCmd struct{}

// Run examines the installation; it fails if there is a problem.
func (doctorCmd) Run(ctx context.Context, c *cli) error {
	cfg, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	checks := []doctor.Check{
		found("configuration", c.Config, "the environment alone"),
		doctor.DataDir(cfg.DataDir),
		doctor.Clock(),
	}
	keys, err := keyring.Open(keyring.Source{Env: os.Getenv(keyring.EnvKey), File: cfg.MasterKey, Passphrase: passphrasePrompt()})
	if err != nil {
		checks = append(checks, failed("master key", err, "Point master_key_file at the right file, or restore it from your backup."))
	} else {
		checks = append(checks, found("master key", cfg.MasterKey, ""), app.DatabaseCheck(cfg, keys), app.MediaCheck(cfg))
	}
	if cfg.TLS.Certificate != "" {
		checks = append(checks, doctor.Certificate(cfg.TLS.Certificate, cfg.TLS.Key))
	}
	if cfg.SMTP.Host != "" {
		checks = append(checks, doctor.Mail(cfg.SMTP))
	}
	checks = append(checks, doctor.Listener(cfg.Listen, doctor.Answers), doctor.Public(cfg.PublicURL))
	healthy, err := doctor.Examine(ctx, os.Stdout, checks)
	if err != nil {
		return err
	}
	if !healthy {
		return errors.New("there are problems; see above")
	}
	return nil
}

func found(check, what, otherwise string) doctor.Check {
	if what == "" {
		what = otherwise
	}
	return func(context.Context) doctor.Finding { return doctor.Finding{Check: check, Found: what} }
}

func failed(check string, err error, do string) doctor.Check {
	return func(context.Context) doctor.Finding {
		return doctor.Finding{Check: check, Level: doctor.Problem, Found: fmt.Sprint(err), Do: do}
	}
}
