package visibility

import (
	"context"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Bounds of the caches: rooms whose visibilities are kept, and views.
const (
	maxRooms = 8192
	maxViews = 32768
)

// Views makes views from the event log. What a user may see of a room depends on two histories, of which each only grows; so a view
// is kept under the last event of both and is right for as long as the room's state has these two.
type Views struct {
	r     store.Reader
	mu    sync.Mutex
	rooms map[mx.RoomID]history
	views map[place]kept

	erased erasures
}

type place struct {
	room mx.RoomID
	user mx.UserID
}

type kept struct {
	member, visible mx.EventID
	view            *View
}

type history struct {
	last    mx.EventID
	changes []Change
}

// NewViews makes views from a database.
func NewViews(r store.Reader) *Views {
	return &Views{r: r, rooms: map[mx.RoomID]history{}, views: map[place]kept{}}
}

// Of is what a user may see of the room of a snapshot.
func (vs *Views) Of(ctx context.Context, snap *roomstate.Snapshot, user mx.UserID) (*View, error) {
	if err := vs.erased.refresh(ctx, vs.r); err != nil {
		return nil, err
	}
	at := place{snap.Room(), user}
	member, visible := idOf(snap.State(mx.TypeMember, string(user))), idOf(snap.State(mx.TypeHistoryVisibility, ""))
	vs.mu.Lock()
	k, ok := vs.views[at]
	vs.mu.Unlock()
	if ok && k.member == member && k.visible == visible {
		return k.view, nil
	}
	h, err := vs.visibilities(ctx, snap.Room(), visible)
	if err != nil {
		return nil, err
	}
	members, err := vs.changes(ctx, snap.Room(), mx.TypeMember, string(user), (*mx.Event).Membership)
	if err != nil {
		return nil, err
	}
	v := New(members.changes, h.changes)
	v.erased = &vs.erased
	vs.mu.Lock()
	defer vs.mu.Unlock()
	shrink(vs.views, maxViews)
	vs.views[at] = kept{members.last, h.last, v}
	return v, nil
}

// Outside is what somebody who was never in the room may see of it.
func (vs *Views) Outside(ctx context.Context, snap *roomstate.Snapshot) (*View, error) {
	h, err := vs.visibilities(ctx, snap.Room(), idOf(snap.State(mx.TypeHistoryVisibility, "")))
	if err != nil {
		return nil, err
	}
	v := New(nil, h.changes)
	v.erased = &vs.erased
	return v, vs.erased.refresh(ctx, vs.r)
}

// Prepare reads at once what Of will be asked for: one user's views of many rooms.
func (vs *Views) Prepare(ctx context.Context, snaps []*roomstate.Snapshot, user mx.UserID) error {
	if err := vs.erased.refresh(ctx, vs.r); err != nil {
		return err
	}
	var rooms, unseen []mx.RoomID // whose views, whose visibilities are missing
	histories := make(map[mx.RoomID]history, len(snaps))
	vs.mu.Lock()
	for _, snap := range snaps {
		member, visible := idOf(snap.State(mx.TypeMember, string(user))), idOf(snap.State(mx.TypeHistoryVisibility, ""))
		if k, ok := vs.views[place{snap.Room(), user}]; ok && k.member == member && k.visible == visible {
			continue
		}
		rooms = append(rooms, snap.Room())
		if h, ok := vs.rooms[snap.Room()]; ok && h.last == visible {
			histories[snap.Room()] = h
		} else {
			unseen = append(unseen, snap.Room())
		}
	}
	vs.mu.Unlock()
	members, err := eventlog.StateHistories(ctx, vs.r, rooms, mx.TypeMember, string(user))
	if err != nil {
		return err
	}
	visibles, err := eventlog.StateHistories(ctx, vs.r, unseen, mx.TypeHistoryVisibility, "")
	if err != nil {
		return err
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	shrink(vs.rooms, maxRooms-len(unseen)+1)
	for _, room := range unseen {
		histories[room] = historyOf(visibles[room], visibilityOf)
		vs.rooms[room] = histories[room]
	}
	shrink(vs.views, maxViews-len(rooms)+1)
	for _, room := range rooms {
		m, h := historyOf(members[room], (*mx.Event).Membership), histories[room]
		v := New(m.changes, h.changes)
		v.erased = &vs.erased
		vs.views[place{room, user}] = kept{m.last, h.last, v}
	}
	return nil
}

func visibilityOf(e *mx.Event) string { return e.Str("history_visibility") }

func (vs *Views) visibilities(ctx context.Context, room mx.RoomID, last mx.EventID) (history, error) {
	vs.mu.Lock()
	h, ok := vs.rooms[room]
	vs.mu.Unlock()
	if ok && h.last == last {
		return h, nil
	}
	h, err := vs.changes(ctx, room, mx.TypeHistoryVisibility, "", visibilityOf)
	if err != nil {
		return h, err
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	shrink(vs.rooms, maxRooms)
	vs.rooms[room] = h
	return h, nil
}

func (vs *Views) changes(ctx context.Context, room mx.RoomID, typ, key string, value func(*mx.Event) string) (history, error) {
	events, err := eventlog.StateHistory(ctx, vs.r, room, typ, key, End)
	if err != nil {
		return history{}, err
	}
	return historyOf(events, value), nil
}

func historyOf(events []*eventlog.Event, value func(*mx.Event) string) history {
	h := history{changes: make([]Change, len(events))}
	for i, e := range events {
		h.changes[i], h.last = Change{e.Pos, value(e.Event)}, e.ID
	}
	return h
}

func idOf(e *mx.Event) mx.EventID {
	if e == nil {
		return ""
	}
	return e.ID
}

// shrink makes room for one more entry by dropping any.
func shrink[K comparable, V any](m map[K]V, limit int) {
	for k := range m {
		if len(m) < limit {
			return
		}
		delete(m, k)
	}
}
