package client

import (
	"strings"
	"testing"
	"time"
)

// Spec: cs#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
// Spec: cs#mreceipt
func TestReceipts(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob, carol := h.register("alice"), h.register("bob"), h.register("carol")
		room := h.newRoom(alice, bob)
		first, second := h.say(alice, room, object{}), h.say(alice, room, object{})
		base := "/_matrix/client/v3/rooms/" + room + "/receipt/"
		since := h.sync(alice, "").str("next_batch")

		h.ok("POST", base+"m.read/"+second, bob.Token, object{})
		h.ok("POST", base+"m.read/"+first, bob.Token, "") // behind, and without a body
		a := h.sync(alice, since)
		read := a.one("m.receipt", "rooms", "join", room, "ephemeral", "events")
		if _, ok := read[second].(object)["m.read"].(object)[bob.ID].(object)["ts"].(float64); !ok || len(read) != 1 {
			t.Errorf("alice sees %v", read)
		}
		since = a.str("next_batch")
		h.ok("POST", base+"m.read.private/"+second, bob.Token, object{})
		if a := h.sync(alice, since); len(a.events("m.receipt", "rooms", "join", room, "ephemeral", "events")) != 0 {
			t.Errorf("alice sees a private receipt: %s", a.Raw)
		}
		own := h.sync(bob, since).one("m.receipt", "rooms", "join", room, "ephemeral", "events")
		if own[second].(object)["m.read.private"] == nil {
			t.Errorf("bob sees %v", own)
		}

		other := h.newRoom(alice, bob)
		for _, c := range []struct {
			path, body string
			who        person
			status     int
			code       string
		}{
			{"m.read/" + first, `{}`, carol, 403, "M_FORBIDDEN"},
			{"m.unread/" + first, `{}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/notanevent", `{}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/$unknown", `{}`, bob, 404, "M_NOT_FOUND"},
			{"m.read/" + h.say(alice, other, object{}), `{}`, bob, 404, "M_NOT_FOUND"},
			{"m.read/" + first, `{"thread_id":""}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/" + first, `{"thread_id":7}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/" + first, `{"thread_id":null}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/" + first, `{"thread_id":"$other"}`, bob, 400, "M_INVALID_PARAM"},
			{"m.fully_read/" + first, `{"thread_id":"main"}`, bob, 400, "M_INVALID_PARAM"},
			{"m.read/" + first, `{`, bob, 400, "M_NOT_JSON"},
			{"m.read/" + first, `[]`, bob, 400, "M_BAD_JSON"},
		} {
			h.fails("POST", base+c.path, c.who.Token, c.body, c.status, c.code)
		}
		h.fails("POST", "/_matrix/client/v3/rooms/!unknown:hs1/receipt/m.read/"+first, bob.Token, object{}, 403, "M_FORBIDDEN")
		h.fails("POST", "/_matrix/client/v3/rooms/nonsense/receipt/m.read/"+first, bob.Token, object{}, 400, "M_INVALID_PARAM")
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/leave", bob.Token, object{})
		h.fails("POST", base+"m.read/"+first, bob.Token, object{}, 403, "M_FORBIDDEN")
	})
}

// Spec: cs#threaded-read-receipts
func TestThreadedReceipts(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice, bob)
		root := h.say(alice, room, object{})
		inThread := h.say(alice, room, object{"m.relates_to": object{"rel_type": "m.thread", "event_id": root}})
		reply := h.say(alice, room, object{"m.relates_to": object{"rel_type": "m.reference", "event_id": inThread}})
		onRoot := h.say(alice, room, object{"m.relates_to": object{"rel_type": "m.reference", "event_id": root}})
		last := h.say(alice, room, object{})
		send := func(event, thread string, status int) {
			t.Helper()
			if a := h.do("POST", "/_matrix/client/v3/rooms/"+room+"/receipt/m.read/"+event, bob.Token, object{"thread_id": thread}); a.Status != status {
				t.Errorf("%s in %s: %d %s", event, thread, a.Status, a.Raw)
			}
		}
		send(root, root, 200)
		send(inThread, root, 200)
		send(reply, root, 200)
		send(onRoot, root, 200)
		send(last, root, 400)
		send(root, "main", 200)
		send(onRoot, "main", 200)
		send(last, "main", 200)
		send(inThread, "main", 400)
		send(inThread, inThread, 400)
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/receipt/m.read/"+inThread, bob.Token, object{})

		got := map[string]string{}
		for _, e := range h.sync(alice, "").events("m.receipt", "rooms", "join", room, "ephemeral", "events") {
			for event, byType := range e["content"].(object) {
				thread, _ := byType.(object)["m.read"].(object)[bob.ID].(object)["thread_id"].(string)
				got[thread] = event
			}
		}
		if len(got) != 3 || got[""] != inThread || got["main"] != last || got[root] != onRoot {
			t.Errorf("receipts: %v", got)
		}
	})
}

// Spec: cs#post_matrixclientv3roomsroomidread_markers
func TestReadMarkers(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice)
		first, second := h.say(alice, room, object{}), h.say(alice, room, object{})
		path := "/_matrix/client/v3/rooms/" + room + "/read_markers"
		marker := "/_matrix/client/v3/user/" + alice.ID + "/rooms/" + room + "/account_data/m.fully_read"
		h.fails("GET", marker, alice.Token, nil, 404, "M_NOT_FOUND")
		h.ok("POST", path, alice.Token, object{})
		h.ok("POST", path, alice.Token, object{"m.fully_read": second, "m.read": first, "m.read.private": second})
		h.ok("POST", path, alice.Token, object{"m.fully_read": first}) // does not go back
		h.ok("GET", marker, alice.Token, nil).is(second, "event_id")
		a := h.sync(alice, "")
		if c := a.one("m.fully_read", "rooms", "join", room, "account_data", "events"); c["event_id"] != second {
			t.Errorf("sync has %v", c)
		}
		c := object{}
		for _, e := range a.events("m.receipt", "rooms", "join", room, "ephemeral", "events") {
			for k, v := range e["content"].(object) {
				c[k] = v
			}
		}
		if c[first].(object)["m.read"] == nil || c[second].(object)["m.read.private"] == nil {
			t.Errorf("receipts: %v", c)
		}
		third := h.say(alice, room, object{})
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/receipt/m.fully_read/"+third, alice.Token, object{})
		h.ok("GET", marker, alice.Token, nil).is(third, "event_id")

		for body, code := range map[string]string{
			`{"m.fully_read":7}`: "M_BAD_JSON", `{"m.fully_read":"x"}`: "M_INVALID_PARAM", `[]`: "M_BAD_JSON", ``: "M_NOT_JSON",
		} {
			h.fails("POST", path, alice.Token, body, 400, code)
		}
		h.fails("POST", path, alice.Token, object{"m.read": third, "m.fully_read": "$unknown"}, 404, "M_NOT_FOUND")
		h.fails("POST", path, bob.Token, object{"m.read": third}, 403, "M_FORBIDDEN")
	})
}

// Spec: cs#put_matrixclientv3roomsroomidtypinguserid
func TestTyping(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob, carol := h.register("alice"), h.register("bob"), h.register("carol")
		room := h.newRoom(alice, bob)
		path := "/_matrix/client/v3/rooms/" + room + "/typing/"
		since := h.sync(bob, "").str("next_batch")
		typing := func(want ...any) {
			t.Helper()
			a := h.sync(bob, since)
			got, _ := a.one("m.typing", "rooms", "join", room, "ephemeral", "events")["user_ids"].([]any)
			if len(got) != len(want) || (len(want) > 0 && got[0] != want[0]) {
				t.Errorf("typing: %v, want %v", got, want)
			}
			since = a.str("next_batch")
		}
		h.ok("PUT", path+alice.ID, alice.Token, object{"typing": true, "timeout": 30000})
		typing(alice.ID)
		h.ok("PUT", path+alice.ID, alice.Token, object{"typing": false})
		typing()
		h.ok("PUT", path+alice.ID, alice.Token, object{"typing": true})
		typing(alice.ID)
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/leave", alice.Token, object{})
		typing()

		for body, code := range map[string]string{
			`{}`: "M_MISSING_PARAM", `{"typing":"yes"}`: "M_BAD_JSON", `{"typing":true,"timeout":"1"}`: "M_BAD_JSON", `{"typing":true,"timeout":1.5}`: "M_BAD_JSON", `x`: "M_NOT_JSON",
		} {
			h.fails("PUT", path+bob.ID, bob.Token, body, 400, code)
		}
		h.ok("PUT", path+bob.ID, bob.Token, object{"typing": true, "timeout": int64(1) << 53})
		h.ok("PUT", path+bob.ID, bob.Token, object{"typing": true, "timeout": -1})
		h.fails("PUT", path+bob.ID, carol.Token, object{"typing": true}, 403, "M_FORBIDDEN")
		h.fails("PUT", path+carol.ID, carol.Token, object{"typing": true}, 403, "M_FORBIDDEN")
		h.fails("PUT", "/_matrix/client/v3/rooms/!none:hs1/typing/"+bob.ID, bob.Token, object{"typing": true}, 403, "M_FORBIDDEN")
		h.fails("PUT", "/_matrix/client/v3/rooms/x/typing/"+bob.ID, bob.Token, object{"typing": true}, 400, "M_INVALID_PARAM")
	})
}

// Spec: cs#mpresence
// Spec: cs#last-active-ago
// Spec: cs#put_matrixclientv3presenceuseridstatus
// Spec: cs#get_matrixclientv3presenceuseridstatus
func TestPresence(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob, carol := h.register("alice"), h.register("bob"), h.register("carol")
		room := h.newRoom(alice, bob)
		status := func(p person) string { return "/_matrix/client/v3/presence/" + p.ID + "/status" }
		h.ok("GET", status(alice), alice.Token, nil).is("offline", "presence")
		since := h.sync(bob, "").str("next_batch")
		h.ok("PUT", status(alice), alice.Token, object{"presence": "online", "status_msg": "I am here."})
		a := h.ok("GET", status(alice), bob.Token, nil)
		a.is("online", "presence").is("I am here.", "status_msg").is(true, "currently_active")
		if ago, ok := a.get("last_active_ago").(float64); !ok || ago < 0 || ago > float64(time.Minute.Milliseconds()) {
			t.Errorf("last_active_ago is %v", a.get("last_active_ago"))
		}
		seen := h.sync(bob, since).events("m.presence", "presence", "events")
		if len(seen) != 1 || seen[0]["sender"] != alice.ID || seen[0]["content"].(object)["presence"] != "online" {
			t.Errorf("bob's sync has %v", seen)
		}
		h.ok("PUT", status(alice), alice.Token, object{"presence": "unavailable", "status_msg": nil})
		h.ok("GET", status(alice), bob.Token, nil).is("unavailable", "presence").is(nil, "status_msg")

		h.say(alice, room, object{}) // who speaks is here
		h.ok("GET", status(alice), bob.Token, nil).is("online", "presence").is(true, "currently_active")

		h.fails("GET", status(alice), carol.Token, nil, 403, "M_FORBIDDEN")
		h.fails("GET", "/_matrix/client/v3/presence/@nobody:hs1/status", carol.Token, nil, 403, "M_FORBIDDEN")
		h.fails("PUT", status(alice), bob.Token, object{"presence": "online"}, 403, "M_FORBIDDEN")
		for body, code := range map[string]string{
			`{}`: "M_MISSING_PARAM", `{"presence":"busy"}`: "M_INVALID_PARAM", `{"presence":1}`: "M_BAD_JSON", `{"presence":"online","status_msg":1}`: "M_BAD_JSON",
		} {
			h.fails("PUT", status(alice), alice.Token, body, 400, code)
		}
		h.fails("PUT", status(alice), alice.Token, object{"presence": "online", "status_msg": strings.Repeat("x", 2000)}, 400, "M_INVALID_PARAM")
	})
}
