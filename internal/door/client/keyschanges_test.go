package client

import (
	"fmt"
	"net/url"
	"testing"
)

// Spec: cs#get_matrixclientv3keyschanges
// Spec: cs#e2e-extensions-to-sync
func TestKeyChanges(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob, carol, dave := h.register("alice"), h.register("bob"), h.register("carol"), h.register("dave")
		room := h.newRoom(alice, bob)
		other := h.newRoom(carol)
		since := h.sync(alice, "").str("next_batch")
		upload := func(p person) {
			h.ok("POST", keysPath+"upload", p.Token, object{"device_keys": newSigningKey(t, p.ID, p.Device).device(t)})
		}
		expect := func(changed, left string) {
			t.Helper()
			a := h.sync(alice, since)
			if c, l := fmt.Sprint(a.get("device_lists", "changed")), fmt.Sprint(a.get("device_lists", "left")); c != changed && c != "<nil>" || l != left && l != "<nil>" {
				t.Errorf("sync: changed %s, left %s; want %s, %s", c, l, changed, left)
			}
			q := url.Values{"from": {since}, "to": {a.str("next_batch")}}
			b := h.ok("GET", keysPath+"changes?"+q.Encode(), alice.Token, nil)
			if c, l := fmt.Sprint(b.get("changed")), fmt.Sprint(b.get("left")); c != changed || l != left {
				t.Errorf("keys/changes: changed %s, left %s; want %s, %s", c, l, changed, left)
			}
			since = a.str("next_batch")
		}
		expect("[]", "[]")
		upload(bob)
		upload(carol) // no room is shared with her
		expect("["+bob.ID+"]", "[]")
		h.ok("POST", "/_matrix/client/v3/join/"+other, alice.Token, object{})
		expect("["+carol.ID+"]", "[]")
		h.ok("POST", "/_matrix/client/v3/join/"+room, dave.Token, object{})
		expect("["+dave.ID+"]", "[]")
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/leave", bob.Token, object{})
		expect("[]", "["+bob.ID+"]")
		upload(bob)
		expect("[]", "[]")
		phone := h.login("dave", testPassword)
		upload(phone)
		expect("["+dave.ID+"]", "[]")
		h.ok("POST", "/_matrix/client/v3/logout", phone.Token, nil)
		expect("["+dave.ID+"]", "[]")

		// Whom alice verified is news for her own devices alone.
		hers, his := newCrossKeys(t, alice.ID), newCrossKeys(t, bob.ID)
		h.ok("POST", keysPath+"device_signing/upload", bob.Token, his.upload(t))
		expect("[]", "[]")
		h.ok("POST", keysPath+"device_signing/upload", alice.Token, hers.upload(t))
		expect("["+alice.ID+"]", "[]")
		h.ok("POST", keysPath+"signatures/upload", alice.Token, object{bob.ID: object{his.master.name: hers.user.sign(t, his.master.cross("master"))}})
		expect("["+bob.ID+"]", "[]")

		for _, q := range []string{"", "?from=" + since, "?to=" + since} {
			h.fails("GET", keysPath+"changes"+q, alice.Token, nil, 400, "M_MISSING_PARAM")
		}
		for _, q := range []string{"?from=x&to=" + since, "?from=" + since + "&to=x"} {
			h.fails("GET", keysPath+"changes"+q, alice.Token, nil, 400, "M_INVALID_PARAM")
		}
	})
}
