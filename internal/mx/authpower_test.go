package mx

import (
	"strings"
	"testing"
)

// Spec: rooms/v12#authorization-rules
// Spec: rooms/v9#mroompower_levels-events-accept-values-as-strings
func TestAuthorizePowerLevels(t *testing.T) {
	// Bob, at level 50, may send power levels in these rooms.
	base := func(more string) ev {
		return power(`{"events":{"m.room.power_levels":50,"high":51,"low":50},"notifications":{"room":50,"high":51},"state_default":50,"ban":51,"kick":50,` +
			`"users":{"@bob:domain":50,"@carol:domain":50,"@dave:domain":51,"@x:domain":10}` + more + `}`)
	}
	// change is what Bob sends: those levels with one piece of text replaced.
	change := func(old, new string) ev {
		e := base("")
		e.sender = bob
		if old != "" && !strings.Contains(e.content, old) {
			panic(old)
		}
		e.content = strings.Replace(e.content, old, new, 1)
		return e
	}
	trials := []trial{
		{name: "nothing changes", event: change("", ""), allow: all},
		{name: "by one without the power", event: ev{TypePowerLevels, "@x:domain", "", `{}`}},

		{name: "scalar: lower one's own", event: change(`"kick":50`, `"kick":0`), allow: all},
		{name: "scalar: raise above oneself", event: change(`"kick":50`, `"kick":51`)},
		{name: "scalar: remove", event: change(`"kick":50,`, ``), allow: all},
		{name: "scalar: lower what is above oneself", event: change(`"ban":51`, `"ban":50`)},
		{name: "scalar: remove what is above oneself", event: change(`"ban":51,`, ``)},
		{name: "scalar: add", event: change(`"kick":50`, `"kick":50,"invite":50`), allow: all},
		{name: "scalar: add above oneself", event: change(`"kick":50`, `"kick":50,"invite":51`)},
		{name: "scalar: add events_default above oneself", event: change(`"kick":50`, `"kick":50,"events_default":51`)},
		{name: "scalar: add users_default above oneself", event: change(`"kick":50`, `"kick":50,"users_default":51`)},
		{name: "scalar: add redact above oneself", event: change(`"kick":50`, `"kick":50,"redact":51`)},
		{name: "scalar: raise state_default above oneself", event: change(`"state_default":50`, `"state_default":51`)},

		{name: "events: change", event: change(`"low":50`, `"low":0`), allow: all},
		{name: "events: remove", event: change(`,"low":50`, ``), allow: all},
		{name: "events: add", event: change(`"low":50`, `"low":50,"new":50`), allow: all},
		{name: "events: add above oneself", event: change(`"low":50`, `"low":50,"new":51`)},
		{name: "events: raise above oneself", event: change(`"low":50`, `"low":51`)},
		{name: "events: lower what is above oneself", event: change(`"high":51`, `"high":50`)},
		{name: "events: remove what is above oneself", event: change(`"high":51,`, ``)},

		{name: "notifications: change", event: change(`"room":50`, `"room":0`), allow: all},
		{name: "notifications: add above oneself", event: change(`"room":50`, `"room":50,"new":51`)},
		{name: "notifications: remove what is above oneself", event: change(`"room":50,"high":51`, `"room":50`)},

		{name: "users: add", event: change(`"@x:domain":10`, `"@x:domain":10,"@y:domain":50`), allow: all},
		{name: "users: add above oneself", event: change(`"@x:domain":10`, `"@x:domain":10,"@y:domain":51`)},
		{name: "users: raise one below", event: change(`"@x:domain":10`, `"@x:domain":50`), allow: all},
		{name: "users: raise one below above oneself", event: change(`"@x:domain":10`, `"@x:domain":51`)},
		{name: "users: remove one below", event: change(`,"@x:domain":10`, ``), allow: all},
		{name: "users: lower an equal", event: change(`"@carol:domain":50`, `"@carol:domain":0`)},
		{name: "users: remove an equal", event: change(`"@carol:domain":50,`, ``)},
		{name: "users: lower one above", event: change(`"@dave:domain":51`, `"@dave:domain":0`)},
		{name: "users: lower oneself", event: change(`"@bob:domain":50`, `"@bob:domain":0`), allow: all},
		{name: "users: remove oneself", event: change(`"@bob:domain":50,`, ``), allow: all},
		{name: "users: raise oneself", event: change(`"@bob:domain":50`, `"@bob:domain":51`)},

		{name: "shape: a key that is no user id", event: change(`"@x:domain":10`, `"@x:domain":10,"x":1`)},
		{name: "shape: a historical user id", event: change(`"@x:domain":10`, `"@x:domain":10,"@É Y:domain":1`), allow: all},
		{name: "shape: users is an array", event: change(`{"@bob:domain":50,"@carol:domain":50,"@dave:domain":51,"@x:domain":10}`, `[]`)},
		{name: "shape: a level of a user is no level", event: change(`"@x:domain":10`, `"@x:domain":null`)},
		{name: "shape: a level of a user is a string", event: change(`"@x:domain":10`, `"@x:domain":"10"`), allow: "6-9"},
		{name: "shape: a level of a user is a word", event: change(`"@x:domain":10`, `"@x:domain":"ten"`)},
		{name: "shape: a level of a user is a string with a fraction", event: change(`"@x:domain":10`, `"@x:domain":"10.0"`)},
		{name: "shape: a scalar is a string", event: change(`"kick":50`, `"kick":"0050"`), allow: "6-9"},
		{name: "shape: a scalar is null", event: change(`"kick":50`, `"kick":null`)},
		{name: "shape: events is an array", event: change(`"events":{"m.room.power_levels":50,"high":51,"low":50}`, `"events":[]`)},
		{name: "shape: a level of an event is a string", event: change(`"low":50`, `"low":"50"`), allow: "6-9"},
		{name: "shape: a level of a notification is a string", event: change(`"room":50`, `"room":"50"`), allow: "6-9"},
	}
	for i := range trials {
		trials[i].state = []ev{base("")}
	}
	runTrials(t, trials)
}

// Spec: rooms/v12#authorization-rules
func TestAuthorizeCreators(t *testing.T) {
	two := `{"creator":"@alice:domain","additional_creators":["@carol:domain"]}`
	runTrials(t, []trial{
		{name: "a creator is above every level", state: []ev{power(`{"events_default":9007199254740991}`)}, event: ev{TypeMessage, alice, "-", `{}`}, allow: "12"},
		{name: "so is an additional creator", create: two, state: []ev{power(`{"events_default":9007199254740991}`)}, event: ev{TypeMessage, carol, "-", `{}`}, allow: "12"},
		{name: "creators cannot remove each other", create: two, event: ev{TypeMember, alice, carol, `{"membership":"ban"}`}, allow: "6-11"},
		{name: "power levels that name the creator", event: ev{TypePowerLevels, alice, "", `{"users":{"@alice:domain":100,"@bob:domain":50}}`}, allow: "6-11"},
		{name: "power levels that name an additional creator", create: two, event: ev{TypePowerLevels, alice, "", `{"users":{"@carol:domain":0}}`}, allow: "6-11"},
		{name: "a creator changes what is above all others", state: []ev{power(`{"ban":9007199254740991}`)}, event: ev{TypePowerLevels, alice, "", `{}`}, allow: "12"},
	})
}

// A room that has no power levels yet belongs to its creator.
func TestAuthorizeWithoutPowerLevels(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		c := newCourt(t, v, createContent(v))
		delete(c.st, StateKey{Type: TypePowerLevels})
		delete(c.st, StateKey{Type: TypeJoinRules})
		for _, x := range []struct {
			event ev
			allow bool
		}{
			{ev{TypeName, alice, "", `{}`}, true},
			{ev{TypeName, bob, "", `{}`}, false},
			{ev{TypeMessage, bob, "-", `{}`}, true},
			{ev{TypePowerLevels, alice, "", `{"users":{"@bob:domain":9007199254740991}}`}, true},
			{ev{TypePowerLevels, alice, "", `{"users":{"@bob":1}}`}, false},
			{ev{TypeMember, bob, dave, `{"membership":"invite"}`}, true},
			{ev{TypeMember, bob, carol, `{"membership":"leave"}`}, false},
			{ev{TypeMember, alice, carol, `{"membership":"leave"}`}, true},
			{member(dave, Join), false},
		} {
			if err := c.try(x.event); (err == nil) != x.allow {
				t.Errorf("version %s, %v: %v", id, x.event, err)
			}
		}
	}
}

// Spec: cs#mroompower_levels
// Spec: rooms/v12#event-format
func TestPowerLevelsRead(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		c := newCourt(t, v, `{"creator":"@alice:domain","additional_creators":["@carol:domain",7]}`)
		c.set(power(`{"ban":1,"kick":2,"invite":3,"redact":4,"users_default":5,"events_default":6,"state_default":7,` +
			`"users":{"@bob:domain":8},"events":{"a.b":9,"q\"":10},"notifications":{"room":11}}`))
		p := NewPowerLevels(v, c.st.State(TypeCreate, ""), c.st.State(TypePowerLevels, ""))
		creator, second := Level(5), Level(5)
		if v.Creators {
			creator, second = Infinite, Infinite
		}
		got := []Level{
			p.Ban, p.Kick, p.Invite, p.Redact, p.UsersDefault, p.EventsDefault, p.StateDefault, p.User(bob), p.Event("a.b", false), p.Event(`q"`, true),
			p.Notifications("room"), p.Notifications("x"), p.User(dave), p.Event("x", false), p.Event("x", true), p.User(alice), p.User(carol),
		}
		want := []Level{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 50, 5, 6, 7, creator, second}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("version %s: level %d is %d, want %d", id, i, got[i], want[i])
			}
		}
		named := map[UserID]Level{}
		for u, l := range p.Users() {
			named[u] = l
		}
		if len(named) != map[bool]int{false: 1, true: 3}[v.Creators] || named[bob] != 8 {
			t.Errorf("version %s: users are %v", id, named)
		}

		p = NewPowerLevels(v, c.st.State(TypeCreate, ""), nil)
		if p.Ban != 50 || p.Kick != 50 || p.Redact != 50 || p.Invite != 0 || p.StateDefault != 50 || p.EventsDefault != 0 || p.UsersDefault != 0 || p.User(bob) != 0 {
			t.Errorf("version %s: defaults are %+v", id, p)
		}
		if want := map[bool]Level{false: 100, true: Infinite}[v.Creators]; p.User(alice) != want {
			t.Errorf("version %s: the creator has %d, want %d", id, p.User(alice), want)
		}
	}
}
