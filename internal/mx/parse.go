package mx

import (
	"crypto/sha256"

	"conclave.chat/internal/fault"
)

// ParseEvent makes an event of a PDU that comes from anywhere, checking the whole event format of the room version. Signatures and
// the content hash are for the caller to verify (SigningServers, VerifyEvent, HashValid), as are the authorization rules.
//
// Spec: ss#checks-performed-on-receipt-of-a-pdu
func ParseEvent(v *RoomVersion, raw []byte) (*Event, error) {
	pdu, err := appendCanonical(make([]byte, 0, len(raw)), raw, 0, true)
	if err != nil {
		return nil, err
	}
	if !isObject(pdu) {
		return nil, fault.BadJSON("an event must be an object")
	}
	if field(pdu, "unsigned") != nil {
		pdu = without(pdu, "unsigned")
	}
	if len(pdu) > MaxEventBytes {
		return nil, fault.Oversize("event larger than %d bytes", MaxEventBytes)
	}
	if err := checkShape(v, pdu); err != nil {
		return nil, err
	}
	e, err := LoadEvent(v, "", pdu)
	if err != nil {
		return nil, err
	}
	if err := checkIDs(v, e); err != nil {
		return nil, err
	}
	e.ID = hashID(sha256.Sum256(appendRedacted(make([]byte, 0, len(pdu)), v, pdu, false)))
	complete(v, e)
	return e, nil
}

// checkShape checks that all keys that an event needs are there, and of the right type.
func checkShape(v *RoomVersion, pdu []byte) error {
	for _, want := range [...]struct {
		key    string
		is     func([]byte) bool
		needed bool
	}{
		{"auth_events", isArray, true},
		{"content", isObject, true},
		{"depth", isInteger, true},
		{"hashes", isObject, true},
		{"origin_server_ts", isInteger, true},
		{"prev_events", isArray, true},
		{"redacts", isString, false},
		{"room_id", isString, !v.HashRoomID},
		{"sender", isString, true},
		{"signatures", isObject, true},
		{"state_key", isString, false},
		{"type", isString, true},
	} {
		val := field(pdu, want.key)
		if val == nil && want.needed {
			return fault.BadJSON("event without %s", want.key)
		}
		// Where the content names the redacted event, the key outside means nothing and may hold anything.
		if val != nil && !want.is(val) && (want.key != "redacts" || !v.RedactsInContent) {
			return fault.BadJSON("event with a malformed %s", want.key)
		}
	}
	if !isString(field(field(pdu, "hashes"), "sha256")) {
		return fault.BadJSON("event without a sha256 hash")
	}
	for _, of := range fields(field(pdu, "signatures")) {
		if !isObject(of) {
			return fault.BadJSON("event with malformed signatures")
		}
		for _, sig := range fields(of) {
			if !isString(sig) {
				return fault.BadJSON("event with malformed signatures")
			}
		}
	}
	return nil
}

// checkIDs checks the values that have a grammar or a limit.
func checkIDs(v *RoomVersion, e *Event) error {
	for _, s := range [...]string{e.Type, e.stateKey, string(e.Sender), string(e.RoomID), string(e.Redacts)} {
		if len(s) > MaxIDBytes {
			return fault.Oversize("a field of the event is longer than %d bytes", MaxIDBytes)
		}
	}
	if e.Depth < 0 {
		return fault.BadJSON("event with a negative depth")
	}
	if len(e.PrevEvents) > MaxPrevEvents || len(e.AuthEvents) > MaxAuthEvents {
		return fault.BadJSON("event refers to too many events")
	}
	for _, ids := range [...][]EventID{e.PrevEvents, e.AuthEvents} {
		for _, id := range ids {
			if _, err := ParseEventID(string(id)); err != nil {
				return fault.BadJSON("event refers to an event by a malformed id")
			}
		}
	}
	if _, err := ParseUserID(string(e.Sender)); err != nil {
		return fault.BadJSON("event with a malformed sender")
	}
	room := string(e.RoomID)
	switch {
	case v.HashRoomID && e.Type == TypeCreate:
		if field(e.Raw, "room_id") != nil {
			return fault.BadJSON("create event with a room_id")
		}
	case v.HashRoomID:
		if !isHashID(room) {
			return fault.BadJSON("event with a malformed room_id")
		}
	default:
		if checkScoped(room, '!', "room id", false) != nil {
			return fault.BadJSON("event with a malformed room_id")
		}
	}
	return nil
}
