package blackbox

import (
	"net/http"
	"testing"

	"conclave.chat/test/harness"
)

const pushRules = "/_matrix/client/v3/pushrules"

// Spec: cs#get_matrixclientv3pushrules
// Spec: cs#get_matrixclientv3pushrulesglobal
// Spec: cs#get_matrixclientv3pushrulesglobalkindruleid
// Spec: cs#put_matrixclientv3pushrulesglobalkindruleid
// Spec: cs#delete_matrixclientv3pushrulesglobalkindruleid
// Spec: cs#get_matrixclientv3pushrulesglobalkindruleidenabled
// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidenabled
// Spec: cs#get_matrixclientv3pushrulesglobalkindruleidactions
// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidactions
// Spec: cs#push-rules
// Spec: cs#mpush_rules
func TestPushRules(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		u := s.Register("u")
		since := u.Sync("").Get("next_batch").Str
		const rule = pushRules + "/global/content/cake"
		u.Must("PUT", rule, harness.M{"pattern": "cake*lie", "actions": []any{"notify"}})
		if a := u.Sync(since).Get(`account_data.events.#(type=="m.push_rules").content.global.content.0`); a.Get("rule_id").Str != "cake" || !a.Get("enabled").Bool() {
			t.Errorf("the rule does not come down /sync: %s", a.Raw)
		}
		u.Must("PUT", rule+"/enabled", harness.M{"enabled": false})
		u.Must("PUT", rule+"/actions", harness.M{"actions": []any{"notify", harness.M{"set_tweak": "highlight"}}})
		if u.Must("GET", rule+"/enabled", nil).Get("enabled").Bool() || u.Must("GET", rule+"/actions", nil).Get("actions.1.set_tweak").Str != "highlight" {
			t.Errorf("the rule is %s", u.Must("GET", rule, nil).Raw)
		}
		all, global := u.Must("GET", pushRules+"/", nil), u.Must("GET", pushRules+"/global/", nil)
		if all.Get("global.override.0.rule_id").Str != ".m.rule.master" || global.Get("content.0.pattern").Str != "cake*lie" {
			t.Errorf("%s", all.Raw)
		}
		for path, want := range map[string]int{"/global/content/.mine": 400, "/global/nothing/x": 400, "/global/override/x?before=nobody": 400} {
			if status, a := u.Do("PUT", pushRules+path, harness.M{"pattern": "x", "actions": []any{}}); status != want {
				t.Errorf("%s: %d %s", path, status, a.Raw)
			}
		}
		u.Must("DELETE", rule, nil)
		if status, a := u.Do("GET", rule, nil); status != http.StatusNotFound || a.Get("errcode").Str != "M_NOT_FOUND" {
			t.Errorf("a deleted rule: %d %s", status, a.Raw)
		}
	})
}

// Spec: cs#get_matrixclientv3pushers
// Spec: cs#post_matrixclientv3pushersset
// Spec: cs#get_matrixclientv3notifications
func TestPushersEndWithTheirDevice(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		u := s.Register("u")
		phone := u.Login()
		pusher := harness.M{
			"kind": "http", "app_id": "chat.example.ios", "pushkey": "k", "app_display_name": "Chat", "device_display_name": "Phone", "lang": "en",
			"data": harness.M{"url": "https://push.example.org/_matrix/push/v1/notify", "format": "event_id_only", "brand": "x"},
		}
		phone.Must("POST", "/_matrix/client/v3/pushers/set", pusher)
		p := u.Must("GET", "/_matrix/client/v3/pushers", nil).Get("pushers.0")
		if p.Get("pushkey").Str != "k" || p.Get("data.url").Str != "https://push.example.org/_matrix/push/v1/notify" || p.Get("data.brand").Str != "x" {
			t.Errorf("%s", p.Raw)
		}
		pusher["data"] = harness.M{"url": "https://push.example.org/elsewhere"}
		if status, a := phone.Do("POST", "/_matrix/client/v3/pushers/set", pusher); status != http.StatusBadRequest || a.Get("errcode").Str != "M_INVALID_PARAM" {
			t.Errorf("a gateway at another path: %d %s", status, a.Raw)
		}
		phone.Must("POST", "/_matrix/client/v3/logout", harness.M{})
		if n := u.Must("GET", "/_matrix/client/v3/pushers", nil).Get("pushers.#").Int(); n != 0 {
			t.Errorf("%d pushers are left of a device that was signed out", n)
		}
		other := s.Register("other")
		room := other.CreateRoom(harness.M{"preset": "public_chat"})
		u.Join(room)
		event := other.Send(room, "m.room.encrypted", harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ""})
		if n := u.Must("GET", "/_matrix/client/v3/notifications", nil).Get("notifications.0"); n.Get("event.event_id").Str != event || n.Get("read").Bool() {
			t.Errorf("%s", n.Raw)
		}
	})
}
