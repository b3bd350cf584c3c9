package blackbox

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// What Cinny asks before anybody has signed in: it offers what the answers allow.
//
// Spec: cs#getwell-knownmatrixclient
// Spec: cs#get_matrixclientv3login
// Spec: cs#post_matrixclientv3register
func TestCinnyBeforeSignIn(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		if a := s.Must("GET", "/.well-known/matrix/client", "", nil); a.Get(`m\.homeserver.base_url`).Str == "" {
			t.Errorf("%s", a.Raw)
		}
		flows := s.Must("GET", harness.API+"/login", "", nil).Get("flows.#.type")
		if flows.Get(`#(=="m.login.password")`).Str == "" || flows.Get(`#(=="m.login.sso")`).Exists() {
			t.Errorf("flows: %s", flows.Raw)
		}
		status, a := s.Do("POST", harness.API+"/register", "", harness.M{})
		if status != http.StatusUnauthorized || a.Get("flows.0.stages.#").Int() == 0 || a.Get("session").Str == "" {
			t.Errorf("open registration: %d %s", status, a.Raw)
		}
	})
	s := harness.Start(t, harness.SQLite, harness.Env("CONCLAVE_ACCOUNTS_REGISTRATION_MODE=closed"))
	if status, a := s.Do("POST", harness.API+"/register", "", harness.M{}); status != http.StatusForbidden || a.Get("errcode").Str != "M_FORBIDDEN" {
		t.Errorf("closed registration: %d %s", status, a.Raw)
	}
}

// What Cinny asks on its pages: explore, inbox, settings, a room's messages and its pictures.
//
// Spec: cs#get_matrixclientv1mediaconfig
// Spec: cs#get_matrixclientv3notifications
// Spec: cs#get_matrixclientv3thirdpartyprotocols
// Spec: cs#get_matrixclientv1roomsroomidhierarchy
// Spec: cs#post_matrixclientv3publicrooms
// Spec: cs#post_matrixclientv3user_directorysearch
func TestCinnyPages(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		public := alice.CreateRoom(harness.M{"preset": "public_chat", "visibility": "public", "name": "Fruit", "room_alias_name": "fruit"})
		space := alice.CreateRoom(harness.M{"preset": "public_chat", "visibility": "public", "name": "All", "creation_content": harness.M{"type": "m.space"}})
		alice.Must("PUT", harness.Path("rooms", space, "state", "m.space.child", public), harness.M{"via": []string{"hs1"}, "suggested": true})

		if a := bob.Must("GET", "/_matrix/client/v1/media/config", nil); a.Get("m.upload.size").Int() == 0 && a.Get(`m\.upload\.size`).Int() == 0 {
			t.Errorf("media/config: %s", a.Raw)
		}
		if a := bob.Must("GET", harness.API+"/thirdparty/protocols", nil); a.Raw != "{}" {
			t.Errorf("protocols: %s", a.Raw)
		}
		page := harness.M{"limit": 24, "filter": harness.M{"generic_search_term": "frui", "room_types": []any{nil}}}
		if a := bob.Must("POST", harness.API+"/publicRooms?server=hs1", page); a.Get("chunk.#").Int() != 1 || a.Get("chunk.0.room_id").Str != public || a.Get("chunk.0.canonical_alias").Str != "#fruit:hs1" {
			t.Errorf("rooms: %s", a.Raw)
		}
		page = harness.M{"limit": 24, "filter": harness.M{"room_types": []any{"m.space"}}}
		if a := bob.Must("POST", harness.API+"/publicRooms?server=hs1", page); a.Get("chunk.#").Int() != 1 || a.Get("chunk.0.room_id").Str != space {
			t.Errorf("spaces: %s", a.Raw)
		}
		tree := bob.Must("GET", with("/_matrix/client/v1/rooms/"+url.PathEscape(space)+"/hierarchy", "limit", "50", "max_depth", "1", "suggested_only", "false"), nil)
		if tree.Get("rooms.#").Int() != 2 || tree.Get("rooms.0.children_state.0.state_key").Str != public {
			t.Errorf("the space: %s", tree.Raw)
		}
		bob.Must("POST", harness.Path("join", "#fruit:hs1"), harness.M{})
		mention := alice.Send(public, "m.room.message", harness.M{"msgtype": "m.text", "body": "look", "m.mentions": harness.M{"user_ids": []string{bob.ID}}})
		plain := alice.Send(public, "m.room.message", text("hello"))
		all := bob.Must("GET", harness.API+"/notifications?limit=24", nil)
		if all.Get("notifications.#").Int() != 2 || all.Get("notifications.0.event.event_id").Str != plain || all.Get("notifications.0.room_id").Str != public {
			t.Errorf("notifications: %s", all.Raw)
		}
		if a := bob.Must("GET", harness.API+"/notifications?limit=24&only=highlight", nil); a.Get("notifications.#").Int() != 1 || a.Get("notifications.0.event.event_id").Str != mention {
			t.Errorf("highlights: %s", a.Raw)
		}
		if a := bob.Must("POST", harness.API+"/user_directory/search", harness.M{"search_term": "alic", "limit": 100}); a.Get("results.0.user_id").Str != alice.ID || a.Get("limited").Type != gjson.False {
			t.Errorf("people: %s", a.Raw)
		}
		bob.Must("PUT", harness.Path("user", bob.ID, "account_data", "m.ignored_user_list"), harness.M{"ignored_users": harness.M{}})
		if a := bob.Must("GET", harness.Path("rooms", public, "aliases"), nil); a.Get("aliases.0").Str != "#fruit:hs1" {
			t.Errorf("aliases: %s", a.Raw)
		}
		// Room pictures need not be there; a missing one is no failure of the server.
		if status, a := bob.Do("GET", "/_matrix/client/v1/media/thumbnail/hs1/nosuch?width=96&height=96&method=crop", nil); status != http.StatusNotFound || a.Get("errcode").Str != "M_NOT_FOUND" {
			t.Errorf("a picture that is not there: %d %s", status, a.Raw)
		}
	})
}

// What Cinny does on a room's settings page, and what is left of the room when those in it are gone.
//
// Spec: cs#put_matrixclientv3directorylistroomroomid
// Spec: cs#put_matrixclientv3directoryroomroomalias
// Spec: cs#post_matrixclientv3roomsroomidupgrade
// Spec: cs#post_matrixclientv3publicrooms
// Spec: cs#post_matrixclientv3roomsroomidkick
func TestCinnyRoomSettings(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		carol, alice := s.Register("carol"), s.Register("alice")
		room := carol.CreateRoom(harness.M{
			"room_version": "12", "name": "Workshop", "topic": "Tools", "creation_content": harness.M{"additional_creators": []string{}},
			"initial_state": []any{harness.M{"type": "m.room.join_rules", "state_key": "", "content": harness.M{"join_rule": "invite"}}},
		})
		listed := func() gjson.Result {
			return alice.Must("POST", harness.API+"/publicRooms?server=hs1", harness.M{"limit": 24, "filter": harness.M{}}).Get("chunk.#.room_id")
		}
		set := func(kind string, content harness.M) {
			carol.Must("PUT", harness.Path("rooms", room, "state", kind)+"/", content)
		}
		set("m.room.join_rules", harness.M{"join_rule": "public"})
		set("m.room.history_visibility", harness.M{"history_visibility": "invited"})
		list := harness.Path("directory", "list", "room", room)
		carol.Must("PUT", list, harness.M{"visibility": "public"})
		if a := carol.Must("GET", list, nil); a.Get("visibility").Str != "public" || listed().Raw != `["`+room+`"]` {
			t.Errorf("%s, listed: %s", a.Raw, listed().Raw)
		}
		carol.Must("PUT", harness.Path("directory", "room", "#workshop:hs1"), harness.M{"room_id": room})
		if a := carol.Must("GET", harness.Path("rooms", room, "aliases"), nil); a.Get("aliases").Raw != `["#workshop:hs1"]` {
			t.Errorf("aliases: %s", a.Raw)
		}
		set("m.room.canonical_alias", harness.M{"alt_aliases": []string{"#workshop:hs1"}})
		set("m.room.name", harness.M{"name": "Workshop 2"})

		next := carol.Must("POST", harness.Path("rooms", room, "upgrade"), harness.M{"new_version": "12", "additional_creators": []string{}}).Get("replacement_room").Str
		if listed().Raw != `["`+next+`"]` {
			t.Errorf("the directory has %s, not the new room %s alone", listed().Raw, next)
		}
		if a := alice.Must("GET", harness.Path("directory", "room", "#workshop:hs1"), nil); a.Get("room_id").Str != next {
			t.Errorf("the alias stayed behind: %s", a.Raw)
		}
		carol.Must("POST", harness.Path("rooms", next, "invite"), harness.M{"user_id": alice.ID})
		alice.Must("POST", harness.Path("join", next), harness.M{})
		if a := carol.Must("GET", with("/_matrix/client/v1/mutual_rooms", "user_id", alice.ID), nil); a.Get("joined").Raw != `["`+next+`"]` {
			t.Errorf("rooms that both are in: %s", a.Raw)
		}
		since := alice.Sync("").Get("next_batch").Str
		carol.Must("POST", harness.Path("rooms", next, "kick"), harness.M{"user_id": alice.ID})
		gone := alice.Sync(since).Get("rooms.leave." + gjson.Escape(next) + `.timeline.events.#(state_key=="` + alice.ID + `")`)
		if gone.Get("content.membership").Str != "leave" || gone.Get("sender").Str != carol.ID {
			t.Errorf("who is removed is told: %s", gone.Raw)
		}

		// The page of a room that one is not in is made of its summary. Nobody is looking for a room without anybody in it.
		carol.Must("POST", harness.Path("rooms", next, "leave"), harness.M{})
		if a := carol.Must("GET", "/_matrix/client/unstable/im.nheko.summary/summary/"+url.PathEscape(next), nil); a.Get("num_joined_members").Raw != "0" || a.Get("name").Str != "Workshop 2" || a.Get("membership").Str != "leave" {
			t.Errorf("the summary: %s", a.Raw)
		}
		if listed().Raw != "[]" {
			t.Errorf("the directory has an empty room: %s", listed().Raw)
		}
		carol.Must("POST", harness.Path("join", next), harness.M{})
		if listed().Raw != `["`+next+`"]` {
			t.Errorf("the directory lacks the room again: %s", listed().Raw)
		}
	})
}

// What Cinny sends to set up the verification of devices, and what a second device reads back with the recovery key.
//
// Spec: cs#post_matrixclientv3keysdevice_signingupload
// Spec: cs#post_matrixclientv3room_keysversion
// Spec: cs#get_matrixclientv3room_keyskeysroomidsessionid
// Spec: cs#post_matrixclientv3delete_devices
func TestCinnySecondDevice(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		carol := s.Register("carol")
		room := carol.CreateRoom(harness.M{"preset": "private_chat"})
		data := func(kind string) string { return harness.Path("user", carol.ID, "account_data", kind) }
		store := harness.M{
			"m.secret_storage.key.k1":      harness.M{"algorithm": "m.secret_storage.v1.aes-hmac-sha2", "iv": "aXY", "mac": "bWFj"},
			"m.secret_storage.default_key": harness.M{"key": "k1"},
			"m.cross_signing.master":       harness.M{"encrypted": harness.M{"k1": harness.M{"iv": "aXY", "ciphertext": "Yw", "mac": "bWFj"}}},
		}
		for kind, content := range store {
			carol.Must("PUT", data(kind), content)
		}
		const version = harness.API + "/room_keys/version"
		refused(t, carol, "GET", version, nil, http.StatusNotFound, "M_NOT_FOUND")
		backup := harness.M{"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": harness.M{"public_key": "CxQqUMivv0FWXW8FlQ9jBLikU6FQbBPq4gLrjsHhty0", "signatures": harness.M{}}}
		v := carol.Must("POST", version, backup).Get("version").Str
		if a := carol.Must("GET", version+"/"+v, nil); a.Get("version").Str != v || a.Get("count").Raw != "0" || a.Get("etag").Type != gjson.String {
			t.Errorf("the backup: %s", a.Raw)
		}
		keys := with(harness.API+"/room_keys/keys", "version", v)
		if a := carol.Must("GET", keys, nil); a.Raw != `{"rooms":{}}` {
			t.Errorf("an empty backup: %s", a.Raw)
		}
		// Session ids are base64 of the kind that has + and / in it.
		const session = "tl+zuYwtvfYNLyrQ0wKcgrfF3gghZfRoE7/RCCln2WE"
		one := harness.M{"first_message_index": 0, "forwarded_count": 0, "is_verified": false, "session_data": harness.M{"ciphertext": "Yw", "ephemeral": "ZQ", "mac": "bQ"}}
		put := carol.Must("PUT", keys, harness.M{"rooms": harness.M{room: harness.M{"sessions": harness.M{session: one}}}})
		if put.Get("count").Raw != "1" || put.Get("etag").Type != gjson.String {
			t.Errorf("after storing a key: %s", put.Raw)
		}

		second := carol.Login()
		stored := second.Sync("").Get("account_data.events")
		for kind := range store {
			if got := second.Must("GET", data(kind), nil); got.Raw != stored.Get(`#(type=="`+kind+`").content`).Raw {
				t.Errorf("%s is %s, by /sync %s", kind, got.Raw, stored.Raw)
			}
		}
		path := "/_matrix/client/v3/room_keys/keys/" + url.PathEscape(room) + "/tl%2BzuYwtvfYNLyrQ0wKcgrfF3gghZfRoE7%2FRCCln2WE?version=" + v
		if a := second.Must("GET", path, nil); a.Get("session_data.ciphertext").Str != "Yw" {
			t.Errorf("the key: %s", a.Raw)
		}
		if a := second.Must("GET", keys, nil).Get("rooms." + gjson.Escape(room) + ".sessions." + gjson.Escape(session)); a.Get("session_data.mac").Str != "bQ" {
			t.Errorf("all keys: %s", a.Raw)
		}

		// The devices page: the first round tells what is wanted, the second brings it; the page reads the rest again.
		const remove = harness.API + "/delete_devices"
		status, ask := second.Do("POST", remove, harness.M{"devices": []string{carol.Device}})
		if status != http.StatusUnauthorized || ask.Get("flows.0.stages").Raw != `["m.login.password"]` || ask.Get("session").Str == "" {
			t.Errorf("the first round: %d %s", status, ask.Raw)
		}
		second.Must("POST", remove, harness.M{"devices": []string{carol.Device}, "auth": harness.M{
			"type": "m.login.password", "session": ask.Get("session").Str, "password": second.Password, "identifier": harness.M{"type": "m.id.user", "user": carol.ID},
		}})
		if a := second.Must("GET", harness.API+"/devices", nil).Get("devices.#.device_id"); a.Raw != `["`+second.Device+`"]` {
			t.Errorf("devices: %s", a.Raw)
		}
		refused(t, carol, "GET", version, nil, http.StatusUnauthorized, "M_UNKNOWN_TOKEN")
	})
}
