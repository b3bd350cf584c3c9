package client

import (
	"net/url"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/mx"
)

// Spec: cs#get_matrixclientv3publicrooms
// Spec: cs#post_matrixclientv3publicrooms
// Spec: cs#get_matrixclientv3directorylistroomroomid
// Spec: cs#get_matrixclientv1room_summaryroomidoralias
// Spec: cs#get_matrixclientv1roomsroomidhierarchy
// Spec: cs#get_matrixclientv1mutual_rooms
// Spec: MSC3266
func TestDirectoryRoutes(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		space := r.Room(annie, `{"room_version":"12","type":"m.space"}`)
		room := r.Room(annie, "")
		r.Set(room, annie, mx.TypeJoinRules, "", `{"join_rule":"public"}`)
		r.Set(room, annie, mx.TypeName, "", `{"name":"un nom français"}`)
		r.Set(space, annie, mx.TypeSpaceChild, string(room), `{"via":["hs1"],"suggested":true}`)
		r.Member(room, ben, ben, mx.Join)
		r.Publish(room)
		r.Alias(room, "#name:hs1")

		for _, page := range []gjson.Result{
			r.get("v3/publicRooms?limit=5&server=hs1", "ben"),
			r.call("POST", "v3/publicRooms", "ben", `{"limit":5,"filter":{"generic_search_term":"FRANÇAIS","room_types":[null]},"include_all_networks":true}`, 200, ""),
		} {
			c := page.Get("chunk.0")
			if c.Get("room_id").Str != string(room) || c.Get("num_joined_members").Int() != 2 || c.Get("world_readable").Raw != "false" ||
				c.Get("guest_can_join").Raw != "false" || c.Get("join_rule").Str != "public" || c.Get("topic").Exists() {
				t.Errorf("public rooms: %s", page)
			}
		}
		if page := r.call("POST", "v3/publicRooms", "ben", `{"third_party_instance_id":"irc"}`, 200, ""); page.Get("chunk").Raw != "[]" {
			t.Errorf("another network: %s", page)
		}
		if v := r.get("v3/directory/list/room/"+string(room), ""); v.Get("visibility").Str != "public" {
			t.Errorf("visibility: %s", v)
		}
		if v := r.get("v3/directory/list/room/"+string(space), "annie"); v.Get("visibility").Str != "private" {
			t.Errorf("visibility: %s", v)
		}
		s := r.get("v1/room_summary/"+url.PathEscape("#name:hs1")+"?via=hs1", "ben")
		if s.Get("room_id").Str != string(room) || s.Get("membership").Str != "join" || s.Get("room_version").Str != "12" || s.Get("allowed_room_ids").Exists() {
			t.Errorf("summary: %s", s)
		}
		for _, path := range []string{"summary/" + string(room), "rooms/" + string(room) + "/summary"} {
			if s := r.get("unstable/im.nheko.summary/"+path, "ben"); s.Get(`im\.nheko\.summary\.room_version`).Str != "12" || s.Get("room_id").Str != string(room) {
				t.Errorf("old summary: %s", s)
			}
		}
		h := r.get("v1/rooms/"+string(space)+"/hierarchy?suggested_only=true&max_depth=3&limit=1", "annie")
		if h.Get("rooms.0.room_type").Str != "m.space" || h.Get("rooms.0.children_state.0.state_key").Str != string(room) ||
			!h.Get("rooms.0.children_state.0.origin_server_ts").Exists() || h.Get("rooms.0.children_state.0.event_id").Exists() {
			t.Errorf("hierarchy: %s", h)
		}
		h = r.get("v1/rooms/"+string(space)+"/hierarchy?from="+h.Get("next_batch").Str, "annie")
		if h.Get("rooms.#").Int() != 1 || h.Get("rooms.0.children_state").Raw != "[]" || h.Get("next_batch").Exists() {
			t.Errorf("next page: %s", h)
		}
		for _, path := range []string{"v1/mutual_rooms", "unstable/uk.half-shot.msc2666/user/mutual_rooms"} {
			if m := r.get(path+"?user_id="+string(ben), "annie"); m.Get("joined.0").Str != string(room) || m.Get("count").Int() != 1 {
				t.Errorf("mutual rooms: %s", m)
			}
		}
	})
}

func TestDirectoryBadInput(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := string(r.Room(annie, ""))
		for _, c := range []struct {
			path, token string
			status      int
			code        string
		}{
			{"v3/publicRooms", "", 401, "M_MISSING_TOKEN"},
			{"v3/publicRooms?limit=-1", "ben", 400, "M_INVALID_PARAM"},
			{"v3/publicRooms?since=x", "ben", 400, "M_INVALID_PARAM"},
			{"v3/publicRooms?server=other.example", "ben", 404, "M_NOT_FOUND"},
			{"v3/publicRooms?server=_", "ben", 400, "M_INVALID_PARAM"},
			{"v3/directory/list/room/x", "", 400, "M_INVALID_PARAM"},
			{"v3/directory/list/room/" + room, "", 404, "M_NOT_FOUND"},
			{"v3/directory/list/room/" + room, "ben", 404, "M_NOT_FOUND"},
			{"v3/directory/list/room/!unknown:hs1", "ben", 404, "M_NOT_FOUND"},
			{"v1/room_summary/x", "ben", 400, "M_INVALID_PARAM"},
			{"v1/room_summary/" + room, "ben", 404, "M_NOT_FOUND"},
			{"v1/room_summary/%23unknown:hs1", "ben", 404, "M_NOT_FOUND"},
			{"v1/room_summary/" + room, "", 401, "M_MISSING_TOKEN"},
			{"v1/rooms/" + room + "/hierarchy", "ben", 403, "M_FORBIDDEN"},
			{"v1/rooms/!unknown:hs1/hierarchy", "ben", 403, "M_FORBIDDEN"},
			{"v1/rooms/" + room + "/hierarchy?limit=0", "annie", 400, "M_INVALID_PARAM"},
			{"v1/rooms/" + room + "/hierarchy?max_depth=-1", "annie", 400, "M_INVALID_PARAM"},
			{"v1/rooms/" + room + "/hierarchy?suggested_only=1", "annie", 400, "M_INVALID_PARAM"},
			{"v1/rooms/" + room + "/hierarchy?from=x", "annie", 400, "M_INVALID_PARAM"},
			{"v1/mutual_rooms", "annie", 400, "M_MISSING_PARAM"},
			{"v1/mutual_rooms?user_id=x", "annie", 400, "M_INVALID_PARAM"},
			{"v1/mutual_rooms?user_id=@annie:hs1", "annie", 400, "M_INVALID_PARAM"},
			{"v1/mutual_rooms?user_id=@ben:hs1&from=x", "annie", 400, "M_INVALID_PARAM"},
		} {
			r.call("GET", c.path, c.token, "", c.status, c.code)
		}
		for body, code := range map[string]string{
			"": "M_NOT_JSON", "[]": "M_BAD_JSON", `{"limit":-1}`: "M_INVALID_PARAM", `{"limit":"5"}`: "M_BAD_JSON", `{"filter":[]}`: "M_BAD_JSON",
			`{"filter":{"room_types":"m.space"}}`: "M_BAD_JSON", `{"include_all_networks":true,"third_party_instance_id":"x"}`: "M_INVALID_PARAM",
		} {
			r.call("POST", "v3/publicRooms", "ben", body, 400, code)
		}
	})
}
