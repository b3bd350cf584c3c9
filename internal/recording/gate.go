package recording

import (
	"context"
	"errors"
	"sync"
	"time"

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
	if len(s.recorders) == 0 {
		return errAbsent
	}
	body, err := json.Marshal(map[string]any{
		"room_id": room.Room(), "sender": by, "type": typ, "content": jsontext.Value(content),
	})
	if err != nil {
		return err
	}
	// A large file takes longer than an answer may. Whoever sends it may go and come back: the recorder goes on.
	for begun := s.Now(); ; {
		_, err = s.askIn(ctx, room.Room(), s.in(room), s.Config.Patience, func(ctx context.Context, r *recorder) error {
			_, err := r.client.post(ctx, PathCheck, body)
			return err
		})
		if err == nil {
			return nil
		}
		if !is(err, CodeWorking) || s.Now().Sub(begun) > maxWorking {
			return s.unanswered(ctx, room.Room(), err, false)
		}
	}
}

// maxWorking is how long a message may wait for its files.
const maxWorking = 15 * time.Minute

// is reports whether a recorder has answered with a code.
func is(err error, code string) bool {
	f := fault.Of(err)
	return f != nil && f.Code == code
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

// Sign gives events the recorder's signatures. The policy event itself is signed by nobody. Nothing comes back for messages that were not checked, if the
// recorder would have to wait or to fetch something.
//
// Spec: ss#asking-for-a-policy-server-signature-on-an-event
func (s *Service) Sign(ctx context.Context, room *roomstate.Snapshot, events []*mx.Event, checked bool) (signed []*mx.Event, by []string, err error) {
	signed, by = make([]*mx.Event, len(events)), make([]string, len(events))
	errs := make([]error, len(events))
	class, ends := "", false
	for _, ev := range events {
		if ev.Is(typePolicy, "") {
			class, ends = ev.Str(ClassKey), !says(ev)
		}
	}
	slots := make(chan struct{}, parallel)
	var running sync.WaitGroup
	for i, ev := range events {
		if signed[i] = ev; ev.Is(typePolicy, "") {
			continue
		}
		one := func() {
			got, log, err := s.signOne(ctx, room, ev, class, checked)
			switch {
			case err == nil:
				signed[i], by[i] = got, log
			case is(err, CodeUnready):
				errs[i] = err
			case fault.Of(err) == nil && (departs(ev) || ends): // of recording itself: the archive gets it when a recorder is there again
				s.unsigned.Inc()
			case len(s.recorders) == 0:
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
	again := false
	for _, err := range errs {
		if err != nil && !is(err, CodeUnready) {
			return nil, nil, err
		}
		again = again || err != nil
	}
	if again {
		return nil, nil, nil
	}
	return signed, by, nil
}

func (s *Service) signOne(ctx context.Context, room *roomstate.Snapshot, ev *mx.Event, class string, checked bool) (signed *mx.Event, log string, err error) {
	r, err := s.askIn(ctx, ev.RoomID, s.in(room), s.Config.Timeout, func(ctx context.Context, r *recorder) (err error) {
		signed, err = r.client.sign(ctx, room.Version(), ev, s.key, class, !checked)
		return err
	})
	if key, ok := keyOf(ev); ok && err == nil {
		s.keysKnown.add(key)
	} else if ok {
		s.keysKnown.drop(key)
	}
	if err != nil {
		return nil, "", err
	}
	return signed, r.log, nil
}

// departs reports whether an event lets somebody go. That must be possible while the recorder does not answer, as when an account ends or
// somebody is removed; it is archived afterwards.
func departs(ev *mx.Event) bool {
	m := ev.Membership()
	return m == mx.Leave || m == mx.Ban
}
