package mx

import (
	"slices"

	"conclave.chat/internal/fault"
)

// powerLevels applies the rules for m.room.power_levels to a sender of some level.
func (a *authorizer) powerLevels(level Level) error {
	if err := CheckPowerLevels(a.v, a.create, a.e.Content); err != nil {
		return err
	}
	old := a.st.State(TypePowerLevels, "")
	if old == nil {
		return nil
	}
	for _, key := range scalarLevels {
		was, had := readLevel(a.v, old.Get(key))
		is, has := readLevel(a.v, a.e.Get(key))
		if had == has && was == is {
			continue
		}
		if (had && was > level) || (has && is > level) {
			return fault.Denied("you cannot change %s: it is, or would be, above your own power level", key)
		}
	}
	was := a.levels()
	if err := a.changes("events", was.events, level); err != nil {
		return err
	}
	if err := a.changes("notifications", was.notifications, level); err != nil {
		return err
	}
	return a.userChanges(was.users, level)
}

// changes checks what happens to the levels of event types or of kinds of notification.
func (a *authorizer) changes(key string, was map[string]Level, level Level) error {
	is := readLevels(a.v, a.e.Get(key))
	for k, l := range was {
		if n, ok := is[k]; (!ok || n != l) && l > level {
			return fault.Denied("you cannot change the level of %s: it is above your own power level", k)
		}
	}
	if raised(was, is, level) {
		return fault.Denied("you cannot set %s above your own power level", key)
	}
	return nil
}

// userChanges checks what happens to the levels of users. One's own level may be given up, another's only if it is lower.
func (a *authorizer) userChanges(was map[string]Level, level Level) error {
	is := readLevels(a.v, a.e.Get("users"))
	for u, l := range was {
		if n, ok := is[u]; (!ok || n != l) && u != string(a.e.Sender) && l >= level {
			return fault.Denied("you cannot change the level of %s: it is not below your own", u)
		}
	}
	if raised(was, is, level) {
		return fault.Denied("you cannot give anyone more power than you have")
	}
	return nil
}

// raised reports whether any level that is new or changed exceeds a level.
func raised(was, is map[string]Level, level Level) bool {
	for k, n := range is {
		if l, ok := was[k]; (!ok || n != l) && n > level {
			return true
		}
	}
	return false
}

// CheckPowerLevels checks the shape of the content of an m.room.power_levels event, which is the part of its rules that depends on
// no state but the create event. The rules of room versions 6 to 9 are silent on values of levels that are no level at all, except
// for those of users; they are refused here as well.
//
// Spec: rooms/v12#authorization-rules
func CheckPowerLevels(v *RoomVersion, create *Event, content []byte) error {
	for _, key := range scalarLevels {
		if raw := field(content, key); raw != nil {
			if _, ok := readLevel(v, raw); !ok {
				return fault.Denied("%s must be an integer", key)
			}
		}
	}
	for _, key := range [...]string{"events", "notifications", "users"} {
		raw := field(content, key)
		if raw != nil && !isObject(raw) {
			return fault.Denied("%s must be an object", key)
		}
		for _, val := range fields(raw) {
			if _, ok := readLevel(v, val); !ok {
				return fault.Denied("the levels in %s must be integers", key)
			}
		}
	}
	var creators []UserID
	if v.Creators {
		creators = RoomCreators(v, create)
	}
	for k := range fields(field(content, "users")) {
		id, err := ParseUserID(keyText(k))
		if err != nil {
			return fault.Denied("users has a key that is not a user id")
		}
		if slices.Contains(creators, id) {
			return fault.Denied("the levels of the room's creators cannot be set")
		}
	}
	return nil
}
