package blackbox

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// What Element Web asks from the first screen after signing in to the first message of a direct chat,
// on a server as it comes: with encryption by default.
//
// Spec: MSC3890
// Spec: cs#get_matrixclientv3pushers
// Spec: cs#get_matrixclientv3account3pid
// Spec: cs#post_matrixclientv3createroom
// Spec: cs#get_matrixclientv3roomsroomidmembers
// Spec: cs#get_matrixclientv3useruseridaccount_datatype
func TestElementStartsADirectChat(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		features := alice.Must("GET", "/_matrix/client/versions", nil).Get("unstable_features")
		for _, preset := range []string{"private", "public", "trusted_private"} {
			if !features.Get(`io\.element\.e2ee_forced\.` + preset).Bool() {
				t.Errorf("Element offers a switch for encryption in %s rooms, but there is no choice", preset)
			}
		}
		data := func(kind string) string { return harness.Path("user", alice.ID, "account_data", kind) }
		for _, kind := range []string{"m.direct", "m.secret_storage.default_key", "m.cross_signing.master", "im.vector.web.settings", "m.ignored_user_list"} {
			refused(t, alice, "GET", data(kind), nil, http.StatusNotFound, "M_NOT_FOUND")
		}
		shaped(t, "pushers", alice.Must("GET", harness.API+"/pushers", nil), "pushers:a")
		shaped(t, "3pid", alice.Must("GET", harness.API+"/account/3pid", nil), "threepids:a")
		shaped(t, "media/config", alice.Must("GET", "/_matrix/client/v1/media/config", nil), `m\.upload\.size:n`)
		alice.Must("PUT", data("org.matrix.msc3890.local_notification_settings."+alice.Device), harness.M{"is_silenced": false})

		other := alice.Login()
		settings := data("org.matrix.msc3890.local_notification_settings." + other.Device)
		other.Must("PUT", settings, harness.M{"is_silenced": true})
		other.Must("POST", harness.API+"/logout", harness.M{})
		refused(t, alice, "GET", settings, nil, http.StatusNotFound, "M_NOT_FOUND")

		found := alice.Must("POST", harness.API+"/user_directory/search", harness.M{"search_term": "bob", "limit": 50})
		if found.Get("results.0.user_id").Str != bob.ID {
			t.Errorf("the directory: %s", found.Raw)
		}
		alice.Must("GET", harness.Path("profile", bob.ID), nil)
		room := alice.CreateRoom(harness.M{
			"preset": "trusted_private_chat", "visibility": "private", "invite": []string{bob.ID}, "is_direct": true,
			"initial_state": []any{
				harness.M{"type": "m.room.guest_access", "state_key": "", "content": harness.M{"guest_access": "can_join"}},
				harness.M{"type": "m.room.encryption", "state_key": "", "content": harness.M{"algorithm": "m.megolm.v1.aes-sha2"}},
			},
		})
		alice.Must("PUT", data("m.direct"), harness.M{bob.ID: []string{room}})
		if c := alice.Must("GET", harness.Path("rooms", room, "state", "m.room.create", ""), nil); c.Get("additional_creators.0").Str != bob.ID {
			t.Errorf("who is invited to a trusted chat is no creator: %s", c.Raw)
		}
		invited := bob.Must("GET", with(harness.API+"/sync", "timeout", "0", "filter", `{"room":{"state":{"lazy_load_members":true}}}`), nil)
		stripped := invited.Get("rooms.invite." + gjson.Escape(room) + ".invite_state.events")
		if stripped.Get(`#(type=="m.room.encryption").content.algorithm`).Str != "m.megolm.v1.aes-sha2" {
			t.Errorf("the invitation does not say that the room is encrypted: %s", stripped.Raw)
		}
		bob.Must("POST", harness.Path("join", room), harness.M{})
		elementInARoom(t, alice, bob, room)
	}, harness.Env("CONCLAVE_ROOMS_ENCRYPT=true", "CONCLAVE_ACCOUNTS_DIRECTORY=organisation"))
}

// elementInARoom is what follows in the chat: members, messages, reactions and what marks them read.
func elementInARoom(t *testing.T, alice, bob *harness.User, room string) {
	sync := alice.Must("GET", with(harness.API+"/sync", "timeout", "0", "org.matrix.msc4222.use_state_after", "true", "filter", `{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}`), nil)
	in := joined(sync, room)
	if hero := in.Get(`summary.m\.heroes.0`).Str; hero != bob.ID || !in.Get(`org\.matrix\.msc4222\.state_after.events.#(state_key=="`+bob.ID+`")`).Exists() {
		t.Errorf("the chat is named after bob, whose name is not there: %s", in.Raw)
	}
	members := alice.Must("GET", with(harness.Path("rooms", room, "members"), "not_membership", "leave", "at", sync.Get("next_batch").Str), nil)
	if members.Get("chunk.#").Int() != 2 || !members.Get(`chunk.#(state_key=="`+bob.ID+`").event_id`).Exists() {
		t.Errorf("members: %s", members.Raw)
	}

	// Text has to be encrypted; what servers aggregate and what rings is not.
	refused(t, alice, "PUT", harness.Path("rooms", room, "send", "m.room.message", "clear"), text("in the clear"), http.StatusForbidden, "M_FORBIDDEN")
	secret := harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "device_id": alice.Device, "sender_key": "k", "session_id": "s"}
	message := alice.Send(room, "m.room.encrypted", secret)
	bob.Send(room, "m.reaction", harness.M{"m.relates_to": harness.M{"rel_type": "m.annotation", "event_id": message, "key": "👍"}})
	secret["m.relates_to"] = harness.M{"rel_type": "m.thread", "event_id": message, "is_falling_back": true, "m.in_reply_to": harness.M{"event_id": message}}
	reply := alice.Send(room, "m.room.encrypted", secret)

	threads := bob.Must("GET", "/_matrix/client/v1/rooms/"+url.PathEscape(room)+"/threads?include=all&limit=20", nil)
	if threads.Get("chunk.0.event_id").Str != message || threads.Get(`chunk.0.unsigned.m\.relations.m\.thread.latest_event.event_id`).Str != reply {
		t.Errorf("the thread: %s", threads.Raw)
	}
	old := with(harness.Path("rooms", room, "messages"), "dir", "b", "limit", "20", "filter", `{"types":["m.room.message","m.room.encrypted"],"related_by_rel_types":["m.thread"],"lazy_load_members":true}`)
	if page := bob.Must("GET", old, nil); page.Get("chunk.#").Int() != 1 || page.Get("chunk.0.event_id").Str != message {
		t.Errorf("messages with threads: %s", page.Raw)
	}
	bob.Must("POST", harness.Path("rooms", room, "read_markers"), harness.M{"m.fully_read": message, "m.read.private": message})
	bob.Must("POST", harness.Path("rooms", room, "receipt", "m.read", reply), harness.M{"thread_id": message})
	bob.Must("POST", harness.Path("rooms", room, "receipt", "m.read", message), harness.M{"thread_id": "main"})
	receipts := joined(alice.Sync(sync.Get("next_batch").Str), room).Get(`ephemeral.events.#(type=="m.receipt").content`)
	if receipts.Get(gjson.Escape(reply)+`.m\.read.`+gjson.Escape(bob.ID)+".thread_id").Str != message || receipts.Get(gjson.Escape(message)+`.m\.read\.private`).Exists() {
		t.Errorf("receipts: %s", receipts.Raw)
	}
	if e := alice.Must("GET", harness.Path("rooms", room, "event", message), nil); e.Get(`unsigned.m\.relations.m\.annotation`).Exists() {
		t.Errorf("reactions are not aggregated by servers any more: %s", e.Raw)
	}
}
