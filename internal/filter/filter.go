// Package filter is the vocabulary of filters: what clients say about which events they want, compiled to answers of yes or no.
//
// A filter enters as JSON through Parse (or, for endpoints that take a RoomEventFilter only, ParseRoomEvents), which refuses what the
// specification does not allow, and is immutable from then on. It leaves as answers of the Match methods and, for event_fields, as
// smaller JSON. The package does no I/O.
//
// Spec: cs#filtering
package filter

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// MaxBytes is the size limit of a filter's JSON.
const MaxBytes = 64 << 10

// Filter is a filter for /sync. The zero value lets everything pass.
type Filter struct {
	EventFields []string `json:"event_fields"`
	EventFormat string   `json:"event_format"`
	Presence    Events   `json:"presence"`
	AccountData Events   `json:"account_data"`
	Room        Room     `json:"room"`

	fields *fieldSet
}

// Room is the part of a filter about rooms.
type Room struct {
	Rooms        []mx.RoomID `json:"rooms"`
	NotRooms     []mx.RoomID `json:"not_rooms"`
	IncludeLeave bool        `json:"include_leave"`
	Timeline     RoomEvents  `json:"timeline"`
	State        RoomEvents  `json:"state"`
	Ephemeral    RoomEvents  `json:"ephemeral"`
	AccountData  RoomEvents  `json:"account_data"`
}

// Events selects events by type and sender. A list that is nil selects all; one that is there but empty selects none.
type Events struct {
	Limit      *int        `json:"limit"`
	Types      []string    `json:"types"`
	NotTypes   []string    `json:"not_types"`
	Senders    []mx.UserID `json:"senders"`
	NotSenders []mx.UserID `json:"not_senders"`
}

// RoomEvents selects events of rooms.
type RoomEvents struct {
	Events                  `json:",inline"`
	Rooms                   []mx.RoomID `json:"rooms"`
	NotRooms                []mx.RoomID `json:"not_rooms"`
	ContainsURL             *bool       `json:"contains_url"`
	LazyLoadMembers         bool        `json:"lazy_load_members"`
	IncludeRedundantMembers bool        `json:"include_redundant_members"`
	UnreadThreads           bool        `json:"unread_thread_notifications"`
	RelTypes                []string    `json:"org.matrix.msc3874.rel_types"`
	NotRelTypes             []string    `json:"org.matrix.msc3874.not_rel_types"`
}

// Parse reads a filter for /sync.
//
// Spec: cs#post_matrixclientv3useruseridfilter
func Parse(data []byte) (*Filter, error) {
	f := &Filter{}
	if err := decode(data, f); err != nil {
		return nil, err
	}
	switch f.EventFormat {
	case "", "client", "federation":
	default:
		return nil, fault.InvalidParam("event_format must be client or federation")
	}
	r := &f.Room
	for _, e := range []*Events{&f.Presence, &f.AccountData, &r.Timeline.Events, &r.State.Events, &r.Ephemeral.Events, &r.AccountData.Events} {
		if err := e.check(); err != nil {
			return nil, err
		}
	}
	lists := [][]mx.RoomID{r.Rooms, r.NotRooms}
	for _, e := range []*RoomEvents{&r.Timeline, &r.State, &r.Ephemeral, &r.AccountData} {
		lists = append(lists, e.Rooms, e.NotRooms)
	}
	if err := checkRooms(lists...); err != nil {
		return nil, err
	}
	var err error
	f.fields, err = parseFields(f.EventFields)
	return f, err
}

// ParseRoomEvents reads a RoomEventFilter, as /messages, /context and search take it.
func ParseRoomEvents(data []byte) (*RoomEvents, error) {
	f := &RoomEvents{}
	if err := decode(data, f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, checkRooms(f.Rooms, f.NotRooms)
}

func decode(data []byte, into any) error {
	if len(data) > MaxBytes {
		return fault.Oversize("The filter is larger than %d bytes", MaxBytes)
	}
	raw := jsontext.Value(data)
	if !raw.IsValid() {
		return fault.NotJSON("The filter is not valid JSON")
	}
	if raw.Kind() != '{' {
		return fault.BadJSON("A filter must be a JSON object")
	}
	err := json.Unmarshal(raw, into)
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return fault.BadJSON("The filter has a value of the wrong type at %s", semantic.JSONPointer).Because(err)
	}
	if err != nil {
		return fault.BadJSON("The filter cannot be read").Because(err)
	}
	return nil
}

func (e *Events) check() error {
	if e.Limit != nil && *e.Limit < 0 {
		return fault.InvalidParam("A limit cannot be negative")
	}
	for _, list := range [][]mx.UserID{e.Senders, e.NotSenders} {
		for _, u := range list {
			if _, err := mx.ParseUserID(string(u)); err != nil {
				return fault.InvalidParam("The filter names a sender that is not a user id")
			}
		}
	}
	return nil
}

func checkRooms(lists ...[]mx.RoomID) error {
	for _, list := range lists {
		for _, r := range list {
			if _, err := mx.ParseRoomID(string(r)); err != nil {
				return fault.InvalidParam("The filter names a room that is not a room id")
			}
		}
	}
	return nil
}
