package mx

import (
	"conclave.chat/internal/fault"
)

// StateKey is a place in a room's state.
type StateKey struct{ Type, Key string }

// StateReader gives the state that an event is judged against; nil where there is none. One that also has a method
// Power() *PowerLevels is asked for the room's power levels instead of having them parsed anew.
type StateReader interface {
	State(typ, key string) *Event
}

// StateMap is room state in a map.
type StateMap map[StateKey]*Event

// NewStateMap makes room state of events; of two in the same place the later one counts, and events that are no state are left out.
func NewStateMap(events ...*Event) StateMap {
	m := make(StateMap, len(events))
	for _, e := range events {
		if e.IsState() {
			m[e.Key()] = e
		}
	}
	return m
}

// State is the event in a place, or nil.
func (m StateMap) State(typ, key string) *Event { return m[StateKey{typ, key}] }

// Authorize decides by the authorization rules of the room version whether an event is allowed against a state. The answer is nil
// or a M_FORBIDDEN that says why. That signatures are valid is for the caller to see to, who has the keys (SigningServers); what
// concerns the list of auth events as such is CheckAuthEvents.
//
// Spec: rooms/v12#authorization-rules
func Authorize(v *RoomVersion, e *Event, st StateReader) error {
	if e.Type == TypeCreate {
		return authorizeCreate(v, e)
	}
	a := authorizer{v: v, e: e, st: st, create: st.State(TypeCreate, "")}
	switch {
	case a.create == nil:
		return fault.Denied("the room has no create event")
	case v.HashRoomID && e.RoomID.CreateEvent() != a.create.ID:
		return fault.Denied("the room id is not that of the create event")
	case e.RoomID != a.create.RoomID:
		return fault.Denied("the event belongs to another room")
	case string(a.create.Get("m.federate")) == "false" && e.Sender.Server() != a.create.Sender.Server():
		return fault.Denied("the room does not federate")
	case e.Type == TypeMember:
		return a.member()
	case a.membership(string(e.Sender)) != Join:
		return fault.Denied("you are not in the room")
	}
	power := a.levels()
	level := power.User(e.Sender)
	if e.Type == TypeThirdPartyInvite {
		if level < power.Invite {
			return fault.Denied("inviting needs power level %d", power.Invite)
		}
		return nil
	}
	if need := power.Event(e.Type, e.IsState()); need > level {
		return fault.Denied("sending %s needs power level %d, you have %d", e.Type, need, level)
	}
	if e.IsState() && len(*e.StateKey) > 0 && (*e.StateKey)[0] == '@' && *e.StateKey != string(e.Sender) {
		return fault.Denied("a state key that begins with @ must be your own user id")
	}
	if e.Type == TypePowerLevels {
		return a.powerLevels(level)
	}
	return nil
}

// authorizer is one event on trial.
type authorizer struct {
	v      *RoomVersion
	e      *Event
	st     StateReader
	create *Event
	power  *PowerLevels
}

func (a *authorizer) membership(user string) string { return a.st.State(TypeMember, user).Membership() }

// levels are the room's power levels, read when they are first needed.
func (a *authorizer) levels() *PowerLevels {
	if a.power == nil {
		if r, ok := a.st.(interface{ Power() *PowerLevels }); ok {
			a.power = r.Power()
		} else {
			a.power = NewPowerLevels(a.v, a.create, a.st.State(TypePowerLevels, ""))
		}
	}
	return a.power
}

func authorizeCreate(v *RoomVersion, e *Event) error {
	if len(e.PrevEvents) > 0 {
		return fault.Denied("a create event must be the first event of its room")
	}
	if v.HashRoomID {
		if field(e.Raw, "room_id") != nil {
			return fault.Denied("a create event must not have a room_id")
		}
	} else if e.RoomID.Server() != e.Sender.Server() {
		return fault.Denied("the room id is of another server than the sender")
	}
	if raw := e.Get("room_version"); raw != nil {
		s, _ := str(raw)
		if _, ok := Version(s); !ok {
			return fault.Denied("unknown room version")
		}
	}
	if v.CreatorInContent && !e.Has("creator") {
		return fault.Denied("a create event must name the creator")
	}
	if raw := e.Get("additional_creators"); v.Creators && raw != nil {
		if !isArray(raw) {
			return fault.Denied("additional_creators must be an array of user ids")
		}
		for el := range elements(raw) {
			s, ok := str(el)
			if _, err := ParseUserID(s); !ok || err != nil {
				return fault.Denied("additional_creators must be an array of user ids")
			}
		}
	}
	return nil
}

// CheckAuthEvents decides whether an event may refer to these events as its auth events. Of them, the caller has looked up all, and
// none was rejected itself.
//
// Spec: rooms/v12#authorization-rules
func CheckAuthEvents(v *RoomVersion, e *Event, auth []*Event) error {
	if e.Type == TypeCreate {
		if len(auth) > 0 {
			return fault.Denied("a create event must not have auth events")
		}
		return nil
	}
	key := ""
	if e.IsState() {
		key = *e.StateKey
	}
	allowed := AuthKeys(v, e.Type, e.Sender, key, e.Content)
	seen := make(map[StateKey]bool, len(auth))
	for _, ae := range auth {
		k := ae.Key()
		found := false
		for _, ok := range allowed {
			found = found || ok == k
		}
		switch {
		case !ae.IsState() || !found:
			return fault.Denied("an auth event of type %s does not belong there", ae.Type)
		case seen[k]:
			return fault.Denied("two auth events of type %s", ae.Type)
		case ae.RoomID != e.RoomID:
			return fault.Denied("an auth event of another room")
		}
		seen[k] = true
	}
	if v.CreateInAuth && !seen[StateKey{Type: TypeCreate}] {
		return fault.Denied("no create event among the auth events")
	}
	return nil
}

// AuthKeys selects the places in the room state whose events an event must name as its auth events, as far as there are any.
// stateKey is ignored but for m.room.member.
//
// Spec: ss#auth-events-selection
func AuthKeys(v *RoomVersion, typ string, sender UserID, stateKey string, content []byte) []StateKey {
	if typ == TypeCreate {
		return nil
	}
	keys := make([]StateKey, 0, 6)
	if v.CreateInAuth {
		keys = append(keys, StateKey{Type: TypeCreate})
	}
	keys = append(keys, StateKey{Type: TypePowerLevels}, StateKey{TypeMember, string(sender)})
	if typ != TypeMember {
		return keys
	}
	if stateKey != string(sender) {
		keys = append(keys, StateKey{TypeMember, stateKey})
	}
	m := membership(content)
	if m == Join || m == Invite || m == Knock {
		keys = append(keys, StateKey{Type: TypeJoinRules})
	}
	if m == Invite {
		if token, ok := strField(field(field(content, "third_party_invite"), "signed"), "token"); ok {
			keys = append(keys, StateKey{TypeThirdPartyInvite, token})
		}
	}
	if m == Join && v.Restricted {
		via, ok := strField(content, "join_authorised_via_users_server")
		if ok && via != string(sender) && via != stateKey {
			keys = append(keys, StateKey{TypeMember, via})
		}
	}
	return keys
}
