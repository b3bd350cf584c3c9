package mx

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"conclave.chat/internal/fault"
)

const alice, bob, carol, dave, eve = "@alice:domain", "@bob:domain", "@carol:domain", "@dave:domain", "@eve:elsewhere"

// ev is an event of a trial. No key: not a state event ("-" stands for that, as "" is a state key).
type ev struct{ typ, sender, key, content string }

func member(user, membership string) ev {
	return ev{TypeMember, user, user, `{"membership":"` + membership + `"}`}
}

func joinRule(rule string) ev {
	return ev{TypeJoinRules, alice, "", `{"join_rule":"` + rule + `"}`}
}

func power(content string) ev { return ev{TypePowerLevels, alice, "", content} }

// court is a room that Alice created and is in. Bob is in it with level 50, Carol with the default level.
type court struct {
	t  tester
	v  *RoomVersion
	id RoomID
	st StateMap
}

func newCourt(t tester, v *RoomVersion, createContent string) *court {
	c := &court{t: t, v: v, id: "!room:domain", st: StateMap{}}
	create := c.event(ev{TypeCreate, alice, "", createContent}, nil)
	c.id = create.RoomID
	c.st[create.Key()] = create
	users := `{"@alice:domain":100,"@bob:domain":50}`
	if v.Creators {
		users = `{"@bob:domain":50}`
	}
	c.set(member(alice, Join), member(bob, Join), member(carol, Join), power(`{"users":`+users+`}`), joinRule(JoinInvite))
	return c
}

func createContent(v *RoomVersion) string {
	if v.CreatorInContent {
		return `{"creator":"` + alice + `","room_version":"` + v.ID + `"}`
	}
	return `{"room_version":"` + v.ID + `"}`
}

// event builds one with the previous events given; nil stands for some event that is not the create event.
func (c *court) event(e ev, prev []EventID) *Event {
	c.t.Helper()
	if prev == nil && e.typ != TypeCreate {
		prev = []EventID{"$previous"}
	}
	p := Proto{RoomID: c.id, Sender: UserID(e.sender), Type: e.typ, Content: []byte(e.content), Depth: 7, TS: 7, PrevEvents: prev}
	if e.key != "-" {
		p.StateKey = &e.key
	}
	s := vectorSigner(c.t)
	s.Server = p.Sender.Server()
	got, err := Build(c.v, p, s)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *court) set(events ...ev) {
	c.t.Helper()
	for _, e := range events {
		b := c.event(e, nil)
		c.st[b.Key()] = b
	}
}

func (c *court) try(e ev) error {
	c.t.Helper()
	return Authorize(c.v, c.event(e, nil), c.st)
}

// trial says for which room versions ("6-9", "12" or "" for none) an event is allowed, the state being changed before.
type trial struct {
	name   string
	state  []ev
	event  ev
	allow  string
	create string // content of the create event, if not the usual
}

func (tr trial) allowed(v *RoomVersion) bool {
	if tr.allow == "" {
		return false
	}
	from, to, ranged := strings.Cut(tr.allow, "-")
	if !ranged {
		to = from
	}
	n, _ := strconv.Atoi(v.ID)
	lo, _ := strconv.Atoi(from)
	hi, _ := strconv.Atoi(to)
	return lo <= n && n <= hi
}

const all = "6-12"

func runTrials(t *testing.T, trials []trial) {
	t.Helper()
	for _, id := range Versions() {
		v := version(t, id)
		for _, tr := range trials {
			t.Run(fmt.Sprintf("v%s/%s", id, tr.name), func(t *testing.T) {
				content := createContent(v)
				if tr.create != "" {
					content = tr.create
				}
				c := newCourt(t, v, content)
				c.set(tr.state...)
				err := c.try(tr.event)
				if (err == nil) != tr.allowed(v) {
					t.Errorf("got %v", err)
				}
				if err != nil && !fault.Is(err, "M_FORBIDDEN") {
					t.Errorf("not a M_FORBIDDEN: %v", err)
				}
			})
		}
	}
}

// Spec: rooms/v12#authorization-rules
func TestAuthorizeGeneral(t *testing.T) {
	message := func(user string) ev { return ev{TypeMessage, user, "-", `{"body":"x"}`} }
	closed := `{"creator":"@alice:domain","m.federate":false}`
	runTrials(t, []trial{
		{name: "a member sends a message", event: message(carol), allow: all},
		{name: "a stranger sends a message", event: message(dave)},
		{name: "an invited user sends a message", state: []ev{member(dave, Invite)}, event: message(dave)},
		{name: "a former member sends a message", state: []ev{member(carol, Leave)}, event: message(carol)},
		{name: "a banned user sends a message", state: []ev{member(carol, Ban)}, event: message(carol)},
		{name: "a guest server's member sends a message", state: []ev{member(eve, Join)}, event: message(eve), allow: all},
		{name: "m.federate false keeps other servers out", create: closed, state: []ev{member(eve, Join)}, event: message(eve)},
		{name: "m.federate false concerns no one at home", create: closed, event: message(carol), allow: all},
		{name: "m.federate true", create: `{"creator":"@alice:domain","m.federate":true}`, state: []ev{member(eve, Join)}, event: message(eve), allow: all},
		{name: "events_default above the sender", state: []ev{power(`{"events_default":1}`)}, event: message(carol)},
		{name: "events names the type", state: []ev{power(`{"events_default":1,"events":{"m.room.message":0}}`)}, event: message(carol), allow: all},
		{name: "events names the type, with a dot in a longer name", state: []ev{power(`{"events":{"m.room.message":1}}`)}, event: ev{"m.room.message.x", carol, "-", `{}`}, allow: all},
		{name: "users_default gives power", state: []ev{power(`{"events_default":1,"users_default":1}`)}, event: message(carol), allow: all},
		{name: "users overrides users_default", state: []ev{power(`{"users_default":1,"events_default":1,"users":{"@carol:domain":0}}`)}, event: message(carol)},
		{name: "negative levels", state: []ev{power(`{"users":{"@carol:domain":-1}}`)}, event: message(carol)},
		{name: "state needs 50", event: ev{TypeName, carol, "", `{"name":"x"}`}},
		{name: "state is sent with 50", event: ev{TypeName, bob, "", `{"name":"x"}`}, allow: all},
		{name: "state_default", state: []ev{power(`{"state_default":0}`)}, event: ev{TypeName, carol, "", `{"name":"x"}`}, allow: all},
		{name: "no power levels: state needs 50 still", state: []ev{power(`{}`)}, event: ev{TypeName, bob, "", `{}`}},
		{name: "a creator needs no entry", state: []ev{power(`{}`)}, event: ev{TypeName, alice, "", `{}`}, allow: "12"},
		{name: "a level as a string", state: []ev{power(`{"users":{"@carol:domain":" +050 "}}`)}, event: ev{TypeName, carol, "", `{}`}, allow: "6-9"},
		{name: "own user id as state key", state: []ev{power(`{"state_default":0}`)}, event: ev{"x", carol, carol, `{}`}, allow: all},
		{name: "another's user id as state key", state: []ev{power(`{"state_default":0}`)}, event: ev{"x", carol, bob, `{}`}},
		{name: "another's user id as state key, whatever the power", event: ev{"x", alice, bob, `{}`}},
		{name: "a state key that begins with @ and is none", event: ev{"x", alice, "@", `{}`}},
		{name: "owned state is an ordinary state key", event: ev{"x", bob, "_@alice:domain", `{}`}, allow: all},
		{name: "aliases have no rule of their own", event: ev{"m.room.aliases", carol, "domain", `{}`}},
		{name: "aliases need the power for state", event: ev{"m.room.aliases", bob, "elsewhere", `{}`}, allow: all},
		{name: "redactions are ordinary events", event: ev{TypeRedaction, carol, "-", `{}`}, allow: all},
		{name: "third-party invite tokens need the invite level", state: []ev{power(`{"invite":1}`)}, event: ev{TypeThirdPartyInvite, carol, "t", `{}`}},
		{name: "third-party invite tokens need no more", event: ev{TypeThirdPartyInvite, carol, "t", `{}`}, allow: all},
		{name: "third-party invite tokens are for members", event: ev{TypeThirdPartyInvite, dave, "t", `{}`}},
	})
}

// Spec: rooms/v12#authorization-rules
func TestAuthorizeMembership(t *testing.T) {
	invite := func(by, whom string) ev { return ev{TypeMember, by, whom, `{"membership":"invite"}`} }
	kick := func(by, whom string) ev { return ev{TypeMember, by, whom, `{"membership":"leave"}`} }
	ban := func(by, whom string) ev { return ev{TypeMember, by, whom, `{"membership":"ban"}`} }
	runTrials(t, []trial{
		{name: "no membership", event: ev{TypeMember, carol, carol, `{}`}},
		{name: "no state key", event: ev{TypeMember, carol, "-", `{"membership":"join"}`}},
		{name: "unknown membership", event: member(carol, "lurk")},
		{name: "membership is no string", event: ev{TypeMember, carol, carol, `{"membership":1}`}},

		{name: "join: again", event: member(carol, Join), allow: all},
		{name: "join: uninvited", event: member(dave, Join)},
		{name: "join: invited", state: []ev{member(dave, Invite)}, event: member(dave, Join), allow: all},
		{name: "join: after leaving", state: []ev{member(dave, Leave)}, event: member(dave, Join)},
		{name: "join: public room", state: []ev{joinRule(JoinPublic)}, event: member(dave, Join), allow: all},
		{name: "join: public room, for somebody else", state: []ev{joinRule(JoinPublic)}, event: ev{TypeMember, carol, dave, `{"membership":"join"}`}},
		{name: "join: public room, banned", state: []ev{joinRule(JoinPublic), member(dave, Ban)}, event: member(dave, Join)},
		{name: "join: private room, invited", state: []ev{joinRule(JoinPrivate), member(dave, Invite)}, event: member(dave, Join)},
		{name: "join: knock room, invited", state: []ev{joinRule(JoinKnock), member(dave, Invite)}, event: member(dave, Join), allow: "7-12"},
		{name: "join: knock room, knocked", state: []ev{joinRule(JoinKnock), member(dave, Knock)}, event: member(dave, Join)},
		{name: "join: restricted room, invited", state: []ev{joinRule(JoinRestricted), member(dave, Invite)}, event: member(dave, Join), allow: "8-12"},
		{name: "join: knock_restricted room, invited", state: []ev{joinRule(JoinKnockRestricted), member(dave, Invite)}, event: member(dave, Join), allow: "10-12"},
		{name: "join: unknown join rule, invited", state: []ev{joinRule("x"), member(dave, Invite)}, event: member(dave, Join)},
		{name: "join: join rules without a rule, invited", state: []ev{{TypeJoinRules, alice, "", `{}`}, member(dave, Invite)}, event: member(dave, Join), allow: all},

		{name: "join: restricted room, nobody vouches", state: []ev{joinRule(JoinRestricted)}, event: member(dave, Join)},
		{name: "join: restricted room, a member vouches", state: []ev{joinRule(JoinRestricted)}, event: vouched(dave, bob), allow: "8-12"},
		{name: "join: knock_restricted room, a member vouches", state: []ev{joinRule(JoinKnockRestricted)}, event: vouched(dave, bob), allow: "10-12"},
		{name: "join: restricted room, a stranger vouches", state: []ev{joinRule(JoinRestricted)}, event: vouched(dave, "@x:domain")},
		{name: "join: restricted room, one without the power to invite vouches", state: []ev{joinRule(JoinRestricted), power(`{"invite":51,"users":{"@bob:domain":50}}`)}, event: vouched(dave, bob)},
		{name: "join: restricted room, a former member vouches", state: []ev{joinRule(JoinRestricted), member(bob, Leave)}, event: vouched(dave, bob)},
		{name: "join: restricted room, another server's member vouches without signing", state: []ev{joinRule(JoinRestricted), member(eve, Join)}, event: vouched(dave, eve)},
		{name: "join: restricted room, banned", state: []ev{joinRule(JoinRestricted), member(dave, Ban)}, event: vouched(dave, bob)},
		{name: "join: restricted room, what vouches is no user id", state: []ev{joinRule(JoinRestricted)}, event: vouched(dave, "x")},
		{name: "join: public room, another server vouches without signing", state: []ev{joinRule(JoinPublic)}, event: vouched(dave, eve), allow: "6-7"},
		{name: "leave: another server vouches without signing", event: ev{TypeMember, carol, carol, `{"membership":"leave","join_authorised_via_users_server":"@eve:elsewhere"}`}, allow: "6-7"},

		{name: "invite", event: invite(carol, dave), allow: all},
		{name: "invite: needs the level", state: []ev{power(`{"invite":1}`)}, event: invite(carol, dave)},
		{name: "invite: by a stranger", event: invite(dave, "@x:domain")},
		{name: "invite: by an invited user", state: []ev{member(dave, Invite)}, event: invite(dave, "@x:domain")},
		{name: "invite: a member", event: invite(alice, carol)},
		{name: "invite: a banned user", state: []ev{member(dave, Ban)}, event: invite(alice, dave)},
		{name: "invite: an invited user", state: []ev{member(dave, Invite)}, event: invite(carol, dave), allow: all},
		{name: "invite: one who knocked", state: []ev{member(dave, Knock)}, event: invite(carol, dave), allow: all},

		{name: "leave", event: member(carol, Leave), allow: all},
		{name: "leave: a stranger", event: member(dave, Leave)},
		{name: "leave: again", state: []ev{member(dave, Leave)}, event: member(dave, Leave)},
		{name: "leave: reject an invite", state: []ev{member(dave, Invite)}, event: member(dave, Leave), allow: all},
		{name: "leave: take back a knock", state: []ev{member(dave, Knock)}, event: member(dave, Leave), allow: "7-12"},
		{name: "leave: a banned user", state: []ev{member(dave, Ban)}, event: member(dave, Leave)},

		{name: "kick", event: kick(bob, carol), allow: all},
		{name: "kick: without the level", event: kick(carol, dave)},
		{name: "kick: one with as much power", state: []ev{power(`{"users":{"@bob:domain":50,"@carol:domain":50}}`)}, event: kick(bob, carol)},
		{name: "kick: a creator", state: []ev{power(`{"users":{"@bob:domain":9007199254740991}}`)}, event: kick(bob, alice), allow: "6-11"},
		{name: "kick: by a stranger", state: []ev{power(`{"users":{"@dave:domain":50}}`)}, event: kick(dave, carol)},
		{name: "kick: an invited user", state: []ev{member(dave, Invite)}, event: kick(bob, dave), allow: all},
		{name: "kick: own level", state: []ev{power(`{"kick":0,"users":{"@bob:domain":1}}`)}, event: kick(bob, carol), allow: all},
		{name: "unban", state: []ev{member(dave, Ban)}, event: kick(bob, dave), allow: all},
		{name: "unban: without the ban level", state: []ev{member(dave, Ban), power(`{"ban":51,"users":{"@bob:domain":50}}`)}, event: kick(bob, dave)},
		{name: "unban: without the kick level", state: []ev{member(dave, Ban), power(`{"kick":51,"users":{"@bob:domain":50}}`)}, event: kick(bob, dave)},

		{name: "ban", event: ban(bob, carol), allow: all},
		{name: "ban: a stranger", event: ban(bob, eve), allow: all},
		{name: "ban: without the level", event: ban(carol, dave)},
		{name: "ban: one with as much power", state: []ev{power(`{"users":{"@bob:domain":50,"@carol:domain":50}}`)}, event: ban(bob, carol)},
		{name: "ban: oneself", event: ban(bob, bob)},
		{name: "ban: a creator", state: []ev{power(`{"users":{"@bob:domain":9007199254740991}}`)}, event: ban(bob, alice), allow: "6-11"},
		{name: "ban: by a stranger", state: []ev{power(`{"users":{"@dave:domain":50}}`)}, event: ban(dave, carol)},

		{name: "knock", state: []ev{joinRule(JoinKnock)}, event: member(dave, Knock), allow: "7-12"},
		{name: "knock: knock_restricted", state: []ev{joinRule(JoinKnockRestricted)}, event: member(dave, Knock), allow: "10-12"},
		{name: "knock: invite only", event: member(dave, Knock)},
		{name: "knock: public", state: []ev{joinRule(JoinPublic)}, event: member(dave, Knock)},
		{name: "knock: restricted", state: []ev{joinRule(JoinRestricted)}, event: member(dave, Knock)},
		{name: "knock: for somebody else", state: []ev{joinRule(JoinKnock)}, event: ev{TypeMember, carol, dave, `{"membership":"knock"}`}},
		{name: "knock: again", state: []ev{joinRule(JoinKnock), member(dave, Knock)}, event: member(dave, Knock), allow: "7-12"},
		{name: "knock: after leaving", state: []ev{joinRule(JoinKnock), member(dave, Leave)}, event: member(dave, Knock), allow: "7-12"},
		{name: "knock: a member", state: []ev{joinRule(JoinKnock)}, event: member(carol, Knock)},
		{name: "knock: an invited user", state: []ev{joinRule(JoinKnock), member(dave, Invite)}, event: member(dave, Knock)},
		{name: "knock: a banned user", state: []ev{joinRule(JoinKnock), member(dave, Ban)}, event: member(dave, Knock)},
	})
}

func vouched(user, by string) ev {
	return ev{TypeMember, user, user, `{"membership":"join","join_authorised_via_users_server":"` + by + `"}`}
}
