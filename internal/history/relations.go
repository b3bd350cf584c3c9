package history

import (
	"context"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// relationDepth is how many relations, one pointing to the next, are followed.
const relationDepth = 4

// RelationsQuery says which children of an event are asked for.
type RelationsQuery struct {
	RelType, EventType string // "" for any
	From, To           string
	Dir                string // b, f or "" for b
	Limit              int
	Recurse            bool
}

// Relations is a page of the children of an event.
type Relations struct {
	Chunk      [][]byte
	Next, Prev string // "" if there is nothing
	Depth      int    // how many relations were followed
}

// Relations lists the events that point to one.
//
// Spec: cs#get_matrixclientv1roomsroomidrelationseventid
func (s *Service) Relations(ctx context.Context, who Who, room mx.RoomID, parent mx.EventID, q RelationsQuery) (*Relations, error) {
	p, _, err := s.event(ctx, who, room, parent)
	if err != nil {
		return nil, err
	}
	if q.Dir == "" {
		q.Dir = "b"
	}
	backwards, err := direction(q.Dir)
	if err != nil {
		return nil, err
	}
	b, err := between(q.From, q.To, backwards, p.snap.Head())
	if err != nil {
		return nil, err
	}
	out := &Relations{Depth: 1, Prev: q.From}
	if q.Recurse {
		out.Depth = relationDepth
	}
	list, err := s.children(ctx, p, parent, q, b, out.Depth)
	if err != nil {
		return nil, err
	}
	if len(list) > q.Limit {
		list = list[:q.Limit]
		out.Next = b.after(list[q.Limit-1].Pos)
	}
	out.Chunk, err = s.render(ctx, p, list, true)
	return out, err
}

// children reads one more child than the limit of the query, if there is one.
func (s *Service) children(
	ctx context.Context, p *place, parent mx.EventID, q RelationsQuery, b bounds, depth int,
) ([]*eventlog.Event, error) {
	spans := p.view.Within(b.from, b.to)
	if b.backwards {
		slices.Reverse(spans)
	}
	var found []*eventlog.Event
	for _, span := range spans {
		for span.From <= span.To && len(found) <= q.Limit {
			list, err := eventlog.RelatedEvents(ctx, s.DB, eventlog.Children{
				Room: p.room(), Parent: parent, RelType: q.RelType, EventType: q.EventType, Depth: depth,
				From: span.From, To: span.To, Backwards: b.backwards, Limit: q.Limit + 1,
			})
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				if !p.hides(e) {
					found = append(found, e)
				}
			}
			if len(list) <= q.Limit {
				break
			}
			span = rest(span, list[len(list)-1].Pos, b.backwards)
		}
	}
	return found, nil
}

// Threads is a page of the threads of a room.
type Threads struct {
	Chunk [][]byte
	Next  string // "" if there are no more
}

// Threads lists the roots of a room's threads, the one with the latest reply first: all, or those that the reader takes part in.
//
// Spec: cs#get_matrixclientv1roomsroomidthreads
func (s *Service) Threads(ctx context.Context, who Who, room mx.RoomID, from string, limit int, participated bool) (*Threads, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	b, err := between(from, "", true, visibility.End-1)
	if err != nil {
		return nil, err
	}
	sums, err := s.sumThreads(ctx, Bundling{Who: who, Room: room, View: p.view, Ignored: p.ignored}, nil)
	if err != nil {
		return nil, err
	}
	order := make([]*eventlog.Thread, 0, len(sums))
	for _, t := range sums {
		if t.Latest <= b.to {
			order = append(order, t)
		}
	}
	slices.SortFunc(order, func(a, b *eventlog.Thread) int { return int(b.Latest - a.Latest) })
	var roots []*eventlog.Event
	out := &Threads{}
	for batch := range slices.Chunk(order, limit+1) {
		found, err := s.threadRoots(ctx, p, batch, participated)
		if err != nil {
			return nil, err
		}
		for _, t := range batch {
			root := found[t.Root]
			if root == nil {
				continue
			}
			if len(roots) == limit {
				out.Next = b.after(sums[roots[limit-1].ID].Latest)
				out.Chunk, err = s.render(ctx, p, roots, true)
				return out, err
			}
			roots = append(roots, root)
		}
	}
	out.Chunk, err = s.render(ctx, p, roots, true)
	return out, err
}

// threadRoots reads the events that threads begin at, as far as the reader may see and wants to. Those of ignored users come redacted.
func (s *Service) threadRoots(
	ctx context.Context, p *place, threads []*eventlog.Thread, participated bool,
) (map[mx.EventID]*eventlog.Event, error) {
	ids := make([]mx.EventID, len(threads))
	for i, t := range threads {
		ids[i] = t.Root
	}
	found, err := eventlog.ByIDs(ctx, s.DB, ids)
	if err != nil {
		return nil, err
	}
	for _, t := range threads {
		root := found[t.Root]
		switch {
		case root == nil:
		case root.RoomID != p.room(), !p.view.CanSee(root.Pos), participated && !t.Participated && root.Sender != p.who.User:
			delete(found, t.Root)
		case p.hides(root):
			if found[t.Root], err = redacted(root); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// redacted is the redacted form of an event.
func redacted(e *eventlog.Event) (*eventlog.Event, error) {
	raw, err := mx.Redact(e.Version, e.Raw)
	if err != nil {
		return nil, err
	}
	bare, err := mx.LoadEvent(e.Version, e.ID, raw)
	if err != nil {
		return nil, err
	}
	c := *e
	c.Event = bare
	return &c, nil
}
