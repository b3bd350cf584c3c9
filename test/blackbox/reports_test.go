package blackbox

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// The tests of this file show that what people reported of other servers is right here.

const lazy = `{"room":{"timeline":{"limit":%d},"state":{"lazy_load_members":true}}}`

// syncLazily is a /sync with few members, told of the state after the timeline or before it.
func syncLazily(u *harness.User, since string, limit int, after bool) gjson.Result {
	return u.Must("GET", with(harness.API+"/sync", "timeout", "0", "since", since, "filter", fmt.Sprintf(lazy, limit), "use_state_after", fmt.Sprint(after)), nil)
}

// stateOf indexes the state of a room in an answer by type and key; it fails for an event that is there twice.
func stateOf(t *testing.T, events gjson.Result) map[string]gjson.Result {
	t.Helper()
	state := map[string]gjson.Result{}
	for _, e := range events.Array() {
		key := e.Get("type").Str + " " + e.Get("state_key").Str
		if state[key].Exists() {
			t.Errorf("%s is there twice: %s", key, events.Raw)
		}
		state[key] = e
	}
	return state
}

// Heroes come with their member events, however state is told; who leaves within the timeline is gone
// from the state after it; nothing is told twice.
//
// Spec: MSC4222
// Spec: cs#get_matrixclientv3sync
func TestStateOfLazyMembers(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		var users []*harness.User
		for i := range 5 {
			users = append(users, s.Register(fmt.Sprintf("user%d", i)))
		}
		alice, bob := users[0], users[1]
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		for _, u := range users[1:] {
			u.Join(room)
		}
		alice.Must("PUT", harness.Path("rooms", room, "state", "m.room.topic", ""), harness.M{"topic": "old"})
		for range 5 {
			alice.Send(room, "m.room.message", text("x"))
		}
		var since string
		for _, after := range []bool{false, true} {
			answer := syncLazily(bob, "", 2, after)
			in := joined(answer, room)
			state := stateOf(t, in.Get(map[bool]string{false: "state.events", true: "state_after.events"}[after]))
			for _, hero := range in.Get(`summary.m\.heroes`).Array() {
				if !state["m.room.member "+hero.Str].Exists() {
					t.Errorf("after=%v: the hero %s has no name", after, hero.Str)
				}
			}
			since = answer.Get("next_batch").Str
		}
		users[4].Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
		alice.Must("POST", harness.Path("rooms", room, "kick"), harness.M{"user_id": users[3].ID})
		alice.Must("PUT", harness.Path("rooms", room, "state", "m.room.topic", ""), harness.M{"topic": "new"})
		state := stateOf(t, joined(syncLazily(bob, since, 20, true), room).Get("state_after.events"))
		for _, gone := range users[3:] {
			if state["m.room.member "+gone.ID].Get("content.membership").Str != "leave" {
				t.Errorf("%s is still in the room: %v", gone.ID, state)
			}
		}
		if state["m.room.topic "].Get("content.topic").Str != "new" {
			t.Errorf("the topic is %v", state["m.room.topic "])
		}
		// Before a timeline that begins with the new topic, the topic is the old one, and no event is in both.
		for limit := 1; limit < 16; limit += 3 {
			in := joined(syncLazily(bob, "", limit, false), room)
			state := stateOf(t, in.Get("state.events"))
			for _, e := range in.Get("timeline.events").Array() {
				if same := state[e.Get("type").Str+" "+e.Get("state_key").Str]; same.Exists() && same.Get("event_id").Str == e.Get("event_id").Str {
					t.Errorf("limit %d: %s is in the state and in the timeline", limit, e.Raw)
				}
			}
			if limit == 1 && state["m.room.topic "].Get("content.topic").Str != "old" {
				t.Errorf("before the new topic the topic is %v", state["m.room.topic "])
			}
		}
	})
}

// Whoever is invited again after rejecting, and after forgetting, hears of it each time; so does
// whoever's invitation or knock is taken back.
//
// Spec: cs#room-membership
// Spec: cs#knocking-on-rooms
func TestInvitationsComeAndGo(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"initial_state": []any{harness.M{"type": "m.room.join_rules", "content": harness.M{"join_rule": "knock"}}}})
		since := bob.Sync("").Get("next_batch").Str
		at := harness.Path("rooms", room)
		// then checks in which part of bob's next /sync the room is, and of an initial one.
		then := func(what, part string, lasting bool) {
			t.Helper()
			answer, whole := bob.Sync(since), bob.Sync("")
			since = answer.Get("next_batch").Str
			for _, p := range []string{"invite", "knock", "leave", "join"} {
				if there := answer.Get("rooms." + p + "." + gjson.Escape(room)).Exists(); there != (p == part) {
					t.Errorf("%s: in %q is %v: %s", what, p, there, answer.Get("rooms").Raw)
				}
				if there := whole.Get("rooms." + p + "." + gjson.Escape(room)).Exists(); there != (p == part && lasting) {
					t.Errorf("%s: in %q of an initial sync is %v", what, p, there)
				}
			}
		}
		invite := func() { alice.Must("POST", at+"/invite", harness.M{"user_id": bob.ID}) }
		for range 2 {
			invite()
			then("invited", "invite", true)
			bob.Must("POST", at+"/leave", harness.M{})
			then("rejected", "leave", false)
		}
		bob.Must("POST", at+"/forget", harness.M{})
		invite()
		then("invited after forgetting", "invite", true)
		alice.Must("POST", at+"/kick", harness.M{"user_id": bob.ID})
		then("the invitation is taken back", "leave", false)
		for range 2 {
			bob.Must("POST", harness.Path("knock", room), harness.M{"reason": "please"})
			then("knocked", "knock", true)
			bob.Must("POST", at+"/leave", harness.M{})
			then("the knock is taken back", "leave", false)
		}
		bob.Must("POST", harness.Path("knock", room), harness.M{})
		alice.Must("POST", at+"/kick", harness.M{"user_id": bob.ID, "reason": "no"})
		then("the knock is refused", "leave", false)
		bob.Must("POST", harness.Path("knock", room), harness.M{})
		then("knocked again", "knock", true)
		invite()
		then("let in", "invite", true)
		bob.Join(room)
		then("joined", "join", true)
		refused(t, bob, "POST", harness.Path("knock", room), harness.M{}, http.StatusForbidden, "M_FORBIDDEN")
	})
}

// Messages to a device come in their order, again until they are confirmed, and never after.
//
// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func TestMessagesToADeviceInOrder(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		since := bob.Sync("").Get("next_batch").Str
		const many = 230
		for i := range many {
			message := harness.M{"messages": harness.M{bob.ID: harness.M{bob.Device: harness.M{"n": i}}}}
			for range 1 + i%2 { // half of them twice, as if the answer had got lost
				alice.Must("PUT", harness.Path("sendToDevice", "m.test", fmt.Sprint("t", i)), message)
			}
		}
		next := 0
		for next < many {
			first, again := bob.Sync(since), bob.Sync(since)
			numbers := first.Get("to_device.events.#.content.n").Array()
			if len(numbers) == 0 || again.Get("to_device.events.0.content.n").Int() != numbers[0].Int() {
				t.Fatalf("after %d of %d messages come %s, and then %s", next, many, first.Get("to_device").Raw, again.Get("to_device").Raw)
			}
			for _, n := range numbers {
				if int(n.Int()) != next {
					t.Fatalf("message %d comes where %d was due", n.Int(), next)
				}
				next++
			}
			since = first.Get("next_batch").Str
		}
		if more := bob.Sync(since).Get("to_device.events.#").Int(); more != 0 {
			t.Errorf("%d messages come that were confirmed", more)
		}
	})
}

// A client that asks sliding sync for more state than before gets it at once, not with the next event.
//
// Spec: MSC4186
func TestMoreStateIsToldAtOnce(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		room := alice.CreateRoom(harness.M{"topic": "T"})
		ask := func(pos string, state ...[]string) gjson.Result {
			lists := harness.M{"lists": harness.M{"l": harness.M{"ranges": [][]int{{0, 20}}, "timeline_limit": 1, "required_state": state}}}
			return alice.Must("POST", with(unstable+"org.matrix.simplified_msc3575/sync", "timeout", "0", "pos", pos), lists)
		}
		first := ask("", []string{"m.room.create", ""})
		more := ask(first.Get("pos").Str, []string{"m.room.create", ""}, []string{"m.room.topic", ""}, []string{"m.room.member", "$ME"})
		state := stateOf(t, more.Get("rooms."+gjson.Escape(room)+".required_state"))
		if state["m.room.topic "].Get("content.topic").Str != "T" || !state["m.room.member "+alice.ID].Exists() {
			t.Errorf("%s", more.Raw)
		}
		if quiet := ask(more.Get("pos").Str, []string{"m.room.create", ""}, []string{"m.room.topic", ""}, []string{"m.room.member", "$ME"}); quiet.Get("rooms." + gjson.Escape(room)).Exists() {
			t.Errorf("it is told twice: %s", quiet.Raw)
		}
	})
}
