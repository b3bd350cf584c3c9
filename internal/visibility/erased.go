package visibility

import (
	"context"
	"sync/atomic"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/eventlog"
)

// erasures knows which users asked for their messages to be erased, and since when. They are few.
type erasures struct {
	known atomic.Pointer[map[mx.UserID]store.Pos]
	stale atomic.Bool
}

// Changed hears of a committed batch.
func (vs *Views) Changed(b store.Batch) {
	if b.Lost {
		vs.erased.stale.Store(true)
		return
	}
	for i := range b.Changes {
		// A change of a whole account, such as its deactivation, names no device.
		if b.Changes[i].Kind == store.KindSession && b.Changes[i].Device == "" {
			vs.erased.stale.Store(true)
		}
	}
}

// refresh reads them when they may have changed. What changes while it reads makes them stale again.
func (e *erasures) refresh(ctx context.Context, r store.Reader) error {
	if !e.stale.Swap(false) && e.known.Load() != nil {
		return nil
	}
	m, err := account.Erasures(ctx, r)
	if err != nil {
		e.stale.Store(true)
		return err
	}
	e.known.Store(&m)
	return nil
}

// Hides reports whether the user sees an event in its redacted form only, as its sender asked for erasure before the user was ever
// in the room. State that the room depends on is shown to all.
//
// Spec: cs#post_matrixclientv3accountdeactivate
func (v *View) Hides(e *eventlog.Event) bool {
	if v.erased == nil {
		return false
	}
	known := v.erased.known.Load()
	if known == nil || len(*known) == 0 || (e.StateKey != nil && e.Type != mx.TypeMember) {
		return false
	}
	at, ok := (*known)[e.Sender]
	if !ok {
		return false
	}
	for _, c := range v.members {
		if c.Pos > at {
			break
		}
		if c.Value == mx.Join {
			return false
		}
	}
	return true
}
