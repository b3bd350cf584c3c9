package room

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// Redaction is a wish to redact an event.
type Redaction struct {
	Room    mx.RoomID
	By      mx.UserID
	Event   mx.EventID
	Reason  string
	Txn     eventlog.Txn
	OwnOnly bool // only if By sent it
}

// Redact redacts an event.
//
// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
func (e *Engine) Redact(ctx context.Context, r Redaction) (mx.EventID, error) {
	if r.OwnOnly {
		target, err := e.Event(ctx, r.Event)
		if err != nil || target.Sender != r.By {
			return "", fault.New(fault.Forbidden, "M_USER_SUSPENDED", "This account is suspended: it may redact its own messages only")
		}
	}
	ids, err := e.Append(ctx, Draft{
		Room: r.Room, Sender: r.By, Type: mx.TypeRedaction, Content: because(r.Reason).bytes(), Redacts: r.Event, Txn: r.Txn,
	})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// prepareRedaction finds what a redaction is to redact. The target may stand in the content, whatever the room version.
//
// Spec: cs#redactions
func (e *Engine) prepareRedaction(ctx context.Context, d *draft) error {
	content := mx.Event{Content: d.Content}
	if d.Redacts == "" {
		d.Redacts = mx.EventID(content.Str("redacts"))
	}
	if content.Has("redacts") { // mx.Build puts it where the room version wants it
		var err error
		if d.Content, err = editObject(d.Content, func(o object) { delete(o, "redacts") }); err != nil {
			return err
		}
	}
	if _, err := mx.ParseEventID(string(d.Redacts)); err != nil {
		return fault.InvalidParam("redacts must be an event id")
	}
	target, err := e.Event(ctx, d.Redacts)
	if err != nil && !fault.Is(err, "M_NOT_FOUND") {
		return err
	}
	if err != nil || target.RoomID != d.Room {
		// Who is not in the room learns nothing of it, so the room is asked first.
		s, serr := e.Snapshot(ctx, d.Room)
		if serr != nil || !s.Joined(d.Sender) {
			return errNotIn
		}
		return fault.Missing("The room has no such event")
	}
	d.target = target
	return nil
}

// redact puts the redacted form of the target into the part.
//
// Spec: rooms/v12#handling-redactions
func (p *part) redact(target *eventlog.Event, by *mx.Event) error {
	power := p.tip.Power()
	switch {
	case target.Sender != by.Sender && power.User(by.Sender) < power.Redact:
		return fault.Denied("redacting the events of others needs power level %d", power.Redact)
	case target.Is(mx.TypeCreate, "") || target.Is(mx.TypeEncryption, ""):
		return fault.Denied("this event cannot be redacted")
	case target.RedactedBy != "":
		return nil
	}
	raw, err := mx.Redact(target.Version, target.Raw)
	if err != nil {
		return err
	}
	ev, err := mx.LoadEvent(target.Version, target.ID, raw)
	if err != nil {
		return err
	}
	redacted := *target
	redacted.Event, redacted.RedactedBy, redacted.RelatesTo, redacted.RelType = ev, by.ID, "", ""
	p.redacted = append(p.redacted, &redacted)
	if ev.IsState() {
		p.tip = p.tip.Replace(ev)
	}
	return nil
}
