package visibility

import (
	"context"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// maxRooms bounds the cache: rooms whose history of visibilities is kept.
const maxRooms = 8192

// Views makes views from the event log. The changes of a room's history visibility never change once made, so they are kept, under
// the event that was the last of them.
type Views struct {
	r     store.Reader
	mu    sync.Mutex
	rooms map[mx.RoomID]history
}

type history struct {
	last    mx.EventID
	changes []Change
	shared  bool // never anything but shared or world_readable
}

// NewViews makes views from a database.
func NewViews(r store.Reader) *Views { return &Views{r: r, rooms: map[mx.RoomID]history{}} }

// Of is what a user may see of the room of a snapshot. For a member of a room that has always been shared, which is nearly every
// question, it reads nothing.
func (vs *Views) Of(ctx context.Context, snap *roomstate.Snapshot, user mx.UserID) (*View, error) {
	h, err := vs.history(ctx, snap)
	if err != nil {
		return nil, err
	}
	if h.shared && snap.Joined(user) {
		return everything(), nil
	}
	events, err := eventlog.StateHistory(ctx, vs.r, snap.Room(), mx.TypeMember, string(user), End)
	if err != nil {
		return nil, err
	}
	members := make([]Change, len(events))
	for i, e := range events {
		members[i] = Change{e.Pos, e.Membership()}
	}
	return New(members, h.changes), nil
}

func (vs *Views) history(ctx context.Context, snap *roomstate.Snapshot) (history, error) {
	var last mx.EventID
	if e := snap.State(mx.TypeHistoryVisibility, ""); e != nil {
		last = e.ID
	}
	vs.mu.Lock()
	h, ok := vs.rooms[snap.Room()]
	vs.mu.Unlock()
	if ok && h.last == last {
		return h, nil
	}
	events, err := eventlog.StateHistory(ctx, vs.r, snap.Room(), mx.TypeHistoryVisibility, "", End)
	if err != nil {
		return history{}, err
	}
	h = history{shared: true}
	for _, e := range events {
		value := understood(e.Str("history_visibility"))
		h.shared = h.shared && (value == mx.VisibleShared || value == mx.VisibleWorld)
		h.changes = append(h.changes, Change{e.Pos, value})
		h.last = e.ID
	}
	vs.keep(snap.Room(), h)
	return h, nil
}

func (vs *Views) keep(room mx.RoomID, h history) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for old := range vs.rooms {
		if len(vs.rooms) < maxRooms {
			break
		}
		delete(vs.rooms, old)
	}
	vs.rooms[room] = h
}
