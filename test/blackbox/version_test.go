package blackbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// A room's life in every version that the server has: what differs between them, and that all else
// does not.
//
// Spec: rooms#room-versions
// Spec: cs#get_matrixclientv3capabilities
func TestRoomsOfEveryVersion(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob, carol := s.Register("alice"), s.Register("bob"), s.Register("carol")
		versions := alice.Must("GET", harness.API+"/capabilities", nil).Get(`capabilities.m\.room_versions`)
		if versions.Get("default").Str != "12" || len(versions.Get("available").Map()) != 7 {
			t.Errorf("versions: %s", versions.Raw)
		}
		room := alice.CreateRoom(harness.M{})
		if c := alice.Must("GET", harness.Path("rooms", room, "state", "m.room.create", ""), nil); c.Get("room_version").Str != "12" {
			t.Errorf("a room is by default %s", c.Raw)
		}
		for version := range versions.Get("available").Map() {
			t.Run(version, func(t *testing.T) { lifeOfARoom(t, version, alice, bob, carol) })
		}
		refused(t, alice, "POST", harness.API+"/createRoom", harness.M{"room_version": "5"}, http.StatusBadRequest, "M_UNSUPPORTED_ROOM_VERSION")
	})
}

func lifeOfARoom(t *testing.T, version string, alice, bob, carol *harness.User) {
	since := bob.Sync("").Get("next_batch").Str
	room := alice.CreateRoom(harness.M{"room_version": version, "preset": "private_chat", "name": "R", "invite": []string{bob.ID}})
	state := func(kind string, key ...string) string {
		return harness.Path(append([]string{"rooms", room, "state", kind}, append(key, "")[:1]...)...)
	}
	hashed, creators := version == "12", version == "12"
	if hashed == strings.Contains(room, ":") {
		t.Errorf("the room id is %s", room)
	}
	create, power := alice.Must("GET", state("m.room.create"), nil), alice.Must("GET", state("m.room.power_levels"), nil)
	if old := version != "11" && version != "12"; create.Get("creator").Exists() != old {
		t.Errorf("the creation is %s", create.Raw)
	}
	if power.Get("users."+gjson.Escape(alice.ID)).Exists() == creators {
		t.Errorf("the creator's level: %s", power.Raw)
	}
	invite := bob.Sync(since).Get("rooms.invite." + gjson.Escape(room) + ".invite_state.events")
	if !invite.Get(`#(type=="m.room.create")`).Exists() || invite.Get(`#(type=="m.room.name").content.name`).Str != "R" {
		t.Errorf("bob is invited to %s", invite.Raw)
	}
	bob.Join(room)
	first := bob.Send(room, "m.room.message", text("one"))
	id := alice.Must("PUT", harness.Path("rooms", room, "redact", first, "t1-"+version), harness.M{"reason": "no"}).Get("event_id").Str
	redaction := bob.Must("GET", harness.Path("rooms", room, "event", id), nil)
	if redaction.Get("redacts").Str != first || redaction.Get("content.redacts").Str != first {
		t.Errorf("clients of one age or the other do not learn what is redacted: %s", redaction.Raw)
	}
	if e := bob.Must("GET", harness.Path("rooms", room, "event", first), nil); e.Get("content.body").Exists() || e.Get("unsigned.redacted_because.event_id").Str != id {
		t.Errorf("the redacted message is %s", e.Raw)
	}

	// Members gain and lose power; in version 12 nobody can take the creator's.
	users := harness.M{bob.ID: 100}
	if !creators {
		users[alice.ID] = 100
	}
	levels := harness.M{"users": users, "users_default": 0, "events_default": 0, "state_default": 50, "ban": 50, "kick": 50, "invite": 0, "redact": 50, "events": harness.M{}}
	alice.Must("PUT", state("m.room.power_levels"), levels)
	if status, a := bob.Do("POST", harness.Path("rooms", room, "kick"), harness.M{"user_id": alice.ID}); status != http.StatusForbidden {
		t.Errorf("an equal is kicked: %d %s", status, a.Raw)
	}
	if creators {
		levels["users"] = harness.M{alice.ID: 100}
		refused(t, alice, "PUT", state("m.room.power_levels"), levels, http.StatusBadRequest, "M_BAD_JSON")
	}

	// Knocking, and joins restricted to another room's members, come with versions 7 and 8.
	rules := map[string]bool{"invite": true, "knock": version != "6", "restricted": version != "6" && version != "7", "knock_restricted": len(version) == 2}
	for rule, known := range rules {
		if known {
			alice.Must("PUT", state("m.room.join_rules"), harness.M{"join_rule": rule, "allow": []any{}})
		} else {
			alice.Must("PUT", state("m.room.join_rules"), harness.M{"join_rule": "invite"})
		}
		want := known && strings.HasPrefix(rule, "knock")
		status, a := carol.Do("POST", harness.Path("knock", room), harness.M{})
		if (status == http.StatusOK) != want {
			t.Errorf("a knock where the rule is %s: %d %s", rule, status, a.Raw)
		}
		if want {
			carol.Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
		}
	}
	if rules["restricted"] {
		club := carol.CreateRoom(harness.M{"room_version": version})
		alice.Must("PUT", state("m.room.join_rules"), harness.M{"join_rule": "restricted", "allow": []any{harness.M{"type": "m.room_membership", "room_id": club}}})
		carol.Join(room)
		if m := alice.Must("GET", state("m.room.member", carol.ID), nil); m.Get("join_authorised_via_users_server").Str == "" {
			t.Errorf("carol's membership is %s", m.Raw)
		}
	}
	// Leaving again is no error, for the answer to the first time may have got lost; nothing new happens by it.
	bob.Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
	out := bob.Sync("").Get("next_batch").Str
	bob.Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
	if a := bob.Sync(out); a.Get("rooms.leave").Exists() {
		t.Errorf("leaving a second time: %s", a.Raw)
	}
	replacement := alice.Must("POST", harness.Path("rooms", room, "upgrade"), harness.M{"new_version": "12"}).Get("replacement_room").Str
	if c := alice.Must("GET", harness.Path("rooms", replacement, "state", "m.room.create", ""), nil); c.Get("predecessor.room_id").Str != room || c.Get("room_version").Str != "12" {
		t.Errorf("the replacement is %s", c.Raw)
	}
	if tomb := alice.Must("GET", state("m.room.tombstone"), nil); tomb.Get("replacement_room").Str != replacement {
		t.Errorf("the old room ends with %s", tomb.Raw)
	}
}
