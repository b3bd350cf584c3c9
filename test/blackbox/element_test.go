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

// What two devices of an account say to each other while Element verifies one by the other, and what comes after it.
//
// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
// Spec: cs#post_matrixclientv3keyssignaturesupload
// Spec: cs#post_matrixclientv3keysdevice_signingupload
// Spec: cs#get_matrixclientv3devicesdeviceid
func TestElementVerifiesADevice(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		old := s.Register("alice")
		// Element asks by an upload without keys whether a password would be enough for one with keys. It changes nothing, so it needs none.
		if a := old.Must("POST", "/_matrix/client/unstable/keys/device_signing/upload", harness.M{}); a.Raw != "{}" {
			t.Errorf("an upload of nothing: %s", a.Raw)
		}
		oldAt := old.Sync("").Get("next_batch").Str
		fresh := old.Login()
		freshAt := fresh.Sync("").Get("next_batch").Str
		if a := old.Must("GET", harness.Path("devices", fresh.Device), nil); a.Get("device_id").Str != fresh.Device || a.Get("last_seen_ip").Str == "" || a.Get("last_seen_ts").Int() == 0 {
			t.Errorf("“was this you?” is asked without knowing where: %s", a.Raw)
		}

		say := func(from *harness.User, to, kind string, content harness.M) {
			t.Helper()
			content["transaction_id"] = "2080c0be"
			from.Must("PUT", harness.Path("sendToDevice", kind, kind+from.Device), harness.M{"messages": harness.M{old.ID: harness.M{to: content}}})
		}
		hears := func(u *harness.User, since, kinds string) (next string, content gjson.Result) {
			t.Helper()
			a := u.Sync(since)
			if got := a.Get("to_device.events.#.type").Raw; got != kinds {
				t.Errorf("%s hears %s, not %s", u.Device, a.Get("to_device").Raw, kinds)
			}
			return a.Get("next_batch").Str, a.Get("to_device.events.0.content")
		}
		var content gjson.Result
		say(fresh, old.Device, "m.key.verification.request", harness.M{"from_device": fresh.Device, "methods": []string{"m.sas.v1"}, "timestamp": 1796003075000})
		if oldAt, content = hears(old, oldAt, `["m.key.verification.request"]`); content.Get("from_device").Str != fresh.Device || content.Get("timestamp").Raw != "1796003075000" {
			t.Errorf("the request: %s", content.Raw)
		}
		say(old, fresh.Device, "m.key.verification.ready", harness.M{"from_device": old.Device, "methods": []string{"m.sas.v1"}})
		freshAt, _ = hears(fresh, freshAt, `["m.key.verification.ready"]`)
		for _, kind := range []string{"start", "key", "mac", "done"} {
			say(fresh, old.Device, "m.key.verification."+kind, harness.M{})
		}
		oldAt, _ = hears(old, oldAt, `["m.key.verification.start","m.key.verification.key","m.key.verification.mac","m.key.verification.done"]`)

		// The verified device asks all known devices for the secrets, itself among them.
		say(fresh, "*", "m.secret.request", harness.M{"action": "request", "name": "m.megolm_backup.v1", "requesting_device_id": fresh.Device, "request_id": "335c4c7a"})
		oldAt, _ = hears(old, oldAt, `["m.secret.request"]`)
		freshAt, _ = hears(fresh, freshAt, `["m.secret.request"]`)
		// A message that Element sends again, not knowing that it came through, is heard once.
		say(fresh, old.Device, "m.key.verification.done", harness.M{})
		if a := old.Sync(oldAt).Get("to_device.events"); a.Get("#").Int() != 0 {
			t.Errorf("the repeated message: %s", a.Raw)
		}
		if a := old.Must("POST", harness.API+"/keys/signatures/upload", harness.M{}); !a.Get("failures").IsObject() && a.Raw != "{}" {
			t.Errorf("signatures: %s", a.Raw)
		}

		old.Must("PUT", harness.Path("devices", old.Device), harness.M{"display_name": "My laptop"})
		a := fresh.Sync(freshAt)
		if !a.Get(`device_lists.changed.#(=="` + old.ID + `")`).Exists() {
			t.Errorf("a device has another name, and others are not told to ask for it: %s", a.Get("device_lists").Raw)
		}
	})
}

// What Element's page of notification settings sends for each switch, and what it reads after that.
//
// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidactions
// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidenabled
// Spec: cs#predefined-rules
func TestElementNotificationSettings(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		const rules = harness.API + "/pushrules/"
		rule := func(path string) gjson.Result { return alice.Must("GET", rules+"global/"+path, nil) }
		sound := []any{"notify", harness.M{"set_tweak": "sound", "value": "default"}, harness.M{"set_tweak": "highlight", "value": false}}
		since := alice.Sync("").Get("next_batch").Str

		// Off, in the words of old clients: dont_notify has been the same as no action since v1.7.
		one := "underride/.m.rule.room_one_to_one"
		alice.Must("PUT", rules+"global/"+one+"/actions", harness.M{"actions": []any{"dont_notify"}})
		alice.Must("PUT", rules+"global/"+one+"/enabled", harness.M{"enabled": true})
		if a := rule(one); !a.Get("enabled").Bool() || a.Get(`actions.#(=="notify")`).Exists() || !a.Get("default").Bool() {
			t.Errorf("switched off: %s", a.Raw)
		}
		alice.Must("PUT", rules+"global/"+one+"/actions", harness.M{"actions": sound})
		if a := rule(one); a.Get("actions.#").Int() != 3 || a.Get("actions.2.value").Type != gjson.False {
			t.Errorf("noisy: %s", a.Raw)
		}
		// A keyword; then all keywords noisy, off, on.
		word := "content/pears"
		alice.Must("PUT", rules+"global/"+word, harness.M{"pattern": "pears", "actions": sound[:1]})
		alice.Must("PUT", rules+"global/"+word+"/actions", harness.M{"actions": sound})
		alice.Must("PUT", rules+"global/"+word+"/enabled", harness.M{"enabled": false})
		if a := rule(word); a.Get("enabled").Bool() || a.Get("actions.#").Int() != 3 || a.Get("pattern").Str != "pears" || a.Get("default").Bool() {
			t.Errorf("the keyword: %s", a.Raw)
		}
		alice.Must("PUT", rules+"global/"+word+"/enabled", harness.M{"enabled": true})
		// Rules of the server's are switched by themselves: for bots, upgraded rooms, and everything.
		for _, r := range []string{"override/.m.rule.suppress_notices", "override/.m.rule.tombstone", "underride/.m.rule.call", "override/.m.rule.is_user_mention", "override/.m.rule.is_room_mention"} {
			alice.Must("PUT", rules+"global/"+r+"/enabled", harness.M{"enabled": false})
			if a := rule(r); a.Get("enabled").Type != gjson.False || !a.Get("conditions.0").Exists() {
				t.Errorf("%s: %s", r, a.Raw)
			}
		}
		alice.Must("PUT", rules+"global/override/.m.rule.master/enabled", harness.M{"enabled": true})

		all := alice.Must("GET", rules, nil)
		if a := all.Get("global.override.0"); a.Get("rule_id").Str != ".m.rule.master" || !a.Get("enabled").Bool() || a.Get("actions").Raw != "[]" {
			t.Errorf("the master rule: %s", a.Raw)
		}
		if a := alice.Sync(since).Get(`account_data.events.#(type=="m.push_rules").content`); a.Get("global.content").Raw != all.Get("global.content").Raw || a.Get("global.underride").Raw != all.Get("global.underride").Raw {
			t.Errorf("/sync tells\n%s\nand the page reads\n%s", a.Raw, all.Raw)
		}
		// Rules by name in the text went with v1.17; a client that still has switches for them is told so.
		for _, r := range []string{"override/.m.rule.contains_display_name", "override/.m.rule.roomnotif", "content/.m.rule.contains_user_name"} {
			refused(t, alice, "PUT", rules+"global/"+r+"/actions", harness.M{"actions": []any{"notify"}}, http.StatusNotFound, "M_NOT_FOUND")
		}
	}, harness.Env("CONCLAVE_PUSH_LEGACY_MENTIONS=false"))
}
