package mx

import (
	"bytes"

	"conclave.chat/internal/fault"
)

// Limits of events.
//
// Spec: cs#size-limits
const (
	MaxEventBytes = 65536
	MaxPrevEvents = 20
	MaxAuthEvents = 10
)

// Event is one PDU. It is immutable once made: many goroutines share it, and so must nobody write to the bytes that it was made of.
type Event struct {
	ID         EventID
	RoomID     RoomID // of a create event in room version 12 and later too, though the PDU itself has none
	Sender     UserID
	Type       string
	StateKey   *string // nil: not a state event
	Content    []byte  // canonical JSON object, a part of Raw
	Depth      int64
	TS         int64 // origin_server_ts, milliseconds
	PrevEvents []EventID
	AuthEvents []EventID
	Redacts    EventID // target of an m.room.redaction, wherever the room version puts it
	Raw        []byte  // the whole PDU as canonical JSON, with hashes and signatures, without unsigned

	stateKey string // StateKey points here
}

// IsState reports whether the event is a state event.
func (e *Event) IsState() bool { return e.StateKey != nil }

// Is reports whether the event is the state event of this type and state key.
func (e *Event) Is(typ, key string) bool {
	return e.StateKey != nil && e.Type == typ && *e.StateKey == key
}

// Key is the place in the room state that the event takes; the zero value for an event that is no state event.
func (e *Event) Key() StateKey {
	if e.StateKey == nil {
		return StateKey{}
	}
	return StateKey{Type: e.Type, Key: *e.StateKey}
}

// Get is the raw JSON of a member of the content, or nil.
func (e *Event) Get(key string) []byte { return field(e.Content, key) }

// Has reports whether the content has a member.
func (e *Event) Has(key string) bool { return field(e.Content, key) != nil }

// Str is the string under a key of the content; empty if there is none or it is something else.
func (e *Event) Str(key string) string {
	s, _ := strField(e.Content, key)
	return s
}

// Membership is content.membership of an m.room.member event, else empty.
func (e *Event) Membership() string {
	if e == nil || e.Type != TypeMember {
		return ""
	}
	return membership(e.Content)
}

// membership reads content.membership without an allocation for the values that there are.
func membership(content []byte) string {
	v := field(content, "membership")
	for _, m := range [...]string{Join, Leave, Invite, Ban, Knock} {
		if len(v) == len(m)+2 && string(v[1:len(v)-1]) == m {
			return m
		}
	}
	s, _ := str(v)
	return s
}

// LoadEvent makes an event of a PDU in canonical form whose id is known: a row of our own database. It checks only what it needs.
// The event keeps raw.
func LoadEvent(v *RoomVersion, id EventID, raw []byte) (*Event, error) {
	e := &Event{ID: id, Raw: raw}
	l := loader{text: make([]byte, 0, 448)}
	for k, val := range fields(raw) {
		l.take(e, k, val)
	}
	if l.finish(e); l.bad || e.Content == nil {
		return nil, fault.BadJSON("not a PDU")
	}
	complete(v, e)
	return e, nil
}

// complete fills in what the room version derives from other parts of the PDU.
func complete(v *RoomVersion, e *Event) {
	if v.HashRoomID && e.Type == TypeCreate && e.RoomID == "" && e.ID != "" {
		e.RoomID = RoomID("!" + string(e.ID[1:]))
	}
	switch {
	case e.Type != TypeRedaction:
		e.Redacts = ""
	case v.RedactsInContent:
		s, _ := strField(e.Content, "redacts")
		e.Redacts = EventID(s)
	}
}

// span is a piece of the loader's text.
type span struct{ from, to int }

// loader gathers all strings of a PDU in one buffer, so that an event costs one allocation for its strings and one for its lists of
// ids instead of some twenty.
type loader struct {
	text                       []byte
	room, sender, typ, redacts span
	stateKey                   span
	isState                    bool
	ids                        [MaxPrevEvents + MaxAuthEvents]span
	prevFrom, prevTo           int // in ids
	authFrom, authTo           int
	n                          int
	bad                        bool
}

func (l *loader) str(v []byte) span {
	if !isString(v) {
		l.bad = true
		return span{}
	}
	from := len(l.text)
	v = v[1 : len(v)-1]
	if bytes.IndexByte(v, '\\') < 0 {
		l.text = append(l.text, v...)
	} else {
		l.text = unescape(l.text, v)
	}
	return span{from, len(l.text)}
}

func (l *loader) int(v []byte) int64 {
	n, ok := integer(v)
	l.bad = l.bad || !ok
	return n
}

// list reads an array of ids into l.ids and gives its place there.
func (l *loader) list(v []byte) (from, to int) {
	from = l.n
	l.bad = l.bad || !isArray(v)
	for el := range elements(v) {
		if l.n == len(l.ids) {
			l.bad = true
			break
		}
		l.ids[l.n] = l.str(el)
		l.n++
	}
	return from, l.n
}

// take reads one top-level member of a PDU.
func (l *loader) take(e *Event, key, v []byte) {
	switch string(key) {
	case "auth_events":
		l.authFrom, l.authTo = l.list(v)
	case "content":
		e.Content = v
		l.bad = l.bad || !isObject(v)
	case "depth":
		e.Depth = l.int(v)
	case "origin_server_ts":
		e.TS = l.int(v)
	case "prev_events":
		l.prevFrom, l.prevTo = l.list(v)
	case "redacts":
		if isString(v) {
			l.redacts = l.str(v)
		}
	case "room_id":
		l.room = l.str(v)
	case "sender":
		l.sender = l.str(v)
	case "state_key":
		l.stateKey, l.isState = l.str(v), true
	case "type":
		l.typ = l.str(v)
	}
}

// finish makes the strings and lists of the event.
func (l *loader) finish(e *Event) {
	text := string(l.text)
	e.RoomID = RoomID(text[l.room.from:l.room.to])
	e.Sender = UserID(text[l.sender.from:l.sender.to])
	e.Type = text[l.typ.from:l.typ.to]
	e.Redacts = EventID(text[l.redacts.from:l.redacts.to])
	if l.isState {
		e.stateKey = text[l.stateKey.from:l.stateKey.to]
		e.StateKey = &e.stateKey
	}
	if l.n == 0 {
		return
	}
	ids := make([]EventID, l.n)
	for i := range ids {
		ids[i] = EventID(text[l.ids[i].from:l.ids[i].to])
	}
	e.PrevEvents = ids[l.prevFrom:l.prevTo:l.prevTo]
	e.AuthEvents = ids[l.authFrom:l.authTo:l.authTo]
}
