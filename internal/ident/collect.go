package ident

import (
	"context"
	"errors"
	"time"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// collectBatch bounds one transaction of the collector.
const collectBatch = 500

// expiredKept is how long an expired session is remembered, to tell its client that it may come back to its device.
const expiredKept = 30 * 24 * time.Hour

// revokedKept is how long a device that was removed is told so, to erase what it keeps: a laptop may lie in a drawer for long.
const revokedKept = 400 * 24 * time.Hour

// invitationKept is how long an administrator sees who accepted an invitation and who let it expire.
const invitationKept = 30 * 24 * time.Hour

// Collect removes what has expired: sessions, tickets, authentications, registration tokens and devices that nobody uses. It also
// finishes leaving rooms for accounts that were deactivated when the server stopped.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	ms := store.Millis(now)
	sessions := expiredKept
	if life := s.Config.Sessions.RefreshLifetime; life > 0 {
		sessions = max(sessions, life)
	}
	return errors.Join(
		s.drain(ctx, func(tx *store.Tx) (int64, error) {
			return account.ExpireSessions(tx, ms-sessions.Milliseconds(), s.Config.Sessions.RefreshLifetime > 0, collectBatch)
		}),
		s.drain(ctx, func(tx *store.Tx) (int64, error) { return account.ExpireTickets(tx, ms, collectBatch) }),
		s.drain(ctx, func(tx *store.Tx) (int64, error) {
			return account.ExpireRevoked(tx, ms-revokedKept.Milliseconds(), collectBatch)
		}),
		s.drain(ctx, func(tx *store.Tx) (int64, error) { return account.ExpireUIA(tx, ms, collectBatch) }),
		s.drain(ctx, func(tx *store.Tx) (int64, error) { return account.ExpireValidations(tx, ms, collectBatch) }),
		s.drain(ctx, func(tx *store.Tx) (int64, error) {
			return account.ExpireInvitations(tx, ms, ms-invitationKept.Milliseconds())
		}),
		s.collectDevices(ctx, ms),
		s.finishLeaving(ctx),
	)
}

// drain repeats a bounded step until it has nothing left to do.
func (s *Service) drain(ctx context.Context, step func(*store.Tx) (int64, error)) error {
	for ctx.Err() == nil {
		var n int64
		err := s.DB.Write(func(tx *store.Tx) (err error) {
			n, err = step(tx)
			return err
		})
		if err != nil || n < collectBatch {
			return err
		}
	}
	return ctx.Err()
}

// collectDevices signs out devices that were not used for as long as is configured.
func (s *Service) collectDevices(ctx context.Context, now int64) error {
	idle := s.Config.Sessions.IdleDevices
	if idle <= 0 {
		return nil
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	return s.drain(ctx, func(tx *store.Tx) (int64, error) {
		list, err := account.IdleDevices(ctx, tx, now-idle.Milliseconds(), collectBatch)
		if err != nil {
			return 0, err
		}
		for i := range list {
			if err := s.dropDevice(ctx, tx, list[i].User, list[i].ID); err != nil {
				return 0, err
			}
		}
		return int64(len(list)), nil
	})
}

func (s *Service) finishLeaving(ctx context.Context) error {
	if s.Rooms == nil {
		return nil
	}
	list, err := account.Leaving(ctx, s.DB)
	if err != nil {
		return err
	}
	var errs []error
	for i := range list {
		errs = append(errs, s.leave(ctx, list[i].User))
	}
	return errors.Join(errs...)
}
