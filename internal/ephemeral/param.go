package ephemeral

import "conclave.chat/internal/fault"

// SetPresenceParam reads the parameter set_presence of both kinds of sync; absent, it means online.
func SetPresenceParam(s string) (State, error) {
	switch state := State(s); state {
	case "":
		return Online, nil
	case Online, Unavailable, Offline:
		return state, nil
	default:
		return "", fault.InvalidParam("set_presence must be online, unavailable or offline")
	}
}
