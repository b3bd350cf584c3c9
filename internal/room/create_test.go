package room_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
)

// content decodes the content of a state event.
func (n *node) content(t *testing.T, r mx.RoomID, typ, key string) map[string]any {
	t.Helper()
	ev := n.snapshot(t, r).State(typ, key)
	if ev == nil {
		t.Fatalf("no %s %q", typ, key)
	}
	var m map[string]any
	must(t, json.Unmarshal(ev.Content, &m))
	return m
}

func same(t *testing.T, what string, got any, want string) {
	t.Helper()
	raw, err := json.Marshal(got, json.Deterministic(true))
	must(t, err)
	if string(raw) != want {
		t.Errorf("%s is %s, want %s", what, raw, want)
	}
}

// Spec: cs#post_matrixclientv3createroom
func TestRoomVersionsDiffer(t *testing.T) {
	n := open(t, "sqlite")
	for _, v := range mx.Versions() {
		r := n.create(t, alice, room.Create{Version: v, Preset: "trusted_private_chat", Invite: []string{string(bob), string(bob)}})
		create, power := n.content(t, r, mx.TypeCreate, ""), n.content(t, r, mx.TypePowerLevels, "")
		same(t, v+" room_version", create["room_version"], fmt.Sprintf("%q", v))
		switch v {
		case "12":
			if n.snapshot(t, r).State(mx.TypeCreate, "").ID[1:] != mx.EventID(r[1:]) {
				t.Error("the room id is not the hash of the create event")
			}
			same(t, "creators", create["additional_creators"], `["@bob:test.example"]`)
			same(t, "users", power["users"], `{}`)
			events, _ := power["events"].(map[string]any)
			same(t, "tombstone", events[mx.TypeTombstone], "150")
		default:
			if r.Server() != server {
				t.Errorf("room id %s", r)
			}
			same(t, v+" creator", create["creator"], map[bool]string{true: "null", false: `"@alice:test.example"`}[v == "11"])
			same(t, v+" users", power["users"], `{"@alice:test.example":100,"@bob:test.example":100}`)
		}
		n.checkLog(t, r)
	}
}

// Spec: cs#post_matrixclientv3createroom
// Spec: cs#mroomtopic
func TestPresetsAndWhatOverridesThem(t *testing.T) {
	n := open(t, "sqlite")
	for preset, want := range map[string]string{"private_chat": "invite shared can_join", "trusted_private_chat": "invite shared can_join", "public_chat": "public shared forbidden"} {
		r := n.create(t, alice, room.Create{Preset: preset})
		got := fmt.Sprint(n.content(t, r, mx.TypeJoinRules, "")["join_rule"], " ", n.content(t, r, mx.TypeHistoryVisibility, "")["history_visibility"],
			" ", n.content(t, r, mx.TypeGuestAccess, "")["guest_access"])
		if got != want {
			t.Errorf("%s: %s, want %s", preset, got, want)
		}
	}
	state := func(typ, content string) room.InitialState {
		return room.InitialState{Type: typ, Content: []byte(content)}
	}
	r := n.create(t, alice, room.Create{
		Visibility: "public", AliasName: "café", Name: "Name", Topic: "Topic", Content: []byte(`{"m.federate":false,"room_version":"x","creator":"y","type":"m.space"}`),
		State: []room.InitialState{
			state(mx.TypeJoinRules, `{"join_rule":"knock"}`), state(mx.TypeName, `{"name":"other"}`), state(mx.TypeTopic, `{"topic":"other"}`),
			{Type: "x", Key: "k", Content: []byte(`{"a":1}`)},
		},
		Power: []byte(`{"events":{"x":7},"users_default":3}`),
	})
	same(t, "join rule", n.content(t, r, mx.TypeJoinRules, "")["join_rule"], `"knock"`)
	same(t, "name", n.content(t, r, mx.TypeName, ""), `{"name":"Name"}`)
	same(t, "topic", n.content(t, r, mx.TypeTopic, ""), `{"m.topic":{"m.text":[{"body":"Topic"}]},"topic":"Topic"}`)
	same(t, "alias", n.content(t, r, mx.TypeCanonicalAlias, ""), `{"alias":"#café:test.example"}`)
	same(t, "create", n.content(t, r, mx.TypeCreate, ""), `{"m.federate":false,"room_version":"12","type":"m.space"}`)
	same(t, "state", n.content(t, r, "x", "k"), `{"a":1}`)
	power := n.content(t, r, mx.TypePowerLevels, "")
	same(t, "events", power["events"], `{"m.room.tombstone":150,"x":7}`)
	same(t, "users_default", power["users_default"], `3`)
	names := 0
	for _, ev := range n.checkLog(t, r) {
		if ev.Type == mx.TypeName || ev.Type == mx.TypeTopic || ev.Type == mx.TypeJoinRules {
			names++
		}
	}
	if names != 3 {
		t.Errorf("%d events for name, topic and join rules: what is overridden was sent", names)
	}
	if id, err := n.Resolve(context.Background(), "#café:test.example"); err != nil || id != r {
		t.Error(id, err)
	}
}

// Spec: cs#post_matrixclientv3createroom
func TestRoomsThatCannotBeMade(t *testing.T) {
	n := open(t, "sqlite")
	taken := n.create(t, alice, room.Create{AliasName: "taken"})
	state := func(typ, content string) []room.InitialState {
		return []room.InitialState{{Type: typ, Content: []byte(content)}}
	}
	for name, c := range map[string]struct {
		create room.Create
		code   string
	}{
		"alias taken":                     {room.Create{AliasName: "taken"}, "M_ROOM_IN_USE"},
		"alias with server":               {room.Create{AliasName: "a:b"}, "M_INVALID_PARAM"},
		"canonical alias of another room": {room.Create{State: state(mx.TypeCanonicalAlias, `{"alias":"#taken:test.example"}`)}, "M_BAD_ALIAS"},
		"alias too long":                  {room.Create{AliasName: strings.Repeat("x", 300)}, "M_INVALID_PARAM"},
		"version unknown":                 {room.Create{Version: "1000"}, "M_UNSUPPORTED_ROOM_VERSION"},
		"visibility":                      {room.Create{Visibility: "secret"}, "M_BAD_JSON"},
		"preset":                          {room.Create{Preset: "chat"}, "M_BAD_JSON"},
		"invite of no user":               {room.Create{Invite: []string{"bob"}}, "M_INVALID_PARAM"},
		"invite by e-mail":                {room.Create{Invite3PID: []jsontext.Value{jsontext.Value(`{}`)}}, "M_THREEPID_DENIED"},
		"creators no list":                {room.Create{Content: []byte(`{"additional_creators":"x"}`)}, "M_INVALID_ROOM_STATE"},
		"creators no users":               {room.Create{Content: []byte(`{"additional_creators":["@foo:example.com",42]}`)}, "M_INVALID_ROOM_STATE"},
		"creators no list, DM":            {room.Create{Preset: "trusted_private_chat", Invite: []string{string(bob)}, Content: []byte(`{"additional_creators":"x"}`)}, "M_BAD_JSON"},
		"creator's level":                 {room.Create{Power: []byte(`{"users":{"@alice:test.example":100}}`)}, "M_BAD_JSON"},
		"powerless creator":               {room.Create{Version: "11", Power: []byte(`{"users":{}}`)}, "M_INVALID_ROOM_STATE"},
		"power levels no object":          {room.Create{Power: []byte(`3`)}, "M_BAD_JSON"},
		"float in state":                  {room.Create{State: state("x", `{"a":1.5}`)}, "M_BAD_JSON"},
		"content no object":               {room.Create{State: state("x", `[]`)}, "M_BAD_JSON"},
		"state without type":              {room.Create{State: state("", `{}`)}, "M_BAD_JSON"},
		"create event in state":           {room.Create{State: state(mx.TypeCreate, `{}`)}, "M_BAD_JSON"},
		"member in state":                 {room.Create{State: state(mx.TypeMember, `{"membership":"join"}`)}, "M_BAD_JSON"},
		"state too large":                 {room.Create{State: state("x", `{"a":"`+strings.Repeat("x", 70000)+`"}`)}, "M_TOO_LARGE"},
		"key of somebody else":            {room.Create{State: []room.InitialState{{Type: "x", Key: "@bob:test.example", Content: []byte(`{}`)}}}, "M_INVALID_ROOM_STATE"},
	} {
		before := n.bus.Last()
		_, err := n.CreateRoom(context.Background(), alice, c.create)
		refused(t, name, err, c.code)
		if n.bus.Last() != before {
			t.Errorf("%s: a part of the room was made", name)
		}
	}
	if id, err := n.Resolve(context.Background(), "#taken:test.example"); err != nil || id != taken {
		t.Error("the alias moved", id, err)
	}
}

// Rooms of one user in one millisecond are different rooms though nothing else distinguishes them.
func TestRoomsMadeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ids := make(chan mx.RoomID, 20)
		for range cap(ids) {
			go func() {
				id, err := n.CreateRoom(context.Background(), alice, room.Create{})
				if err != nil {
					t.Error(err)
				}
				ids <- id
			}()
		}
		seen := map[mx.RoomID]bool{}
		for range cap(ids) {
			id := <-ids
			if seen[id] {
				t.Errorf("room %s twice", id)
			}
			seen[id] = true
		}
	})
}

func encrypted(d *room.Deps) { d.Config.Encrypt = true }

func TestEncryptionByDefault(t *testing.T) {
	n := open(t, "sqlite", encrypted)
	ctx := context.Background()
	r := n.create(t, alice, room.Create{Preset: "public_chat"})
	same(t, "encryption", n.content(t, r, mx.TypeEncryption, ""), `{"algorithm":"m.megolm.v1.aes-sha2"}`)
	own := n.create(t, alice, room.Create{State: []room.InitialState{{Type: mx.TypeEncryption, Content: []byte(`{"algorithm":"m.other","x":1}`)}}})
	same(t, "encryption", n.content(t, own, mx.TypeEncryption, ""), `{"algorithm":"m.other","x":1}`)

	_, err := n.Append(ctx, message(r, alice, "secret"))
	refused(t, "an unencrypted message", err, "M_FORBIDDEN")
	_, err = n.Append(ctx, room.Draft{Room: r, Sender: alice, Type: "org.example.note", Content: []byte(`{}`)})
	refused(t, "any unencrypted message", err, "M_FORBIDDEN")
	for _, typ := range []string{mx.TypeEncrypted, "m.reaction", "m.call.invite", "org.matrix.msc4075.call.notify"} {
		n.send(t, room.Draft{Room: r, Sender: alice, Type: typ, Content: []byte(`{}`)})
	}
	_, err = n.SetState(ctx, alice, r, mx.TypeName, "", []byte(`{"name":"x"}`))
	must(t, err)
	_, err = n.SetState(ctx, alice, r, mx.TypeEncryption, "", []byte(`{}`))
	refused(t, "the end of encryption", err, "M_FORBIDDEN")
	_, err = n.Redact(ctx, room.Redaction{Room: r, By: alice, Event: n.snapshot(t, r).State(mx.TypeEncryption, "").ID})
	refused(t, "the redaction of the encryption", err, "M_FORBIDDEN")
	_, err = n.CreateRoom(ctx, alice, room.Create{State: []room.InitialState{{Type: mx.TypeEncryption, Content: []byte(`{}`)}}})
	refused(t, "a room without algorithm", err, "M_INVALID_ROOM_STATE")

	// A room from before is encrypted by its upgrade.
	plain := wire(t, n.db, n.bus)
	old := plain.create(t, alice, room.Create{})
	replacement, err := n.Upgrade(ctx, alice, old, "12", nil)
	must(t, err)
	same(t, "encryption after the upgrade", n.content(t, replacement, mx.TypeEncryption, ""), `{"algorithm":"m.megolm.v1.aes-sha2"}`)
}

// Spec: cs#server-notices
func TestServerNotices(t *testing.T) {
	p, set := withPeople()
	n := open(t, "sqlite", set, encrypted)
	ctx := context.Background()
	first, err := n.Notice(ctx, auditlog.Actor{Name: "@boss:hs1"}, bob, []byte(`{"body":"Maintenance tonight"}`), eventlog.Txn{})
	must(t, err)
	ev, err := n.Event(ctx, first)
	must(t, err)
	r := ev.RoomID
	if !bytes.Contains(ev.Content, []byte(`"msgtype":"m.server_notice"`)) || n.snapshot(t, r).Membership(bob) != mx.Invite || p.tagged[bob] != string(r)+" m.server_notice" {
		t.Errorf("%s, tag %q", ev.Content, p.tagged[bob])
	}
	refused(t, "rejection", n.Leave(ctx, bob, r, ""), "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM")
	must(t, n.Join(ctx, bob, r, nil))
	_, err = n.Append(ctx, message(r, bob, "thanks"))
	refused(t, "an answer", err, "M_FORBIDDEN")
	must(t, n.Leave(ctx, bob, r, ""))
	second, err := n.Notice(ctx, auditlog.Actor{Name: "@boss:hs1"}, bob, []byte(`{"body":"Done"}`), eventlog.Txn{})
	must(t, err)
	if ev, err := n.Event(ctx, second); err != nil || ev.RoomID != r || n.snapshot(t, r).Membership(bob) != mx.Invite {
		t.Error("the second notice is not in the same room, or bob is not invited again", err)
	}
	must(t, n.LeaveAll(ctx, bob))
	if n.snapshot(t, r).Membership(bob) != mx.Leave {
		t.Error("a deactivated user is still invited")
	}
}
