package feed

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed/watch"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// maxTimeout bounds how long a request waits.
const maxTimeout = 5 * time.Minute

// Poll says who waits for news, and for how long.
type Poll struct {
	User     mx.UserID
	Device   mx.DeviceID
	Presence ephemeral.State // what the client says of its user
	Timeout  time.Duration
}

// Poll calls look until it gives an answer. look is told what it has looked at in vain, and whether it is the last time: then it has to
// answer. Nothing that look uses stays behind while the request waits.
func (s *Service) Poll(ctx context.Context, p Poll, look func(done Checked, last bool) ([]byte, Checked, error)) ([]byte, error) {
	defer s.ephemeral.Connect(p.User, p.Presence)()
	answer, done, err := look(Checked{}, p.Timeout <= 0)
	if err != nil || answer != nil {
		return answer, err
	}
	w := s.hub.Join(p.User, p.Device)
	defer s.hub.Leave(p.User, w)
	timer := time.NewTimer(min(p.Timeout, maxTimeout))
	defer timer.Stop()
	for last := false; ; {
		// What happened before the request joined the hub is found by looking again.
		if last || s.bus.Last() != done.Pos || s.ephemeral.Current() != done.Ephemeral {
			if answer, done, err = look(done, last); err != nil || answer != nil {
				return answer, err
			}
		}
		if last, err = s.pause(ctx, w, timer); err != nil {
			return nil, err
		}
	}
}

// pause waits until there is reason to look again, and reports whether for the last time.
func (s *Service) pause(ctx context.Context, w *watch.Waiter, timer *time.Timer) (last bool, err error) {
	select {
	case <-w.Wake:
		return s.hub.Over(w), nil
	case <-timer.C:
		return true, nil
	case <-s.stopping:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Acknowledge takes away the to-device messages that a client has received. The first request of a device after a start asks the
// database whether there are any; from then on the service knows what it gave out.
func (s *Service) Acknowledge(ctx context.Context, user mx.UserID, device mx.DeviceID, upto store.Pos) error {
	d := deviceOf{user, device}
	gave, known := s.given.upto(d)
	if known && (gave == 0 || gave > upto) {
		return nil
	}
	if !known {
		has, err := keys.HasToDevice(ctx, s.db, user, device, upto)
		if err != nil {
			return err
		}
		if !has {
			s.given.acknowledged(d, upto)
			return nil
		}
	}
	s.given.acknowledged(d, upto)
	// Nobody waits for it: what was received is not given out again in any case.
	s.db.Enqueue(func(tx *store.Tx) error { return keys.DeleteToDevice(tx, user, device, upto) })
	return nil
}
