package history

import (
	"context"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
)

// Preview is a room at a glance: its latest events and its state.
type Preview struct {
	Room        mx.RoomID
	Membership  string // "" for somebody who was never in the room
	Messages    Page
	State       [][]byte
	Published   bool
	AccountData [][]byte
}

// Preview gives a room at a glance to those who may look into it.
//
// Spec: cs#get_matrixclientv3roomsroomidinitialsync
// Spec: cs#room-previews
func (s *Service) Preview(ctx context.Context, who Who, room mx.RoomID, limit int) (*Preview, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	out := &Preview{Room: room, Membership: p.snap.Membership(who.User)}
	b := bounds{from: 1, to: p.at, backwards: true}
	got, err := s.collect(ctx, p, b, limit, &filter.RoomEvents{})
	if err != nil {
		return nil, err
	}
	out.Messages.End = token(p.at)
	if got.more {
		out.Messages.Start = b.after(got.last)
	}
	if out.Messages.Chunk, err = s.render(ctx, p, reversed(got.events), false); err != nil {
		return nil, err
	}
	state, err := s.stateAt(ctx, p, p.at)
	if err != nil {
		return nil, err
	}
	if out.State, err = s.render(ctx, p, state, false); err != nil {
		return nil, err
	}
	if out.Published, err = eventlog.Published(ctx, s.DB, room); err != nil {
		return nil, err
	}
	data, err := personal.RoomAccountData(ctx, s.DB, who.User, room)
	for _, d := range data {
		raw := append(mx.AppendString([]byte(`{"type":`), d.Type), `,"content":`...)
		out.AccountData = append(out.AccountData, append(append(raw, d.Content...), '}'))
	}
	return out, err
}

func reversed(list []*eventlog.Event) []*eventlog.Event {
	out := make([]*eventlog.Event, len(list))
	for i, e := range list {
		out[len(list)-1-i] = e
	}
	return out
}
