package mx

import (
	"crypto/ed25519"
	"reflect"
	"testing"

	"conclave.chat/internal/fault"
)

// Spec: rooms/v12#authorization-rules
func TestAuthorizeCreate(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		for _, x := range []struct {
			name, content string
			room          RoomID
			prev          []EventID
			allow         string
		}{
			{name: "as usual", content: `{"creator":"@alice:domain","room_version":"` + id + `"}`, allow: all},
			{name: "without a version", content: `{"creator":"@alice:domain"}`, allow: all},
			{name: "without a creator", content: `{}`, allow: "11-12"},
			{name: "unknown version", content: `{"creator":"@alice:domain","room_version":"x"}`},
			{name: "version is a number", content: `{"creator":"@alice:domain","room_version":6}`},
			{name: "after other events", content: `{"creator":"@alice:domain"}`, prev: []EventID{"$x"}},
			{name: "room of another server", content: `{"creator":"@alice:domain"}`, room: "!x:elsewhere", allow: "12"},
			{name: "additional creators", content: `{"creator":"@alice:domain","additional_creators":["@bob:domain","@É:x"]}`, allow: all},
			{name: "no additional creators", content: `{"creator":"@alice:domain","additional_creators":[]}`, allow: all},
			{name: "additional creators are a string", content: `{"creator":"@alice:domain","additional_creators":"@bob:domain"}`, allow: "6-11"},
			{name: "an additional creator is a number", content: `{"creator":"@alice:domain","additional_creators":["@bob:domain",1]}`, allow: "6-11"},
			{name: "an additional creator is no user id", content: `{"creator":"@alice:domain","additional_creators":["bob"]}`, allow: "6-11"},
		} {
			c := court{t: t, v: v, id: "!x:domain"}
			if x.room != "" {
				c.id = x.room
			}
			err := Authorize(v, c.event(ev{TypeCreate, alice, "", x.content}, x.prev), StateMap{})
			if (err == nil) != (trial{allow: x.allow}).allowed(v) {
				t.Errorf("version %s, %s: %v", id, x.name, err)
			}
		}
	}
	// Build makes no such thing, so this one is put together by hand.
	v := version(t, "12")
	e, err := LoadEvent(v, "$x", []byte(`{"content":{},"prev_events":[],"room_id":"!x","sender":"@a:b","state_key":"","type":"m.room.create"}`))
	if err != nil || Authorize(v, e, StateMap{}) == nil {
		t.Error("a create event with a room_id is allowed")
	}
}

// Spec: rooms/v12#authorization-rules
func TestAuthorizeFirstJoin(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		c := newCourt(t, v, `{"creator":"@alice:domain","additional_creators":["@bob:domain"]}`)
		create := c.st.State(TypeCreate, "")
		empty := NewStateMap(create)
		join := func(user string, prev ...EventID) error {
			return Authorize(v, c.event(member(user, Join), prev), empty)
		}
		if err := join(alice, create.ID); err != nil {
			t.Errorf("version %s: %v", id, err)
		}
		if join(bob, create.ID) == nil || join(alice, create.ID, "$x") == nil || join(alice, "$x") == nil {
			t.Errorf("version %s: somebody joined who must not", id)
		}
	}
}

func TestAuthorizeOtherRoom(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		c := newCourt(t, v, createContent(v))
		message := ev{TypeMessage, carol, "-", `{}`}
		c.id = "!other:domain"
		if v.HashRoomID {
			c.id = "!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		}
		if c.try(message) == nil {
			t.Errorf("version %s: an event of another room is allowed", id)
		}
		c.st = StateMap{}
		if c.try(message) == nil {
			t.Errorf("version %s: an event without a create event is allowed", id)
		}
	}
}

// Spec: ss#third-party-invites
func TestAuthorizeThirdPartyInvite(t *testing.T) {
	s := vectorSigner(t)
	key := EncodeBase64(public(s))
	other := EncodeBase64(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey))
	sign := func(obj string) string {
		b, err := SignJSON([]byte(obj), s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	good := sign(`{"mxid":"@dave:domain","token":"t"}`)
	with := func(signed string) ev {
		return ev{TypeMember, carol, dave, `{"membership":"invite","third_party_invite":{"display_name":"d","signed":` + signed + `}}`}
	}
	token := func(content string) ev { return ev{TypeThirdPartyInvite, carol, "t", content} }
	usual := token(`{"public_key":"` + key + `"}`)
	runTrials(t, []trial{
		{name: "good", state: []ev{usual}, event: with(good), allow: all},
		{name: "key in the list", state: []ev{token(`{"public_key":"` + other + `","public_keys":[{"public_key":"x"},{"public_key":"` + key + `"}]}`)}, event: with(good), allow: all},
		{name: "the inviter has left", state: []ev{usual, member(carol, Leave)}, event: with(good), allow: all},
		{name: "other key", state: []ev{token(`{"public_key":"` + other + `"}`)}, event: with(good)},
		{name: "no key", state: []ev{token(`{}`)}, event: with(good)},
		{name: "no token in the room", event: with(good)},
		{name: "other sender", state: []ev{usual}, event: ev{TypeMember, alice, dave, with(good).content}},
		{name: "other user", state: []ev{usual}, event: ev{TypeMember, carol, eve, with(good).content}},
		{name: "banned user", state: []ev{usual, member(dave, Ban)}, event: with(good)},
		{name: "changed after signing", state: []ev{usual}, event: with(good[:len(good)-1] + `,"x":1}`)},
		{name: "not signed", state: []ev{usual}, event: with(`{"mxid":"@dave:domain","token":"t"}`)},
		{name: "no mxid", state: []ev{usual}, event: with(sign(`{"token":"t"}`))},
		{name: "no token", state: []ev{usual}, event: with(sign(`{"mxid":"@dave:domain"}`))},
		{name: "no signed part", state: []ev{usual}, event: ev{TypeMember, carol, dave, `{"membership":"invite","third_party_invite":{}}`}},
		{name: "third_party_invite is no object", state: []ev{usual}, event: ev{TypeMember, carol, dave, `{"membership":"invite","third_party_invite":1}`}},
	})
}

// A restricted join passes with the signature of the voucher's server next to that of the sender's.
//
// Spec: ss#restricted-rooms
func TestAuthorizeRestrictedAcrossServers(t *testing.T) {
	v := version(t, DefaultVersion)
	c := newCourt(t, v, createContent(v))
	c.set(joinRule(JoinRestricted))
	e := c.event(vouched(eve, bob), nil)
	if got := SigningServers(v, e); !reflect.DeepEqual(got, []ServerName{"elsewhere", "domain"}) {
		t.Errorf("the servers that must sign are %v", got)
	}
	if Authorize(v, e, c.st) == nil {
		t.Error("allowed without the second signature")
	}
	signed, err := SignEvent(v, e, vectorSigner(t))
	if err != nil || signed.ID != e.ID || !signed.HashValid() {
		t.Fatalf("%v %v", signed, err)
	}
	if err := Authorize(v, signed, c.st); err != nil {
		t.Error(err)
	}
	for _, server := range SigningServers(v, signed) {
		if err := VerifyEvent(v, signed, server, "ed25519:1", public(vectorSigner(t))); err != nil {
			t.Error(err)
		}
	}
	third := c.event(ev{TypeMember, carol, dave, `{"membership":"invite","third_party_invite":{}}`}, nil)
	if got := SigningServers(v, third); len(got) != 0 {
		t.Errorf("a third-party invite needs signatures of %v", got)
	}
}

// Spec: ss#auth-events-selection
func TestAuthKeys(t *testing.T) {
	create, power, rules := StateKey{Type: TypeCreate}, StateKey{Type: TypePowerLevels}, StateKey{Type: TypeJoinRules}
	of := func(user string) StateKey { return StateKey{TypeMember, user} }
	for _, x := range []struct {
		e    ev
		want []StateKey
		via  bool // of a member only where restricted rooms exist
	}{
		{e: ev{TypeMessage, carol, "", `{}`}, want: []StateKey{power, of(carol)}},
		{e: ev{TypeName, carol, "", `{"membership":"join"}`}, want: []StateKey{power, of(carol)}},
		{e: member(carol, Join), want: []StateKey{power, of(carol), rules}},
		{e: member(carol, Knock), want: []StateKey{power, of(carol), rules}},
		{e: member(carol, Leave), want: []StateKey{power, of(carol)}},
		{e: ev{TypeMember, carol, dave, `{"membership":"ban"}`}, want: []StateKey{power, of(carol), of(dave)}},
		{e: ev{TypeMember, carol, dave, `{"membership":"invite"}`}, want: []StateKey{power, of(carol), of(dave), rules}},
		{
			e:    ev{TypeMember, carol, dave, `{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}}`},
			want: []StateKey{power, of(carol), of(dave), rules, {TypeThirdPartyInvite, "t"}},
		},
		{e: vouched(dave, bob), want: []StateKey{power, of(dave), rules, of(bob)}, via: true},
		{e: vouched(dave, dave), want: []StateKey{power, of(dave), rules}},
	} {
		for _, id := range Versions() {
			v := version(t, id)
			want := x.want
			if x.via && !v.Restricted {
				want = want[:len(want)-1]
			}
			if v.CreateInAuth {
				want = append([]StateKey{create}, want...)
			}
			if got := AuthKeys(v, x.e.typ, UserID(x.e.sender), x.e.key, []byte(x.e.content)); !reflect.DeepEqual(got, want) {
				t.Errorf("version %s, %v: %v, want %v", id, x.e, got, want)
			}
		}
	}
	if AuthKeys(version(t, "11"), TypeCreate, alice, "", []byte(`{}`)) != nil {
		t.Error("a create event has auth events")
	}
}

// Spec: rooms/v12#authorization-rules
func TestCheckAuthEvents(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		c := newCourt(t, v, createContent(v))
		create, power := c.st.State(TypeCreate, ""), c.st.State(TypePowerLevels, "")
		me, other := c.st.State(TypeMember, carol), c.st.State(TypeMember, bob)
		e := c.event(ev{TypeMessage, carol, "-", `{}`}, nil)
		with := func(auth ...*Event) []*Event {
			if v.CreateInAuth {
				auth = append(auth, create)
			}
			return auth
		}
		if err := CheckAuthEvents(v, e, with(power, me)); err != nil {
			t.Errorf("version %s: %v", id, err)
		}
		foreign := *me
		foreign.RoomID = "!foreign:domain"
		for name, auth := range map[string][]*Event{
			"doubled":      with(power, me, me),
			"not selected": with(power, me, other),
			"no state":     with(power, e),
			"other room":   with(power, &foreign),
		} {
			if !fault.Is(CheckAuthEvents(v, e, auth), "M_FORBIDDEN") {
				t.Errorf("version %s: %s is allowed", id, name)
			}
		}
		// Room version 12 has turned this one around.
		if err := CheckAuthEvents(v, e, []*Event{power, me}); (err == nil) != v.HashRoomID {
			t.Errorf("version %s, without the create event: %v", id, err)
		}
		if err := CheckAuthEvents(v, e, []*Event{create, power, me}); (err == nil) != v.CreateInAuth {
			t.Errorf("version %s, with the create event: %v", id, err)
		}
		if CheckAuthEvents(v, create, nil) != nil || CheckAuthEvents(v, create, []*Event{power}) == nil {
			t.Errorf("version %s: auth events of the create event", id)
		}
	}
}

// Spec: rooms/v12#handling-redactions
func TestMayRedact(t *testing.T) {
	v := version(t, DefaultVersion)
	c := newCourt(t, v, createContent(v))
	p := NewPowerLevels(v, c.st.State(TypeCreate, ""), c.st.State(TypePowerLevels, ""))
	by := func(user string) *Event { return &Event{Sender: UserID(user)} }
	for _, x := range []struct {
		who, whose string
		may        bool
	}{{alice, eve, true}, {bob, eve, true}, {carol, eve, false}, {carol, carol, true}, {carol, bob, true}, {eve, carol, false}} {
		if got := MayRedact(p, by(x.who), by(x.whose)); got != x.may {
			t.Errorf("%s redacts an event of %s: %v", x.who, x.whose, got)
		}
	}
}
