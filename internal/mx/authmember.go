package mx

import (
	"crypto/ed25519"
	"strings"

	"conclave.chat/internal/fault"
)

// member applies the rules for m.room.member.
func (a *authorizer) member() error {
	if a.e.StateKey == nil || !a.e.Has("membership") {
		return fault.Denied("a membership event needs a state key and a membership")
	}
	if a.v.Restricted && a.e.Has(viaKey) {
		via := joinAuthority(a.v, a.e)
		if via == "" || !a.e.Signed(via.Server()) {
			return fault.Denied("the server that is to authorise the join has not signed it")
		}
	}
	switch a.e.Membership() {
	case Join:
		return a.join()
	case Invite:
		return a.invite()
	case Leave:
		return a.leave()
	case Ban:
		return a.ban()
	case Knock:
		if a.v.Knock {
			return a.knock()
		}
	}
	return fault.Denied("unknown membership")
}

const viaKey = "join_authorised_via_users_server"

// joinAuthority is the user through whose server a restricted join is authorised, or empty.
//
// Spec: ss#restricted-rooms
func joinAuthority(v *RoomVersion, e *Event) UserID {
	if !v.Restricted || e.Type != TypeMember {
		return ""
	}
	id, err := ParseUserID(e.Str(viaKey))
	if err != nil {
		return ""
	}
	return id
}

func (a *authorizer) self() bool { return *a.e.StateKey == string(a.e.Sender) }

// joinRule is the room's join rule; a room without one is a room for the invited.
func (a *authorizer) joinRule() string {
	if e := a.st.State(TypeJoinRules, ""); e != nil && e.Has("join_rule") {
		return e.Str("join_rule")
	}
	return JoinInvite
}

func (a *authorizer) join() error {
	if prev := a.e.PrevEvents; len(prev) == 1 && prev[0] == a.create.ID {
		if by := RoomCreators(a.v, a.create); string(by[0]) == *a.e.StateKey {
			return nil
		}
	}
	if !a.self() {
		return fault.Denied("nobody can join for somebody else")
	}
	now := a.membership(*a.e.StateKey)
	if now == Ban {
		return fault.Denied("you are banned from the room")
	}
	welcome := now == Join || now == Invite
	switch rule := a.joinRule(); {
	case rule == JoinPublic:
		return nil
	case rule == JoinInvite, rule == JoinKnock && a.v.Knock:
		if welcome {
			return nil
		}
		return fault.Denied("you are not invited to the room")
	case rule == JoinRestricted && a.v.Restricted, rule == JoinKnockRestricted && a.v.KnockRestricted:
		if welcome {
			return nil
		}
		via := joinAuthority(a.v, a.e)
		if via == "" || a.membership(string(via)) != Join || a.levels().User(via) < a.levels().Invite {
			return fault.Denied("nobody in the room who may invite has authorised the join")
		}
		return nil
	}
	return fault.Denied("the room cannot be joined")
}

func (a *authorizer) invite() error {
	if a.e.Has("third_party_invite") {
		return a.thirdPartyInvite()
	}
	if a.membership(string(a.e.Sender)) != Join {
		return fault.Denied("you are not in the room")
	}
	switch a.membership(*a.e.StateKey) {
	case Join:
		return fault.Denied("%s is in the room already", *a.e.StateKey)
	case Ban:
		return fault.Denied("%s is banned from the room", *a.e.StateKey)
	}
	if power := a.levels(); power.User(a.e.Sender) < power.Invite {
		return fault.Denied("inviting needs power level %d", power.Invite)
	}
	return nil
}

// thirdPartyInvite checks an invite that redeems an m.room.third_party_invite.
//
// Spec: ss#third-party-invites
func (a *authorizer) thirdPartyInvite() error {
	if a.membership(*a.e.StateKey) == Ban {
		return fault.Denied("%s is banned from the room", *a.e.StateKey)
	}
	signed := field(a.e.Get("third_party_invite"), "signed")
	mxid, ok1 := strField(signed, "mxid")
	token, ok2 := strField(signed, "token")
	if !ok1 || !ok2 || mxid != *a.e.StateKey {
		return fault.Denied("third-party invite without a proper signed part")
	}
	inv := a.st.State(TypeThirdPartyInvite, token)
	if inv == nil || inv.Sender != a.e.Sender {
		return fault.Denied("the room has no such third-party invite of this sender")
	}
	msg := without(signed, "signatures", "unsigned")
	for _, sig := range ed25519Signatures(signed) {
		for _, key := range inviteKeys(inv) {
			if ed25519.Verify(key, msg, sig) {
				return nil
			}
		}
	}
	return fault.Denied("third-party invite without a valid signature")
}

// inviteKeys are the keys that may sign for an m.room.third_party_invite.
func inviteKeys(inv *Event) []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	add := func(raw []byte) {
		s, _ := str(raw)
		if k, err := DecodeBase64(s); err == nil && len(k) == ed25519.PublicKeySize {
			keys = append(keys, k)
		}
	}
	add(inv.Get("public_key"))
	for el := range elements(inv.Get("public_keys")) {
		add(field(el, "public_key"))
	}
	return keys
}

// ed25519Signatures are all signatures of an object, whoever made them.
func ed25519Signatures(obj []byte) [][]byte {
	var sigs [][]byte
	for _, of := range fields(field(obj, "signatures")) {
		for id, v := range fields(of) {
			s, _ := str(v)
			if b, err := DecodeBase64(s); err == nil && strings.HasPrefix(string(id), "ed25519:") {
				sigs = append(sigs, b)
			}
		}
	}
	return sigs
}

func (a *authorizer) leave() error {
	now := a.membership(*a.e.StateKey)
	if a.self() {
		if now == Join || now == Invite || (now == Knock && a.v.Knock) {
			return nil
		}
		return fault.Denied("you are not in the room")
	}
	if a.membership(string(a.e.Sender)) != Join {
		return fault.Denied("you are not in the room")
	}
	power := a.levels()
	mine, theirs := power.User(a.e.Sender), power.User(UserID(*a.e.StateKey))
	switch {
	case now == Ban && mine < power.Ban:
		return fault.Denied("lifting a ban needs power level %d", power.Ban)
	case mine < power.Kick:
		return fault.Denied("removing somebody needs power level %d", power.Kick)
	case theirs >= mine:
		return fault.Denied("%s has as much power as you", *a.e.StateKey)
	}
	return nil
}

func (a *authorizer) ban() error {
	if a.membership(string(a.e.Sender)) != Join {
		return fault.Denied("you are not in the room")
	}
	power := a.levels()
	mine, theirs := power.User(a.e.Sender), power.User(UserID(*a.e.StateKey))
	switch {
	case mine < power.Ban:
		return fault.Denied("banning somebody needs power level %d", power.Ban)
	case theirs >= mine:
		return fault.Denied("%s has as much power as you", *a.e.StateKey)
	}
	return nil
}

func (a *authorizer) knock() error {
	rule := a.joinRule()
	if rule != JoinKnock && (rule != JoinKnockRestricted || !a.v.KnockRestricted) {
		return fault.Denied("the room takes no knocks")
	}
	if !a.self() {
		return fault.Denied("nobody can knock for somebody else")
	}
	switch a.membership(*a.e.StateKey) {
	case Ban:
		return fault.Denied("you are banned from the room")
	case Invite:
		return fault.Denied("you are invited to the room already")
	case Join:
		return fault.Denied("you are in the room already")
	}
	return nil
}
