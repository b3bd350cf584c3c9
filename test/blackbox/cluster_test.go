package blackbox

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"syscall"
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

// A hold that is placed at one node stops at once the purge that the other one is at, and what it kept goes when it is released there.
func TestAHoldStopsTheOtherNodesPurge(t *testing.T) {
	bus := natsserver.Start(t)
	var nodes [2]*harness.Server
	var metrics [2]string
	for i := range nodes {
		metrics[i] = "127.0.0.1:" + freePort(t)
		env := harness.Env("CONCLAVE_NATS_URL="+bus.ClientURL(), "CONCLAVE_RECORDING_ADMINISTRATORS=@boss:hs1", "CONCLAVE_METRICS_LISTEN="+metrics[i])
		if i == 0 {
			nodes[i] = harness.Start(t, harness.Postgres, env)
		} else {
			nodes[i] = nodes[0].Node(env)
		}
	}
	purged := regexp.MustCompile(`(?m)^conclave_retention_messages_total [1-9]`)
	purges := func(i int) bool {
		res, err := http.Get("http://" + metrics[i] + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return purged.Match(text)
	}
	admin, alice := boss(t, nodes[0]), nodes[0].Register("alice")
	room := alice.CreateRoom(harness.M{"preset": "public_chat"})
	for i := range 350 {
		alice.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": fmt.Sprint("word ", i)})
	}
	alice.Must("PUT", harness.Path("rooms", room, "state", "m.room.retention")+"/", harness.M{"max_lifetime": 1})
	at := 0
	await(t, "one of the nodes purges", func() bool { at = (at + 1) % 2; return purges(at) })
	busy, idle := nodes[at], nodes[1-at]
	// It stands still amid the purge until the other one has the hold before it.
	busy.Signal(syscall.SIGSTOP)
	hold := make(chan string)
	go func() {
		_, a := admin.At(idle).Do("POST", adminAPI+"holds", harness.M{"case": "C-7", "reason": "a court asks", "custodian": alice.ID})
		hold <- a.Get("hold_id").Str
	}()
	busy.Signal(syscall.SIGCONT)
	id := <-hold
	there := func(who *harness.User, room, id string) bool {
		status, _ := who.Do("GET", harness.Path("rooms", room, "event", id), nil)
		return status == http.StatusOK
	}
	left := func() int {
		page := alice.At(idle).Must("GET", harness.Path("rooms", room, "messages")+"?dir=b&limit=1000", nil)
		return len(page.Get(`chunk.#(type=="m.room.message")#`).Array())
	}
	before := left()
	if id == "" || before == 0 {
		t.Fatalf("hold %q, %d messages are left", id, before)
	}
	// What no hold covers goes on going: bob's room is not alice's.
	bob := nodes[0].Register("bob")
	free := bob.CreateRoom(harness.M{"preset": "public_chat"})
	gone := bob.Send(free, "m.room.message", harness.M{"msgtype": "m.text", "body": "elsewhere"})
	bob.Must("PUT", harness.Path("rooms", free, "state", "m.room.retention")+"/", harness.M{"max_lifetime": 1})
	await(t, "the message of another room is gone", func() bool { return !there(bob.At(idle), free, gone) })
	if n := left(); n != before {
		t.Errorf("%d messages are left, want %d", n, before)
	}
	released := admin.At(busy).Must("POST", adminAPI+"holds/"+id+"/release", harness.M{"case": "C-7"})
	if n := released.Get("due.messages").Int(); n != int64(before) {
		t.Errorf("due: %s, want %d messages", released.Raw, before)
	}
	await(t, "all messages are gone", func() bool { return left() == 0 })
}
