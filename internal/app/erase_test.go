package app

import (
	"net/url"
	"strings"
	"testing"
)

// Whoever was in the room keeps what they saw; whoever comes later gets the redacted form.
//
// Spec: cs#post_matrixclientv3accountdeactivate
func TestErasure(t *testing.T) {
	s := newSite(t)
	alice, bob, carol := s.register("alice"), s.register("bob"), s.register("carol")
	room, _ := s.must("POST", "/_matrix/client/v3/createRoom", alice.token, `{"preset":"public_chat"}`).JSON["room_id"].(string)
	base := "/_matrix/client/v3/rooms/" + url.PathEscape(room)
	join := "/_matrix/client/v3/join/" + url.PathEscape(room)
	s.must("POST", join, bob.token, `{}`)
	const body = "what alice said"
	event, _ := s.must("PUT", base+"/send/m.room.message/x", alice.token, `{"msgtype":"m.text","body":"`+body+`"}`).JSON["event_id"].(string)
	s.must("PUT", base+"/send/m.room.message/x", bob.token, `{"msgtype":"m.text","body":"an answer"}`)
	s.must("POST", "/_matrix/client/v3/account/deactivate", alice.token,
		`{"erase":true,"auth":{"type":"m.login.password","user":"alice","password":"a good long password"}}`)
	s.must("POST", join, carol.token, `{}`)

	filter := url.QueryEscape(`{"room":{"timeline":{"limit":50}}}`)
	for _, path := range []string{base + "/messages?dir=b&limit=50", base + "/event/" + url.PathEscape(event), "/_matrix/client/v3/sync?filter=" + filter} {
		if r := s.must("GET", path, bob.token, ""); !strings.Contains(r.Raw, body) {
			t.Errorf("%s: a former reader lost the message: %s", path, r.Raw)
		}
		r := s.must("GET", path, carol.token, "")
		if strings.Contains(r.Raw, body) || !strings.Contains(r.Raw, event) {
			t.Errorf("%s: a newcomer reads an erased message, or finds no trace of it: %s", path, r.Raw)
		}
		if strings.Contains(path, "messages") && !strings.Contains(r.Raw, "an answer") {
			t.Errorf("a newcomer misses the others' messages: %s", r.Raw)
		}
	}
	if r := s.must("GET", "/_matrix/client/v3/notifications", carol.token, ""); strings.Contains(r.Raw, body) {
		t.Errorf("a newcomer is notified of an erased message: %s", r.Raw)
	}
	search := `{"search_categories":{"room_events":{"search_term":"alice said"}}}`
	if r := s.must("POST", "/_matrix/client/v3/search", bob.token, search); !strings.Contains(r.Raw, event) {
		t.Errorf("a former reader does not find the message: %s", r.Raw)
	}
	if r := s.must("POST", "/_matrix/client/v3/search", carol.token, search); strings.Contains(r.Raw, event) {
		t.Errorf("a newcomer finds an erased message: %s", r.Raw)
	}
	if left := s.must("GET", base+"/members", bob.token, ""); !strings.Contains(left.Raw, `"membership":"leave"`) {
		t.Errorf("the deactivated user has not left: %s", left.Raw)
	}
}
