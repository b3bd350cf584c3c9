package ident_test

import (
	"context"
	"testing"

	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// When word of changes got lost, requests of sessions that are over end, and nobody else's.
func TestSessionsAreLookedAtWhenWordGotLost(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(context.Background())
		a, b, c := r.register("alice", ident.Client{}), r.register("bob", ident.Client{}), r.register("carol", ident.Client{})
		over := make(chan []store.Change, 1)
		r.Over = func(list ...store.Change) { over <- list }
		r.Waiting = func() []ident.Session {
			return []ident.Session{{User: a.User, Device: a.Device}, {User: a.User, Device: "GONE"}, {User: b.User, Device: b.Device}, {User: c.User, Device: c.Device}}
		}
		r.must(r.Deactivate(ctx, ident.By{}, b.User, false))
		r.must(r.Moderate(ctx, ident.By{}, c.User, new(true), nil))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx)
		}()
		r.Changed(store.Batch{Lost: true})
		list := <-over
		if len(list) != 3 || list[0].Device != "GONE" || list[1].User != b.User || list[2].User != c.User {
			t.Errorf("over: %+v", list)
		}
		for _, change := range list {
			if change.Kind != store.KindSession {
				t.Errorf("%+v", change)
			}
		}
		cancel()
		<-ended
	})
}

// A user who was deactivated from the command line, which has no rooms, leaves them when the server notices.
func TestRoomsAreLeftWhenWordGotLost(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(context.Background())
		r.register("alice", ident.Client{})
		cli := r.open(config())
		cli.Rooms = nil
		r.must(cli.Deactivate(ctx, ident.By{}, alice, false))
		left := make(chan mx.UserID, 1)
		r.Rooms = leaver{r, left}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx)
		}()
		r.Changed(store.Batch{Lost: true})
		if user := <-left; user != alice {
			t.Errorf("%s left", user)
		}
		cancel()
		<-ended
	})
}

type leaver struct {
	*rig
	left chan mx.UserID
}

func (l leaver) LeaveAll(_ context.Context, user mx.UserID) error {
	l.left <- user
	return nil
}
