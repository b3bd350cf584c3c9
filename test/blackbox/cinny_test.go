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
