// Package subject owns what the law lets people ask of whoever keeps data about them (GDPR 15, 17 and 20): a copy of all that this server has
// of one person, in a form that programs read, and its erasure, with a word on what stays and why.
//
// A copy leaves through Export as a stream; nothing of it is kept. It holds what the person could see anyway: encrypted messages as ciphertext,
// for the server has nothing else, and redacted ones in their redacted form. Erase ends the account and has messages and files removed; what a
// legal hold covers stays, and goes when that is released.
//
// It refuses whoever may not read what people write, and records each act in the audit log.
package subject

import (
	"context"
	"io"
	"log/slog"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
)

// Deps are what a Service needs.
type Deps struct {
	DB     *store.DB
	Server mx.ServerName
	// Open reads a file.
	Open func(ctx context.Context, id string) (io.ReadCloser, error)
	// Erase ends an account, and has what its owner sent and uploaded removed.
	Erase func(ctx context.Context, by auditlog.Actor, user mx.UserID) error
	// Compliance lets in who may read what people write. Nil lets everybody in.
	Compliance func(auditlog.Actor) error
	Log        *slog.Logger
	Now        func() time.Time
}

// Service answers for the data of one server's people.
type Service struct{ Deps }

// New makes a Service.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d}
}

// find finds the account of somebody, deactivated or not, for who may ask.
func (s *Service) find(ctx context.Context, by auditlog.Actor, user mx.UserID) (*account.Account, error) {
	if s.Compliance != nil {
		if err := s.Compliance(by); err != nil {
			return nil, err
		}
	}
	a, err := account.Find(ctx, s.DB, user)
	if err == nil && a == nil {
		err = fault.Missing("There is no such user")
	}
	return a, err
}
