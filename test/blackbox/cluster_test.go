package blackbox

import (
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
	"conclave.chat/test/natsserver"
)

// Two nodes are one server to their users, whichever node these talk to: messages, typing, presence, and the end of a session.
//
// Spec: cs#put_matrixclientv3roomsroomidtypinguserid
// Spec: cs#mpresence
func TestTwoNodes(t *testing.T) {
	bus := natsserver.Start(t)
	env := harness.Env("CONCLAVE_NATS_URL="+bus.ClientURL(), "CONCLAVE_PRESENCE=true")
	one := harness.Start(t, harness.Postgres, env)
	two := one.Node(env)
	alice, bob := one.Register("alice"), one.Register("bob").At(two)
	room := alice.CreateRoom(harness.M{"preset": "private_chat", "invite": []string{bob.ID}})
	bob.Join(room)
	since := bob.Sync("").Get("next_batch").Str

	event := alice.Send(room, "m.room.encrypted", harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ""})
	timeline := "rooms.join." + gjson.Escape(room) + ".timeline.events"
	a := bob.SyncUntil(since, func(a gjson.Result) bool { return a.Get(timeline + `.#(event_id=="` + event + `")`).Exists() })

	typing := func(a gjson.Result) gjson.Result {
		return a.Get("rooms.join." + gjson.Escape(room) + `.ephemeral.events.#(type=="m.typing").content.user_ids`)
	}
	alice.Must("PUT", harness.Path("rooms", room, "typing", alice.ID), harness.M{"typing": true, "timeout": 120_000})
	a = bob.SyncUntil(a.Get("next_batch").Str, func(a gjson.Result) bool { return typing(a).Get("0").Str == alice.ID })
	alice.Must("PUT", harness.Path("rooms", room, "typing", alice.ID), harness.M{"typing": false})
	a = bob.SyncUntil(a.Get("next_batch").Str, func(a gjson.Result) bool { return typing(a).IsArray() && len(typing(a).Array()) == 0 })

	alice.Must("PUT", harness.Path("presence", alice.ID, "status"), harness.M{"presence": "unavailable", "status_msg": "in a meeting"})
	a = bob.SyncUntil(a.Get("next_batch").Str, func(a gjson.Result) bool {
		return a.Get(`presence.events.#(sender=="`+alice.ID+`").content.status_msg`).Str == "in a meeting"
	})
	if p := bob.Must("GET", harness.Path("presence", alice.ID, "status"), nil); p.Get("presence").Str != "unavailable" {
		t.Errorf("%s", p.Raw)
	}

	// Without NATS nothing durable is lost: the other node finds it in the database.
	bus.Shutdown()
	bus.WaitForShutdown()
	event = alice.Send(room, "m.room.encrypted", harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ""})
	bob.SyncUntil(a.Get("next_batch").Str, func(a gjson.Result) bool { return a.Get(timeline + `.#(event_id=="` + event + `")`).Exists() })
	bob.Must("POST", harness.API+"/logout/all", harness.M{})
	await(t, "signed out at both nodes", func() bool {
		status, _ := bob.At(one).Do("GET", harness.API+"/account/whoami", nil)
		return status == 401
	})
}
