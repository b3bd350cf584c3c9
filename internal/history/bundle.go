package history

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// fewEdits is how many of an event's latest edits are read at first: the last one is nearly always valid.
const fewEdits = 2

// Bundling is for whom aggregations are made, and how the events in them are written.
type Bundling struct {
	Who
	Room    mx.RoomID
	View    *visibility.View
	Ignored map[mx.UserID]bool
	RoomID  bool // write room_id into events
	Now     int64
}

// aggregation is what the children of one event come to.
type aggregation struct {
	edit      *eventlog.Event
	refs      []mx.EventID
	thread    *eventlog.Thread
	lastReply *eventlog.Event
}

// Bundle makes the bundled aggregations of events of one room: for each event that has any, the JSON object that belongs under
// unsigned.m.relations. Annotations are not among them; state events have none.
//
// Spec: cs#aggregations-of-child-events
func (s *Service) Bundle(ctx context.Context, b Bundling, events []*eventlog.Event) (map[mx.EventID][]byte, error) {
	found, err := s.aggregate(ctx, b, events, true)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var replies []*eventlog.Event
	for _, a := range found {
		if a.lastReply != nil {
			replies = append(replies, a.lastReply)
		}
	}
	inner := map[mx.EventID][]byte{}
	if len(replies) > 0 { // a reply in a thread can have children too, but no thread of its own
		below, err := s.aggregate(ctx, b, replies, false)
		if err != nil {
			return nil, err
		}
		for id, a := range below {
			inner[id] = b.write(a, nil)
		}
	}
	out := make(map[mx.EventID][]byte, len(found))
	for id, a := range found {
		out[id] = b.write(a, inner)
	}
	return out, nil
}

func (s *Service) aggregate(
	ctx context.Context, b Bundling, events []*eventlog.Event, threads bool,
) (map[mx.EventID]*aggregation, error) {
	var ids []mx.EventID
	for _, e := range events {
		if !e.IsState() {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	by, err := eventlog.Aggregated(ctx, s.DB, b.Room, ids)
	if err != nil {
		return nil, err
	}
	found := map[mx.EventID]*aggregation{}
	of := func(id mx.EventID) *aggregation {
		if found[id] == nil {
			found[id] = &aggregation{}
		}
		return found[id]
	}
	if ids := by[eventlog.RelReplace]; len(ids) > 0 {
		if err := s.edits(ctx, b, ids, of); err != nil {
			return nil, err
		}
	}
	if ids := by[eventlog.RelReference]; len(ids) > 0 {
		if err := s.references(ctx, b, ids, of); err != nil {
			return nil, err
		}
	}
	if ids := by[eventlog.RelThread]; threads && len(ids) > 0 {
		if err := s.threads(ctx, b, events, ids, of); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// edits finds the latest valid edit of each event.
//
// Spec: cs#server-side-aggregation-of-mreplace-relationships
func (s *Service) edits(ctx context.Context, b Bundling, ids []mx.EventID, of func(mx.EventID) *aggregation) error {
	for few := fewEdits; len(ids) > 0; few *= 16 {
		list, err := eventlog.Edits(ctx, s.DB, b.Room, ids, few)
		if err != nil {
			return err
		}
		seen, best := map[mx.EventID]int{}, map[mx.EventID]*eventlog.Event{}
		for _, e := range list {
			seen[e.RelatesTo]++
			if b.validEdit(e) && (best[e.RelatesTo] == nil || later(e, best[e.RelatesTo])) {
				best[e.RelatesTo] = e
			}
		}
		for id, e := range best {
			of(id).edit = e
		}
		// Where the latest edits are all invalid an older one counts.
		ids = slices.DeleteFunc(ids, func(id mx.EventID) bool { return best[id] != nil || seen[id] < few })
	}
	return nil
}

// later orders edits: by time, then by id.
func later(a, b *eventlog.Event) bool {
	return cmp.Or(cmp.Compare(a.TS, b.TS), cmp.Compare(a.ID, b.ID)) > 0
}

// validEdit checks what the database did not: sender and type are those of the original, neither is a state event, and the original
// is no edit itself.
//
// Spec: cs#validity-of-replacement-events
func (b *Bundling) validEdit(e *eventlog.Event) bool {
	return b.counts(e.Pos, e.Sender) && (e.Type == mx.TypeEncrypted || e.Has("m.new_content"))
}

// counts reports whether an event is there for the reader.
func (b *Bundling) counts(at store.Pos, sender mx.UserID) bool {
	return !b.Ignored[sender] && b.View.CanSee(at)
}

func (s *Service) references(ctx context.Context, b Bundling, ids []mx.EventID, of func(mx.EventID) *aggregation) error {
	refs, err := eventlog.References(ctx, s.DB, b.Room, ids)
	if err != nil {
		return err
	}
	for _, r := range refs {
		if b.counts(r.Pos, r.Sender) {
			of(r.Parent).refs = append(of(r.Parent).refs, r.ID)
		}
	}
	return nil
}

// threads sums up the threads that begin at events.
//
// Spec: cs#server-side-aggregation-of-mthread-relationships
func (s *Service) threads(
	ctx context.Context, b Bundling, events []*eventlog.Event, ids []mx.EventID, of func(mx.EventID) *aggregation,
) error {
	sums, err := s.sumThreads(ctx, b, ids)
	if err != nil || len(sums) == 0 {
		return err
	}
	var at []store.Pos
	for _, t := range sums {
		at = append(at, t.Latest)
	}
	replies, err := eventlog.ByPos(ctx, s.DB, at)
	if err != nil {
		return err
	}
	for _, e := range events {
		if t := sums[e.ID]; t != nil && replies[t.Latest] != nil {
			t.Participated = t.Participated || e.Sender == b.User
			a := of(e.ID)
			a.thread, a.lastReply = t, replies[t.Latest]
		}
	}
	return nil
}

// sumThreads sums up the listed threads, or all of the room for nil, over all spans that the reader may see.
func (s *Service) sumThreads(ctx context.Context, b Bundling, ids []mx.EventID) (map[mx.EventID]*eventlog.Thread, error) {
	sums := map[mx.EventID]*eventlog.Thread{}
	ignored := slices.Sorted(maps.Keys(b.Ignored))
	for _, span := range b.View.Spans() {
		list, err := eventlog.Threads(ctx, s.DB, b.Room, ids, span.From, span.To, b.User, ignored)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			sum := sums[t.Root]
			if sum == nil {
				sums[t.Root] = &t
				continue
			}
			sum.Count += t.Count
			sum.Latest = max(sum.Latest, t.Latest)
			sum.Participated = sum.Participated || t.Participated
		}
	}
	return sums, nil
}

// write makes the JSON object of an aggregation. inner has those of the latest replies.
//
// Spec: cs#server-side-aggregation-of-mreference
func (b *Bundling) write(a *aggregation, inner map[mx.EventID][]byte) []byte {
	dst := []byte{'{'}
	if a.refs != nil {
		dst = append(dst, `"m.reference":{"chunk":[`...)
		for i, id := range a.refs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(mx.AppendString(append(dst, `{"event_id":`...), string(id)), '}')
		}
		dst = append(dst, "]},"...)
	}
	if a.edit != nil {
		dst = append(b.event(append(dst, `"m.replace":`...), a.edit, nil), ',')
	}
	if a.thread != nil {
		dst = strconv.AppendInt(append(dst, `"m.thread":{"count":`...), int64(a.thread.Count), 10)
		dst = strconv.AppendBool(append(dst, `,"current_user_participated":`...), a.thread.Participated)
		dst = append(b.event(append(dst, `,"latest_event":`...), a.lastReply, inner[a.lastReply.ID]), "},"...)
	}
	dst[len(dst)-1] = '}'
	return dst
}

func (b *Bundling) event(dst []byte, e *eventlog.Event, relations []byte) []byte {
	return clientevent.Append(dst, e, &clientevent.View{
		RoomID: b.RoomID, Now: b.Now, User: b.User, Device: b.Device, Membership: b.View.MembershipAt(e.Pos), Relations: relations,
		Erased: b.View.Hides(e),
	})
}
