package steward

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store/auditlog"
)

// raise is the content of power levels that give a user a level, and leave all else as it is.
func raise(s *roomstate.Snapshot, user mx.UserID, level mx.Level, by auditlog.Actor) ([]byte, error) {
	content := map[string]jsontext.Value{}
	users := map[string]jsontext.Value{}
	if ev := s.State(mx.TypePowerLevels, ""); ev != nil {
		if err := json.Unmarshal(ev.Content, &content); err != nil {
			return nil, err
		}
		if raw := content["users"]; raw != nil {
			if err := json.Unmarshal(raw, &users); err != nil {
				return nil, fault.New(fault.Conflict, NoPower, "The power levels of this room are malformed")
			}
		}
	} else if !s.Version().Creators { // what the creator has without power levels
		for _, u := range mx.RoomCreators(s.Version(), s.State(mx.TypeCreate, "")) {
			users[string(u)] = jsontext.Value("100")
		}
	}
	set := func(into map[string]jsontext.Value, key string, v any) error {
		raw, err := json.Marshal(v, json.Deterministic(true))
		into[key] = raw
		return err
	}
	if err := set(users, string(user), int64(level)); err != nil {
		return nil, err
	}
	if err := set(content, "users", users); err != nil {
		return nil, err
	}
	if err := set(content, marker, map[string]string{"by": by.Name, "user": string(user)}); err != nil {
		return nil, err
	}
	return json.Marshal(content, json.Deterministic(true))
}
