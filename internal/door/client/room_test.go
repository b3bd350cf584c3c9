package client

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

// rooms is a server with three users and one room that alice made and bob is in.
type rooms struct {
	*harness
	engine            *room.Engine
	alice, bob, carol person
	id                string // the room, escaped for paths
}

const v3 = "/_matrix/client/v3/"

func newRooms(t *testing.T, db *store.DB, bus *notify.Bus) *rooms {
	t.Helper()
	r := &rooms{}
	cfg := room.DefaultConfig()
	cfg.Encrypt = false
	signer := mx.Signer{Server: testServer, KeyID: "ed25519:1", Key: make([]byte, 64)}
	var err error
	if r.engine, err = room.New(room.Deps{DB: db, Signer: signer, Config: cfg}); err != nil {
		t.Fatal(err)
	}
	bus.ListenFirst(r.engine.Listen)
	r.harness = newHarness(t, db, bus, func(_ *ident.Config, d *Deps) { d.Rooms = r.engine })
	r.alice, r.bob, r.carol = r.register("alice"), r.register("bob"), r.register("carol")
	r.id = url.PathEscape(r.ok("POST", v3+"createRoom", r.alice.Token, map[string]any{"preset": "public_chat"}).str("room_id"))
	r.ok("POST", v3+"join/"+r.id, r.bob.Token, nil)
	return r
}

func eachRooms(t *testing.T, run func(*testing.T, *rooms)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		bus := notify.New()
		run(t, newRooms(t, storetest.SQLite(t, store.Options{Publish: bus.Publish}), bus))
	})
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("the services' own tests run on PostgreSQL in any case")
		}
		bus := notify.New()
		run(t, newRooms(t, storetest.Postgres(t, store.Options{Publish: bus.Publish}), bus))
	})
}

// at is a path of the room.
func (r *rooms) at(path string, args ...any) string {
	return v3 + "rooms/" + r.id + "/" + fmt.Sprintf(path, args...)
}

// Spec: cs#post_matrixclientv3createroom
// Spec: cs#post_matrixclientv3joinroomidoralias
// Spec: cs#post_matrixclientv3roomsroomidjoin
// Spec: cs#post_matrixclientv3roomsroomidinvite
// Spec: cs#post_matrixclientv3roomsroomidkick
// Spec: cs#post_matrixclientv3roomsroomidban
// Spec: cs#post_matrixclientv3roomsroomidunban
// Spec: cs#post_matrixclientv3roomsroomidleave
// Spec: cs#post_matrixclientv3roomsroomidforget
// Spec: cs#get_matrixclientv3joined_rooms
func TestALifeInRooms(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		joined := func(p person) string {
			return fmt.Sprint(r.ok("GET", v3+"joined_rooms", p.Token, nil).JSON["joined_rooms"])
		}
		plain, _ := url.PathUnescape(r.id)
		if got := joined(r.bob); got != "["+plain+"]" {
			t.Errorf("bob is in %s", got)
		}
		r.ok("POST", r.at("join"), r.bob.Token, map[string]any{"reason": "again"})
		r.ok("POST", r.at("invite"), r.alice.Token, map[string]any{"user_id": r.carol.ID, "reason": "come"})
		r.ok("POST", r.at("join"), r.carol.Token, "")
		r.ok("POST", r.at("kick"), r.alice.Token, map[string]any{"user_id": r.carol.ID})
		r.ok("POST", r.at("ban"), r.alice.Token, map[string]any{"user_id": r.carol.ID})
		r.fails("POST", r.at("join"), r.carol.Token, "{}", 403, "M_FORBIDDEN")
		r.ok("POST", r.at("unban"), r.alice.Token, map[string]any{"user_id": r.carol.ID})
		r.fails("POST", r.at("unban"), r.alice.Token, map[string]any{"user_id": r.carol.ID}, 403, "M_BAD_STATE")
		r.ok("POST", r.at("leave"), r.bob.Token, map[string]any{"reason": "bye"})
		r.ok("POST", r.at("leave"), r.bob.Token, nil)
		r.ok("POST", r.at("forget"), r.bob.Token, nil)
		r.fails("POST", r.at("forget"), r.alice.Token, "{}", 400, "M_UNKNOWN")
		if got := joined(r.bob); got != "[]" {
			t.Errorf("bob is in %s", got)
		}
	})
}

// Spec: cs#put_matrixclientv3roomsroomidsendeventtypetxnid
// Spec: cs#put_matrixclientv3roomsroomidstateeventtypestatekey
// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
// Spec: cs#transaction-identifiers
func TestSending(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		body := map[string]any{"msgtype": "m.text", "body": "hi"}
		first := r.ok("PUT", r.at("send/m.room.message/1"), r.bob.Token, body).str("event_id")
		if again := r.ok("PUT", r.at("send/m.room.message/1"), r.bob.Token, "whatever").str("event_id"); again != first {
			t.Errorf("sent again as %s", again)
		}
		for name, other := range map[string]string{
			"another type":   r.ok("PUT", r.at("send/m.other/1"), r.bob.Token, body).str("event_id"),
			"another device": r.ok("PUT", r.at("send/m.room.message/1"), r.login("bob", testPassword).Token, body).str("event_id"),
			"another user":   r.ok("PUT", r.at("send/m.room.message/1"), r.alice.Token, body).str("event_id"),
		} {
			if other == first {
				t.Errorf("%s is taken for the same request", name)
			}
		}
		redaction := r.ok("PUT", r.at("redact/%s/1", url.PathEscape(first)), r.bob.Token, map[string]any{"reason": "typo"}).str("event_id")
		if again := r.ok("PUT", r.at("redact/%s/1", url.PathEscape(first)), r.bob.Token, nil).str("event_id"); again != redaction {
			t.Error("redacted twice by one request")
		}
		name := r.ok("PUT", r.at("state/m.room.name"), r.alice.Token, map[string]any{"name": "x"}).str("event_id")
		for _, path := range []string{"state/m.room.name/", "state/m.room.name"} {
			if again := r.ok("PUT", r.at("%s", path), r.alice.Token, map[string]any{"name": "x"}).str("event_id"); again != name {
				t.Errorf("%s: the same state is another event", path)
			}
		}
		key := url.PathEscape("_@bob:hs1_a/b//c?d")
		r.ok("PUT", r.at("state/org.matrix.msc3401.call.member/%s", key), r.alice.Token, "{}")
		r.fails("PUT", r.at("state/x/%s", url.PathEscape(r.bob.ID)), r.alice.Token, "{}", 403, "M_FORBIDDEN")
		r.fails("PUT", r.at("state/m.room.name"), r.bob.Token, map[string]any{"name": "y"}, 403, "M_FORBIDDEN")
		r.fails("PUT", r.at("state/m.room.create"), r.alice.Token, "{}", 400, "M_BAD_JSON")
		r.fails("PUT", r.at("state/m.room.power_levels"), r.alice.Token, map[string]any{"users": map[string]int{r.alice.ID: 100}}, 400, "M_BAD_JSON")
		r.ok("PUT", r.at("state/m.room.member/%s", url.PathEscape(r.bob.ID)), r.bob.Token, map[string]any{"membership": "join", "displayname": "B"})
	})
}

// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
func TestWhatSuspendedUsersMayDo(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		mine := url.PathEscape(r.ok("PUT", r.at("send/m.room.message/1"), r.bob.Token, "{}").str("event_id"))
		hers := url.PathEscape(r.ok("PUT", r.at("send/m.room.message/2"), r.alice.Token, "{}").str("event_id"))
		if err := r.accounts.Moderate(t.Context(), ident.By{}, mx.UserID(r.bob.ID), nil, new(true)); err != nil {
			t.Fatal(err)
		}
		r.ok("PUT", r.at("redact/%s/1", mine), r.bob.Token, "{}")
		r.fails("PUT", r.at("redact/%s/2", hers), r.bob.Token, "{}", 403, "M_USER_SUSPENDED")
		r.fails("PUT", r.at("send/m.room.message/3"), r.bob.Token, "{}", 403, "M_USER_SUSPENDED")
		r.fails("POST", v3+"createRoom", r.bob.Token, "{}", 403, "M_USER_SUSPENDED")
		r.fails("POST", v3+"join/"+r.id, r.bob.Token, "{}", 403, "M_USER_SUSPENDED")
		r.ok("POST", r.at("leave"), r.bob.Token, "{}")
		r.ok("POST", r.at("forget"), r.bob.Token, "{}")
	})
}

// Spec: cs#put_matrixclientv3directoryroomroomalias
// Spec: cs#get_matrixclientv3directoryroomroomalias
// Spec: cs#delete_matrixclientv3directoryroomroomalias
// Spec: cs#get_matrixclientv3roomsroomidaliases
// Spec: cs#put_matrixclientv3directorylistroomroomid
// Spec: cs#post_matrixclientv3roomsroomidupgrade
// Spec: cs#post_matrixclientv3knockroomidoralias
func TestNamesOfRooms(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		plain, _ := url.PathUnescape(r.id)
		alias := v3 + "directory/room/" + url.PathEscape("#老虎:hs1")
		r.ok("PUT", alias, r.bob.Token, map[string]any{"room_id": plain})
		r.fails("PUT", alias, r.alice.Token, map[string]any{"room_id": plain}, 409, "M_UNKNOWN")
		a := r.ok("GET", alias, "", nil)
		if a.str("room_id") != plain || fmt.Sprint(a.JSON["servers"]) != "[hs1]" {
			t.Errorf("%s", a.Raw)
		}
		if got := string(r.ok("GET", r.at("aliases"), r.bob.Token, nil).Raw); got != `{"aliases":["#老虎:hs1"]}` {
			t.Errorf("aliases are %s", got)
		}
		r.fails("GET", r.at("aliases"), r.carol.Token, nil, 403, "M_FORBIDDEN")
		r.ok("POST", v3+"join/"+url.PathEscape("#老虎:hs1"), r.carol.Token, nil)
		r.fails("POST", v3+"knock/"+url.PathEscape("#老虎:hs1"), r.carol.Token, "{}", 403, "M_FORBIDDEN")
		r.ok("PUT", v3+"directory/list/room/"+r.id, r.alice.Token, map[string]any{"visibility": "public"})
		r.ok("PUT", v3+"directory/list/room/"+r.id, r.alice.Token, nil)
		r.fails("PUT", v3+"directory/list/room/"+r.id, r.bob.Token, "{}", 403, "M_FORBIDDEN")
		next := r.ok("POST", r.at("upgrade"), r.alice.Token, map[string]any{"new_version": "11"}).str("replacement_room")
		if got := r.ok("GET", alias, "", nil).str("room_id"); got != next {
			t.Errorf("after the upgrade the alias is of %s", got)
		}
		r.ok("DELETE", alias, r.bob.Token, nil)
		r.fails("DELETE", alias, r.bob.Token, nil, 404, "M_NOT_FOUND")
		r.fails("GET", alias, "", nil, 404, "M_NOT_FOUND")
	})
}

// Spec: MSC4140
func TestDelayedEvents(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		const base = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events"
		send := r.at("send/m.room.message/d1?org.matrix.msc4140.delay=60000")
		id := r.ok("PUT", send, r.bob.Token, map[string]any{"body": "x"}).str("delay_id")
		if again := r.ok("PUT", send, r.bob.Token, nil).str("delay_id"); again != id {
			t.Error("the same request schedules another")
		}
		state := r.ok("PUT", r.at("state/m.room.name/?org.matrix.msc4140.delay=60000"), r.alice.Token, map[string]any{"name": "later"}).str("delay_id")
		list := r.ok("GET", base, r.bob.Token, nil)
		if items, _ := list.JSON["delayed_events"].([]any); len(items) != 1 || !strings.Contains(string(list.Raw), `"content":{"body":"x"}`) {
			t.Errorf("%s", list.Raw)
		}
		r.fails("GET", base, "", nil, 401, "M_MISSING_TOKEN")
		r.fails("GET", base+"/"+id, r.alice.Token, nil, 404, "M_NOT_FOUND")
		r.ok("POST", base+"/"+id+"/restart", "", "{}")
		r.ok("POST", base+"/"+id, "", map[string]any{"action": "cancel"})
		r.ok("POST", base+"/"+state+"/send", "", nil)
		if got := r.ok("GET", base+"/"+state, r.alice.Token, nil); got.str("event_id") == "" {
			t.Errorf("%s", got.Raw)
		}
		r.fails("POST", base+"/"+state+"/cancel", "", "{}", 409, "M_UNKNOWN")
		r.fails("POST", base+"/abc/cancel", "", "{}", 404, "M_NOT_FOUND")
		r.fails("POST", base+"/abc/oops", "", "{}", 404, "M_UNRECOGNIZED")
		r.fails("POST", base+"/abc", "", "{}", 400, "M_INVALID_PARAM")
		for _, delay := range []string{"x", "-1", "99999999999999999999", "1.5"} {
			r.fails("PUT", r.at("send/m.room.message/d2?org.matrix.msc4140.delay=%s", delay), r.bob.Token, "{}", 400, "M_INVALID_PARAM")
		}
		r.fails("PUT", r.at("send/m.room.message/d2?org.matrix.msc4140.delay=999999999"), r.bob.Token, "{}", 400, "M_UNKNOWN")
		r.fails("PUT", r.at("send/m.room.message/d2?org.matrix.msc4140.delay=1"), r.bob.Token, "", 400, "M_NOT_JSON")
	})
}
