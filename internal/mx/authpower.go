package mx

import "conclave.chat/internal/fault"

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
	now := a.levels()
	for key, was := range map[string]map[string]Level{"events": now.events, "notifications": now.notifications} {
		is := readLevels(a.v, a.e.Get(key))
		for k, l := range was {
			if n, ok := is[k]; (!ok || n != l) && l > level {
				return fault.Denied("you cannot change the level of %s: it is above your own power level", k)
			}
		}
		if above(was, is, level) {
			return fault.Denied("you cannot set %s above your own power level", key)
		}
	}
	users := readLevels(a.v, a.e.Get("users"))
	for u, l := range now.users {
		if n, ok := users[u]; (!ok || n != l) && u != string(a.e.Sender) && l >= level {
			return fault.Denied("you cannot change the level of %s: it is not below your own", u)
		}
	}
	if above(now.users, users, level) {
		return fault.Denied("you cannot give anyone more power than you have")
	}
	return nil
}

// above reports whether any level that is new or changed exceeds a level.
func above(was, is map[string]Level, level Level) bool {
	for k, n := range is {
		if l, ok := was[k]; (!ok || n != l) && n > level {
			return true
		}
	}
	return false
}

// CheckPowerLevels checks the shape of the content of an m.room.power_levels event, which is the part of its rules that depends on
// no state but the create event.
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
		if raw == nil {
			continue
		}
		if !isObject(raw) {
			return fault.Denied("%s must be an object", key)
		}
		for k, val := range fields(raw) {
			if _, ok := readLevel(v, val); !ok {
				return fault.Denied("the levels in %s must be integers", key)
			}
			if key != "users" {
				continue
			}
			if _, err := ParseUserID(keyText(k)); err != nil {
				return fault.Denied("users has a key that is not a user id")
			}
		}
	}
	if !v.Creators {
		return nil
	}
	users := field(content, "users")
	for _, u := range RoomCreators(v, create) {
		for k := range fields(users) {
			if keyText(k) == string(u) {
				return fault.Denied("the levels of the room's creators cannot be set")
			}
		}
	}
	return nil
}
