package blackbox

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// Spec: MSC4306
// Spec: MSC4308
func TestThreadSubscriptions(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		if features := alice.Must("GET", "/_matrix/client/versions", nil).Get("unstable_features"); !features.Get(`org\.matrix\.msc4306`).Bool() {
			t.Errorf("not among %s", features.Raw)
		}
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		bob.Join(room)
		message := harness.M{"msgtype": "m.text", "body": "x"}
		root := alice.Send(room, "m.room.message", message)
		reply := harness.M{"msgtype": "m.text", "body": "x", "m.relates_to": harness.M{"rel_type": "m.thread", "event_id": root}}
		alice.Send(room, "m.room.message", reply)

		const extension = "io.element.msc4308.thread_subscriptions"
		news := func(pos string, timeout int) (gjson.Result, string) {
			a := bob.Must("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", harness.M{
				"pos": pos, "timeout": timeout, "extensions": harness.M{extension: harness.M{"enabled": true}},
			})
			return a.Get("extensions." + gjson.Escape(extension)), a.Get("pos").Str
		}
		_, pos := news("", 0)
		path := "/_matrix/client/unstable/io.element.msc4306/" + strings.TrimPrefix(harness.Path("rooms", room, "thread", root, "subscription"), harness.API+"/")
		subscribed := make(chan error, 1)
		go func() { // while the sync waits for it
			_, _, err := bob.Attempt("PUT", path, harness.M{})
			subscribed <- err
		}()
		a, pos := news(pos, 60_000)
		if err := <-subscribed; err != nil {
			t.Fatal(err)
		}
		if got := a.Get("subscribed." + gjson.Escape(room) + "." + gjson.Escape(root)); !got.Exists() || got.Get("automatic").Bool() {
			t.Errorf("sliding sync says %s", a.Raw)
		}

		// With the rules switched on, bob hears of this thread and of no other.
		for _, id := range []string{".io.element.msc4306.rule.subscribed_thread", ".io.element.msc4306.rule.unsubscribed_thread"} {
			bob.Must("PUT", pushRules+"/global/postcontent/"+id+"/enabled", harness.M{"enabled": true})
		}
		bob.Must("POST", harness.Path("rooms", room, "receipt", "m.read", root), harness.M{})
		other := harness.M{"msgtype": "m.text", "body": "x", "m.relates_to": harness.M{"rel_type": "m.thread", "event_id": alice.Send(room, "m.room.message", message)}}
		alice.Send(room, "m.room.message", other)
		alice.Send(room, "m.room.message", reply)
		filter := url.QueryEscape(`{"room":{"timeline":{"unread_thread_notifications":true}}}`)
		unread := bob.Must("GET", harness.API+"/sync?timeout=0&filter="+filter, nil).Get("rooms.join." + gjson.Escape(room) + ".unread_thread_notifications")
		if n := len(unread.Map()); n != 1 || !unread.Get(gjson.Escape(root)).Exists() {
			t.Errorf("unread threads: %s", unread.Raw)
		}
		bob.Must("DELETE", path, nil)
		if a, _ := news(pos, 0); !a.Get("unsubscribed." + gjson.Escape(room) + "." + gjson.Escape(root) + ".bump_stamp").Exists() {
			t.Errorf("sliding sync says %s", a.Raw)
		}
	})
}

// Who has scheduled an event is told which one it was.
//
// Spec: MSC4140
func TestDelayedEventComesWithItsID(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		bob.Join(room)
		id := alice.Must("PUT", harness.Path("rooms", room, "send", "m.room.message", "1")+"?org.matrix.msc4140.delay=1",
			harness.M{"msgtype": "m.text", "body": "later"}).Get("delay_id").Str
		event := "rooms.join." + gjson.Escape(room) + `.timeline.events.#(content.body=="later")`
		for user, want := range map[*harness.User]string{alice: id, bob: ""} {
			a := user.SyncUntil("", func(a gjson.Result) bool { return a.Get(event).Exists() })
			if got := a.Get(event + `.unsigned.org\.matrix\.msc4140\.delay_id`).Str; got != want {
				t.Errorf("%s is told %q, want %q", user.ID, got, want)
			}
		}
	})
}
