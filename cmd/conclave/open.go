package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"conclave.chat/internal/config"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mx"
)

// with opens one of the server's services for a command, beside a running server or without one.
func with[S any](ctx context.Context, c *cli, open func(context.Context, *config.Config, *keyring.Keyring, *slog.Logger) (S, func() error, error), f func(S, mx.ServerName) error) error {
	cfg, keys, err := c.load()
	if err != nil {
		return err
	}
	s, closeStore, err := open(ctx, cfg, keys, cfg.Log.Logger(os.Stderr))
	if err != nil {
		return err
	}
	return errors.Join(f(s, mx.ServerName(cfg.ServerName)), closeStore())
}

// userID is the user whom a command names by user name or user id.
func userID(name string, server mx.ServerName) mx.UserID {
	if strings.HasPrefix(name, "@") {
		return mx.UserID(name)
	}
	return mx.NewUserID(name, server)
}

// moment reads a day of a time zone, or a time; "" is none.
func moment(zone *time.Location, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%q is neither a day (2026-01-31) nor a time (2026-01-31T08:00:00Z)", text)
	}
	return t, nil
}
