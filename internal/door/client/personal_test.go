package client

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/personal"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
)

// eachWithRooms runs a test on both engines, with rooms, /sync and what is personal.
func eachWithRooms(t *testing.T, run func(*testing.T, *harness)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			bus := notify.New()
			db := open(t, store.Options{Publish: bus.Publish})
			run(t, newHarness(t, db, bus, func(_ *ident.Config, d *Deps) { wireRooms(t, db, bus, d) }))
		})
	}
}

// lateInvites asks the personal service, which is made after rooms.
type lateInvites struct{ *personal.Service }

func wireRooms(t *testing.T, db *store.DB, bus *notify.Bus, d *Deps) {
	t.Helper()
	cfg := room.DefaultConfig()
	cfg.Encrypt = false
	signer := mx.Signer{Server: testServer, KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	invites := &lateInvites{}
	var err error
	if d.Rooms, err = room.New(room.Deps{DB: db, Signer: signer, Invites: invites, Config: cfg}); err != nil {
		t.Fatal(err)
	}
	bus.Listen(d.Rooms.Listen)
	views := visibility.NewViews(db)
	hub := ephemeral.New(ephemeral.Options{Wake: func(c ephemeral.Change) { d.Feed.Ephemeral(c) }})
	t.Cleanup(hub.Close)
	d.Feed = feed.New(feed.Deps{DB: db, Bus: bus, Rooms: d.Rooms, Views: views, Ephemeral: hub})
	d.Personal = personal.New(personal.Deps{DB: db, Rooms: d.Rooms, Views: views, Ephemeral: hub})
	d.Sliding = sliding.New(d.Feed, d.Personal)
	bus.Listen(d.Personal.Changed)
	invites.Service = d.Personal
}

// newRoom makes a room that anyone may join, and has them join it.
func (h *harness) newRoom(maker person, others ...person) string {
	h.t.Helper()
	id := h.ok("POST", "/_matrix/client/v3/createRoom", maker.Token, object{"preset": "public_chat"}).str("room_id")
	for _, p := range others {
		h.ok("POST", "/_matrix/client/v3/join/"+id, p.Token, object{})
	}
	return id
}

// say sends a message and gives its id.
func (h *harness) say(p person, room string, content object) string {
	h.t.Helper()
	content["msgtype"], content["body"] = "m.text", "x"
	return h.ok("PUT", fmt.Sprintf("/_matrix/client/v3/rooms/%s/send/m.room.message/%s", room, rand.Text()), p.Token, content).str("event_id")
}

// sync asks for news since a token, "" for everything.
func (h *harness) sync(p person, since string) *answer {
	h.t.Helper()
	return h.ok("GET", "/_matrix/client/v3/sync?timeout=0&set_presence=offline&since="+since, p.Token, nil)
}

// events are those of a list in an answer that have a type.
func (a *answer) events(typ string, path ...string) (list []object) {
	all, _ := a.get(path...).([]any)
	for _, e := range all {
		if e, _ := e.(object); e["type"] == typ {
			list = append(list, e)
		}
	}
	return list
}

// one is the content of the only event of a type in a list.
func (a *answer) one(typ string, path ...string) object {
	a.t.Helper()
	list := a.events(typ, path...)
	if len(list) != 1 {
		a.t.Errorf("%d events %s in %v, want 1: %s", len(list), typ, path, a.Raw)
		return object{}
	}
	return list[0]["content"].(object)
}

// Spec: cs#put_matrixclientv3useruseridaccount_datatype
// Spec: cs#get_matrixclientv3useruseridaccount_datatype
// Spec: cs#put_matrixclientv3useruseridroomsroomidaccount_datatype
// Spec: cs#get_matrixclientv3useruseridroomsroomidaccount_datatype
func TestAccountData(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice)
		since := h.sync(alice, "").str("next_batch")
		global := "/_matrix/client/v3/user/" + alice.ID + "/account_data/"
		inRoom := "/_matrix/client/v3/user/" + alice.ID + "/rooms/" + room + "/account_data/"
		for _, base := range []string{global, inRoom} {
			h.fails("GET", base+"org.example.x", alice.Token, nil, 404, "M_NOT_FOUND")
			h.ok("PUT", base+"org.example.x", alice.Token, `{ "value": 1.5, "order": [ 2, 1 ] }`)
			a := h.ok("GET", base+"org.example.x", alice.Token, nil)
			if string(a.Raw) != `{"value":1.5,"order":[2,1]}` {
				t.Errorf("stored as %s", a.Raw)
			}
			h.ok("PUT", base+"org.example.empty", alice.Token, `{}`)
			h.fails("GET", base+"org.example.empty", alice.Token, nil, 404, "M_NOT_FOUND") // see TestDeleteAccountData
			for _, typ := range []string{"m.fully_read", "m.push_rules"} {
				h.fails("PUT", base+typ, alice.Token, object{"event_id": "$x"}, 405, "M_BAD_JSON")
			}
			h.fails("PUT", base+"x", bob.Token, object{}, 403, "M_FORBIDDEN")
			h.fails("GET", base+"org.example.x", bob.Token, nil, 403, "M_FORBIDDEN")
			h.fails("PUT", base+"x", "", object{}, 401, "M_MISSING_TOKEN")
			for body, code := range map[string]string{
				``: "M_NOT_JSON", `x`: "M_NOT_JSON", `[]`: "M_BAD_JSON", `"x"`: "M_BAD_JSON", `{"a":1,"a":2}`: "M_BAD_JSON", "{\"a\":\"\xff\"}": "M_NOT_JSON",
			} {
				h.fails("PUT", base+"x", alice.Token, body, 400, code)
			}
			h.fails("PUT", base+strings.Repeat("x", 256), alice.Token, object{}, 400, "M_INVALID_PARAM")
			h.fails("PUT", base+"x%00y", alice.Token, object{}, 400, "M_INVALID_PARAM")
			h.fails("PUT", base+"x", alice.Token, object{"x": strings.Repeat("x", personal.MaxAccountData)}, 413, "M_TOO_LARGE")
		}
		h.fails("PUT", "/_matrix/client/v3/user/"+alice.ID+"/rooms/@not:hs1/account_data/x", alice.Token, object{}, 400, "M_INVALID_PARAM")
		h.fails("GET", "/_matrix/client/v3/user/"+alice.ID+"/rooms/@not:hs1/account_data/x", alice.Token, nil, 400, "M_INVALID_PARAM")

		a := h.sync(alice, since)
		if v := a.one("org.example.x", "account_data", "events")["value"]; v != 1.5 {
			t.Errorf("the writer's own sync has %v", v)
		}
		if v := a.one("org.example.x", "rooms", "join", room, "account_data", "events")["value"]; v != 1.5 {
			t.Errorf("the writer's own sync has %v", v)
		}
		if a := h.sync(bob, ""); len(a.events("org.example.x", "account_data", "events")) != 0 {
			t.Error("bob sees it")
		}
	})
}

// Spec: MSC3391
func TestDeleteAccountData(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice)
		for path, section := range map[string][]string{
			"account_data/x": {"account_data", "events"}, "rooms/" + room + "/account_data/x": {"rooms", "join", room, "account_data", "events"},
		} {
			stable := "/_matrix/client/v3/user/" + alice.ID + "/" + path
			unstable := "/_matrix/client/unstable/org.matrix.msc3391/user/" + alice.ID + "/" + path
			h.fails("DELETE", unstable, bob.Token, nil, 403, "M_FORBIDDEN")
			for how, remove := range map[string]func(){
				"DELETE": func() { h.ok("DELETE", unstable, alice.Token, nil) }, "PUT": func() { h.ok("PUT", stable, alice.Token, `{ }`) },
			} {
				h.ok("PUT", stable, alice.Token, object{"v": 1})
				since := h.sync(alice, "").str("next_batch")
				remove()
				remove()
				h.fails("GET", stable, alice.Token, nil, 404, "M_NOT_FOUND")
				if c := h.sync(alice, since).one("x", section...); len(c) != 0 {
					t.Errorf("%s: clients hear %v", how, c)
				}
				a := h.sync(alice, "")
				_, there := a.get(section...).([]any)
				if len(a.events("x", section...)) != 0 || (!there && len(section) > 2) { // of a room the list is there, and empty
					t.Errorf("%s: a new client hears %s", how, a.Raw)
				}
			}
		}
	})
}

// Spec: cs#get_matrixclientv3useruseridroomsroomidtags
// Spec: cs#put_matrixclientv3useruseridroomsroomidtagstag
// Spec: cs#delete_matrixclientv3useruseridroomsroomidtagstag
func TestTags(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(alice)
		path := "/_matrix/client/v3/user/" + alice.ID + "/rooms/" + room + "/tags"
		h.ok("GET", path, alice.Token, nil).is(object{}, "tags")
		since := h.sync(alice, "").str("next_batch")
		h.ok("PUT", path+"/m.favourite", alice.Token, object{"order": 0.1})
		h.ok("PUT", path+"/u.Work%2Fplay", alice.Token, object{})
		want := object{"m.favourite": object{"order": 0.1}, "u.Work/play": object{}}
		h.ok("GET", path, alice.Token, nil).is(want, "tags")
		if c := h.sync(alice, since).one("m.tag", "rooms", "join", room, "account_data", "events"); fmt.Sprint(c["tags"]) != fmt.Sprint(want) {
			t.Errorf("sync has %v", c)
		}
		h.ok("DELETE", path+"/m.favourite", alice.Token, nil)
		h.ok("DELETE", path+"/m.favourite", alice.Token, nil)
		h.ok("GET", path, alice.Token, nil).is(object{"u.Work/play": object{}}, "tags")

		for body, code := range map[string]string{
			`x`: "M_NOT_JSON", `[]`: "M_BAD_JSON", `{"order":"0.5"}`: "M_BAD_JSON", `{"order":1.5}`: "M_INVALID_PARAM", `{"order":-1}`: "M_INVALID_PARAM",
		} {
			h.fails("PUT", path+"/u.x", alice.Token, body, 400, code)
		}
		h.fails("PUT", path+"/"+strings.Repeat("x", 256), alice.Token, object{}, 400, "M_INVALID_PARAM")
		h.fails("PUT", path+"/%ff", alice.Token, object{}, 400, "M_INVALID_PARAM")
		h.fails("PUT", path+"/u.x", alice.Token, object{"x": strings.Repeat("x", 5000)}, 413, "M_TOO_LARGE")
		h.fails("PUT", "/_matrix/client/v3/user/"+alice.ID+"/rooms/x/tags/u.x", alice.Token, object{}, 400, "M_INVALID_PARAM")
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			p := path
			if method != "GET" {
				p += "/u.x"
			}
			h.fails(method, p, bob.Token, object{}, 403, "M_FORBIDDEN")
		}
		// A client may write m.tag of any shape as account data.
		h.ok("PUT", strings.TrimSuffix(path, "tags")+"account_data/m.tag", alice.Token, object{"tags": "none"})
		h.ok("GET", path, alice.Token, nil).is(object{}, "tags")
		for i := range 101 {
			want := 200
			if i == 100 {
				want = 400
			}
			if a := h.do("PUT", fmt.Sprint(path, "/u.", i), alice.Token, object{}); a.Status != want {
				t.Fatalf("tag %d: %s", i, a.Raw)
			}
		}
	})
}

// Spec: cs#invite-permission
func TestInviteBlocking(t *testing.T) {
	eachWithRooms(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		room := h.newRoom(bob)
		invite := object{"user_id": alice.ID}
		set := func(content string) {
			h.ok("PUT", "/_matrix/client/v3/user/"+alice.ID+"/account_data/m.invite_permission_config", alice.Token, content)
		}
		set(`{"default_action":"block"}`)
		h.fails("POST", "/_matrix/client/v3/rooms/"+room+"/invite", bob.Token, invite, 403, "M_INVITE_BLOCKED")
		h.fails("PUT", "/_matrix/client/v3/rooms/"+room+"/state/m.room.member/"+alice.ID, bob.Token, object{"membership": "invite"}, 403, "M_INVITE_BLOCKED")
		set(`{}`)
		h.ok("POST", "/_matrix/client/v3/rooms/"+room+"/invite", bob.Token, invite)
		set(`{"default_action":"block"}`) // hides what came before
		if a := h.sync(alice, ""); a.get("rooms", "invite", room) != nil {
			t.Errorf("a blocked invitation is told: %s", a.Raw)
		}
		set(`{}`)
		if a := h.sync(alice, ""); a.get("rooms", "invite", room) == nil {
			t.Errorf("an invitation is not told: %s", a.Raw)
		}
		for _, content := range []string{`{"default_action":["block"]}`, `{"default_action":"something"}`, `{}`} {
			set(content)
			h.ok("POST", "/_matrix/client/v3/rooms/"+h.newRoom(bob)+"/invite", bob.Token, invite)
		}
	})
}
