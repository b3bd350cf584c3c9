package history

import (
	"context"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// surroundings is what lies around an event.
type surroundings struct {
	before, after []*eventlog.Event // nearest first
	start, end    string            // tokens before the first and after the last of them
	last          store.Pos         // the last of them
}

func (s *Service) around(ctx context.Context, p *place, e *eventlog.Event, before, after int, f *filter.RoomEvents) (*surroundings, error) {
	back, err := s.collect(ctx, p, bounds{from: 1, to: e.Pos - 1, backwards: true}, before, f)
	if err != nil {
		return nil, err
	}
	forth, err := s.collect(ctx, p, bounds{from: e.Pos + 1, to: p.snap.Head()}, after, f)
	if err != nil {
		return nil, err
	}
	first, last := e.Pos, e.Pos
	if n := len(back.events); n > 0 {
		first = back.events[n-1].Pos
	}
	if n := len(forth.events); n > 0 {
		last = forth.events[n-1].Pos
	}
	return &surroundings{back.events, forth.events, token(first - 1), token(last), last}, nil
}
