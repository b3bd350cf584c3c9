package ledger

import (
	"context"
	"errors"
	"slices"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// A write is built ahead of the ones before it becoming durable. After this many losses it is built inside its own write job.
const optimisticAttempts = 2

var errBusy = fault.New(fault.Unavailable, "M_UNKNOWN", "The room is too busy; try again")

// maxAttempts bounds how often a write is made again because something else than itself failed.
const maxAttempts = 20

// Change makes one atomic change of some rooms, which must exist. plan adds the events; it runs again, on newer state, when another
// write came first. It may run inside the write job, so it must be quick and may not write by itself.
func (l *Ledger) Change(ctx context.Context, rooms []mx.RoomID, plan func(*Write) error) error {
	_, err := l.change(ctx, rooms, plan)
	return err
}

func (l *Ledger) change(ctx context.Context, rooms []mx.RoomID, plan func(*Write) error) (*Write, error) {
	if err := l.catchUp(ctx); err != nil {
		return nil, err
	}
	rooms = slices.Clone(rooms)
	slices.Sort(rooms) // one order for all who lock several
	rooms = slices.Compact(rooms)
	cells := make([]*cell, len(rooms))
	for i, r := range rooms {
		cells[i] = l.cells.pin(r)
		defer l.cells.unpin(cells[i])
	}
	for attempt := range maxAttempts {
		var w *Write
		var err error
		if attempt < optimisticAttempts {
			w, err = l.attempt(ctx, cells, plan)
		} else {
			w, err = l.insist(ctx, cells, plan)
		}
		if errors.Is(err, errUncountersigned) {
			w, err = l.alone(ctx, cells, plan)
		}
		var due *dueError
		if errors.As(err, &due) && attempt < optimisticAttempts {
			if err := l.record(ctx, due.room); err != nil {
				return nil, err
			}
			continue
		}
		if !errors.Is(err, errLost) {
			return w, err
		}
	}
	return nil, errBusy
}

// attempt builds a write on the tips of its rooms, hands it to the committer and waits.
func (l *Ledger) attempt(ctx context.Context, cells []*cell, plan func(*Write) error) (*Write, error) {
	w, before, err := l.buildInTurn(ctx, cells, plan)
	if err != nil {
		if before != nil && before.wait() != nil {
			return nil, errLost // it was refused by a state that never came to be
		}
		return nil, err
	}
	if !w.changes() {
		return w, nil
	}
	if w.recorded() && w.settled() {
		if err := w.countersign(ctx); err != nil {
			w.refuse()
			return nil, err
		}
		if err := w.enqueue(); err != nil {
			return nil, err
		}
	}
	return w, w.land()
}

// buildInTurn builds a write while its rooms are locked. It enqueues it too, unless that is to wait for countersignatures on which nothing that
// is built upon it depends. When it fails, the write that the decision rests on comes back, if that is not durable yet.
func (l *Ledger) buildInTurn(ctx context.Context, cells []*cell, plan func(*Write) error) (*Write, *Write, error) {
	for _, c := range cells {
		c.turn.Lock()
		defer c.turn.Unlock()
	}
	w, err := l.planned(ctx, cells, plan)
	if err != nil || !w.changes() {
		var before *Write
		if w != nil && len(w.after) > 0 {
			before = w.after[len(w.after)-1]
		}
		return w, before, err
	}
	if w.recorded() {
		if w.settled() {
			w.enchain()
			return w, nil, nil
		}
		if err := w.countersign(ctx); err != nil {
			return nil, nil, err
		}
	}
	w.enchain()
	return w, nil, w.enqueue()
}

// planned carries a plan out on the tips of its rooms. The caller holds their turns.
func (l *Ledger) planned(ctx context.Context, cells []*cell, plan func(*Write) error) (*Write, error) {
	var after []*Write
	bases := make([]*roomstate.Snapshot, len(cells))
	for i, c := range cells {
		if _, err := l.current(ctx, c, l.db); err != nil {
			return nil, err
		}
		tip, on := c.tip()
		bases[i] = tip
		if on != nil {
			after = append(after, on)
		}
	}
	w := l.newWrite(cells, bases)
	w.after = after
	if err := plan(w); err != nil {
		return w, err
	}
	return w, w.inspect(ctx)
}

// alone makes a write that needs countersignatures while nobody else of this node writes to its rooms.
func (l *Ledger) alone(ctx context.Context, cells []*cell, plan func(*Write) error) (*Write, error) {
	for _, c := range cells {
		c.turn.Lock()
		defer c.turn.Unlock()
	}
	quiesce(cells)
	for _, c := range cells {
		c.touched(store.Pos(1) << 62)
	}
	w, err := l.planned(ctx, cells, plan)
	if err != nil || !w.changes() {
		return w, err
	}
	if w.recorded() {
		if err := w.countersign(ctx); err != nil {
			return nil, err
		}
	}
	w.enchain()
	if err := w.enqueue(); err != nil {
		return nil, err
	}
	return w, w.land()
}

// insist builds a write inside its own job, where the state cannot change under it.
func (l *Ledger) insist(ctx context.Context, cells []*cell, plan func(*Write) error) (*Write, error) {
	for _, c := range cells {
		c.turn.Lock()
		defer c.turn.Unlock()
	}
	quiesce(cells)
	var w *Write
	pending := l.db.EnqueueThen(func(tx *store.Tx) error {
		bases := make([]*roomstate.Snapshot, len(cells))
		for i, c := range cells {
			c.touched(store.Pos(1) << 62)
			base, err := l.current(ctx, c, tx)
			if err != nil {
				return err
			}
			bases[i] = base
		}
		w = l.newWrite(cells, bases)
		if err := plan(w); err != nil || !w.changes() {
			return err
		}
		if err := w.inspect(ctx); err != nil {
			return err
		}
		if w.recorded() {
			return errUncountersigned
		}
		return w.run(tx)
	}, func() { w.committed() })
	if err := pending.Wait(); err != nil {
		return w, err
	}
	return w, nil
}

// quiesce waits until nothing is under way in rooms whose turns the caller holds.
func quiesce(cells []*cell) {
	for _, c := range cells {
		if _, on := c.tip(); on != nil {
			_ = on.wait() // whether it failed does not matter: the state is read anew
		}
	}
}

func (l *Ledger) newWrite(cells []*cell, bases []*roomstate.Snapshot) *Write {
	w := &Write{ledger: l, now: l.now().UnixMilli(), queued: make(chan struct{})}
	for i, c := range cells {
		w.parts = append(w.parts, &Part{cell: c, base: bases[i], tip: bases[i], write: w})
	}
	return w
}

// changes reports whether there is anything to write.
func (w *Write) changes() bool {
	for _, p := range w.parts {
		if len(p.events) > 0 {
			return true
		}
	}
	return len(w.extras) > 0
}

// enchain makes the write's events the tips of their rooms.
func (w *Write) enchain() {
	for _, p := range w.parts {
		if len(p.events) > 0 {
			p.cell.mu.Lock()
			p.cell.chain = append(p.cell.chain, p)
			p.cell.mu.Unlock()
		}
	}
}

// tip is the state that the next event is built on, and the write that it is waiting for, if any.
func (c *cell) tip() (*roomstate.Snapshot, *Write) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.chain); n > 0 {
		return c.chain[n-1].tip, c.chain[n-1].write
	}
	return c.now, nil
}
