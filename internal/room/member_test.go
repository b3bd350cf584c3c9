package room_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
)

// refused checks that an error has a code.
func refused(t *testing.T, what string, err error, code string) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Spec: cs#room-membership
func TestMembership(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		r := n.create(t, alice, room.Create{})
		is := func(user mx.UserID, want string) {
			t.Helper()
			if got := n.snapshot(t, r).Membership(user); got != want {
				t.Errorf("%s is %q, want %q", user, got, want)
			}
			if rooms, err := n.Rooms(ctx, user); err != nil || rooms[r].Membership != want {
				t.Errorf("rooms of %s say %q (%v), want %q", user, rooms[r].Membership, err, want)
			}
		}
		refused(t, "join without invite", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
		refused(t, "knock at a closed room", n.Knock(ctx, bob, r, ""), "M_FORBIDDEN")
		refused(t, "leave from outside", n.Leave(ctx, bob, r, ""), "M_FORBIDDEN")
		refused(t, "forget from outside", n.Forget(ctx, bob, r), "M_UNKNOWN")
		refused(t, "invite from outside", n.Invite(ctx, bob, r, carol, ""), "M_FORBIDDEN")
		refused(t, "kick of a stranger", n.Kick(ctx, alice, r, bob, ""), "M_FORBIDDEN")
		refused(t, "unban of who is not banned", n.Unban(ctx, alice, r, bob, ""), "M_BAD_STATE")
		refused(t, "unban from outside", n.Unban(ctx, bob, r, carol, ""), "M_FORBIDDEN")
		refused(t, "invite of oneself", n.Invite(ctx, alice, r, alice, ""), "M_FORBIDDEN")
		refused(t, "invite of a user elsewhere", n.Invite(ctx, alice, r, "@x:other.example", ""), "M_FORBIDDEN")

		must(t, n.Invite(ctx, alice, r, bob, "come in"))
		is(bob, mx.Invite)
		if got := n.snapshot(t, r).State(mx.TypeMember, string(bob)).Str("reason"); got != "come in" {
			t.Errorf("reason is %q", got)
		}
		must(t, n.Invite(ctx, alice, r, bob, "come in"))
		must(t, n.Join(ctx, bob, r, nil))
		is(bob, mx.Join)
		refused(t, "invite of a member", n.Invite(ctx, alice, r, bob, ""), "M_FORBIDDEN")
		refused(t, "kick of the more powerful", n.Kick(ctx, bob, r, alice, ""), "M_FORBIDDEN")
		refused(t, "forget of a room that one is in", n.Forget(ctx, bob, r), "M_UNKNOWN")
		must(t, n.Kick(ctx, alice, r, bob, "rude"))
		is(bob, mx.Leave)
		refused(t, "kick of who left", n.Kick(ctx, alice, r, bob, ""), "M_FORBIDDEN")
		must(t, n.Forget(ctx, bob, r))
		if rooms, err := n.Rooms(ctx, bob); err != nil || !rooms[r].Forgotten {
			t.Errorf("not forgotten: %v %v", rooms, err)
		}
		must(t, n.Ban(ctx, alice, r, bob, ""))
		is(bob, mx.Ban)
		refused(t, "kick of the banned", n.Kick(ctx, alice, r, bob, ""), "M_FORBIDDEN")
		refused(t, "invite of the banned", n.Invite(ctx, alice, r, bob, ""), "M_FORBIDDEN")
		refused(t, "join of the banned", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
		must(t, n.Unban(ctx, alice, r, bob, ""))
		is(bob, mx.Leave)
		must(t, n.Invite(ctx, alice, r, bob, ""))
		if rooms, err := n.Rooms(ctx, bob); err != nil || rooms[r].Forgotten {
			t.Errorf("an invite does not bring a forgotten room back: %v %v", rooms, err)
		}
		must(t, n.Leave(ctx, bob, r, "no"))
		is(bob, mx.Leave)
		n.checkLog(t, r)
	})
}

// A room that was forgotten on one node is forgotten on the others too, also when word of it got lost.
//
// Spec: cs#post_matrixclientv3roomsroomidforget
func TestForgottenOnAllNodes(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		told, deaf := wire(t, n.db, n.bus), wire(t, n.db, notify.New())
		r := n.create(t, alice, room.Create{Preset: "public_chat"})
		must(t, n.Join(ctx, bob, r, nil))
		must(t, n.Leave(ctx, bob, r, ""))
		is := func(what string, other *node, want bool) {
			t.Helper()
			if rooms, err := other.Rooms(ctx, bob); err != nil || rooms[r].Membership != mx.Leave || rooms[r].Forgotten != want {
				t.Errorf("%s: %+v %v", what, rooms[r], err)
			}
		}
		is("told", told, false)
		is("deaf", deaf, false)
		must(t, n.Forget(ctx, bob, r))
		is("here", n, true)
		is("told", told, true)
		pos, err := n.db.Position(ctx)
		must(t, err)
		if pos == n.snapshot(t, r).Head() {
			t.Error("forgetting takes no position, so nobody notices that word of it got lost")
		}
		deaf.Listen(store.Batch{To: pos, Lost: true})
		is("deaf, once it knows that it is", deaf, true)
	})
}

// Whether a room exists is not told to who has nothing to do with it: every answer about one is the answer about another.
func TestNobodyLearnsWhichRoomsExist(t *testing.T) {
	n := open(t, "sqlite")
	ctx := context.Background()
	real := n.create(t, alice, room.Create{})
	event := n.send(t, message(real, alice, "x"))
	none := mx.RoomID("!" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	for name, do := range map[string]func(mx.RoomID) error{
		"join":   func(r mx.RoomID) error { return n.Join(ctx, bob, r, nil) },
		"knock":  func(r mx.RoomID) error { return n.Knock(ctx, bob, r, "") },
		"leave":  func(r mx.RoomID) error { return n.Leave(ctx, bob, r, "") },
		"forget": func(r mx.RoomID) error { return n.Forget(ctx, bob, r) },
		"invite": func(r mx.RoomID) error { return n.Invite(ctx, bob, r, carol, "") },
		"kick":   func(r mx.RoomID) error { return n.Kick(ctx, bob, r, alice, "") },
		"ban":    func(r mx.RoomID) error { return n.Ban(ctx, bob, r, alice, "") },
		"unban":  func(r mx.RoomID) error { return n.Unban(ctx, bob, r, alice, "") },
		"send":   func(r mx.RoomID) error { _, err := n.Append(ctx, message(r, bob, "x")); return err },
		"state":  func(r mx.RoomID) error { _, err := n.SetState(ctx, bob, r, mx.TypeName, "", []byte(`{}`)); return err },
		"create": func(r mx.RoomID) error {
			_, err := n.SetState(ctx, bob, r, mx.TypeCreate, "", []byte(`{}`))
			return err
		},
		"power": func(r mx.RoomID) error {
			_, err := n.SetState(ctx, bob, r, mx.TypePowerLevels, "", []byte(`{"users":3}`))
			return err
		},
		"alias state": func(r mx.RoomID) error {
			_, err := n.SetState(ctx, bob, r, mx.TypeCanonicalAlias, "", []byte(`{"alias":3}`))
			return err
		},
		"redact": func(r mx.RoomID) error {
			_, err := n.Redact(ctx, room.Redaction{Room: r, By: bob, Event: event})
			return err
		},
		"upgrade": func(r mx.RoomID) error { _, err := n.Upgrade(ctx, bob, r, "12", nil); return err },
		"alias":   func(r mx.RoomID) error { return n.AddAlias(ctx, bob, "#x:test.example", r) },
		"aliases": func(r mx.RoomID) error { _, err := n.Aliases(ctx, bob, r); return err },
		"oversize": func(r mx.RoomID) error {
			_, err := n.Append(ctx, message(r, bob, fmt.Sprintf("%065000d", 0)))
			return err
		},
	} {
		a, b := do(real), do(none)
		if a == nil || b == nil || a.Error() != b.Error() {
			t.Errorf("%s: %q for a room that exists, %q for one that does not", name, fmt.Sprint(a), fmt.Sprint(b))
		}
	}
}

// Spec: cs#restricted-rooms
func TestRestrictedRooms(t *testing.T) {
	for _, version := range []string{"8", "10", "12"} {
		t.Run(version, func(t *testing.T) {
			n := open(t, "sqlite")
			ctx := context.Background()
			club := n.create(t, carol, room.Create{Preset: "public_chat"})
			rules := fmt.Sprintf(`{"join_rule":"restricted","allow":[7,{"type":"m.room_membership","room_id":%q}]}`, club)
			r := n.create(t, alice, room.Create{Version: version, State: []room.InitialState{{Type: mx.TypeJoinRules, Content: []byte(rules)}}})
			refused(t, "outside of the club", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
			must(t, n.Join(ctx, bob, club, nil))
			must(t, n.Join(ctx, bob, r, []byte(`{"join_authorised_via_users_server":"@mallory:test.example"}`)))
			if via := n.snapshot(t, r).State(mx.TypeMember, string(bob)).Str("join_authorised_via_users_server"); via != string(alice) {
				t.Errorf("joined via %q", via)
			}
			// Once in, the condition need not hold any more.
			must(t, n.Leave(ctx, bob, club, ""))
			must(t, n.ProfileChanged(ctx, bob, "", ""))
			n.send(t, message(r, bob, "still here"))
			must(t, n.Leave(ctx, bob, r, ""))
			refused(t, "after leaving both", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
			// Nobody is left who may invite.
			must(t, n.Join(ctx, bob, club, nil))
			must(t, n.Invite(ctx, alice, r, carol, ""))
			must(t, n.Join(ctx, carol, r, nil))
			_, err := n.SetState(ctx, alice, r, mx.TypePowerLevels, "", powers(version, `"invite":50`))
			must(t, err)
			must(t, n.Leave(ctx, alice, r, ""))
			refused(t, "with nobody to vouch", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
		})
	}
}

// powers is the content of power levels with alice on top.
func powers(version, more string) []byte {
	if version == "12" {
		return []byte(`{"users":{},` + more + `}`)
	}
	return fmt.Appendf(nil, `{"users":{%q:100},%s}`, alice, more)
}

// Spec: cs#knocking-on-rooms
func TestKnocking(t *testing.T) {
	n := open(t, "sqlite")
	ctx := context.Background()
	club := n.create(t, carol, room.Create{Preset: "public_chat"})
	for rule, version := range map[string]string{"knock": "7", "knock_restricted": "12"} {
		rules := fmt.Sprintf(`{"join_rule":%q,"allow":[{"type":"m.room_membership","room_id":%q}]}`, rule, club)
		r := n.create(t, alice, room.Create{Version: version, State: []room.InitialState{{Type: mx.TypeJoinRules, Content: []byte(rules)}}})
		must(t, n.Knock(ctx, bob, r, "let me in"))
		if ev := n.snapshot(t, r).State(mx.TypeMember, string(bob)); ev.Membership() != mx.Knock || ev.Str("reason") != "let me in" {
			t.Errorf("%s: %s", rule, ev.Content)
		}
		refused(t, "join by a knock alone", n.Join(ctx, bob, r, nil), "M_FORBIDDEN")
		must(t, n.Leave(ctx, bob, r, ""))
		must(t, n.Knock(ctx, bob, r, ""))
		must(t, n.Invite(ctx, alice, r, bob, ""))
		refused(t, "knock of the invited", n.Knock(ctx, bob, r, ""), "M_FORBIDDEN")
		must(t, n.Join(ctx, bob, r, nil))
		refused(t, "knock of a member", n.Knock(ctx, bob, r, ""), "M_FORBIDDEN")
	}
}

// people are profiles and refusals of invites.
type people struct {
	profile map[mx.UserID]room.Profile
	closed  map[mx.UserID]bool
	tagged  map[mx.UserID]string
}

func (p *people) Profile(_ context.Context, u mx.UserID) (room.Profile, error) {
	return p.profile[u], nil
}

func (p *people) InviteAllowed(_ context.Context, _, u mx.UserID) error {
	if p.closed[u] {
		return fault.New(fault.Forbidden, "M_INVITE_BLOCKED", "no")
	}
	return nil
}

func (p *people) SetTag(_ context.Context, u mx.UserID, r mx.RoomID, tag string) error {
	p.tagged[u] = string(r) + " " + tag
	return nil
}

func withPeople() (*people, setup) {
	p := &people{map[mx.UserID]room.Profile{}, map[mx.UserID]bool{}, map[mx.UserID]string{}}
	return p, func(d *room.Deps) { d.Profiles, d.Invites, d.Tags = p, p, p }
}

// Spec: cs#invite-permission
func TestInvitesThatAreBlocked(t *testing.T) {
	p, set := withPeople()
	n := open(t, "sqlite", set)
	ctx := context.Background()
	p.closed[bob] = true
	r := n.create(t, alice, room.Create{})
	refused(t, "invite", n.Invite(ctx, alice, r, bob, ""), "M_INVITE_BLOCKED")
	_, err := n.SetState(ctx, alice, r, mx.TypeMember, string(bob), []byte(`{"membership":"invite"}`))
	refused(t, "state", err, "M_INVITE_BLOCKED")
	_, err = n.CreateRoom(ctx, alice, room.Create{Invite: []string{string(bob)}})
	refused(t, "createRoom", err, "M_INVITE_BLOCKED")
	refused(t, "invite from outside", n.Invite(ctx, carol, r, bob, ""), "M_FORBIDDEN")
}

// Spec: cs#events-on-change-of-profile-information
// Spec: cs#profiles
func TestProfilesAreInMemberEvents(t *testing.T) {
	p, set := withPeople()
	n := open(t, "sqlite", set)
	ctx := context.Background()
	p.profile[bob] = room.Profile{DisplayName: "Bob", AvatarURL: "mxc://test.example/b"}
	var rooms []mx.RoomID
	for range 40 {
		r := n.create(t, alice, room.Create{Preset: "public_chat", Invite: []string{string(bob)}, Direct: true})
		if ev := n.snapshot(t, r).State(mx.TypeMember, string(bob)); ev.Str("displayname") != "Bob" || string(ev.Get("is_direct")) != "true" {
			t.Fatalf("invite is %s", ev.Content)
		}
		must(t, n.Join(ctx, bob, r, nil))
		rooms = append(rooms, r)
	}
	left := n.create(t, alice, room.Create{Preset: "public_chat"})
	must(t, n.Join(ctx, bob, left, nil))
	must(t, n.Leave(ctx, bob, left, ""))
	p.profile[bob] = room.Profile{DisplayName: "Robert"}
	must(t, n.ProfileChanged(ctx, bob, "Bob", "mxc://test.example/b"))
	for _, r := range rooms {
		if ev := n.snapshot(t, r).State(mx.TypeMember, string(bob)); ev.Str("displayname") != "Robert" || ev.Has("avatar_url") || ev.Membership() != mx.Join {
			t.Errorf("member event is %s", ev.Content)
		}
	}
	if n.snapshot(t, left).Membership(bob) != mx.Leave {
		t.Error("a new name brought bob back")
	}
	head := n.snapshot(t, rooms[0]).Head()
	must(t, n.ProfileChanged(ctx, bob, "Robert", ""))
	if n.snapshot(t, rooms[0]).Head() != head {
		t.Error("nothing changed, yet an event was sent")
	}
	if ok, err := n.Visible(ctx, alice, bob); !ok || err != nil {
		t.Error("bob is not visible in a public room", err)
	}
	must(t, n.LeaveAll(ctx, bob))
	must(t, n.LeaveAll(ctx, bob))
	for _, r := range rooms {
		if n.snapshot(t, r).Membership(bob) != mx.Leave {
			t.Error("bob is still there")
		}
	}
	if ok, err := n.Visible(ctx, alice, bob); ok || err != nil {
		t.Error("bob is visible without a room", err)
	}
}

// Spec: cs#events-on-change-of-profile-information
func TestWhatAMemberSetForOneRoomStays(t *testing.T) {
	p, set := withPeople()
	n := open(t, "sqlite", set)
	ctx := context.Background()
	p.profile[bob] = room.Profile{DisplayName: "Bob", AvatarURL: "mxc://test.example/b"}
	type shown struct{ name, avatar string }
	var rooms []mx.RoomID
	for _, own := range []string{
		``, // nothing
		`{"membership":"join","displayname":"Bob from sales","avatar_url":"mxc://test.example/b"}`,
		`{"membership":"join","displayname":"Bob","avatar_url":"mxc://test.example/sales"}`,
		`{"membership":"join","displayname":"Bob from sales"}`,
	} {
		r := n.create(t, alice, room.Create{Preset: "public_chat"})
		must(t, n.Join(ctx, bob, r, nil))
		if own != "" {
			_, err := n.SetState(ctx, bob, r, mx.TypeMember, string(bob), []byte(own))
			must(t, err)
		}
		rooms = append(rooms, r)
	}
	check := func(want ...shown) {
		t.Helper()
		for i, r := range rooms {
			ev := n.snapshot(t, r).State(mx.TypeMember, string(bob))
			if got := (shown{ev.Str("displayname"), ev.Str("avatar_url")}); got != want[i] || ev.Membership() != mx.Join {
				t.Errorf("room %d shows %s, want %v", i, ev.Content, want[i])
			}
		}
	}
	p.profile[bob] = room.Profile{DisplayName: "Robert", AvatarURL: "mxc://test.example/b"}
	must(t, n.ProfileChanged(ctx, bob, "Bob", "mxc://test.example/b"))
	check(shown{"Robert", "mxc://test.example/b"}, shown{"Bob from sales", "mxc://test.example/b"},
		shown{"Robert", "mxc://test.example/sales"}, shown{"Bob from sales", ""})
	p.profile[bob] = room.Profile{DisplayName: "Robert", AvatarURL: "mxc://test.example/r"}
	must(t, n.ProfileChanged(ctx, bob, "Robert", "mxc://test.example/b"))
	check(shown{"Robert", "mxc://test.example/r"}, shown{"Bob from sales", "mxc://test.example/r"},
		shown{"Robert", "mxc://test.example/sales"}, shown{"Bob from sales", ""})
	p.profile[bob] = room.Profile{AvatarURL: "mxc://test.example/r"}
	must(t, n.ProfileChanged(ctx, bob, "Robert", "mxc://test.example/r"))
	check(shown{"", "mxc://test.example/r"}, shown{"Bob from sales", "mxc://test.example/r"},
		shown{"", "mxc://test.example/sales"}, shown{"Bob from sales", ""})
}
