package history

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// AtTime is the event that is nearest to a time, in one direction, of those that the reader may see.
//
// Spec: cs#get_matrixclientv1roomsroomidtimestamp_to_event
func (s *Service) AtTime(ctx context.Context, who Who, room mx.RoomID, ts int64, dir string) (mx.EventID, int64, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return "", 0, err
	}
	backwards, err := direction(dir)
	if err != nil {
		return "", 0, err
	}
	var best *eventlog.Event
	for _, span := range p.view.Spans() {
		e, err := eventlog.Nearest(ctx, s.DB, room, ts, span.From, span.To, backwards)
		if err != nil {
			return "", 0, err
		}
		if e != nil && (best == nil || nearer(e, best, backwards)) {
			best = e
		}
	}
	if best == nil {
		return "", 0, fault.Missing("There is no event on that side of %d", ts)
	}
	return best.ID, best.TS, nil
}

func nearer(a, b *eventlog.Event, backwards bool) bool {
	switch {
	case backwards:
		return a.TS > b.TS || (a.TS == b.TS && a.Pos > b.Pos)
	default:
		return a.TS < b.TS || (a.TS == b.TS && a.Pos < b.Pos)
	}
}
