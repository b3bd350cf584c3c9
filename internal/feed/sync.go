package feed

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
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

var errUnknownPos = fault.New(fault.BadRequest, "M_UNKNOWN_POS", "This token is of another or a later database; begin anew")

// Sync answers a request with a JSON object, or with a Pending if it has to wait for news.
//
// Spec: cs#get_matrixclientv3sync
func (s *Service) Sync(ctx context.Context, r *Request) ([]byte, *Pending, error) {
	if r.Since != nil {
		if err := s.Acknowledge(ctx, r.User, r.Device, r.Since.ToDevice); err != nil {
			return nil, nil, err
		}
	}
	timeout := r.Timeout
	if r.Since == nil || r.FullState {
		timeout = 0
	}
	return s.Poll(ctx, Poll{r.User, r.Device, r.Presence, timeout}, func(ctx context.Context, done Checked, last bool) ([]byte, Checked, error) {
		b, err := s.look(ctx, r, done)
		if err != nil {
			return nil, done, err
		}
		if b.empty() && !last {
			return nil, b.Checked(), nil
		}
		answer, err := b.encode()
		return answer, done, err
	})
}
