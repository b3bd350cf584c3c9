package blackbox

import (
	"net/http"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

func text(body string) harness.M { return harness.M{"msgtype": "m.text", "body": body} }

// related is a message that relates to another event.
func related(body, rel, to string) harness.M {
	m := text(body)
	m["m.relates_to"] = harness.M{"rel_type": rel, "event_id": to}
	return m
}

// joined is what a /sync answer says of a room that the user is in.
func joined(answer gjson.Result, room string) gjson.Result {
	return answer.Get("rooms.join." + gjson.Escape(room))
}

// A client shows a thread's root with what relates to it in the main timeline and in the thread, and
// marks either as read by any event that it shows there.
//
// Spec: cs#threaded-read-receipts
// Spec: cs#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
func TestReceiptsInThreads(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		bob.Join(room)
		since := bob.Sync("").Get("next_batch").Str
		root := alice.Send(room, "m.room.message", text("root"))
		reply := alice.Send(room, "m.room.message", related("in the thread", "m.thread", root))
		aside := alice.Send(room, "m.room.message", related("of the root", "m.reference", root))
		reaction := harness.M{"m.relates_to": harness.M{"rel_type": "m.annotation", "event_id": aside, "key": "+1"}}
		onAside := alice.Send(room, "m.reaction", reaction)
		reaction["m.relates_to"].(harness.M)["event_id"] = reply
		onReply := alice.Send(room, "m.reaction", reaction)
		other := alice.Send(room, "m.room.message", text("elsewhere"))

		for _, c := range []struct {
			name, event, thread string
			want                int
		}{
			{"the root in the main timeline", root, "main", http.StatusOK},
			{"the root in its thread", root, root, http.StatusOK},
			{"a reply in its thread", reply, root, http.StatusOK},
			{"a reply in the main timeline", reply, "main", http.StatusBadRequest},
			{"a reaction to a reply in the thread", onReply, root, http.StatusOK},
			{"a reaction to a reply in the main timeline", onReply, "main", http.StatusBadRequest},
			{"what relates to the root in the main timeline", aside, "main", http.StatusOK},
			{"what relates to the root in the thread", aside, root, http.StatusOK},
			{"two hops from the root in the main timeline", onAside, "main", http.StatusOK},
			{"two hops from the root in the thread", onAside, root, http.StatusOK},
			{"another message in the thread", other, root, http.StatusBadRequest},
			{"an empty thread", other, "", http.StatusBadRequest},
		} {
			body := harness.M{"thread_id": c.thread}
			if status, a := bob.Do("POST", harness.Path("rooms", room, "receipt", "m.read", c.event), body); status != c.want {
				t.Errorf("%s: %d %s", c.name, status, a.Raw)
			}
		}
		counts := bob.Must("GET", harness.API+`/sync?filter={"room":{"timeline":{"unread_thread_notifications":true}}}&since=`+since, nil)
		in := joined(counts, room)
		if n := in.Get("unread_notifications.notification_count"); n.Int() != 1 {
			t.Errorf("%s unread in the main timeline, but only the last message is", n.Raw)
		}
		if n := in.Get("unread_thread_notifications." + gjson.Escape(root) + ".notification_count").Int(); n != 0 {
			t.Errorf("%d unread in the thread, but all of it was read", n)
		}
	})
}
