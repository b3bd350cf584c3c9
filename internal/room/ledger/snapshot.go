package ledger

import (
	"context"
	"slices"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Snapshot is the current state of a room: at least as new as anything that this node has acknowledged or heard of. It is M_NOT_FOUND
// if there is no such room.
func (l *Ledger) Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	if err := l.catchUp(ctx); err != nil {
		return nil, err
	}
	if c := l.cells.use(room); c != nil {
		if s := c.fresh(); s != nil {
			return s, nil
		}
	}
	c := l.cells.pin(room)
	defer l.cells.unpin(c)
	return l.current(ctx, c, l.db)
}

// current is the committed state of a cell, read anew where it is missing or old.
func (l *Ledger) current(ctx context.Context, c *cell, r store.Reader) (*roomstate.Snapshot, error) {
	if s := c.fresh(); s != nil {
		return s, nil
	}
	c.load.Lock()
	defer c.load.Unlock()
	if s := c.fresh(); s != nil {
		return s, nil
	}
	return l.refresh(ctx, c, r)
}

// fresh is the committed state if it is known to be the newest.
func (c *cell) fresh() *roomstate.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stale {
		return nil
	}
	return c.now
}

// refresh compares a cell with the database and brings it up to date.
func (l *Ledger) refresh(ctx context.Context, c *cell, r store.Reader) (*roomstate.Snapshot, error) {
	c.mu.Lock()
	marks, now := c.marks, c.now
	c.mu.Unlock()
	row, err := eventlog.RoomByID(ctx, r, c.room)
	if err != nil {
		return nil, err
	}
	var news []*eventlog.Event
	next := now
	switch {
	case now == nil:
		next, err = loadState(ctx, r, row)
	case row.Head > now.Head():
		next, news, err = l.advance(ctx, r, now, row)
	}
	if err != nil {
		return nil, err
	}
	return c.adopt(next, news, marks), nil
}

// adopt makes what was read the committed state, unless a commit of this node has overtaken it.
func (c *cell) adopt(next *roomstate.Snapshot, news []*eventlog.Event, marks uint64) *roomstate.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil || next.Head() > c.now.Head() {
		if len(news) > 0 && len(c.chain) > 0 && c.chain[0].events[0].ID == news[0].ID {
			return next // our own write, about to be brought in by promote
		}
		c.chain = nil // whatever was built on the old state is lost
		c.recent.extend(c.now, news, next.Head())
		c.now = next
	}
	if c.marks == marks {
		c.stale = false
	}
	return c.now
}

// maxAdvance is how many events are applied one by one; after more, the state is read as a whole.
const maxAdvance = 200

// advance applies to a state what has been appended since. The events come back too, unless there were too many.
func (l *Ledger) advance(ctx context.Context, r store.Reader, s *roomstate.Snapshot, row *eventlog.Room) (*roomstate.Snapshot, []*eventlog.Event, error) {
	news, err := eventlog.After(ctx, r, row.ID, s.Head(), row.Head, maxAdvance+1)
	if err != nil {
		return nil, nil, err
	}
	if len(news) > maxAdvance {
		s, err = loadState(ctx, r, row)
		return s, nil, err
	}
	for _, ev := range news {
		s = s.With(ev.Event, ev.Pos)
		if ev.Redacts == "" {
			continue
		}
		target, err := eventlog.ByID(ctx, r, ev.Redacts)
		if fault.Is(err, "M_NOT_FOUND") { // it was removed for its age since
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if target.RedactedBy != "" {
			l.recent.replace(target)
			if target.IsState() {
				s = s.Replace(target.Event)
			}
		}
	}
	return s, news, nil
}

func loadState(ctx context.Context, r store.Reader, row *eventlog.Room) (*roomstate.Snapshot, error) {
	state, err := eventlog.CurrentState(ctx, r, row)
	if err != nil {
		return nil, err
	}
	return roomstate.Load(row.ID, row.Version, row.Head, row.HeadID, row.Depth, slices.Values(state)), nil
}
