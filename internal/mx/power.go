package mx

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Level is a power level. Levels in events lie within ±MaxInteger.
type Level int64

// Infinite is the level of the creators of a room from room version 12 on: above all that an event can name.
const Infinite Level = math.MaxInt64

// PowerLevels is who may do what in a room, with all defaults filled in. It is immutable.
//
// Spec: cs#mroompower_levels
type PowerLevels struct {
	Ban, Kick, Invite, Redact                 Level
	UsersDefault, EventsDefault, StateDefault Level

	users, events, notifications map[string]Level
	creators                     []UserID // with infinite power
}

// NewPowerLevels reads the power levels of a room from its m.room.create and m.room.power_levels events. Either may be nil: a room
// without power levels has the protocol's defaults.
func NewPowerLevels(v *RoomVersion, create, power *Event) *PowerLevels {
	p := &PowerLevels{Ban: 50, Kick: 50, Redact: 50, StateDefault: 50}
	if v.Creators {
		p.creators = RoomCreators(v, create)
	}
	if power == nil {
		if !v.Creators {
			p.users = make(map[string]Level, 1)
			for _, u := range RoomCreators(v, create) {
				p.users[string(u)] = 100
			}
		}
		return p
	}
	for k, val := range fields(power.Content) {
		switch string(k) {
		case "users":
			p.users = readLevels(v, val)
		case "events":
			p.events = readLevels(v, val)
		case "notifications":
			p.notifications = readLevels(v, val)
		default:
			if at := p.scalar(string(k)); at != nil {
				if l, ok := readLevel(v, val); ok {
					*at = l
				}
			}
		}
	}
	return p
}

// scalarLevels are the keys of m.room.power_levels that hold one level each.
//
//nolint:gochecknoglobals // a table
var scalarLevels = [...]string{"users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"}

func (p *PowerLevels) scalar(key string) *Level {
	switch key {
	case "ban":
		return &p.Ban
	case "kick":
		return &p.Kick
	case "invite":
		return &p.Invite
	case "redact":
		return &p.Redact
	case "users_default":
		return &p.UsersDefault
	case "events_default":
		return &p.EventsDefault
	case "state_default":
		return &p.StateDefault
	}
	return nil
}

// User is a user's level.
func (p *PowerLevels) User(u UserID) Level {
	if slices.Contains(p.creators, u) {
		return Infinite
	}
	if l, ok := p.users[string(u)]; ok {
		return l
	}
	return p.UsersDefault
}

// Event is the level that sending an event of this type needs.
func (p *PowerLevels) Event(typ string, state bool) Level {
	if l, ok := p.events[typ]; ok {
		return l
	}
	if state {
		return p.StateDefault
	}
	return p.EventsDefault
}

// Notifications is the level that setting off notifications of this kind needs; "room" is the one that the protocol has.
func (p *PowerLevels) Notifications(key string) Level {
	if l, ok := p.notifications[key]; ok {
		return l
	}
	return 50
}

// Users walks the users whose levels are named: the creators with infinite power, then the others in no order.
func (p *PowerLevels) Users() iter.Seq2[UserID, Level] {
	return func(yield func(UserID, Level) bool) {
		for _, u := range p.creators {
			if !yield(u, Infinite) {
				return
			}
		}
		for u, l := range p.users {
			if !yield(UserID(u), l) {
				return
			}
		}
	}
}

// RoomCreators lists the creators of a room: the sender of the create event and, from room version 12 on, the additional creators;
// until room version 10 the user that the content names.
//
// Spec: rooms/v12#event-format
func RoomCreators(v *RoomVersion, create *Event) []UserID {
	if create == nil {
		return nil
	}
	if v.CreatorInContent {
		return []UserID{UserID(create.Str("creator"))}
	}
	out := []UserID{create.Sender}
	if v.Creators {
		for el := range elements(create.Get("additional_creators")) {
			if s, ok := str(el); ok {
				out = append(out, UserID(s))
			}
		}
	}
	return out
}

// readLevels reads an object of levels, leaving out what is none.
func readLevels(v *RoomVersion, obj []byte) map[string]Level {
	out := make(map[string]Level)
	for k, val := range fields(obj) {
		if l, ok := readLevel(v, val); ok {
			out[keyText(k)] = l
		}
	}
	return out
}

// readLevel reads one level. Until room version 9 a string may hold it.
//
// Spec: rooms/v9#mroompower_levels-events-accept-values-as-strings
func readLevel(v *RoomVersion, raw []byte) (Level, bool) {
	if n, ok := integer(raw); ok {
		return Level(n), true
	}
	if v.IntegerLevels {
		return 0, false
	}
	s, ok := str(raw)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n > MaxInteger || n < -MaxInteger {
		return 0, false
	}
	return Level(n), true
}
