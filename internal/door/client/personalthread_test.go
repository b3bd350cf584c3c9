package client

import (
	"fmt"
	"strings"
	"testing"
)

// inThread sends a message into a thread.
func (h *harness) inThread(p person, room, root string) string {
	h.t.Helper()
	return h.say(p, room, object{"m.relates_to": object{"rel_type": "m.thread", "event_id": root}})
}

func subscriptionPath(room, root string) string {
	return "/_matrix/client/unstable/io.element.msc4306/rooms/" + room + "/thread/" + root + "/subscription"
}

// Spec: MSC4306
func TestThreadSubscription(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice, bob)
		root, other := h.say(alice, room, object{}), h.say(alice, room, object{})
		path := subscriptionPath(room, root)
		is := func(what string, automatic any) {
			t.Helper()
			if automatic == nil {
				h.fails("GET", path, bob.Token, nil, 404, "M_NOT_FOUND")
			} else if a := h.ok("GET", path, bob.Token, nil); a.get("automatic") != automatic || len(a.JSON) != 1 {
				t.Errorf("%s: %s", what, a.Raw)
			}
		}
		is("at first", nil)
		h.ok("DELETE", path, bob.Token, nil)
		h.ok("PUT", path, bob.Token, object{})
		is("manual", false)
		first := h.inThread(alice, room, root)
		h.ok("PUT", path, bob.Token, object{"automatic": first})
		is("automatic after manual", false)
		h.ok("DELETE", path, bob.Token, nil)
		is("ended", nil)
		h.ok("DELETE", path, bob.Token, nil)

		// What was there when the user unsubscribed does not subscribe them again.
		const conflict = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION"
		h.fails("PUT", path, bob.Token, object{"automatic": first}, 409, conflict)
		is("an old cause", nil)
		second := h.inThread(alice, room, root)
		h.ok("PUT", path, bob.Token, object{"automatic": second})
		is("a new cause", true)
		h.ok("PUT", path, bob.Token, object{"automatic": first})
		is("an old cause of a subscription that is there", true)
		h.ok("PUT", path, bob.Token, object{})
		is("manual after automatic", false)
		h.ok("DELETE", path, bob.Token, nil)
		h.fails("PUT", path, bob.Token, object{"automatic": second}, 409, conflict)
		h.ok("PUT", path, bob.Token, object{})
		is("manual again", false)
		h.fails("GET", path, alice.Token, nil, 404, "M_NOT_FOUND")

		const not = "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD"
		for _, cause := range []string{root, other, h.inThread(alice, room, other), "$unknown"} {
			h.fails("PUT", path, alice.Token, object{"automatic": cause}, 400, not)
		}
	})
}

// Spec: MSC4306
func TestThreadsThatAreNone(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room, private := h.newRoom(alice, bob), h.newRoom(alice)
		root := h.say(alice, room, object{})
		reply := h.inThread(alice, room, root)
		for what, path := range map[string]string{
			"an unknown event": subscriptionPath(room, "$unknown"), "an unknown room": subscriptionPath("!unknown:hs1", root),
			"another room's": subscriptionPath(room, h.say(alice, private, object{})), "a reply": subscriptionPath(room, reply),
			"a room that bob is not in": subscriptionPath(h.ok("POST", "/_matrix/client/v3/createRoom", alice.Token, object{}).str("room_id"), root),
		} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				if a := h.do(method, path, bob.Token, object{}); a.Status != 404 || a.get("errcode") != "M_NOT_FOUND" {
					t.Errorf("%s of %s: %d %s", method, what, a.Status, a.Raw)
				}
			}
		}
		hidden := h.ok("POST", "/_matrix/client/v3/createRoom", alice.Token, object{"preset": "private_chat"}).str("room_id")
		h.fails("PUT", subscriptionPath(hidden, h.say(alice, hidden, object{})), bob.Token, object{}, 404, "M_NOT_FOUND")
		path := subscriptionPath(room, root)
		h.fails("PUT", path, "", object{}, 401, "M_MISSING_TOKEN")
		for _, bad := range []struct{ body, code string }{
			{`{"automatic":true}`, "M_BAD_JSON"},
			{`{"automatic":""}`, "M_INVALID_PARAM"},
			{`{"automatic":"x"}`, "M_INVALID_PARAM"},
			{`[]`, "M_BAD_JSON"},
			{`{`, "M_NOT_JSON"},
		} {
			h.fails("PUT", path, bob.Token, bad.body, 400, bad.code)
		}
		h.fails("PUT", subscriptionPath("x", root), bob.Token, object{}, 400, "M_INVALID_PARAM")
		h.fails("PUT", subscriptionPath(room, "x"), bob.Token, object{}, 400, "M_INVALID_PARAM")
	})
}

// Spec: MSC4308
func TestThreadSubscriptionsInSlidingSync(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		room := h.newRoom(alice)
		const name = "io.element.msc4308.thread_subscriptions"
		sync := func(pos string) (extension object, next string) {
			t.Helper()
			a := h.ok("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", alice.Token,
				object{"pos": pos, "extensions": object{name: object{"enabled": true, "limit": 2}}})
			extension, _ = a.get("extensions", name).(object)
			return extension, a.str("pos")
		}
		var roots []string
		for range 5 {
			roots = append(roots, h.say(alice, room, object{}))
		}
		x, pos := sync("")
		if x != nil {
			t.Errorf("there are none, but: %v", x)
		}
		first := pos
		for _, root := range roots[:4] {
			h.ok("PUT", subscriptionPath(room, root), alice.Token, object{})
		}
		h.ok("DELETE", subscriptionPath(room, roots[0]), alice.Token, nil)
		h.ok("PUT", subscriptionPath(room, roots[4]), alice.Token, object{"automatic": h.inThread(alice, room, roots[4])})
		x, pos = sync(pos)
		newest, _ := at(x, "subscribed", room, roots[4]).(object)
		ended, _ := at(x, "unsubscribed", room, roots[0]).(object)
		if newest["automatic"] != true || newest["bump_stamp"] == nil || ended["bump_stamp"] == nil || len(ended) != 1 {
			t.Errorf("%v", x)
		}
		if x, _ := sync(pos); x != nil {
			t.Errorf("told twice: %v", x)
		}

		// The rest is had page by page.
		const pages = "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions?dir=b"
		from, _ := x["prev_batch"].(string)
		a := h.ok("GET", fmt.Sprintf("%s&limit=2&from=%s&to=%s", pages, from, first), alice.Token, nil)
		for _, root := range roots[2:4] {
			if s, _ := a.get("subscribed", room, root).(object); s["automatic"] != false {
				t.Errorf("%s is missing from %s", root, a.Raw)
			}
		}
		a = h.ok("GET", fmt.Sprintf("%s&limit=2&from=%s&to=%s", pages, a.str("end"), first), alice.Token, nil)
		if a.get("subscribed", room, roots[1]) == nil || a.get("end") != nil {
			t.Errorf("the last page: %s", a.Raw)
		}
		if a := h.ok("GET", pages, alice.Token, nil); strings.Contains(string(a.Raw), roots[0]) || len(a.get("subscribed", room).(object)) != 4 {
			t.Errorf("to a client that knows nothing: %s", a.Raw)
		}
		for _, bad := range []string{"?dir=f", "", "?dir=b&limit=0", "?dir=b&from=x", "?dir=b&to=-1", "?dir=b&from=p"} {
			h.fails("GET", strings.TrimSuffix(pages, "?dir=b")+bad, alice.Token, nil, 400, "M_INVALID_PARAM")
		}
	})
}

// at is what lies at a path in an object.
func at(v any, path ...string) any {
	for _, key := range path {
		o, _ := v.(object)
		v = o[key]
	}
	return v
}
