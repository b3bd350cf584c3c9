package room

import (
	"bytes"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// write is one atomic change: the events that it appends to one or more rooms, and whatever else belongs to it.
type write struct {
	engine *Engine
	parts  []*part
	txn    *eventlog.Txn
	checks []func(*store.Tx) error // come first and only read
	extras []func(*store.Tx) error // come last
	now    int64

	duplicate mx.EventID // what the request has made already
	pending   *store.Pending
}

// part is what a write appends to one room.
type part struct {
	cell     *cell
	base     *roomstate.Snapshot // the room before; without events if the write makes the room
	tip      *roomstate.Snapshot // the room after the last event so far
	events   []*eventlog.Event
	redacted []*eventlog.Event // new forms of older events
	applied  []*eventlog.Event // those that the log took: another redaction may have been faster
	creates  *eventlog.Room    // set if the write makes the room
	write    *write
}

// part finds the part for a room that the write was begun for.
func (w *write) part(room mx.RoomID) *part {
	for _, p := range w.parts {
		if p.cell.room == room {
			return p
		}
	}
	return nil
}

// add builds the event of a draft on the tip of its room. A state event that says what the state says already is not sent again:
// the one that is there comes back.
func (p *part) add(d *draft) (*eventlog.Event, error) {
	e := p.write.engine
	if d.Type != mx.TypeMember && !p.tip.Joined(d.Sender) {
		return nil, errNotIn
	}
	ev, err := e.build(p.tip, d, p.write.now)
	if err != nil {
		return nil, err
	}
	if err := e.authorize(p.tip, ev); err != nil {
		return nil, err
	}
	if err := e.judge(p.tip, ev); err != nil {
		return nil, err
	}
	if same := p.unchanged(ev); same != nil {
		return &eventlog.Event{Event: same, Version: p.tip.Version()}, nil
	}
	logged := &eventlog.Event{
		Event: ev, Version: p.tip.Version(), RelatesTo: d.relation.To, RelType: d.relation.Type, Thread: d.thread,
		TxnDevice: d.Txn.Device, TxnID: d.Txn.ID,
	}
	if ev.IsState() {
		if old := p.tip.State(ev.Type, *ev.StateKey); old != nil {
			logged.Replaces = old.ID
		}
	}
	p.events = append(p.events, logged)
	p.tip = p.tip.With(ev, 0)
	if d.relation.Type == relAnnotation {
		p.write.checks = append(p.write.checks, checkAnnotation(d))
	}
	if d.target != nil {
		return logged, p.redact(d.target, ev)
	}
	return logged, nil
}

func (p *part) unchanged(ev *mx.Event) *mx.Event {
	if !ev.IsState() {
		return nil
	}
	old := p.tip.State(ev.Type, *ev.StateKey)
	if old == nil || old.Sender != ev.Sender || !bytes.Equal(old.Content, ev.Content) {
		return nil
	}
	return old
}

// build makes the next event of a room.
func (e *Engine) build(tip *roomstate.Snapshot, d *draft, now int64) (*mx.Event, error) {
	stateKey := ""
	if d.StateKey != nil {
		stateKey = *d.StateKey
	}
	keys := mx.AuthKeys(tip.Version(), d.Type, d.Sender, stateKey, d.Content)
	auth := make([]mx.EventID, 0, len(keys))
	for _, k := range keys {
		if ev := tip.State(k.Type, k.Key); ev != nil {
			auth = append(auth, ev.ID)
		}
	}
	p := mx.Proto{
		RoomID: tip.Room(), Sender: d.Sender, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Depth: tip.Depth() + 1, TS: now,
		AuthEvents: auth, Redacts: d.Redacts,
	}
	if tip.HeadID() != "" {
		p.PrevEvents = []mx.EventID{tip.HeadID()}
	}
	return mx.Build(tip.Version(), p, e.signer)
}

// authorize applies the rules of the room version, and gives malformed power levels the error of malformed requests.
func (e *Engine) authorize(room *roomstate.Snapshot, ev *mx.Event) error {
	switch {
	case ev.Type == mx.TypeCreate:
		return fault.BadJSON("A room is created once")
	case ev.Is(mx.TypePowerLevels, ""):
		if err := mx.CheckPowerLevels(room.Version(), room.State(mx.TypeCreate, ""), ev.Content); err != nil {
			if f := fault.Of(err); f != nil {
				return fault.BadJSON("%s", f.Msg)
			}
			return err
		}
	}
	return mx.Authorize(room.Version(), ev, room)
}

// Reasons why a write has to be made again or need not be made.
var (
	errLost      = errors.New("room: another write came first")
	errDuplicate = errors.New("room: the request was carried out before")
)
