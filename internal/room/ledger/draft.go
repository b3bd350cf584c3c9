package ledger

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Draft is an event that somebody wants to be in a room.
type Draft struct {
	Room     mx.RoomID
	Sender   mx.UserID
	Type     string
	StateKey *string // nil: not a state event
	Content  []byte  // a JSON object
	Redacts  mx.EventID
	Files    []string     // ids of files that the event shows besides those that its content names: an encrypted one names none
	Txn      eventlog.Txn // the request that it comes with; a zero value if that cannot be sent again
	// Also is written together with the event, unless there is no need to send it. It may be nil.
	Also func(*store.Tx) error
}

// Key makes a state key of a string.
func Key(s string) *string { return &s }

// Prepared is a Draft with all that can be found out before its room is locked.
type Prepared struct {
	Draft
	relation eventlog.Relation
	thread   mx.EventID
	target   *eventlog.Event // what a redaction redacts
	refusal  error           // why the event cannot be sent, for who is in the room
}

// Prepare checks a draft as far as that needs no state.
func (l *Ledger) Prepare(ctx context.Context, d Draft) (*Prepared, error) {
	content, err := mx.Canonical(d.Content)
	if err != nil {
		return nil, err
	}
	if len(content) == 0 || content[0] != '{' {
		return nil, fault.BadJSON("The content must be a JSON object")
	}
	if len(content) > mx.MaxEventBytes { // before the room is asked: the answer says nothing of it
		return nil, fault.Oversize("The event is larger than %d bytes", mx.MaxEventBytes)
	}
	d.Content = content
	p := &Prepared{Draft: d}
	if d.StateKey != nil {
		return p, nil
	}
	if err := l.relate(ctx, p); err != nil {
		return nil, err
	}
	if d.Type == mx.TypeRedaction {
		err = l.prepareRedaction(ctx, p)
	}
	return p, err
}

// relate finds what a draft relates to, and the thread that it belongs to by that.
//
// Spec: cs#forming-relationships-between-events, cs#threading
func (l *Ledger) relate(ctx context.Context, d *Prepared) error {
	d.relation = eventlog.RelationOf(d.Content)
	if d.relation.To == "" {
		return nil
	}
	parent, err := l.Event(ctx, d.relation.To)
	if fault.Is(err, "M_NOT_FOUND") {
		return nil // events of other servers may arrive late; nothing depends on it
	}
	if err != nil {
		return err
	}
	if parent.RoomID != d.Room {
		return nil
	}
	if d.relation.Type != relThread {
		d.thread = parent.Thread
		return nil
	}
	if parent.Has("m.relates_to") {
		d.refusal = errThreadInRelation
		return nil
	}
	d.thread = parent.ID
	return nil
}

var errThreadInRelation = fault.New(fault.BadRequest, "M_UNKNOWN", "A thread cannot begin at an event that relates to another one")

const (
	relThread     = "m.thread"
	relAnnotation = "m.annotation"
)
