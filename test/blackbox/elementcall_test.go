package blackbox

import (
	"net/http"
	"testing"

	"conclave.chat/test/harness"
)

// How Element Call keeps a call's members: state keys that begin with an underscore, ended by a
// delayed event that each member's client puts off for as long as it lives.
//
// Spec: MSC4140
// Spec: MSC4143
// Spec: cs#post_matrixclientv3useruseridopenidrequest_token
func TestElementCall(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat", "power_level_content_override": harness.M{"events": harness.M{"org.matrix.msc3401.call.member": 0}}})
		bob.Join(room)
		key := "_" + bob.ID + "_" + bob.Device + "_m.call"
		state := harness.Path("rooms", room, "state", "org.matrix.msc3401.call.member", key)
		bob.Must("PUT", state, harness.M{"application": "m.call", "call_id": "", "device_id": bob.Device, "scope": "m.room", "foci_preferred": []any{}, "focus_active": harness.M{"type": "livekit"}})
		if a := alice.Must("GET", state, nil); a.Get("device_id").Str != bob.Device {
			t.Errorf("the member: %s", a.Raw)
		}

		delayed := bob.Must("PUT", state+"?org.matrix.msc4140.delay=86400000", harness.M{}).Get("delay_id").Str
		events := unstable + "org.matrix.msc4140/delayed_events"
		if a := bob.Must("GET", events, nil); a.Get("delayed_events.0.delay_id").Str != delayed && a.Get("scheduled.0.delay_id").Str != delayed {
			t.Errorf("delayed events: %s", a.Raw)
		}
		bob.Must("POST", events+"/"+delayed, harness.M{"action": "restart"})
		bob.Must("POST", events+"/"+delayed+"/restart", harness.M{})
		refused(t, bob, "POST", events+"/"+delayed, harness.M{"action": "explode"}, http.StatusBadRequest, "M_INVALID_PARAM")
		since := alice.Sync("").Get("next_batch").Str
		bob.Must("POST", events+"/"+delayed, harness.M{"action": "send"})
		if a := alice.Must("GET", state, nil); a.Raw != "{}" {
			t.Errorf("bob is still in the call: %s", a.Raw)
		}
		if e := joined(alice.Sync(since), room).Get("timeline.events.0"); e.Get("state_key").Str != key || e.Get("sender").Str != bob.ID {
			t.Errorf("the member's end in /sync: %s", e.Raw)
		}
		refused(t, bob, "POST", events+"/"+delayed, harness.M{"action": "cancel"}, http.StatusConflict, "M_UNKNOWN")

		token := bob.Must("POST", harness.Path("user", bob.ID, "openid", "request_token"), harness.M{})
		if token.Get("token_type").Str != "Bearer" || token.Get("matrix_server_name").Str != "hs1" || token.Get("expires_in").Int() <= 0 {
			t.Errorf("the token for the call's service: %s", token.Raw)
		}
		if a := s.Must("GET", with("/_matrix/federation/v1/openid/userinfo", "access_token", token.Get("access_token").Str), "", nil); a.Get("sub").Str != bob.ID {
			t.Errorf("whose token it is: %s", a.Raw)
		}
	})
}
