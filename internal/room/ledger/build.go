package ledger

import (
	"bytes"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/mediameta"
)

// Write is one atomic change: the events that it appends to one or more rooms, and whatever else belongs to it.
type Write struct {
	ledger *Ledger
	parts  []*Part
	txn    *eventlog.Txn
	checks []func(*store.Tx) error // come first and only read
	extras []func(*store.Tx) error // come last
	now    int64

	duplicate mx.EventID // what the request has made already
	unchecked bool       // the recorder was not asked whether it will sign

	after   []*Write      // those that it is built upon, if they were not durable
	queued  chan struct{} // closed when it was handed to the committer, or refused
	refused bool
	pending *store.Pending
}

// Part is what a write appends to one room.
type Part struct {
	cell     *cell
	base     *roomstate.Snapshot // the room before; without events if the write makes the room
	tip      *roomstate.Snapshot // the room after the last event so far
	events   []*eventlog.Event
	redacted []*eventlog.Event // new forms of older events
	applied  []*eventlog.Event // those that the log took: another redaction may have been faster
	creates  *eventlog.Room    // set if the write makes the room
	write    *Write
	recorded bool     // its events are countersigned
	signers  []string // by whom each is archived
}

// Now is the time of the write in milliseconds.
func (w *Write) Now() int64 { return w.now }

// Check adds something that must hold when the write is made. It may only read.
func (w *Write) Check(f func(*store.Tx) error) { w.checks = append(w.checks, f) }

// Extra adds something to be written together with the events, after them.
func (w *Write) Extra(f func(*store.Tx) error) { w.extras = append(w.extras, f) }

// Room is the room that the part appends to.
func (p *Part) Room() mx.RoomID { return p.cell.room }

// Base is the room's state before the write.
func (p *Part) Base() *roomstate.Snapshot { return p.base }

// Tip is the room's state after the events that were added so far.
func (p *Part) Tip() *roomstate.Snapshot { return p.tip }

// Part finds the part for a room that the write was begun for.
func (w *Write) Part(room mx.RoomID) *Part {
	for _, p := range w.parts {
		if p.cell.room == room {
			return p
		}
	}
	return nil
}

// Add builds the event of a draft on the tip of its room. A state event that says what the state says already is not sent again:
// the one that is there comes back.
func (p *Part) Add(d *Prepared) (*eventlog.Event, error) {
	l := p.write.ledger
	if d.Type != mx.TypeMember && !p.tip.Joined(d.Sender) {
		return nil, ErrNotIn
	}
	if d.refusal != nil {
		return nil, d.refusal
	}
	ev, err := l.build(p.tip, d, p.write.now)
	if err != nil {
		return nil, err
	}
	if err := l.authorize(p.tip, ev); err != nil {
		return nil, err
	}
	if err := l.judge(p.tip, ev); err != nil {
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
	if d.Also != nil {
		p.write.Extra(d.Also)
	}
	if files := append(mx.FilesIn(ev.Content, l.signer.Server), d.Files...); len(files) > 0 {
		p.write.Extra(func(tx *store.Tx) error { return mediameta.AddLinks(tx, files, ev.ID, ev.RoomID, ev.Sender, ev.TS) })
	}
	p.tip = p.tip.With(ev, 0)
	if d.relation.Type == relAnnotation {
		p.write.checks = append(p.write.checks, checkAnnotation(d))
	}
	if d.target != nil {
		return logged, p.redact(d.target, ev)
	}
	return logged, nil
}

func (p *Part) unchanged(ev *mx.Event) *mx.Event {
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
func (l *Ledger) build(tip *roomstate.Snapshot, d *Prepared, now int64) (*mx.Event, error) {
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
	return mx.Build(tip.Version(), p, l.signer)
}

// authorize applies the rules of the room version, and gives malformed power levels the error of malformed requests.
func (l *Ledger) authorize(room *roomstate.Snapshot, ev *mx.Event) error {
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
