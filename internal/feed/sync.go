package feed

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed/watch"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// Request is one /sync.
type Request struct {
	User       mx.UserID
	Device     mx.DeviceID
	Since      *Token // nil: from the beginning
	Filter     *filter.Sync
	FullState  bool
	StateAfter bool            // state_after instead of state
	Unstable   bool            // state_after under its unstable name too
	Presence   ephemeral.State // what the client says of its user
	Timeout    time.Duration
}

// maxTimeout bounds how long a request waits.
const maxTimeout = 5 * time.Minute

var errUnknownPos = fault.New(fault.BadRequest, "M_UNKNOWN_POS", "This token is of another or a later database; begin anew")

// Sync answers a request with a JSON object, after waiting for news if it asks to.
//
// Spec: cs#get_matrixclientv3sync
func (s *Service) Sync(ctx context.Context, r *Request) ([]byte, error) {
	if r.Since != nil {
		if err := s.acknowledge(ctx, r.User, r.Device, r.Since); err != nil {
			return nil, err
		}
	}
	defer s.ephemeral.Connect(r.User, r.Presence)()
	if r.Since == nil || r.FullState || r.Timeout <= 0 {
		b, err := s.look(ctx, r, Checked{})
		if err != nil {
			return nil, err
		}
		return b.encode()
	}
	return s.wait(ctx, r)
}

// wait looks until there is something for the client or its time is over.
func (s *Service) wait(ctx context.Context, r *Request) ([]byte, error) {
	var done Checked
	var w *watch.Waiter
	defer func() {
		if w != nil {
			s.hub.Leave(r.User, w)
		}
	}()
	timer := time.NewTimer(min(r.Timeout, maxTimeout))
	defer timer.Stop()
	last := false
	for {
		answer, at, err := s.lookOnce(ctx, r, done, last)
		if err != nil || answer != nil {
			return answer, err
		}
		done = at
		if w == nil { // what happened before this is found by looking again
			w = s.hub.Join(r.User, r.Device)
			if s.bus.Last() != done.Pos || s.ephemeral.Current() != done.Ephemeral {
				continue
			}
		}
		select {
		case <-w.Wake:
			last = s.hub.Over(w)
		case <-timer.C:
			last = true
		case <-s.stopping:
			last = true
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// lookOnce looks for news and encodes them. Without news there is no answer, unless it is the last time. Nothing of what it uses stays
// behind while the request waits.
//
//go:noinline
func (s *Service) lookOnce(ctx context.Context, r *Request, done Checked, last bool) ([]byte, Checked, error) {
	b, err := s.look(ctx, r, done)
	if err != nil {
		return nil, done, err
	}
	if b.empty() && !last {
		return nil, b.Checked(), nil
	}
	answer, err := b.encode()
	return answer, done, err
}

// acknowledge takes away the to-device messages that a client has received: those of an answer whose token it now brings. The first
// request of a device after a start asks the database whether there are any; from then on the service knows what it gave out.
func (s *Service) acknowledge(ctx context.Context, user mx.UserID, device mx.DeviceID, since *Token) error {
	d := deviceOf{user, device}
	upto, known := s.given.upto(d)
	if known && (upto == 0 || upto > since.ToDevice) {
		return nil
	}
	if !known {
		has, err := keys.HasToDevice(ctx, s.db, user, device, since.ToDevice)
		if err != nil {
			return err
		}
		if !has {
			s.given.acknowledged(d, since.ToDevice)
			return nil
		}
	}
	s.given.acknowledged(d, since.ToDevice)
	// Nobody waits for it: what the token says was received is not given out again in any case.
	s.db.Enqueue(func(tx *store.Tx) error { return keys.DeleteToDevice(tx, user, device, since.ToDevice) })
	return nil
}
