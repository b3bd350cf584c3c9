package mx

import (
	"reflect"
	"strings"
	"testing"

	"conclave.chat/internal/fault"
)

// sample is a well-formed PDU of a room version, in no order, with things around it that do not belong to the event.
func sample(v *RoomVersion) string {
	room := "!room:domain"
	if v.HashRoomID {
		room = "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ"
	}
	return `{"type":"m.room.topic","sender":"@alice:domain","room_id":"` + room + `","state_key":"","depth":12,"origin_server_ts":1404838188000,"origin":"domain",` +
		`"content":{"topic":"x"},"auth_events":["$a","$b"],"prev_events":["$c"],"hashes":{"sha256":"thishashcoversallfieldsincasethisisredacted"},` +
		`"signatures":{"domain":{"ed25519:1":"x"}},"unsigned":{"age":4612}}`
}

func TestParseEvent(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		e, err := ParseEvent(v, []byte(sample(v)))
		if err != nil {
			t.Fatalf("version %s: %v", id, err)
		}
		if e.Type != TypeTopic || e.Sender != alice || !e.Is(TypeTopic, "") || e.Depth != 12 || e.TS != 1404838188000 || string(e.Content) != `{"topic":"x"}` ||
			!reflect.DeepEqual(e.AuthEvents, []EventID{"$a", "$b"}) || !reflect.DeepEqual(e.PrevEvents, []EventID{"$c"}) || field(e.Raw, "unsigned") != nil {
			t.Errorf("version %s: %+v", id, e)
		}
		if e.HashValid() {
			t.Errorf("version %s: an invented hash is valid", id)
		}
		if _, err := ParseEventID(string(e.ID)); err != nil || len(e.ID) != 44 {
			t.Errorf("version %s: id %s", id, e.ID)
		}
		// Neither unsigned data nor signatures count for the id, and one that had its content redacted keeps it.
		redacted, err := Redact(v, []byte(sample(v)))
		if err != nil {
			t.Fatal(err)
		}
		bare, err := ParseEvent(v, with(redacted, "signatures", []byte(`{}`)))
		if err != nil || bare.ID != e.ID {
			t.Errorf("version %s: redacted: %v, %v", id, bare, err)
		}
	}
}

// Spec: ss#checks-performed-on-receipt-of-a-pdu
func TestParseEventRefuses(t *testing.T) {
	long, ids := strings.Repeat("é", 128), func(n int) string { return `[` + strings.Repeat(`"$x",`, n-1) + `"$x"]` }
	for _, id := range Versions() {
		v := version(t, id)
		for _, x := range []struct{ old, new, code string }{
			{sample(v), `[]`, "M_BAD_JSON"},
			{sample(v), `{`, "M_NOT_JSON"},
			{`"depth":12`, `"depth":12.0`, "M_BAD_JSON"},
			{`"depth":12`, `"depth":-0`, "M_BAD_JSON"},
			{`"depth":12`, `"depth":-1`, "M_BAD_JSON"},
			{`"depth":12`, `"depth":9007199254740992`, "M_BAD_JSON"},
			{`"depth":12`, `"depth":"12"`, "M_BAD_JSON"},
			{`"depth":12,`, ``, "M_BAD_JSON"},
			{`"origin_server_ts":1404838188000`, `"origin_server_ts":null`, "M_BAD_JSON"},
			{`"origin_server_ts":1404838188000,`, ``, "M_BAD_JSON"},
			{`{"topic":"x"}`, `{"topic":1.5}`, "M_BAD_JSON"},
			{`{"topic":"x"}`, `{"topic":"x","topic":"y"}`, "M_BAD_JSON"},
			{`{"topic":"x"}`, `[]`, "M_BAD_JSON"},
			{`"content":{"topic":"x"},`, ``, "M_BAD_JSON"},
			{`"type":"m.room.topic"`, `"type":1`, "M_BAD_JSON"},
			{`"type":"m.room.topic",`, ``, "M_BAD_JSON"},
			{`"type":"m.room.topic"`, `"type":"` + long + `"`, "M_TOO_LARGE"},
			{`"state_key":""`, `"state_key":null`, "M_BAD_JSON"},
			{`"state_key":""`, `"state_key":"` + long + `"`, "M_TOO_LARGE"},
			{`"sender":"@alice:domain"`, `"sender":"alice"`, "M_BAD_JSON"},
			{`"sender":"@alice:domain"`, `"sender":1`, "M_BAD_JSON"},
			{`"sender":"@alice:domain",`, ``, "M_BAD_JSON"},
			{`"sender":"@alice:domain"`, `"sender":"@` + long + `:x"`, "M_TOO_LARGE"},
			{`"room_id":"!`, `"room_id":"`, "M_BAD_JSON"},
			{`"room_id":"!`, `"room_id":"!` + long, "M_TOO_LARGE"},
			{`"room_id"`, `"room"`, "M_BAD_JSON"},
			{`"room_id":`, `"room_id":1,"x":`, "M_BAD_JSON"},
			{`["$a","$b"]`, `{}`, "M_BAD_JSON"},
			{`["$a","$b"]`, `["a"]`, "M_BAD_JSON"},
			{`["$a","$b"]`, `[1]`, "M_BAD_JSON"},
			{`["$a","$b"]`, `[["$a",{}]]`, "M_BAD_JSON"},
			{`["$a","$b"]`, ids(11), "M_BAD_JSON"},
			{`["$c"]`, ids(21), "M_BAD_JSON"},
			{`["$c"]`, ids(31), "M_BAD_JSON"},
			{`["$c"]`, `null`, "M_BAD_JSON"},
			{`"sha256"`, `"md5"`, "M_BAD_JSON"},
			{`{"sha256":"thishashcoversallfieldsincasethisisredacted"}`, `"x"`, "M_BAD_JSON"},
			{`{"domain":{"ed25519:1":"x"}}`, `{"domain":"x"}`, "M_BAD_JSON"},
			{`{"domain":{"ed25519:1":"x"}}`, `{"domain":{"ed25519:1":1}}`, "M_BAD_JSON"},
			{`{"domain":{"ed25519:1":"x"}}`, `[]`, "M_BAD_JSON"},
			{`"topic":"x"`, `"topic":"` + strings.Repeat("x", MaxEventBytes) + `"`, "M_TOO_LARGE"},
		} {
			in := strings.Replace(sample(v), x.old, x.new, 1)
			if in == sample(v) {
				t.Fatalf("%s is not in the sample", x.old)
			}
			if e, err := ParseEvent(v, []byte(in)); !fault.Is(err, x.code) {
				t.Errorf("version %s: %s in place of %s: %v, %v; want %s", id, x.new, x.old, e, err, x.code)
			}
		}
		e, err := ParseEvent(v, []byte(strings.Replace(sample(v), `"depth"`, `"redacts":1,"depth"`, 1)))
		if (err == nil) != v.RedactsInContent {
			t.Errorf("version %s: redacts that is no string: %v, %v", id, e, err)
		}
	}
	v := version(t, "12")
	if _, err := ParseEvent(v, []byte(strings.Replace(sample(v), TypeTopic, TypeCreate, 1))); !fault.Is(err, "M_BAD_JSON") {
		t.Errorf("a create event with a room id: %v", err)
	}
	if _, err := ParseEvent(v, []byte(strings.Replace(sample(v), "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ", "!room:domain", 1))); !fault.Is(err, "M_BAD_JSON") {
		t.Errorf("a room id of old in room version 12: %v", err)
	}
}

// The size limit counts every byte of the event, and unsigned data not at all.
//
// Spec: cs#size-limits
func TestEventSizeLimit(t *testing.T) {
	v := version(t, DefaultVersion)
	proto := func(n int) Proto {
		return Proto{RoomID: "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ", Sender: alice, Type: TypeMessage, Content: []byte(`{"body":"` + strings.Repeat("x", n) + `"}`)}
	}
	empty := build(t, v, proto(0))
	room := MaxEventBytes - len(empty.Raw)
	e := build(t, v, proto(room))
	if len(e.Raw) != MaxEventBytes {
		t.Fatalf("%d bytes", len(e.Raw))
	}
	if _, err := ParseEvent(v, with(e.Raw, "unsigned", []byte(`{"x":1}`))); err != nil {
		t.Error(err)
	}
	if _, err := Build(v, proto(room+1), vectorSigner(t)); !fault.Is(err, "M_TOO_LARGE") {
		t.Error(err)
	}
	if _, err := AddSignature(v, e, "other", "ed25519:1", make([]byte, 64)); !fault.Is(err, "M_TOO_LARGE") {
		t.Error(err)
	}
	if _, err := AddSignature(v, &Event{Raw: []byte(`{"signatures":1}`)}, "other", "ed25519:1", nil); !fault.Is(err, "M_BAD_JSON") {
		t.Error(err)
	}
}

func TestBuildRefuses(t *testing.T) {
	v := version(t, DefaultVersion)
	long := strings.Repeat("é", 128)
	for name, x := range map[string]struct {
		change func(*Proto)
		code   string
	}{
		"long type":           {func(p *Proto) { p.Type = long }, "M_TOO_LARGE"},
		"long state key":      {func(p *Proto) { p.StateKey = &long }, "M_TOO_LARGE"},
		"long sender":         {func(p *Proto) { p.Sender = UserID(long) }, "M_TOO_LARGE"},
		"long room id":        {func(p *Proto) { p.RoomID = RoomID(long) }, "M_TOO_LARGE"},
		"many previous":       {func(p *Proto) { p.PrevEvents = make([]EventID, 21) }, "M_TOO_LARGE"},
		"many auth events":    {func(p *Proto) { p.AuthEvents = make([]EventID, 11) }, "M_TOO_LARGE"},
		"type is not UTF-8":   {func(p *Proto) { p.Type = "\xff" }, "M_INVALID_PARAM"},
		"key is not UTF-8":    {func(p *Proto) { p.StateKey = sp("\xff") }, "M_INVALID_PARAM"},
		"content is an array": {func(p *Proto) { p.Content = []byte(`[]`) }, "M_BAD_JSON"},
		"no content":          {func(p *Proto) { p.Content = nil }, "M_NOT_JSON"},
		"a float":             {func(p *Proto) { p.Content = []byte(`{"a":1.1}`) }, "M_BAD_JSON"},
		"negative depth":      {func(p *Proto) { p.Depth = -1 }, "M_BAD_JSON"},
		"great depth":         {func(p *Proto) { p.Depth = MaxInteger + 1 }, "M_BAD_JSON"},
		"too deep": {func(p *Proto) {
			p.Content = []byte(strings.Repeat(`{"a":`, MaxNesting) + `1` + strings.Repeat(`}`, MaxNesting))
		}, "M_BAD_JSON"},
	} {
		p := Proto{RoomID: "!x:y", Sender: alice, Type: TypeMessage, Content: []byte(`{}`)}
		x.change(&p)
		if e, err := Build(v, p, vectorSigner(t)); !fault.Is(err, x.code) {
			t.Errorf("%s: %v, %v; want %s", name, e, err, x.code)
		}
	}
}

func TestLoadEventRefuses(t *testing.T) {
	v := version(t, DefaultVersion)
	for _, in := range []string{``, `{}`, `[]`, `{"content":1}`, `{"content":{},"depth":"x"}`, `{"content":{},"sender":1}`, `{"content":{},"auth_events":[1]}`, `{"content":{},"prev_events":{}}`} {
		if e, err := LoadEvent(v, "$x", []byte(in)); !fault.Is(err, "M_BAD_JSON") {
			t.Errorf("%s: %v, %v", in, e, err)
		}
	}
}

func TestContentAccess(t *testing.T) {
	v := version(t, DefaultVersion)
	e := build(t, v, Proto{RoomID: "!x:y", Sender: alice, Type: TypeMember, StateKey: sp(bob), Content: []byte(`{"a":{"membership":"ban"},"displayname":"\"B\\\u00f6b\"","membership":"knock","n":null,"z":"\u2028"}`)})
	if e.Membership() != Knock || e.Str("displayname") != `"B\öb"` || string(e.Get("a")) != `{"membership":"ban"}` || !e.Has("n") || e.Has("x") || e.Str("n") != "" || e.Str("z") != "\u2028" {
		t.Errorf("%s", e.Raw)
	}
	raw := string(e.Raw)
	_ = append(append(e.Content, "overwritten"...), e.Get("a")...)
	if string(e.Raw) != raw {
		t.Error("appending to the content writes into the event")
	}
	if (*Event)(nil).Membership() != "" || e.Key() != (StateKey{TypeMember, bob}) || e.Is(TypeMember, alice) {
		t.Error("keys")
	}
}
