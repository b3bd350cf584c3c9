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
		checks = append(checks, failed("master key", err, "Without the right key nothing can be read: point master_key_file at it, or restore it from your backup."))
	} else {
		where := cfg.MasterKey
		if os.Getenv(keyring.EnvKey) != "" {
			where = "from " + keyring.EnvKey
		}
		checks = append(checks, found("master key", where, ""), app.DatabaseCheck(cfg, keys), app.MediaCheck(cfg))
	}
	checks = append(checks, app.ReachChecks(cfg)...)
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
