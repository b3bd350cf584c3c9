package blackbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// shaped checks that an answer has fields of the types that a client cannot do without. A field is
// "path:type"; the types are s, n, b, o, a, and s? or n? where null will do.
func shaped(t *testing.T, what string, a gjson.Result, fields string) {
	t.Helper()
	for f := range strings.FieldsSeq(fields) {
		path, kind, _ := strings.Cut(f, ":")
		v := a.Get(path)
		ok := map[string]bool{
			"s": v.Type == gjson.String, "n": v.Type == gjson.Number && !strings.ContainsAny(v.Raw, ".eE"), "b": v.IsBool(), "o": v.IsObject(), "a": v.IsArray(),
		}[kind[:1]]
		if !ok && (!strings.HasSuffix(kind, "?") || v.Raw != "null") {
			t.Errorf("%s: %s is no %q in %s", what, path, kind, a.Raw)
		}
	}
}

// matrix-nio checks every answer against a schema, and takes none for an answer that lacks a field.
// Its older versions ask below /r0 and put the token into the query.
//
// Spec: cs#get_matrixclientv3devices
// Spec: cs#get_matrixclientv3roomsroomidjoined_members
// Spec: cs#get_matrixclientv3roomsroomidstate
// Spec: cs#get_matrixclientv3directoryroomroomalias
// Spec: cs#standard-error-response
func TestNioChecksAnswers(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		for _, old := range []bool{false, true} {
			name, api := "new", harness.API
			if old {
				name, api = "old", "/_matrix/client/r0"
			}
			t.Run(name, func(t *testing.T) { nioSession(t, s, name, api, old) })
		}
	})
}

func nioSession(t *testing.T, s *harness.Server, name, api string, old bool) {
	alice, bob := s.Register("alice-"+name), s.Register("bob-"+name)
	must := func(method, path string, body any) gjson.Result {
		t.Helper()
		if !old {
			return alice.Must(method, api+path, body)
		}
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		return s.Must(method, api+path+sep+"access_token="+url.QueryEscape(alice.Token), "", body)
	}
	shaped(t, "login_info", s.Must("GET", api+"/login", "", nil), "flows:a flows.0.type:s")
	login := s.Must("POST", api+"/login", "", harness.M{
		"type": "m.login.password", "identifier": harness.M{"type": "m.id.user", "user": "alice-" + name}, "password": alice.Password, "device_id": "NIO", "initial_device_display_name": "nio",
	})
	shaped(t, "login", login, "user_id:s device_id:s access_token:s")
	shaped(t, "whoami", must("GET", "/account/whoami", nil), "user_id:s device_id:s")
	for _, d := range must("GET", "/devices", nil).Get("devices").Array() {
		shaped(t, "devices", d, "device_id:s display_name:s? last_seen_ip:s? last_seen_ts:n?")
	}
	must("PUT", "/profile/"+url.PathEscape(alice.ID)+"/displayname", harness.M{"displayname": "Alice"})
	shaped(t, "displayname", must("GET", "/profile/"+url.PathEscape(alice.ID)+"/displayname", nil), "displayname:s")
	shaped(t, "upload_filter", must("POST", "/user/"+url.PathEscape(alice.ID)+"/filter", harness.M{"presence": harness.M{"limit": 1}}), "filter_id:s")

	created := must("POST", "/createRoom", harness.M{"visibility": "public", "preset": "public_chat", "room_alias_name": "room-" + name, "name": "R", "topic": "T", "is_direct": false})
	shaped(t, "createRoom", created, "room_id:s")
	room := created.Get("room_id").Str
	in := "/rooms/" + url.PathEscape(room)
	bob.Join(room)
	shaped(t, "directory/room", must("GET", "/directory/room/"+url.PathEscape("#room-"+name+":hs1"), nil), "room_id:s servers:a servers.0:s")
	shaped(t, "send", must("PUT", in+"/send/m.room.message/t1", text("one")), "event_id:s")
	second := must("PUT", in+"/send/m.room.message/t2", text("two")).Get("event_id").Str
	must("PUT", in+"/redact/"+url.PathEscape(second)+"/t3", harness.M{"reason": "typo"})
	bob.Must("PUT", harness.Path("rooms", room, "typing", bob.ID), harness.M{"typing": true, "timeout": 30000})
	bob.Must("POST", harness.Path("rooms", room, "receipt", "m.read", second), harness.M{})

	for _, e := range must("GET", in+"/state", nil).Array() {
		shaped(t, "state", e, "event_id:s sender:s type:s state_key:s origin_server_ts:n content:o")
	}
	shaped(t, "joined_members", must("GET", in+"/joined_members", nil), "joined:o")
	shaped(t, "joined_rooms", must("GET", "/joined_rooms", nil), "joined_rooms:a")
	shaped(t, "context", must("GET", in+"/context/"+url.PathEscape(second), nil), "event:o events_before:a events_after:a start:s end:s state:a")
	sync := must("GET", "/sync?timeout=0&full_state=true", nil)
	nioSync(t, sync, room)
	page := must("GET", in+"/messages?dir=b&limit=50&from="+sync.Get("next_batch").Str, nil)
	shaped(t, "messages", page, "chunk:a start:s")
	for _, e := range page.Get("chunk").Array() {
		shaped(t, "messages", e, "event_id:s sender:s type:s origin_server_ts:n room_id:s content:o")
	}
	shaped(t, "keys/upload", must("POST", "/keys/upload", harness.M{}), "one_time_key_counts:o")
	shaped(t, "keys/claim", must("POST", "/keys/claim", harness.M{"one_time_keys": harness.M{bob.ID: harness.M{bob.Device: "signed_curve25519"}}}), "one_time_keys:o failures:o")
	shaped(t, "presence", must("GET", "/presence/"+url.PathEscape(bob.ID)+"/status", nil), "presence:s")
	shaped(t, "openid", must("POST", "/user/"+url.PathEscape(alice.ID)+"/openid/request_token", harness.M{}), "access_token:s expires_in:n matrix_server_name:s token_type:s")
	public := must("GET", "/publicRooms?limit=10", nil)
	shaped(t, "publicRooms", public, "chunk:a total_room_count_estimate:n")
	shaped(t, "publicRooms", public.Get("chunk.0"), "guest_can_join:b num_joined_members:n room_id:s world_readable:b")
	shaped(t, "visibility", must("GET", "/directory/list/room/"+url.PathEscape(room), nil), "visibility:s")
	for path, status := range map[string]int{
		in + "/event/$nope": 404, "/directory/room/%23nope:hs1": 404, "/profile/@nope:hs1": 404, in + "/state/m.room.avatar": 404, "/nope": 404, "/rooms/!nope:hs1/joined_members": 403,
	} {
		got, a := alice.Do("GET", api+path, nil)
		if got != status {
			t.Errorf("%s: %d %s", path, got, a.Raw)
		}
		shaped(t, path, a, "errcode:s error:s")
	}
	nioDeletesDevice(t, s, alice, api)
}

// nioSync checks what a client reads of a room in /sync.
func nioSync(t *testing.T, sync gjson.Result, room string) {
	shaped(t, "sync", sync, "next_batch:s rooms.join:o device_one_time_keys_count:o")
	in := joined(sync, room)
	shaped(t, "sync", in, "timeline.events:a timeline.limited:b timeline.prev_batch:s state.events:a ephemeral.events:a summary:o")
	for _, e := range in.Get("timeline.events").Array() {
		shaped(t, "timeline", e, "event_id:s sender:s type:s origin_server_ts:n content:o")
		if e.Get("type").Str == "m.room.redaction" {
			shaped(t, "redaction", e, "redacts:s content.redacts:s")
		}
		if because := e.Get("unsigned.redacted_because"); because.Exists() {
			shaped(t, "redacted", because, "sender:s content:o redacts:s")
		}
	}
	shaped(t, "typing", in.Get(`ephemeral.events.#(type=="m.typing")`), "content.user_ids:a")
	shaped(t, "receipt", in.Get(`ephemeral.events.#(type=="m.receipt")`), "content:o")
	for _, e := range sync.Get("presence.events").Array() {
		shaped(t, "presence", e, "sender:s type:s content.presence:s")
	}
	rules := sync.Get(`account_data.events.#(type=="m.push_rules").content.global`)
	for _, kind := range []string{"override", "content", "room", "sender", "underride"} {
		shaped(t, "push rules", rules, kind+":a")
	}
	for _, r := range rules.Get("override").Array() {
		shaped(t, "push rule", r, "rule_id:s default:b enabled:b actions:a")
	}
}

// nioDeletesDevice walks through the confirmation of a deletion as nio does, with the user named in the old way too.
//
// Spec: cs#post_matrixclientv3delete_devices
func nioDeletesDevice(t *testing.T, s *harness.Server, alice *harness.User, api string) {
	status, flows := alice.Do("POST", api+"/delete_devices", harness.M{"devices": []string{"NIO"}})
	if status != http.StatusUnauthorized {
		t.Fatalf("no confirmation is asked for: %d %s", status, flows.Raw)
	}
	shaped(t, "flows", flows, "flows:a flows.0.stages:a params:o session:s")
	alice.Must("POST", api+"/delete_devices", harness.M{"devices": []string{"NIO"}, "auth": harness.M{
		"type": "m.login.password", "user": alice.ID, "password": alice.Password, "session": flows.Get("session").Str,
	}})
	if a := alice.Must("GET", api+"/devices", nil); a.Get(`devices.#(device_id=="NIO")`).Exists() {
		t.Errorf("the device is still there: %s", a.Raw)
	}
}
