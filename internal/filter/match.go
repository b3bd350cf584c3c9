package filter

import (
	"slices"
	"strings"

	"conclave.chat/internal/mx"
)

// LimitOr is the limit, or a default where there is none, and at most a maximum.
func (e *Events) LimitOr(def, most int) int {
	if e.Limit == nil {
		return def
	}
	return min(*e.Limit, most)
}

// All reports whether every event passes.
func (e *Events) All() bool {
	return e.Types == nil && len(e.NotTypes) == 0 && e.Senders == nil && len(e.NotSenders) == 0
}

// None reports whether no event at all can pass.
func (e *Events) None() bool {
	return (e.Types != nil && len(e.Types) == 0) || (e.Senders != nil && len(e.Senders) == 0)
}

// Match reports whether an event of a type and a sender passes.
func (e *Events) Match(typ string, sender mx.UserID) bool {
	return e.MatchType(typ) && e.MatchSender(sender)
}

// MatchType reports whether events of a type may pass.
func (e *Events) MatchType(typ string) bool {
	return !matchAny(e.NotTypes, typ) && (e.Types == nil || matchAny(e.Types, typ))
}

// MatchSender reports whether events of a sender may pass.
func (e *Events) MatchSender(u mx.UserID) bool {
	return !slices.Contains(e.NotSenders, u) && (e.Senders == nil || slices.Contains(e.Senders, u))
}

func matchAny(patterns []string, s string) bool {
	for _, p := range patterns {
		if p == s || (strings.IndexByte(p, '*') >= 0 && glob(p, s)) {
			return true
		}
	}
	return false
}

// glob matches a pattern in which each * stands for any sequence of characters.
func glob(p, s string) bool {
	star, retry := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, retry = i, j
			i++
		case i < len(p) && p[i] == s[j]:
			i++
			j++
		case star >= 0: // let the last star take one more character
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// All reports whether every event of every room passes.
func (f *RoomEvents) All() bool {
	return f.Events.All() && f.Rooms == nil && len(f.NotRooms) == 0 && f.ContainsURL == nil && f.RelTypes == nil && len(f.NotRelTypes) == 0
}

// AllEvents reports whether every event passes of those rooms that pass.
func (f *RoomEvents) AllEvents() bool {
	return f.Events.All() && f.ContainsURL == nil && f.RelTypes == nil && len(f.NotRelTypes) == 0
}

// MatchRoom reports whether events of a room may pass.
func (f *RoomEvents) MatchRoom(r mx.RoomID) bool { return matchRoom(f.Rooms, f.NotRooms, r) }

// MatchEvent reports whether an event passes whose room is known to.
func (f *RoomEvents) MatchEvent(e *mx.Event) bool {
	if !f.Match(e.Type, e.Sender) {
		return false
	}
	if f.ContainsURL != nil && *f.ContainsURL != isString(e.Get("url")) {
		return false
	}
	if f.RelTypes == nil && len(f.NotRelTypes) == 0 {
		return true
	}
	relates := mx.Event{Content: e.Get("m.relates_to")}
	rel := relates.Str("rel_type")
	return !slices.Contains(f.NotRelTypes, rel) && (f.RelTypes == nil || slices.Contains(f.RelTypes, rel))
}

func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// MatchRoom reports whether a room passes.
func (r *Room) MatchRoom(room mx.RoomID) bool { return matchRoom(r.Rooms, r.NotRooms, room) }

func matchRoom(rooms, not []mx.RoomID, r mx.RoomID) bool {
	return !slices.Contains(not, r) && (rooms == nil || slices.Contains(rooms, r))
}
