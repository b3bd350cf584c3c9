package admin_test

import (
	"context"
	"encoding/csv"
	"net/url"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

func (h *harness) room(by string, c room.Create) mx.RoomID {
	h.t.Helper()
	id, err := h.rooms.CreateRoom(context.Background(), h.id(by), c)
	h.must(err)
	return id
}

func (h *harness) say(by string, id mx.RoomID) error {
	_, err := h.rooms.Append(context.Background(), room.Draft{Room: id, Sender: h.id(by), Type: "m.room.encrypted", Content: []byte(`{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"x"}`)})
	return err
}

func at(id mx.RoomID) string { return "rooms/" + url.PathEscape(string(id)) }

// open is a room that anybody may join.
func (h *harness) open(by string, members ...string) mx.RoomID {
	h.t.Helper()
	id := h.room(by, room.Create{Preset: "public_chat", Name: "Open " + by, Version: "11"})
	for _, m := range members {
		h.must(h.rooms.Join(context.Background(), h.id(m), id, nil))
	}
	return id
}

func TestRooms(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		for _, name := range []string{"alice", "bob"} {
			h.account(name, false)
		}
		open := h.open("alice", "bob")
		secret := h.room("bob", room.Create{Preset: "private_chat", Name: "=Sécret", Topic: "Plans"})
		h.room("alice", room.Create{Name: "Department", Content: []byte(`{"type":"m.space"}`)})
		before := h.ok("GET", at(open), nil)
		h.clock = h.clock.Add(time.Hour)
		for range 3 {
			h.must(h.say("bob", open))
		}
		names := func(query string) string { return h.ok("GET", "rooms?"+query, nil).Get("items.#.name").Raw }
		for query, want := range map[string]string{
			"":                             `["=Sécret","Department","Open alice"]`,
			"order=-name":                  `["Open alice","Department","=Sécret"]`,
			"order=-members&limit=1":       `["Open alice"]`,
			"order=-last_activity&limit=1": `["Open alice"]`,
			"search=secret":                `["=Sécret"]`,
			"kind=space":                   `["Department"]`,
			"kind=public":                  `["Open alice"]`,
			"kind=orphaned":                `[]`,
			"kind=unencrypted":             `[]`,
		} {
			if got := names(query); got != want {
				t.Errorf("%q: %s, want %s", query, got, want)
			}
		}
		after := h.ok("GET", at(open), nil)
		if n := after.Get("events").Int() - before.Get("events").Int(); n != 3 || after.Get("bytes").Int() <= before.Get("bytes").Int() {
			t.Errorf("%d more events: %s", n, after.Raw)
		}
		if after.Get("joined_members").Int() != 2 || after.Get("last_activity").Int() != h.clock.UnixMilli() || after.Get("join_rule").Str != "public" ||
			after.Get("power_holder").Str != "@alice:hs1" || after.Get(`state.m\.room\.member`).Int() != 2 || after.Get("version").Str != "11" {
			t.Errorf("%s", after.Raw)
		}
		if d := h.ok("GET", at(secret), nil); d.Get("topic").Str != "Plans" || !d.Get("encrypted").Bool() {
			t.Errorf("%s", d.Raw)
		}
		members := h.ok("GET", at(open)+"/members?order=user_id", nil)
		if members.Get("items.#.user_id").Raw != `["@alice:hs1","@bob:hs1"]` || members.Get("items.#.power_level").Raw != `[100,0]` {
			t.Errorf("%s", members.Raw)
		}
		h.fails("GET", at("!nowhere:hs1"), nil, 404, "M_NOT_FOUND")
		h.fails("GET", at("!nowhere:hs1")+"/members", nil, 404, "M_NOT_FOUND")
		h.fails("GET", at("x"), nil, 400, "M_INVALID_PARAM")
		rows, err := csv.NewReader(strings.NewReader(h.csv("rooms"))).ReadAll()
		if err != nil || len(rows) != 4 || rows[1][1] != "'=Sécret" {
			t.Errorf("%v %q", err, rows)
		}

		_, err = h.rooms.SetState(context.Background(), h.id("alice"), open, "m.room.policy", "", []byte(`{"via":"rec.example.org"}`))
		h.must(err)
		_, err = h.rooms.SetState(context.Background(), h.id("alice"), open, "m.room.retention", "", []byte(`{"max_lifetime":86400000}`))
		h.must(err)
		if got := names("kind=recorded") + names("kind=unrecorded"); got != `["Open alice"]["=Sécret","Department"]` {
			t.Errorf("recorded or not: %s", got)
		}
		if a := h.ok("GET", at(open), nil); !a.Get("recorded").Bool() || a.Get("own_max_lifetime").Int() != 86400000 || a.Get("max_lifetime").Int() != 86400000 {
			t.Errorf("%s", a.Raw)
		}
		if !strings.Contains(h.csv("rooms"), ",recorded,") {
			t.Error("the CSV does not say what is recorded")
		}

		d := h.ok("GET", "dashboard", nil)
		if d.Get("people.total").Int() != 3 || d.Get("people.active_1d").Int() != 3 || d.Get("people.admins").Int() != 1 || d.Get("rooms.total").Int() != 3 || d.Get("rooms.spaces").Int() != 1 ||
			d.Get("devices").Int() != 3 || d.Get("messages.#").Int() != 30 || d.Get("messages.29.messages").Int() != 3 || d.Get("messages.29.date").Str != "2023-11-14" || d.Get("storage.database_bytes").Int() <= 0 {
			t.Errorf("%s", d.Raw)
		}
		if a := h.ok("GET", "health", nil); !a.Get("ok").Bool() || a.Get("checks.0.do").Str != "Set it." {
			t.Errorf("%s", a.Raw)
		}
	})
}

func TestTakeOver(t *testing.T) {
	for _, version := range []string{"11", "12"} {
		t.Run(version, func(t *testing.T) {
			each(t, func(t *testing.T, h *harness) {
				ctx := context.Background()
				for _, name := range []string{"alice", "bob", "carol"} {
					h.account(name, false)
				}
				id := h.room("alice", room.Create{Preset: "private_chat", Version: version, Invite: []string{"@bob:hs1"}})
				h.must(h.rooms.Join(ctx, h.id("bob"), id, nil))
				a := h.ok("POST", at(id)+"/takeover", M{})
				if a.Get("joined_members").Int() != 3 {
					t.Errorf("%s", a.Raw)
				}
				s, err := h.rooms.Snapshot(ctx, id)
				h.must(err)
				ev := s.State("m.room.power_levels", "")
				if s.Power().User("@boss:hs1") != 100 || s.Power().User("@bob:hs1") != 0 || ev.Sender != "@alice:hs1" || !strings.Contains(string(ev.Content), `"chat.conclave.takeover":{"by":"@boss:hs1","user":"@boss:hs1"}`) {
					t.Errorf("%s by %s", ev.Content, ev.Sender)
				}
				h.fails("POST", at(id)+"/takeover", M{}, 409, "CHAT.CONCLAVE.HAS_POWER")
				h.fails("POST", at(id)+"/takeover", M{"user_id": "@nobody:hs1"}, 404, "M_NOT_FOUND")
				h.ok("POST", at(id)+"/takeover", M{"user_id": "@bob:hs1"})
				h.must(h.rooms.Invite(ctx, h.id("boss"), id, h.id("carol"), ""))
				h.must(h.rooms.Join(ctx, h.id("carol"), id, nil))
				for _, u := range []string{"alice", "bob", "boss"} { // all who have power
					h.must(h.rooms.Leave(ctx, h.id(u), id, ""))
				}
				if a := h.ok("GET", "rooms?kind=orphaned", nil); a.Get("items.#.room_id").Raw != `["`+string(id)+`"]` {
					t.Errorf("%s", a.Raw)
				}
				h.fails("POST", at(id)+"/takeover", M{}, 409, "CHAT.CONCLAVE.NO_POWER")
				if log := h.ok("GET", "audit?action=room.take_over", nil); log.Get("total").Int() != 2 || log.Get("items.1.after.given_by").Str != "@alice:hs1" {
					t.Errorf("%s", log.Raw)
				}
			})
		})
	}
}

func TestBlock(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		for _, name := range []string{"alice", "bob", "carol"} {
			h.account(name, false)
		}
		id := h.open("alice", "bob")
		if a := h.ok("POST", at(id)+"/block", nil); !a.Get("blocked").Bool() {
			t.Errorf("%s", a.Raw)
		}
		for what, err := range map[string]error{"saying": h.say("alice", id), "joining": h.rooms.Join(ctx, h.id("carol"), id, nil)} {
			if !fault.Is(err, "M_FORBIDDEN") {
				t.Errorf("%s: %v", what, err)
			}
		}
		h.must(h.rooms.Leave(ctx, h.id("bob"), id, ""))
		h.ok("POST", at(id)+"/block", nil) // again is no act
		if a := h.ok("POST", at(id)+"/unblock", nil); a.Get("blocked").Bool() {
			t.Errorf("%s", a.Raw)
		}
		h.must(h.say("alice", id))
		h.fails("POST", at("!nowhere:hs1")+"/block", nil, 404, "M_NOT_FOUND")
		if log := h.ok("GET", "audit?action=room&order=seq", nil); log.Get("items.#.action").Raw != `["room.block","room.unblock"]` {
			t.Errorf("%s", log.Raw)
		}
	})
}

// A deletion that was begun is finished by whoever runs next, and leaves nothing that was said.
func TestDeleteRoom(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for _, name := range []string{"alice", "bob"} {
			h.account(name, false)
		}
		id, other := h.open("alice", "bob"), h.open("bob")
		for range 5 {
			h.must(h.say("bob", id))
			h.must(h.say("bob", other))
		}
		begun := h.ok("POST", at(id)+"/delete", nil)
		if begun.Get("phase").Str != "leaving" || begun.Get("members").Int() != 2 || begun.Get("events").Int() < 5 || begun.Get("name").Str != "Open alice" {
			t.Errorf("%s", begun.Raw)
		}
		h.fails("POST", at(id)+"/delete", nil, 409, "CHAT.CONCLAVE.DELETED")
		h.fails("POST", at(id)+"/unblock", nil, 409, "CHAT.CONCLAVE.DELETED")
		if err := h.say("alice", id); !fault.Is(err, "M_FORBIDDEN") {
			t.Errorf("something was said meanwhile: %v", err)
		}
		stopped := make(chan struct{})
		go func() { defer close(stopped); h.steward.Run(ctx) }()
		job := "jobs/" + begun.Get("job_id").Str
		for deadline := time.Now().Add(time.Minute); h.ok("GET", job, nil).Get("phase").Str != "done"; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s", h.ok("GET", job, nil).Raw)
			}
		}
		cancel()
		<-stopped
		done := h.ok("GET", job, nil)
		if done.Get("members_left").Int() != 2 || done.Get("events_removed").Int() != done.Get("events").Int() || done.Get("finished").Int() == 0 {
			t.Errorf("%s", done.Raw)
		}
		if a := h.ok("GET", "jobs", nil); a.Get("total").Int() != 1 {
			t.Errorf("%s", a.Raw)
		}
		if a := h.ok("GET", "rooms", nil); a.Get("items.#.name").Raw != `["Open bob"]` {
			t.Errorf("%s", a.Raw)
		}
		h.fails("GET", at(id), nil, 404, "M_NOT_FOUND")
		count := func(query string, args ...any) (n int) {
			h.must(h.db.QueryRow(context.Background(), query, args...).Scan(&n))
			return n
		}
		if n := count("SELECT count(*) FROM event WHERE room_id = $1 AND type NOT IN ('m.room.create', 'm.room.member')", string(id)); n != 0 {
			t.Errorf("%d events are left", n)
		}
		if n := count("SELECT count(*) FROM event WHERE room_id = $1 AND type = 'm.room.encrypted'", string(other)); n != 5 {
			t.Errorf("the other room has %d messages left", n)
		}
		// Clients that were away are still told that their users left.
		for _, u := range []string{"alice", "bob"} {
			if n := count("SELECT count(*) FROM membership m JOIN event e ON e.event_id = m.event_id WHERE m.user_id = $1 AND m.room_id = $2 AND m.membership = 'leave'", string(h.id(u)), string(id)); n != 1 {
				t.Errorf("%s was not told", u)
			}
		}
		if s, err := h.rooms.Snapshot(context.Background(), id); err != nil || s.State("m.room.name", "") != nil {
			t.Errorf("the room's state is remembered: %v", err)
		}
	})
}
