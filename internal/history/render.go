package history

import (
	"context"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// render writes events as their reader sees them. With bundle they carry the aggregations of their children.
func (s *Service) render(ctx context.Context, p *place, events []*eventlog.Event, bundle bool) ([][]byte, error) {
	beside, err := eventlog.ByIDs(ctx, s.DB, besides(events))
	if err != nil {
		return nil, err
	}
	now := s.Now().UnixMilli()
	var bundles map[mx.EventID][]byte
	if bundle {
		bundles, err = s.Bundle(ctx, Bundling{
			Who: p.who, Room: p.room(), View: p.view, Ignored: p.ignored, RoomID: true, Now: now,
		}, events)
		if err != nil {
			return nil, err
		}
	}
	out := make([][]byte, len(events))
	for i, e := range events {
		v := clientevent.View{
			RoomID: true, Now: now, User: p.who.User, Device: p.who.Device, Relations: bundles[e.ID], Erased: p.view.Hides(e),
		}
		if e.Pos != 0 { // events of a snapshot do not know theirs
			v.Membership = p.view.MembershipAt(e.Pos)
		}
		if old := beside[e.Replaces]; old != nil && p.view.CanSee(old.Pos) {
			v.Previous = old
		}
		if e.RedactedBy != "" {
			v.Because = beside[e.RedactedBy]
		}
		out[i] = clientevent.Append(make([]byte, 0, len(e.Raw)+256+len(v.Relations)), e, &v)
	}
	return out, nil
}

// renderOne is render for one event.
func (s *Service) renderOne(ctx context.Context, p *place, e *eventlog.Event) ([]byte, error) {
	out, err := s.render(ctx, p, []*eventlog.Event{e}, true)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// besides is the ids of the events that others are shown with: their redactions, and what they replaced.
func besides(events []*eventlog.Event) []mx.EventID {
	var ids []mx.EventID
	for _, e := range events {
		if e.RedactedBy != "" {
			ids = append(ids, e.RedactedBy)
		}
		if e.Replaces != "" {
			ids = append(ids, e.Replaces)
		}
	}
	return ids
}

func idsOf(events []*eventlog.Event) []mx.EventID {
	ids := make([]mx.EventID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}
