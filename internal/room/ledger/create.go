package ledger

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store/eventlog"
)

// Creation is the beginning of a room.
type Creation struct {
	By        mx.UserID
	Version   *mx.RoomVersion
	ID        mx.RoomID // from room version 12 on the room makes its own
	Content   []byte    // of m.room.create
	Published bool
	Policy    *mx.Event // m.room.policy of the room that this one replaces; nil if there is none
}

// Create makes the room of its create event. The write's plan adds the other events to the part.
func (w *Write) Create(c Creation) (*Part, error) {
	l := w.ledger
	now := l.uniqueTime(w.now)
	ev, err := l.build(roomstate.New(c.ID, c.Version), &Prepared{Draft: Draft{
		Sender: c.By, Type: mx.TypeCreate, StateKey: Key(""), Content: c.Content,
	}}, now)
	if err != nil {
		return nil, err
	}
	if err := mx.Authorize(c.Version, ev, mx.StateMap{}); err != nil {
		return nil, err
	}
	p := &Part{write: w, cell: &cell{room: ev.RoomID}, base: roomstate.New(ev.RoomID, c.Version).Replacing(c.Policy)}
	p.tip = p.base.With(ev, 0)
	p.events = []*eventlog.Event{{Event: ev, Version: c.Version}}
	p.creates = &eventlog.Room{ID: ev.RoomID, Version: c.Version, Creator: c.By, Created: now, Published: c.Published}
	w.parts = append(w.parts, p)
	return p, nil
}

// uniqueTime is the time for a create event: no two rooms of this node are made in the same millisecond, as the create event's hash
// is the room's id.
func (l *Ledger) uniqueTime(now int64) int64 {
	for {
		last := l.created.Load()
		next := max(now, last+1)
		if l.created.CompareAndSwap(last, next) {
			return next
		}
	}
}
