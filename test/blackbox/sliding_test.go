package blackbox

import (
	"net/url"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
	"conclave.chat/test/natsserver"
)

// slide asks once for all rooms and for the device's messages.
func slide(u *harness.User, path, pos, toDevice string, timeout string) (int, gjson.Result) {
	ext := harness.M{"enabled": true}
	if toDevice != "" {
		ext["since"] = toDevice
	}
	return u.Do("POST", path+"?timeout="+timeout+"&pos="+url.QueryEscape(pos), harness.M{
		"lists":      harness.M{"all": harness.M{"ranges": [][]int{{0, 9}}, "timeline_limit": 5, "required_state": [][]string{{"m.room.create", ""}}}},
		"extensions": harness.M{"to_device": ext},
	})
}

// Connections of sliding sync are known to the node that has them. One that a load balancer sends to another node begins anew there, as one
// whose time is over does; what its client has confirmed of its device's messages stays confirmed.
//
// Spec: MSC4186
func TestSlidingSyncBeginsAnewAtAnotherNode(t *testing.T) {
	for name, path := range map[string]string{
		"stable": "/_matrix/client/v4/sync", "unstable": "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
	} {
		t.Run(name, func(t *testing.T) {
			bus := natsserver.Start(t)
			env := harness.Env("CONCLAVE_NATS_URL=" + bus.ClientURL())
			one := harness.Start(t, harness.Postgres, env)
			two := one.Node(env)
			alice, bob := one.Register("alice"), one.Register("bob")
			there := bob.At(two)
			room := alice.CreateRoom(harness.M{"preset": "private_chat", "invite": []string{bob.ID}})
			bob.Join(room)
			tell := func(txn string) {
				t.Helper()
				alice.Must("PUT", harness.Path("sendToDevice", "org.example.note", txn), harness.M{"messages": harness.M{bob.ID: harness.M{bob.Device: harness.M{"n": txn}}}})
			}
			told := func(a gjson.Result) string { return a.Get("extensions.to_device.events.#.content.n").Raw }
			slid := func(u *harness.User, pos, toDevice, timeout string) gjson.Result {
				t.Helper()
				status, a := slide(u, path, pos, toDevice, timeout)
				if status != 200 {
					t.Fatalf("%d %s", status, a.Raw)
				}
				return a
			}
			unknown := func(u *harness.User, pos, toDevice string) {
				t.Helper()
				if status, a := slide(u, path, pos, toDevice, "0"); status != 400 || a.Get("errcode").Str != "M_UNKNOWN_POS" {
					t.Errorf("a token of another node: %d %s", status, a.Raw)
				}
			}
			newest := func(a gjson.Result) string {
				return a.Get("rooms." + gjson.Escape(room) + ".timeline.@reverse.0.event_id").Str
			}

			tell("1")
			first := slid(bob, "", "", "0")
			if told(first) != `["1"]` || !first.Get("rooms."+gjson.Escape(room)+".initial").Bool() {
				t.Fatalf("%s", first.Raw)
			}
			since := first.Get("extensions.to_device.next_batch").Str

			event := alice.Send(room, "m.room.encrypted", harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ""})
			tell("2")
			unknown(there, first.Get("pos").Str, since)
			var moved gjson.Result
			await(t, "told at the other node", func() bool {
				moved = slid(there, "", since, "0")
				return told(moved) == `["2"]` && newest(moved) == event
			})
			if !moved.Get("rooms." + gjson.Escape(room) + ".initial").Bool() {
				t.Errorf("the room is not told of anew: %s", moved.Raw)
			}
			since = moved.Get("extensions.to_device.next_batch").Str

			got := make(chan gjson.Result, 1)
			go func() {
				_, a := slide(there, path, moved.Get("pos").Str, since, "60000")
				got <- a
			}()
			event = alice.Send(room, "m.room.encrypted", harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ""})
			a := <-got
			if newest(a) != event || a.Get("rooms."+gjson.Escape(room)+".initial").Bool() {
				t.Errorf("what was said at one node is told at the other as %s", a.Raw)
			}
			unknown(bob, a.Get("pos").Str, since)
			if back := slid(bob, "", since, "0"); told(back) != `[]` && told(back) != "" || newest(back) != event {
				t.Errorf("back at the first node: %s", back.Raw)
			}
		})
	}
}
