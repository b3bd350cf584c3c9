// Package filter is the language in which clients say which events they want: parsing it, and matching stored events against it.
//
// Filters enter as JSON, of a query parameter, a request body or a stored filter, and leave as values that match events without I/O.
// The package refuses JSON of the wrong shape, ids that are none and lists too long to be sensible; what it does not know it ignores, as
// the specification asks.
//
// Spec: cs#filtering
package filter

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// maxList bounds each list of a filter.
const maxList = 1024

// Events selects events of any sort by type and sender. A nil list selects all, an empty one none.
type Events struct {
	Limit      *int     `json:"limit,omitempty"`
	Types      []string `json:"types,omitempty"`
	NotTypes   []string `json:"not_types,omitempty"`
	Senders    []string `json:"senders,omitempty"`
	NotSenders []string `json:"not_senders,omitempty"`
}

// RoomEvents selects events of rooms.
type RoomEvents struct {
	Events
	Rooms                     []string `json:"rooms,omitempty"`
	NotRooms                  []string `json:"not_rooms,omitempty"`
	ContainsURL               *bool    `json:"contains_url,omitempty"`
	LazyLoadMembers           bool     `json:"lazy_load_members,omitempty"`
	IncludeRedundantMembers   bool     `json:"include_redundant_members,omitempty"`
	UnreadThreadNotifications bool     `json:"unread_thread_notifications,omitempty"`

	// Relations of the event itself.
	// Spec: MSC3874
	RelTypes    []string `json:"org.matrix.msc3874.rel_types,omitempty"`
	NotRelTypes []string `json:"org.matrix.msc3874.not_rel_types,omitempty"`

	// Relations of others to the event; matching them takes a look at the database, which is the caller's.
	// Spec: MSC3440
	RelatedByTypes   []string `json:"related_by_rel_types,omitempty"`
	RelatedBySenders []string `json:"related_by_senders,omitempty"`
}

// ParseRoomEvents reads a filter of room events; an empty text selects everything.
func ParseRoomEvents(text string) (*RoomEvents, error) {
	var f RoomEvents
	if text == "" {
		return &f, nil
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		var syntax *jsontext.SyntacticError
		if errors.As(err, &syntax) && !errors.Is(err, jsontext.ErrDuplicateName) {
			return nil, fault.NotJSON("The filter is not valid JSON").Because(err)
		}
		return nil, fault.BadJSON("The filter has a value of the wrong type or a key twice").Because(err)
	}
	return &f, f.Check()
}

// Check refuses what no filter may hold.
func (f *Events) Check() error {
	if f.Limit != nil && *f.Limit < 0 {
		return fault.InvalidParam("The limit of a filter must not be negative")
	}
	for _, list := range [...][]string{f.Types, f.NotTypes, f.Senders, f.NotSenders} {
		if len(list) > maxList {
			return fault.InvalidParam("A list in the filter has more than %d entries", maxList)
		}
	}
	for _, list := range [...][]string{f.Senders, f.NotSenders} {
		for _, s := range list {
			if _, err := mx.ParseUserID(s); err != nil {
				return fault.InvalidParam("A sender in the filter is not a user id")
			}
		}
	}
	return nil
}

// Check refuses what no filter may hold.
func (f *RoomEvents) Check() error {
	for _, list := range [...][]string{f.Rooms, f.NotRooms, f.RelTypes, f.NotRelTypes, f.RelatedByTypes, f.RelatedBySenders} {
		if len(list) > maxList {
			return fault.InvalidParam("A list in the filter has more than %d entries", maxList)
		}
	}
	for _, list := range [...][]string{f.Rooms, f.NotRooms} {
		for _, s := range list {
			if _, err := mx.ParseRoomID(s); err != nil {
				return fault.InvalidParam("A room in the filter is not a room id")
			}
		}
	}
	return f.Events.Check()
}

// Max is the limit of the filter, at most high; def where it has none.
func (f *Events) Max(def, high int) int {
	if f.Limit == nil {
		return def
	}
	return min(*f.Limit, high)
}

// MatchType reports whether the filter selects events of a type.
func (f *Events) MatchType(typ string) bool {
	return (f.Types == nil || anyPattern(f.Types, typ)) && !anyPattern(f.NotTypes, typ)
}

// MatchSender reports whether the filter selects events of a sender.
func (f *Events) MatchSender(u mx.UserID) bool {
	return (f.Senders == nil || slices.Contains(f.Senders, string(u))) && !slices.Contains(f.NotSenders, string(u))
}

// MatchRoom reports whether the filter selects events of a room.
func (f *RoomEvents) MatchRoom(r mx.RoomID) bool {
	return (f.Rooms == nil || slices.Contains(f.Rooms, string(r))) && !slices.Contains(f.NotRooms, string(r))
}

// Match reports whether the filter selects a room's event, whose relations to it from others apart.
func (f *RoomEvents) Match(e *eventlog.Event) bool {
	return f.MatchType(e.Type) && f.MatchSender(e.Sender) && f.MatchRoom(e.RoomID) &&
		(f.ContainsURL == nil || *f.ContainsURL == e.Has("url")) && f.matchRelation(e.RelType)
}

func (f *RoomEvents) matchRelation(relType string) bool {
	return (f.RelTypes == nil || slices.Contains(f.RelTypes, relType)) && !slices.Contains(f.NotRelTypes, relType)
}

func anyPattern(patterns []string, typ string) bool {
	for _, p := range patterns {
		if matchPattern(p, typ) {
			return true
		}
	}
	return false
}

// matchPattern matches a type against a pattern in which * stands for any sequence of characters.
func matchPattern(pattern, typ string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == typ
	}
	typ, ok := strings.CutPrefix(typ, first)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(typ, part)
		}
		i := strings.Index(typ, part)
		if i < 0 {
			return false
		}
		typ, rest = typ[i+len(part):], next
	}
}
