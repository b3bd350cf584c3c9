package ident

import (
	"context"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// Session is a device that uses this node.
type Session = account.Live

// Run looks after what a commit changed that nobody told of, until ctx ends: one of conclave user beside a running server, or of another
// node whose message got lost. It ends the requests of sessions that are over and makes deactivated users leave their rooms.
func (s *Service) Run(ctx context.Context) {
	if err := s.reindex(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error("names of accounts not brought up to date", "error", err)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.lost:
		}
		if err := s.recheck(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("sessions not looked at", "error", err)
		}
		if err := s.finishLeaving(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("a deactivated user did not leave all rooms; it is tried again later", "error", err)
		}
	}
}

// recheckBatch bounds one query.
const recheckBatch = 500

func (s *Service) recheck(ctx context.Context) error {
	users := s.Waiting()
	for len(users) > 0 {
		n := min(len(users), recheckBatch)
		live, err := account.LiveDevices(ctx, s.DB, users[:n])
		if err != nil {
			return err
		}
		var over []store.Change
		for _, w := range users[:n] {
			if !live[w] {
				over = append(over, store.Change{Kind: store.KindSession, User: w.User, Device: w.Device})
			}
		}
		if len(over) > 0 {
			s.Over(over...)
		}
		users = users[n:]
	}
	return nil
}
