// Package clientevent writes stored events in the form that clients see.
//
// Events enter as eventlog.Event, whose JSON was checked when it was stored, and leave as bytes appended to a buffer: the stored pieces
// are copied as they are and nothing is parsed or encoded anew. The package does no I/O. What surrounds an event (the membership of
// the reader, what it replaced, its redaction, its aggregations) is brought by the caller in a View.
package clientevent

import (
	"strconv"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// View is who looks at an event and what is told beside it. The zero value shows the bare event.
type View struct {
	RoomID     bool            // show room_id: wherever the answer does not name the room otherwise
	Now        int64           // milliseconds since the epoch, for the age; 0 leaves the age out
	User       mx.UserID       // with Device: who reads, for the transaction id of their own events
	Device     mx.DeviceID     //
	Membership string          // the reader's membership at the time of the event; "" leaves it out
	Previous   *eventlog.Event // the state event that this one replaced, if the reader may see it
	Because    *eventlog.Event // the redaction of this event
	Relations  []byte          // bundled aggregations: a JSON object
	Erased     bool            // the sender asked for erasure and the reader came later: only what a redaction leaves is shown
}

// Append appends the event in the client format.
//
// Spec: cs#room-event-format
func Append(dst []byte, e *eventlog.Event, v *View) []byte {
	if v.Erased {
		return appendErased(dst, e, v)
	}
	dst = AppendBase(dst, e, v.RoomID)
	return AppendTail(dst, e, v)
}

// appendErased appends the redacted form of an event, without what surrounds it.
func appendErased(dst []byte, e *eventlog.Event, v *View) []byte {
	inner, bare := *e.Event, *e
	inner.Content = mx.RedactContent(e.Version, e.Type, e.Content)
	inner.Redacts = ""
	bare.Event, bare.Replaces = &inner, ""
	dst = AppendBase(dst, &bare, v.RoomID)
	return AppendTail(dst, &bare, &View{Now: v.Now, Membership: v.Membership})
}

// AppendBase appends the part of the client format that is the same for everybody: an object that is still open, for AppendTail to
// complete. It can be kept and shared.
func AppendBase(dst []byte, e *eventlog.Event, room bool) []byte {
	dst = append(dst, `{"content":`...)
	dst = appendContent(dst, e)
	dst = append(dst, `,"event_id":`...)
	dst = mx.AppendString(dst, string(e.ID))
	dst = append(dst, `,"origin_server_ts":`...)
	dst = strconv.AppendInt(dst, e.TS, 10)
	if e.Redacts != "" {
		dst = append(dst, `,"redacts":`...)
		dst = mx.AppendString(dst, string(e.Redacts))
	}
	if room {
		dst = append(dst, `,"room_id":`...)
		dst = mx.AppendString(dst, string(e.RoomID))
	}
	dst = append(dst, `,"sender":`...)
	dst = mx.AppendString(dst, string(e.Sender))
	if e.StateKey != nil {
		dst = append(dst, `,"state_key":`...)
		dst = mx.AppendString(dst, *e.StateKey)
	}
	dst = append(dst, `,"type":`...)
	return mx.AppendString(dst, e.Type)
}

// appendContent appends the content. A redaction names its target in the content and beside it whatever the room version says:
// clients of either sort find it.
//
// Spec: rooms/v11#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property
func appendContent(dst []byte, e *eventlog.Event) []byte {
	if e.Redacts == "" || e.Has("redacts") {
		return append(dst, e.Content...)
	}
	dst = append(dst, `{"redacts":`...)
	dst = mx.AppendString(dst, string(e.Redacts))
	if rest := e.Content[1:]; len(rest) > 1 {
		dst = append(dst, ',')
		return append(dst, rest...)
	}
	return append(dst, '}')
}

// AppendTail appends unsigned and closes the object that AppendBase began.
func AppendTail(dst []byte, e *eventlog.Event, v *View) []byte {
	dst = append(dst, `,"unsigned":{`...)
	start := len(dst)
	if v.Now != 0 {
		dst = strconv.AppendInt(key(dst, start, `"age":`), v.Now-e.TS, 10)
	}
	if v.Relations != nil {
		dst = append(key(dst, start, `"m.relations":`), v.Relations...)
	}
	if v.Membership != "" {
		dst = mx.AppendString(key(dst, start, `"membership":`), v.Membership)
	}
	if v.Previous != nil {
		dst = append(key(dst, start, `"prev_content":`), v.Previous.Content...)
		// No specification has prev_sender, but matrix-js-sdk finds by it who invited to a direct chat.
		dst = mx.AppendString(key(dst, start, `"prev_sender":`), string(v.Previous.Sender))
	}
	if v.Because != nil {
		why := View{RoomID: v.RoomID, Now: v.Now, User: v.User, Device: v.Device}
		dst = Append(key(dst, start, `"redacted_because":`), v.Because, &why)
	}
	if e.Replaces != "" {
		dst = mx.AppendString(key(dst, start, `"replaces_state":`), string(e.Replaces))
	}
	if e.TxnID != "" && v.User == e.Sender {
		if delay := e.DelayID(); delay != "" {
			dst = mx.AppendString(key(dst, start, `"org.matrix.msc4140.delay_id":`), delay)
		} else if v.Device == e.TxnDevice {
			dst = mx.AppendString(key(dst, start, `"transaction_id":`), e.TxnID)
		}
	}
	return append(dst, '}', '}')
}

// key appends a member's key, after a comma unless it is the first.
func key(dst []byte, start int, k string) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(dst, k...)
}

// AppendFederation appends the event as other servers see it, for filters that ask for event_format federation.
func AppendFederation(dst []byte, e *eventlog.Event) []byte { return append(dst, e.Raw...) }

// AppendStripped appends the form of a state event that someone outside of the room gets to see.
//
// Spec: cs#stripped-state
func AppendStripped(dst []byte, e *mx.Event) []byte {
	dst = append(dst, `{"content":`...)
	dst = append(dst, e.Content...)
	dst = append(dst, `,"sender":`...)
	dst = mx.AppendString(dst, string(e.Sender))
	dst = append(dst, `,"state_key":`...)
	if e.StateKey != nil {
		dst = mx.AppendString(dst, *e.StateKey)
	} else {
		dst = append(dst, '"', '"')
	}
	dst = append(dst, `,"type":`...)
	dst = mx.AppendString(dst, e.Type)
	return append(dst, '}')
}
