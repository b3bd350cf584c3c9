package ledger

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// prepareRedaction finds what a redaction is to redact. The target may stand in the content, whatever the room version.
//
// Spec: cs#redactions
func (l *Ledger) prepareRedaction(ctx context.Context, d *Prepared) error {
	content := mx.Event{Content: d.Content}
	if d.Redacts == "" {
		d.Redacts = mx.EventID(content.Str("redacts"))
	}
	if content.Has("redacts") { // mx.Build puts it where the room version wants it
		rest := map[string]jsontext.Value{}
		if err := json.Unmarshal(d.Content, &rest); err != nil {
			return fault.BadJSON("The content must be a JSON object").Because(err)
		}
		delete(rest, "redacts")
		var err error
		if d.Content, err = json.Marshal(rest); err != nil {
			return err
		}
	}
	if _, err := mx.ParseEventID(string(d.Redacts)); err != nil {
		return fault.InvalidParam("redacts must be an event id")
	}
	target, err := l.Event(ctx, d.Redacts)
	if err != nil && !fault.Is(err, "M_NOT_FOUND") {
		return err
	}
	if err != nil || target.RoomID != d.Room {
		d.refusal = fault.Missing("The room has no such event")
		return nil
	}
	d.target = target
	return nil
}

// redact puts the redacted form of the target into the part.
//
// Spec: rooms/v12#handling-redactions
func (p *Part) redact(target *eventlog.Event, by *mx.Event) error {
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
