package ledger

import (
	"context"
	"slices"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// What Fetch reads at most: state events of one room, and of all. Larger rooms are read when somebody asks for them, one after the other.
const (
	maxFetchRoom = 256
	maxFetch     = 8192
)

// Fetch reads those of some rooms that are not in memory, in few queries. It is for who is about to ask for the snapshots of many.
func (l *Ledger) Fetch(ctx context.Context, rooms []mx.RoomID) error {
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	type unread struct {
		cell  *cell
		marks uint64
	}
	cold := map[mx.RoomID]unread{}
	var ids []mx.RoomID
	for _, room := range rooms {
		if c := l.cells.find(room); c != nil && c.known() {
			continue
		}
		c := l.cells.pin(room)
		defer l.cells.unpin(c)
		c.mu.Lock()
		cold[room] = unread{c, c.marks}
		c.mu.Unlock()
		ids = append(ids, room)
	}
	if len(ids) < 2 {
		return nil
	}
	found, err := eventlog.WhereStates(ctx, l.db, ids, maxFetchRoom)
	if err != nil {
		return err
	}
	var at []store.Pos
	for room, w := range found {
		if len(at)+len(w.State) > maxFetch {
			delete(found, room)
			continue
		}
		at = append(at, w.State...)
	}
	events, err := eventlog.ByPos(ctx, l.db, at)
	if err != nil {
		return err
	}
	for room, w := range found {
		state := make([]*mx.Event, 0, len(w.State))
		for _, pos := range w.State {
			if e := events[pos]; e != nil {
				state = append(state, e.Event)
			}
		}
		snap := roomstate.Load(room, w.Room.Version, w.Room.Head, w.Room.HeadID, w.Room.Depth, slices.Values(state))
		cold[room].cell.begin(snap, cold[room].marks)
	}
	return nil
}

// known reports whether the room's state is in memory, be it an old one.
func (c *cell) known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now != nil
}

// begin makes what was read the committed state of a cell that has none.
func (c *cell) begin(read *roomstate.Snapshot, marks uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil {
		return
	}
	c.now = read
	c.recent.extend(nil, nil, read.Head())
	if c.marks == marks {
		c.stale = false
	}
}
