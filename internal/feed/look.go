package feed

import (
	"context"
	"maps"
	"slices"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// Look is one look at what there is for a device: everything in (Since, Upto]. Both kinds of sync are made of looks. It lives for one
// request and serves one goroutine.
type Look struct {
	User      mx.UserID
	Device    mx.DeviceID
	Initial   bool // there is no Since
	Since     store.Pos
	Done      store.Pos // looked at in vain up to here; no less than Since
	Upto      store.Pos
	Number    int64 // of typing and presence everything after it is news
	Ephemeral int64 // and up to here
	Now       int64 // milliseconds since the epoch

	Rooms   map[mx.RoomID]roomstate.Membership // current ones, which may be newer than Upto
	Changes Changes
	Met     []mx.UserID // who has come to share a room with the user; DeviceLists finds them

	s      *Service
	ctx    context.Context
	facts  *facts
	events map[mx.EventID]*eventlog.Event // what events refer to
}

// Reader says who looks and how far it has come.
type Reader struct {
	User   mx.UserID
	Device mx.DeviceID
	Since  *Token // nil: from the beginning
}

// Checked is up to where a request that waits has looked in vain.
type Checked struct {
	Pos       store.Pos
	Ephemeral int64
}

// Look begins a look: it settles up to which position, and finds out by name what changed. What lies before done is known not to
// concern the reader.
func (s *Service) Look(ctx context.Context, r Reader, done Checked) (*Look, error) {
	l := &Look{User: r.User, Device: r.Device, Initial: r.Since == nil, Now: s.now().UnixMilli(), s: s, ctx: ctx}
	if !l.Initial {
		l.Since, l.Number = r.Since.Pos, r.Since.Ephemeral
	}
	l.Done = max(l.Since, done.Pos)
	l.Ephemeral = s.ephemeral.Current() // before the rest: what comes meanwhile is told twice rather than never
	var err error
	if l.Upto, err = s.position(ctx, l.Since); err != nil {
		return nil, err
	}
	if l.Rooms, err = s.rooms.Rooms(ctx, r.User); err != nil {
		return nil, err
	}
	if l.facts, err = s.factsOf(ctx, r.User); err != nil {
		return nil, err
	}
	return l, l.findChanges(done)
}

// Context is the request's context.
func (l *Look) Context() context.Context { return l.ctx }

// Checked is what the look has covered.
func (l *Look) Checked() Checked { return Checked{l.Upto, l.Ephemeral} }

// Ignores reports whether the user ignores another.
func (l *Look) Ignores(u mx.UserID) bool { return l.facts.ignored[u] }

// HidesInvite reports whether the user is not to hear of an invitation.
//
// Spec: cs#invite-permission
func (l *Look) HidesInvite(sender mx.UserID) bool { return l.facts.blocked || l.Ignores(sender) }

// Direct reports whether the user calls a room a direct chat.
func (l *Look) Direct(room mx.RoomID) bool { return l.facts.direct[room] }

// Snapshot is a room's state.
func (l *Look) Snapshot(room mx.RoomID) (*roomstate.Snapshot, error) {
	return l.s.rooms.Snapshot(l.ctx, room)
}

// View is what the user may see of a room.
func (l *Look) View(snap *roomstate.Snapshot) (*visibility.View, error) {
	return l.s.views.Of(l.ctx, snap, l.User)
}

// manyRooms is how many rooms are prepared for at once.
const manyRooms = 128

// EachRoom calls f for rooms, many of which may never have been read. What f will ask for, their snapshots and, if views, what the user may
// see of them, is read for many rooms in one go.
func (l *Look) EachRoom(rooms []mx.RoomID, views bool, f func(mx.RoomID) error) error {
	for part := range slices.Chunk(rooms, manyRooms) {
		if len(part) > 1 {
			if err := l.prepare(part, views); err != nil {
				return err
			}
		}
		for _, room := range part {
			if err := f(room); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Look) prepare(rooms []mx.RoomID, views bool) error {
	if err := l.s.rooms.Fetch(l.ctx, rooms); err != nil || !views {
		return err
	}
	snaps := make([]*roomstate.Snapshot, len(rooms))
	for i, room := range rooms {
		var err error
		if snaps[i], err = l.Snapshot(room); err != nil {
			return err
		}
	}
	return l.s.views.Prepare(l.ctx, snaps, l.User)
}

// MembershipAt is the user's membership at Upto of a room whose current one is m; false if there was none.
func (l *Look) MembershipAt(room mx.RoomID, m roomstate.Membership) (roomstate.Membership, bool, error) {
	if m.Pos <= l.Upto {
		return m, m.Membership != "", nil
	}
	e, err := eventlog.StateEventAt(l.ctx, l.s.db, room, mx.TypeMember, string(l.User), l.Upto)
	if err != nil || e == nil {
		return m, false, err
	}
	return roomstate.Membership{Membership: e.Membership(), Pos: e.Pos, EventID: e.ID, Sender: e.Sender}, true, nil
}

// Load looks up events that others refer to.
func (l *Look) Load(ids []mx.EventID) error {
	var missing []mx.EventID
	for _, id := range ids {
		if _, ok := l.events[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := eventlog.ByIDs(l.ctx, l.s.db, missing)
	if err != nil {
		return err
	}
	if l.events == nil {
		l.events = make(map[mx.EventID]*eventlog.Event, len(found))
	}
	for _, id := range missing {
		l.events[id] = found[id]
	}
	return nil
}

// Event is an event that was loaded, or nil.
func (l *Look) Event(id mx.EventID) *eventlog.Event { return l.events[id] }

// LoadReferences loads what events refer to: what they replaced, what redacted them.
func (l *Look) LoadReferences(lists ...[]*eventlog.Event) error {
	var ids []mx.EventID
	for _, list := range lists {
		for _, e := range list {
			if e.RedactedBy != "" {
				ids = append(ids, e.RedactedBy)
			}
			if e.Replaces != "" {
				ids = append(ids, e.Replaces)
			}
		}
	}
	return l.Load(ids)
}

// Timeline is some events of a room, to be bundled with what relates to them. View may be nil.
type Timeline struct {
	Snap   *roomstate.Snapshot
	View   *visibility.View
	Events []*eventlog.Event
}

// Aggregations gives m.relations of those events that have any. One look into the database finds the few rooms where anything relates to
// anything.
func (l *Look) Aggregations(list []Timeline) (map[mx.EventID][]byte, error) {
	if len(list) == 0 || l.s.aggregator == nil {
		return nil, nil
	}
	var ids []mx.EventID
	for _, t := range list {
		for _, e := range t.Events {
			ids = append(ids, e.ID)
		}
	}
	rooms, err := eventlog.RelatedRooms(l.ctx, l.s.db, ids)
	if err != nil || len(rooms) == 0 {
		return nil, err
	}
	out := map[mx.EventID][]byte{}
	for _, t := range list {
		if !rooms[t.Snap.Room()] {
			continue
		}
		if t.View == nil {
			if t.View, err = l.View(t.Snap); err != nil {
				return nil, err
			}
		}
		got, err := l.s.aggregator.Aggregations(l.ctx, Bundling{
			User: l.User, Device: l.Device, Room: t.Snap.Room(), View: t.View, Ignored: l.facts.ignored, Now: l.Now,
		}, t.Events)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, got)
	}
	return out, nil
}

// Unread counts the unread events of rooms.
func (l *Look) Unread(rooms []mx.RoomID) (map[mx.RoomID]Unread, error) {
	if len(rooms) == 0 || l.s.counter == nil {
		return nil, nil
	}
	return l.s.counter.Unread(l.ctx, l.User, rooms)
}

// AppendEvent appends a room event as the user sees it. view is nil for a user who has been in the room since before the event. The
// references must be loaded. An event that is taken from a room's current state, and has no position, comes without its surroundings.
func (l *Look) AppendEvent(dst []byte, e *eventlog.Event, view *visibility.View, relations []byte) []byte {
	v := clientevent.View{
		Now: l.Now, User: l.User, Device: l.Device, Relations: relations, Erased: view != nil && view.Hides(e),
	}
	if e.Pos != 0 {
		v.Membership = mx.Join
		if view != nil {
			v.Membership = view.MembershipAt(e.Pos)
		}
	}
	if e.RedactedBy != "" {
		v.Because = l.events[e.RedactedBy]
	}
	if prev := l.events[e.Replaces]; prev != nil && (view == nil || v.Membership == mx.Join || view.CanSee(prev.Pos)) {
		v.Previous = prev
	}
	return clientevent.Append(dst, e, &v)
}

// maxScan is how many events are looked at for one timeline through a filter that lets few pass.
const maxScan = 2000

// Newest finds the last events of a room in (after, upto] that are wanted, at most limit, and whether there are more. all says that
// every event is wanted.
func (l *Look) Newest(room mx.RoomID, after, upto store.Pos, limit int, all bool, want func(*eventlog.Event) bool) (list []*eventlog.Event, more bool, err error) {
	if recent, ok := l.s.rooms.Recent(room, after, upto); ok {
		list, more = pick(nil, recent, limit, want)
		return reversed(list), more, nil
	}
	page := limit + 1
	if !all {
		page = max(page, 64)
	}
	for scanned := 0; ; {
		got, err := eventlog.Before(l.ctx, l.s.db, room, upto, page)
		if err != nil {
			return nil, false, err
		}
		scanned += len(got)
		end := len(got) < page
		for i, e := range got {
			if e.Pos <= after {
				got, end = got[:i], true
				break
			}
		}
		if list, more = pick(list, reversed(got), limit, want); more || end {
			return reversed(list), more, nil
		}
		if scanned >= maxScan {
			return reversed(list), true, nil
		}
		upto = got[0].Pos - 1
		page = min(4*page, 512)
	}
}

// pick adds those of some events, oldest first, that are wanted to a list that is newest first, until there are limit.
func pick(list, from []*eventlog.Event, limit int, want func(*eventlog.Event) bool) ([]*eventlog.Event, bool) {
	for i := len(from) - 1; i >= 0; i-- {
		if !want(from[i]) {
			continue
		}
		if len(list) == limit {
			return list, true
		}
		list = append(list, from[i])
	}
	return list, false
}

// reversed turns a list round in place.
func reversed(list []*eventlog.Event) []*eventlog.Event {
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// StateSince is what changed in the state of a room in (after, upto].
func (l *Look) StateSince(room mx.RoomID, after, upto store.Pos) ([]*eventlog.Event, error) {
	if recent, ok := l.s.rooms.Recent(room, after, upto); ok {
		return lastState(recent), nil
	}
	if upto-after > farBehind {
		return eventlog.StateSince(l.ctx, l.s.db, room, after, upto)
	}
	list, err := eventlog.StateIn(l.ctx, l.s.db, room, after, upto, farBehind)
	return lastState(list), err
}

// farBehind is from how many positions on it is cheaper to go through the room's state than through its events.
const farBehind = 5000

// lastState keeps the last state event for each type and state key.
func lastState(list []*eventlog.Event) []*eventlog.Event {
	var out []*eventlog.Event
	seen := map[mx.StateKey]bool{}
	for i := len(list) - 1; i >= 0; i-- {
		if e := list[i]; e.IsState() && !seen[e.Key()] {
			seen[e.Key()] = true
			out = append(out, e)
		}
	}
	return reversed(out)
}
