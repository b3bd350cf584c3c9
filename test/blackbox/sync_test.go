package blackbox

import (
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// Spec: cs#get_matrixclientv3sync
func TestSyncTellsWhatHappens(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat", "name": "A room"})
		first := bob.Sync("")
		bob.Join(room)
		got := bob.Sync(first.Get("next_batch").Str)
		in := got.Get("rooms.join." + gjson.Escape(room))
		if !in.Exists() {
			t.Fatal("the room that bob joined is not there")
		}
		id := alice.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "hello"})
		got = bob.Sync(got.Get("next_batch").Str)
		if got.Get("rooms.join."+gjson.Escape(room)+".timeline.events.0.event_id").Str != id {
			t.Fatal("the message is not there")
		}
	}, harness.Env("CONCLAVE_ACCOUNTS_REGISTRATION_MODE=open", "CONCLAVE_ROOMS_ENCRYPT=false"))
}
