package recording

import (
	"context"
	"errors"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

var (
	errDown   = fault.New(fault.Forbidden, "M_FORBIDDEN", "This room is recorded, and the recorder does not answer: nothing can be sent until it does")
	errAbsent = fault.New(fault.Forbidden, "M_FORBIDDEN", "This room is recorded, and the server knows no recorder: nothing can be sent in it")
)

// Check asks whether the recorder will sign what a user is about to say.
func (s *Service) Check(ctx context.Context, room *roomstate.Snapshot, by mx.UserID, typ string, content []byte) error {
	if s.client == nil {
		return errAbsent
	}
	body, err := json.Marshal(map[string]any{
		"room_id": room.Room(), "sender": by, "type": typ, "content": jsontext.Value(content),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Config.Patience)
	defer cancel()
	_, err = s.client.post(ctx, PathCheck, body)
	if err == nil {
		return nil
	}
	return s.unanswered(ctx, room.Room(), err, false)
}

// unanswered decides what becomes of an event that the recorder did not sign.
func (s *Service) unanswered(ctx context.Context, room mx.RoomID, err error, last bool) error {
	f := fault.Of(err)
	if f == nil && errors.Is(ctx.Err(), context.Canceled) {
		return err // who asked has gone
	}
	if s.Rule().Mode == Warn {
		if last {
			s.unsigned.Inc()
			s.Log.Warn("accepted in a recorded room without the recorder's signature", "room", room, "error", err)
		}
		return nil
	}
	s.refused.Inc()
	if f != nil {
		return f
	}
	s.Log.Error("refused in a recorded room: the recorder does not answer", "room", room, "error", err)
	return errDown
}

// parallel is how many events of one write are signed at a time.
const parallel = 32

// Sign gives events the recorder's signatures. The policy event itself is signed by nobody.
//
// Spec: ss#asking-for-a-policy-server-signature-on-an-event
func (s *Service) Sign(ctx context.Context, v *mx.RoomVersion, events []*mx.Event) ([]*mx.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Timeout)
	defer cancel()
	signed := make([]*mx.Event, len(events))
	errs := make([]error, len(events))
	slots := make(chan struct{}, parallel)
	var running sync.WaitGroup
	for i, ev := range events {
		if signed[i] = ev; ev.Is(typePolicy, "") {
			continue
		}
		one := func() {
			got, err := s.signOne(ctx, v, ev)
			switch {
			case err == nil:
				signed[i] = got
			case fault.Of(err) == nil && departs(ev):
				s.unsigned.Inc()
			case s.client == nil:
				errs[i] = errAbsent
			default:
				errs[i] = s.unanswered(ctx, ev.RoomID, err, true)
			}
		}
		if len(events) == 1 {
			one()
			break
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			one()
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return signed, nil
}

var errNoRecorder = errors.New("recording: there is no recorder")

func (s *Service) signOne(ctx context.Context, v *mx.RoomVersion, ev *mx.Event) (*mx.Event, error) {
	if s.client == nil {
		return nil, errNoRecorder
	}
	return s.client.sign(ctx, v, ev, s.key)
}

// departs reports whether an event lets somebody go. That must be possible while the recorder does not answer, as when an account ends or
// somebody is removed; it is archived afterwards.
func departs(ev *mx.Event) bool {
	m := ev.Membership()
	return m == mx.Leave || m == mx.Ban
}
