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

// Sync is a filter for /sync. The zero value lets everything pass.
type Sync struct {
	EventFields []string `json:"event_fields"`
	EventFormat string   `json:"event_format"`
	Presence    Events   `json:"presence"`
	AccountData Events   `json:"account_data"`
	Room        Room     `json:"room"`

	fields *fieldSet
}

// Room is the part of a filter about rooms.
type Room struct {
	Rooms        []string   `json:"rooms"`
	NotRooms     []string   `json:"not_rooms"`
	IncludeLeave bool       `json:"include_leave"`
	Timeline     RoomEvents `json:"timeline"`
	State        RoomEvents `json:"state"`
	Ephemeral    RoomEvents `json:"ephemeral"`
	AccountData  RoomEvents `json:"account_data"`
}

// ParseSync reads a filter for /sync.
//
// Spec: cs#post_matrixclientv3useruseridfilter
func ParseSync(data []byte) (*Sync, error) {
	f := &Sync{}
	if err := decode(data, f); err != nil {
		return nil, err
	}
	switch f.EventFormat {
	case "", "client", "federation":
	default:
		return nil, fault.InvalidParam("event_format must be client or federation")
	}
	r := &f.Room
	rooms := RoomEvents{Rooms: r.Rooms, NotRooms: r.NotRooms}
	for _, c := range [...]interface{ Check() error }{&f.Presence, &f.AccountData, &rooms, &r.Timeline, &r.State, &r.Ephemeral, &r.AccountData} {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	var err error
	f.fields, err = parseFields(f.EventFields)
	return f, err
}

func decode(data []byte, into any) error {
	if len(data) > MaxBytes {
		return fault.Oversize("The filter is larger than %d bytes", MaxBytes)
	}
	raw := jsontext.Value(data)
	if !raw.IsValid(jsontext.AllowDuplicateNames(true)) {
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
		return fault.BadJSON("The filter has a key twice").Because(err)
	}
	return nil
}

// MatchRoom reports whether the filter selects a room.
func (r *Room) MatchRoom(room mx.RoomID) bool {
	f := RoomEvents{Rooms: r.Rooms, NotRooms: r.NotRooms}
	return f.MatchRoom(room)
}

// All reports whether the filter selects every event, whatever its type and sender.
func (f *Events) All() bool {
	return f.Types == nil && len(f.NotTypes) == 0 && f.Senders == nil && len(f.NotSenders) == 0
}

// All reports whether the filter selects every event of the rooms that it selects.
func (f *RoomEvents) All() bool {
	return f.Events.All() && f.ContainsURL == nil && f.RelTypes == nil && len(f.NotRelTypes) == 0
}
