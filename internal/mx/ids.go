package mx

import (
	"encoding/base32"
	"net/netip"
	"strings"
	"unicode/utf8"

	"conclave.chat/internal/fault"
)

// MaxIDBytes is the longest that any identifier, event type or state key may be, in bytes.
const MaxIDBytes = 255

// The identifiers of the protocol. A value of one of these types that came out of a Parse function or of an Event is well-formed.
type (
	// UserID is @localpart:server.
	UserID string
	// RoomID is !localpart:server, or ! and the create event's hash from room version 12 on.
	RoomID string
	// EventID is $ and the event's reference hash.
	EventID string
	// RoomAlias is #localpart:server.
	RoomAlias string
	// ServerName is a host name or address with an optional port.
	ServerName string
	// DeviceID is opaque.
	DeviceID string
)

// ParseUserID checks the grammar of a user id. It admits the historical ids too, whose local part may hold nearly anything; whoever
// makes a new user asks ValidLocalpart.
//
// Spec: appendices#user-identifiers
func ParseUserID(s string) (UserID, error) {
	if err := checkScoped(s, '@', "user id", true); err != nil {
		return "", err
	}
	return UserID(s), nil
}

// ParseRoomID checks the grammar of a room id, of either form: with a server part, or the bare hash of room version 12.
//
// Spec: appendices#room-ids
func ParseRoomID(s string) (RoomID, error) {
	if isHashID(s) {
		return RoomID(s), nil
	}
	if err := checkScoped(s, '!', "room id", false); err != nil {
		return "", err
	}
	return RoomID(s), nil
}

// ParseRoomAlias checks the grammar of a room alias.
//
// Spec: appendices#room-aliases
func ParseRoomAlias(s string) (RoomAlias, error) {
	if err := checkScoped(s, '#', "room alias", false); err != nil {
		return "", err
	}
	return RoomAlias(s), nil
}

// ParseEventID checks the grammar of an event id as far as all room versions share it: the sigil, the length, and no control bytes
// that no id can contain.
//
// Spec: appendices#event-ids
func ParseEventID(s string) (EventID, error) {
	if len(s) < 2 || len(s) > MaxIDBytes || s[0] != '$' || strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return "", fault.InvalidParam("not an event id")
	}
	return EventID(s), nil
}

// ParseServerName checks the grammar of a server name.
//
// Spec: appendices#server-name
func ParseServerName(s string) (ServerName, error) {
	if !validServerName(s) {
		return "", fault.InvalidParam("not a server name")
	}
	return ServerName(s), nil
}

// Localpart is the part between the sigil and the first colon.
func (u UserID) Localpart() string { return localpart(string(u)) }

// Server is the part after the first colon.
func (u UserID) Server() ServerName { return server(string(u)) }

// Historical reports whether the id is of the sort that servers must accept in events and should not hand out elsewhere: one with
// an empty local part, or with characters outside U+0021 to U+007E in it.
//
// Spec: appendices#historical-user-ids
func (u UserID) Historical() bool {
	l := u.Localpart()
	for i := range len(l) {
		if l[i] < 0x21 || l[i] > 0x7E {
			return true
		}
	}
	return l == ""
}

// Localpart is the part between the sigil and the first colon.
func (r RoomID) Localpart() string { return localpart(string(r)) }

// Server is the part after the first colon; empty for the room ids of room version 12 and later.
func (r RoomID) Server() ServerName { return server(string(r)) }

// CreateEvent is the id of the room's create event when the room id is its hash, else empty.
func (r RoomID) CreateEvent() EventID {
	if !isHashID(string(r)) {
		return ""
	}
	return EventID("$" + string(r[1:]))
}

// Localpart is the part between the sigil and the first colon.
func (a RoomAlias) Localpart() string { return localpart(string(a)) }

// Server is the part after the first colon.
func (a RoomAlias) Server() ServerName { return server(string(a)) }

// NewUserID joins a local part and a server name. It does not check them.
func NewUserID(local string, name ServerName) UserID { return UserID("@" + local + ":" + string(name)) }

// NewRoomAlias joins a local part and a server name. It does not check them.
func NewRoomAlias(local string, name ServerName) RoomAlias {
	return RoomAlias("#" + local + ":" + string(name))
}

// NewRoomID makes a room id for room versions before 12 from random bytes, 15 or more, that the caller brings.
func NewRoomID(name ServerName, random []byte) RoomID {
	local := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random)
	return RoomID("!" + local + ":" + string(name))
}

// ValidLocalpart reports whether a new user may have this local part: lower-case letters, digits and . _ = - / +. The length of
// the whole id is for the caller to check with ParseUserID.
//
// Spec: appendices#user-identifiers
func ValidLocalpart(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("._=-/+", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= MaxIDBytes
}

func localpart(id string) string {
	if id == "" {
		return ""
	}
	if i := strings.IndexByte(id, ':'); i > 0 {
		return id[1:i]
	}
	return id[1:]
}

func server(id string) ServerName {
	if i := strings.IndexByte(id, ':'); i >= 0 {
		return ServerName(id[i+1:])
	}
	return ""
}

// checkScoped checks sigil, local part, server name and length.
func checkScoped(s string, sigil byte, what string, emptyLocal bool) error {
	if len(s) > MaxIDBytes {
		return fault.InvalidParam("%s longer than %d bytes", what, MaxIDBytes)
	}
	colon := strings.IndexByte(s, ':')
	if colon < 1 || s[0] != sigil {
		return fault.InvalidParam("%s must have the form %clocalpart:server", what, sigil)
	}
	local := s[1:colon]
	if (local == "" && !emptyLocal) || strings.IndexByte(local, 0) >= 0 || !utf8.ValidString(local) {
		return fault.InvalidParam("%s with an invalid local part", what)
	}
	if !validServerName(s[colon+1:]) {
		return fault.InvalidParam("%s with an invalid server name", what)
	}
	return nil
}

// isHashID reports whether s is ! and 43 characters of URL-safe base64, which is a SHA-256 hash.
func isHashID(s string) bool {
	if len(s) != 44 || s[0] != '!' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func validServerName(s string) bool {
	if s == "" || len(s) > MaxIDBytes {
		return false
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || !validPort(s[end+1:]) {
			return false
		}
		lit := s[1:end]
		a, err := netip.ParseAddr(lit)
		return err == nil && a.Is6() && a.Zone() == "" && len(lit) <= 45
	}
	host, port := s, ""
	if i := strings.IndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i:]
	}
	return validPort(port) && validHost(host)
}

// validPort takes the empty string, or a colon and one to five digits.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// validHost takes a DNS name or a dotted quad. Four numeric labels are an address, so each must be a byte.
func validHost(s string) bool {
	if s == "" {
		return false
	}
	labels, numeric, fits := 1, true, true
	n, digits := 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			n, digits = n*10+int(c-'0'), digits+1
			if digits > 3 || n > 255 {
				fits, n = false, 0
			}
		case c == '.':
			numeric = numeric && digits > 0
			labels, n, digits = labels+1, 0, 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
			numeric = false
		default:
			return false
		}
	}
	return !numeric || digits == 0 || labels != 4 || fits
}
