package ledger

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Recorder countersigns what happens in recorded rooms, before it is accepted.
type Recorder interface {
	// Recorded reports whether what happens in a room of this state is countersigned.
	Recorded(room *roomstate.Snapshot) bool
	// Due reports whether such a room has to be made a recorded one, or an unrecorded one, before anything else happens in it.
	Due(room *roomstate.Snapshot) bool
	// Likely reports whether the recorder has all that it needs for what a user is about to say: then it need not be asked by Check.
	Likely(room *roomstate.Snapshot, by mx.UserID, typ string, content []byte) bool
	// Check asks whether the recorder will sign what a user is about to say. It may take as long as a room key is on its way.
	Check(ctx context.Context, room *roomstate.Snapshot, by mx.UserID, typ string, content []byte) error
	// Sign gives events their countersignatures, and says for each by whom it is archived, or why they are refused. An event that is accepted without one
	// comes back as it is. It must be quick: others who write to the room wait for it. Nothing comes back for events that were not checked, if the
	// recorder lacks something.
	// room is the state before them.
	Sign(ctx context.Context, room *roomstate.Snapshot, events []*mx.Event, checked bool) (signed []*mx.Event, by []string, err error)
	// Accepted notes an event of a recorded room, and by whom it is archived, in the write that appends it.
	Accepted(tx *store.Tx, ev *mx.Event, by string) error
}

// dueError asks for a room to be brought in line with what is to be recorded.
type dueError struct{ room mx.RoomID }

func (e *dueError) Error() string {
	return "room: it is to be recorded, or no longer, before anything else happens in it"
}

// errUncountersigned says that a write needs countersignatures, for which a write job does not wait.
var errUncountersigned = errors.New("room: a recorded room is not written to from within a job")

// errUnchecked says that the recorder lacks something that it has to wait for or to fetch, which is not done while others wait for the write.
var errUnchecked = errors.New("room: the recorder has to be asked about a message before it is written")

// check asks the recorder about a message before its room is locked. If that can be left out, which saves a request for most messages, checked is false
// and the write may fail with errUnchecked.
func (l *Ledger) check(ctx context.Context, d *Prepared, must bool) (checked bool, err error) {
	if l.recorder == nil || d.Room == "" || d.StateKey != nil || d.refusal != nil {
		return true, nil
	}
	s, err := l.Snapshot(ctx, d.Room)
	if err != nil || !s.Joined(d.Sender) || !l.recorder.Recorded(s) {
		return true, nil //nolint:nilerr // Add says what is wrong
	}
	if !must && l.recorder.Likely(s, d.Sender, d.Type, d.Content) {
		return false, nil
	}
	return true, l.recorder.Check(ctx, s, d.Sender, d.Type, d.Content)
}

// made finds what a request of a recorded room has made already, before its event is built, and recorded, anew.
func (l *Ledger) made(ctx context.Context, d Draft) (mx.EventID, error) {
	if l.recorder == nil {
		return "", nil
	}
	s, err := l.Snapshot(ctx, d.Room)
	if err != nil || !l.recorder.Recorded(s) {
		return "", nil //nolint:nilerr // Add says what is wrong
	}
	return eventlog.TxnEvent(ctx, l.db, d.Txn)
}

// inspect finds out which parts of a write are recorded. A room that is due is seen to before the write; one that becomes due by it, as when
// somebody is invited whose rooms are recorded, within it.
func (w *Write) inspect(ctx context.Context) error {
	r := w.ledger.recorder
	if r == nil {
		return nil
	}
	for _, p := range w.parts {
		if len(p.events) == 0 {
			continue
		}
		if !p.departs() && r.Due(p.tip) {
			if p.creates == nil && r.Due(p.base) {
				return &dueError{p.Room()}
			}
			if err := w.ledger.complete(ctx, p); err != nil {
				return err
			}
		}
		// What ends recording is recorded too: an archive that just falls silent looks as if nobody had said anything.
		p.recorded = r.Recorded(p.base) || r.Recorded(p.tip)
	}
	return nil
}

// departs reports whether all that a part does is to let members go: that must be possible where nothing else is.
func (p *Part) departs() bool {
	for _, ev := range p.events {
		if ev.Type != mx.TypeMember || ev.Membership() != mx.Leave {
			return false
		}
	}
	return true
}

func (w *Write) recorded() bool {
	for _, p := range w.parts {
		if p.recorded {
			return true
		}
	}
	return false
}

// settled reports whether nothing but messages come from the write: then the state that others build upon is known without the
// countersignatures, which no event's id covers.
func (w *Write) settled() bool {
	for _, p := range w.parts {
		for _, ev := range p.events {
			if ev.IsState() {
				return false
			}
		}
	}
	return true
}

// countersign asks for the signatures. Whoever sent the event may go away meanwhile: others have built upon it.
func (w *Write) countersign(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	for _, p := range w.parts {
		if !p.recorded || len(p.events) == 0 {
			continue
		}
		list := make([]*mx.Event, len(p.events))
		for i, ev := range p.events {
			list[i] = ev.Event
		}
		signed, by, err := w.ledger.recorder.Sign(ctx, p.base, list, !w.unchecked)
		if err != nil {
			return err
		}
		if signed == nil {
			return errUnchecked
		}
		state := false
		p.signers = by
		p.cell.mu.Lock()
		for i, ev := range p.events {
			state = state || ev.IsState()
			ev.Event = signed[i]
		}
		p.cell.mu.Unlock()
		if state && p.redacted == nil {
			p.tip = p.base
			for _, ev := range p.events {
				p.tip = p.tip.With(ev.Event, 0)
			}
		}
	}
	return nil
}

// refuse gives up a write that others may have built upon.
func (w *Write) refuse() {
	w.refused = true
	w.abandon()
	close(w.queued)
}

// enqueue hands the write to the committer, after those that it is built upon.
func (w *Write) enqueue() error {
	for _, before := range w.after {
		<-before.queued
		if before.refused {
			w.refuse()
			return errLost
		}
	}
	w.pending = w.ledger.db.EnqueueThen(w.run, w.committed)
	close(w.queued)
	return nil
}

// wait returns once the write is durable, or with the reason why it was not made.
func (w *Write) wait() error {
	<-w.queued
	if w.refused {
		return errLost
	}
	return w.pending.Wait()
}

// land waits for the write, and takes it off its rooms' tips if it was not made.
func (w *Write) land() error {
	err := w.wait()
	if err != nil {
		w.abandon()
	}
	return err
}

func (w *Write) abandon() {
	for _, p := range w.parts {
		p.cell.abandon(p)
	}
}
