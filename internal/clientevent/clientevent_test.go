package clientevent_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"reflect"
	"testing"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func build(t testing.TB, version string, p mx.Proto) *eventlog.Event {
	t.Helper()
	v, _ := mx.Version(version)
	if p.Content == nil {
		p.Content = []byte("{}")
	}
	if p.Sender == "" {
		p.Sender = "@a:x"
	}
	if p.RoomID == "" {
		p.RoomID = "!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	e, err := mx.Build(v, p, mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return &eventlog.Event{Event: e, Version: v}
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return m
}

func check(t *testing.T, got []byte, want string) {
	t.Helper()
	if g, w := decode(t, got), decode(t, []byte(want)); !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Spec: MSC4140
// Spec: cs#room-event-format
func TestAppend(t *testing.T) {
	key := "k\"ey"
	e := build(t, "12", mx.Proto{Type: "m.thing", StateKey: &key, Content: []byte(`{"b":[1,2]}`), TS: 1000})
	e.ID, e.Replaces, e.TxnDevice, e.TxnID = "$e", "$old", "DEV", "txn\n1"
	const base = `"content":{"b":[1,2]},"event_id":"$e","origin_server_ts":1000,"sender":"@a:x","state_key":"k\"ey","type":"m.thing"`
	const room = `,"room_id":"!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`

	check(t, clientevent.Append(nil, e, &clientevent.View{}), `{`+base+`,"unsigned":{"replaces_state":"$old"}}`)
	check(t, clientevent.Append(nil, e, &clientevent.View{RoomID: true, Now: 1500, User: "@b:x", Device: "DEV", Membership: "join"}),
		`{`+base+room+`,"unsigned":{"age":500,"membership":"join","replaces_state":"$old"}}`)
	previous := build(t, "12", mx.Proto{Type: "m.thing", StateKey: &key, Content: []byte(`{"a":1}`), TS: 900})
	previous.Sender = "@c:x"
	check(t, clientevent.Append(nil, e, &clientevent.View{User: "@a:x", Device: "DEV", Previous: previous, Relations: []byte(`{"m.annotation":{}}`)}),
		`{`+base+`,"unsigned":{"m.relations":{"m.annotation":{}},"prev_content":{"a":1},"prev_sender":"@c:x","replaces_state":"$old","transaction_id":"txn\n1"}}`)
	check(t, clientevent.Append(nil, e, &clientevent.View{User: "@a:x", Device: "OTHER"}), `{`+base+`,"unsigned":{"replaces_state":"$old"}}`)
	e.TxnDevice, e.TxnID = "", "delay" // it was a delayed event
	for user, want := range map[mx.UserID]string{"@a:x": `,"org.matrix.msc4140.delay_id":"delay"`, "@b:x": ""} {
		check(t, clientevent.Append(nil, e, &clientevent.View{User: user, Device: "OTHER"}), `{`+base+`,"unsigned":{"replaces_state":"$old"`+want+`}}`)
	}
	check(t, clientevent.AppendStripped(nil, e.Event), `{"content":{"b":[1,2]},"sender":"@a:x","state_key":"k\"ey","type":"m.thing"}`)
	if !bytes.Equal(clientevent.AppendFederation(nil, e), e.Raw) {
		t.Error("the federation format is not the PDU")
	}
}

// Spec: rooms/v11#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property
func TestRedaction(t *testing.T) {
	for _, version := range []string{"6", "10", "11", "12"} {
		for _, content := range []string{`{}`, `{"reason":"spam"}`} {
			room := mx.RoomID("")
			if version != "12" {
				room = "!r:x"
			}
			r := build(t, version, mx.Proto{RoomID: room, Type: mx.TypeRedaction, Redacts: "$target", Content: []byte(content)})
			got := decode(t, clientevent.Append(nil, r, &clientevent.View{}))
			inContent, _ := got["content"].(map[string]any)
			if got["redacts"] != "$target" || inContent["redacts"] != "$target" {
				t.Errorf("version %s: redacts is not at both places: %v", version, got)
			}
			if _, ok := inContent["reason"]; ok != (content != `{}`) {
				t.Errorf("version %s: content %v", version, inContent)
			}

			e := build(t, version, mx.Proto{RoomID: room, Type: "m.thing"})
			got = decode(t, clientevent.Append(nil, e, &clientevent.View{Because: r, Now: 5}))
			unsigned, _ := got["unsigned"].(map[string]any)
			because, _ := unsigned["redacted_because"].(map[string]any)
			if because["event_id"] != string(r.ID) || because["redacts"] != "$target" {
				t.Errorf("redacted_because is %v", because)
			}
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	e := build(b, "12", mx.Proto{Type: mx.TypeMessage, Content: []byte(`{"body":"Hello to all of you in this room","msgtype":"m.text"}`)})
	v := &clientevent.View{Now: 12345, User: "@a:x", Device: "DEV", Membership: "join"}
	b.ReportAllocs()
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		buf = clientevent.Append(buf[:0], e, v)
	}
}
