package history

import (
	"context"
	"slices"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// Limits of pages.
const (
	DefaultPage = 10
	MaxPage     = 1000
)

// PageQuery is what a page of a room's events is asked for by.
type PageQuery struct {
	From, To string // tokens; "" for the ends of what the reader may see
	Dir      string // b or f
	Limit    int
	Filter   string // JSON
}

// Page is some events of a room. The events are JSON in the form that clients see.
type Page struct {
	Start, End string // End is "" if there is nothing after the page
	Chunk      [][]byte
	State      [][]byte // nil if no state was asked for
}

// Messages is a page of a room's events.
//
// Spec: cs#get_matrixclientv3roomsroomidmessages
func (s *Service) Messages(ctx context.Context, who Who, room mx.RoomID, q PageQuery) (*Page, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	f, err := filter.ParseRoomEvents(q.Filter)
	if err != nil {
		return nil, err
	}
	backwards, err := direction(q.Dir)
	if err != nil {
		return nil, err
	}
	b, err := between(q.From, q.To, backwards, p.snap.Head())
	if err != nil {
		return nil, err
	}
	out := &Page{Start: q.From}
	if out.Start == "" {
		out.Start = b.start()
	}
	limit := f.Max(q.Limit, q.Limit)
	got, err := s.collect(ctx, p, b, limit, f)
	if err != nil {
		return nil, err
	}
	switch {
	case got.more && got.last == 0:
		out.End = b.start()
	case got.more, f.ContainsURL != nil && len(got.events) > 0: // clients that page through files ask once more, and get an empty page
		out.End = b.after(got.last)
	}
	if out.Chunk, err = s.render(ctx, p, got.events, true); err != nil {
		return nil, err
	}
	if f.LazyLoadMembers {
		out.State, err = s.lazyMembers(ctx, p, got.events)
	}
	return out, err
}

// lazyMembers is the membership event of each sender of the events, as it was when they sent the last of them.
//
// Spec: cs#lazy-loading-room-members
func (s *Service) lazyMembers(ctx context.Context, p *place, events []*eventlog.Event) ([][]byte, error) {
	members, err := s.senders(ctx, p, events)
	if err != nil {
		return nil, err
	}
	return s.render(ctx, p, members, false)
}

func (s *Service) senders(ctx context.Context, p *place, events []*eventlog.Event) ([]*eventlog.Event, error) {
	last := map[mx.UserID]*eventlog.Event{}
	for _, e := range events {
		if old := last[e.Sender]; old == nil || old.Pos < e.Pos {
			last[e.Sender] = e
		}
	}
	var members []*eventlog.Event
	for user, e := range last {
		m, err := eventlog.StateEventAt(ctx, s.DB, p.room(), mx.TypeMember, string(user), e.Pos)
		if err != nil {
			return nil, err
		}
		if m != nil {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b *eventlog.Event) int { return int(a.Pos - b.Pos) })
	return members, nil
}

// Event is one event.
//
// Spec: cs#get_matrixclientv3roomsroomideventeventid
func (s *Service) Event(ctx context.Context, who Who, room mx.RoomID, id mx.EventID) ([]byte, error) {
	p, e, err := s.event(ctx, who, room, id)
	if err != nil {
		return nil, err
	}
	return s.renderOne(ctx, p, e)
}

// Context is an event, what came before and after it, and the state of the room at the last of these.
type Context struct {
	Start, End    string
	Event         []byte
	Before, After [][]byte
	State         [][]byte
}

// Around is up to limit events around one.
//
// Spec: cs#get_matrixclientv3roomsroomidcontexteventid
func (s *Service) Around(ctx context.Context, who Who, room mx.RoomID, id mx.EventID, limit int, filterText string) (*Context, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	e, err := s.visible(ctx, p, id)
	if err != nil {
		return nil, err
	}
	f, err := filter.ParseRoomEvents(filterText)
	if err != nil {
		return nil, err
	}
	limit = f.Max(limit, limit)
	near, err := s.around(ctx, p, e, limit/2, limit-limit/2, f)
	if err != nil {
		return nil, err
	}
	state, err := s.stateAt(ctx, p, min(near.last, p.at))
	if err != nil {
		return nil, err
	}
	if f.LazyLoadMembers {
		shown := slices.Concat(near.before, near.after, []*eventlog.Event{e})
		if state, err = s.withSenders(ctx, p, state, shown); err != nil {
			return nil, err
		}
	}
	state = slices.DeleteFunc(state, func(e *eventlog.Event) bool { return !f.Match(e) })
	all, err := s.render(ctx, p, slices.Concat(near.before, near.after, []*eventlog.Event{e}), true)
	if err != nil {
		return nil, err
	}
	n, m := len(near.before), len(near.before)+len(near.after)
	out := &Context{Start: near.start, End: near.end, Before: all[:n], After: all[n:m], Event: all[m]}
	out.State, err = s.render(ctx, p, state, false)
	return out, err
}

// withSenders leaves of the members in a state only those who sent one of the events.
func (s *Service) withSenders(ctx context.Context, p *place, state, events []*eventlog.Event) ([]*eventlog.Event, error) {
	members, err := s.senders(ctx, p, events)
	if err != nil {
		return nil, err
	}
	state = slices.DeleteFunc(state, func(e *eventlog.Event) bool { return e.Type == mx.TypeMember })
	return append(state, members...), nil
}
