package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"conclave.chat/internal/door"
)

// names are the members that request bodies of the API have. Every route gets every one of them.
var names = strings.Fields(`access_token actions add_threepids address address_type aliases algorithm append app_display_name app_id auth avatar_url
	auth_data bind body client_secret conditions content creation_content data device_id device_keys device_display_name devices dir direction displayname enabled erase
	event_fields event_format event_id fallback_keys filter first_message_index forwarded_count from fully_read generic_search_term guest_access_token id_access_token id_server
	identifier include_all_networks inhibit_login initial_device_display_name initial_state invite invite_3pid is_direct is_verified keys kind lang limit lists locked logout_devices
	m.fully_read m.read m.read.private master_key medium messages method name new_password new_version next_token one_time_keys only order order_by password pattern power_level_content_override
	preset presence profile_tag pushkey reason refresh_token room_alias_name room_id room_version rooms score search_categories search_term self_signing_key session session_data
	since sid signatures signed status_msg suspended third_party_instance_id third_party_signed timeout to_device token topic transaction_id type typing url user user_id user_signing_key
	username version visibility`)

// values are of all sorts of JSON.
var values = []string{`null`, `true`, `-1`, `1e400`, `9007199254740993`, `1.5`, `"x"`, `"\u0000"`, `"\ud800"`, `[]`, `[null]`, `[[["x"]]]`, `{}`, `{"x":null}`, `{"x":{"x":[1.5]}}`}

// bodies are no sort of JSON that anybody expects.
var bodies = []string{
	"", " ", "{", "}", "[]", "null", "0", `"x"`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", "{}{}", "\xef\xbb\xbf{}", `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	`{"a":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5001), `{"body":"` + strings.Repeat("x", 70_000) + `"}`, `{"` + strings.Repeat("k", 70_000) + `":1}`,
}

// odd are things that stand where ids stand.
var odd = []string{"", "x", "!", "!x:hs1", "@x:hs1", "$x", "#x:hs1", "..", "%", "\x00", "\xff", "a/b", "a b", "💥", strings.Repeat("x", 300), strings.Repeat("é", 200), "-1", "{}"}

// Bad input is the caller's fault, is said to be, and never an internal error.
func TestBadInputIsNeverAnInternalError(t *testing.T) {
	s := newSite(t)
	alice := s.register("alice")
	room := s.room(alice)
	event := s.send(alice, room)
	good := map[string]string{
		"userId": alice.id, "roomId": room, "eventId": event, "deviceId": alice.device, "roomIdOrAlias": room, "receiptType": "m.read", "kind": "override",
		"serverName": "hs1", "dir": "b", "keyName": "m.tz", "eventType": "m.room.message", "roomAlias": "#x:hs1", "relType": "m.thread", "tag": "m.favourite", "type": "x.y",
	}
	check := func(name, what string, r reply) {
		t.Helper()
		page := strings.HasPrefix(string(r.Raw), "<!doctype html>") // for people, who need no errcode
		if r.Status >= http.StatusInternalServerError || (r.Status >= http.StatusBadRequest && r.Code == "" && r.JSON["flows"] == nil && !page) {
			t.Errorf("%s with %s: %d %.300s", name, what, r.Status, r.Raw)
		}
	}
	s.each(func(rt *door.Route, name string) {
		if skipped(name) {
			return
		}
		path := fill(rt.Path, good)
		if rt.Method == http.MethodPost || rt.Method == http.MethodPut {
			for _, b := range bodies {
				check(name, fmt.Sprintf("body %.40q", b), s.do(rt.Method, path, alice.token, []byte(b)))
			}
			for i, n := range names { // each member with two sorts of values, others with other routes
				for k := range 2 {
					b := fmt.Sprintf(`{%q:%s}`, n, values[(i*7+k*5+len(path))%len(values)])
					check(name, "body "+b, s.do(rt.Method, path, alice.token, []byte(b)))
				}
			}
			for _, v := range values { // all members with the same value
				b := fmt.Sprintf(`{%q:%s}`, names[0], v)
				for _, n := range names[1:] {
					b = b[:len(b)-1] + fmt.Sprintf(`,%q:%s}`, n, v)
				}
				check(name, "all members "+v, s.do(rt.Method, path, alice.token, []byte(b)))
			}
		}
		for _, m := range wildcard.FindAllStringSubmatch(rt.Path, -1) {
			for _, o := range odd {
				bad := map[string]string{}
				for k, v := range good {
					bad[k] = v
				}
				bad[m[1]] = o
				check(name, fmt.Sprintf("%s %.40q", m[1], o), s.do(rt.Method, fill(rt.Path, bad), alice.token, []byte(`{}`)))
			}
		}
		for _, q := range []string{
			"limit", "from", "to", "since", "filter", "timeout", "at", "dir", "ts", "width", "height", "method", "url", "membership", "not_membership",
			"max_depth", "suggested_only", "full_state", "set_presence", "format", "user_id", "include", "recurse", "version", "org.matrix.msc4140.delay", "timeout_ms",
		} {
			for _, v := range []string{"x", "-1", "99999999999999999999", "{", `{"room":{"timeline":{"limit":"x"}}}`, "\x00", "\xff", "1.5", "t1", "s1_1"} {
				if q == "timeout" && v == "99999999999999999999" {
					continue // waits for as long as the server allows
				}
				check(name, fmt.Sprintf("?%s=%q", q, v), s.do(rt.Method, path+"?timeout=0&"+q+"="+url.QueryEscape(v), alice.token, []byte(`{}`)))
			}
		}
	})
}

// skipped are the routes that would end the test's own session.
func skipped(name string) bool {
	return strings.Contains(name, "/logout") || strings.HasSuffix(name, "/account/deactivate")
}
