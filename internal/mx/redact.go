package mx

import "conclave.chat/internal/fault"

// Redact strips a PDU down to what its room version protects, which is also what signatures and the reference hash cover. The
// result is canonical and has no unsigned part.
//
// Spec: rooms/v12#redactions
// Spec: rooms/v6#redactions
// Spec: rooms/v8#redactions
// Spec: rooms/v9#redactions
// Spec: rooms/v11#redactions
func Redact(v *RoomVersion, raw []byte) ([]byte, error) {
	pdu, err := Canonical(raw)
	if err != nil {
		return nil, err
	}
	if !isObject(pdu) {
		return nil, fault.BadJSON("not a PDU")
	}
	return appendRedacted(make([]byte, 0, len(pdu)), v, pdu, true), nil
}

// RedactContent strips the content, in canonical form, of an event of some type.
func RedactContent(v *RoomVersion, typ string, content []byte) []byte {
	return appendRedactedContent(make([]byte, 0, 64), v, typ, content)
}

// appendRedacted appends the redacted form of a canonical PDU, with or without its signatures.
func appendRedacted(dst []byte, v *RoomVersion, pdu []byte, signatures bool) []byte {
	typ, _ := strField(pdu, "type")
	dst = append(dst, '{')
	begin := len(dst)
	for k, val := range fields(pdu) {
		if !protectedKey(v, string(k)) || (!signatures && string(k) == "signatures") {
			continue
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, k...)
		dst = append(dst, '"', ':')
		if string(k) == "content" {
			dst = appendRedactedContent(dst, v, typ, val)
		} else {
			dst = append(dst, val...)
		}
	}
	return append(dst, '}')
}

// protectedKey reports whether redaction keeps a top-level key.
func protectedKey(v *RoomVersion, key string) bool {
	switch key {
	case "event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures", "depth", "prev_events",
		"auth_events", "origin_server_ts":
		return true
	case "prev_state", "origin", "membership":
		return !v.LateRedaction
	}
	return false
}

// protectedContent reports whether redaction keeps a key of the content.
func protectedContent(v *RoomVersion, typ, key string) bool {
	switch typ {
	case TypeMember:
		return key == "membership" || (key == "join_authorised_via_users_server" && v.KeepsJoinAuthority)
	case TypeCreate:
		return v.LateRedaction || key == "creator"
	case TypeJoinRules:
		return key == "join_rule" || (key == "allow" && v.Restricted)
	case TypePowerLevels:
		switch key {
		case "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default":
			return true
		case "invite":
			return v.LateRedaction
		}
	case TypeHistoryVisibility:
		return key == "history_visibility"
	case TypeRedaction:
		return key == "redacts" && v.RedactsInContent
	}
	return false
}

func appendRedactedContent(dst []byte, v *RoomVersion, typ string, content []byte) []byte {
	if typ == TypeCreate && v.LateRedaction {
		return append(dst, content...)
	}
	dst = append(dst, '{')
	begin := len(dst)
	for k, val := range fields(content) {
		thirdParty := typ == TypeMember && v.LateRedaction && string(k) == "third_party_invite" && isObject(val)
		if !thirdParty && !protectedContent(v, typ, string(k)) {
			continue
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, k...)
		dst = append(dst, '"', ':')
		if !thirdParty {
			dst = append(dst, val...)
			continue
		}
		// Of a third-party invite only what its identity server signed stays.
		dst = append(dst, '{')
		if signed := field(val, "signed"); signed != nil {
			dst = append(append(dst, `"signed":`...), signed...)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// MayRedact reports whether a redaction that the authorization rules let in is to be carried out: its sender has the power to
// redact, or the sender's server is that of the redacted event's sender.
//
// Spec: rooms/v12#handling-redactions
func MayRedact(p *PowerLevels, redaction, target *Event) bool {
	return p.User(redaction.Sender) >= p.Redact || redaction.Sender.Server() == target.Sender.Server()
}
