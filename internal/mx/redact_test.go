package mx

import (
	"testing"
)

// Each line is one content, and what each room version leaves of it: the first entry is for the room versions from the number on
// that it names, until the next.
//
// Spec: rooms/v6#redactions, rooms/v8#redactions, rooms/v9#redactions, rooms/v11#redactions
// Spec: rooms/v12#redactions
func TestRedactContent(t *testing.T) {
	type since map[string]string
	for _, x := range []struct {
		typ, content string
		kept         since
	}{
		{TypeMessage, `{"body":"x","membership":"join"}`, since{"6": `{}`}},
		{
			TypeMember, `{"displayname":"x","join_authorised_via_users_server":"@a:b","membership":"join","third_party_invite":{"display_name":"x","signed":{"a":1}}}`,
			since{
				"6":  `{"membership":"join"}`,
				"9":  `{"join_authorised_via_users_server":"@a:b","membership":"join"}`,
				"11": `{"join_authorised_via_users_server":"@a:b","membership":"join","third_party_invite":{"signed":{"a":1}}}`,
			},
		},
		{TypeMember, `{"third_party_invite":1}`, since{"6": `{}`}},
		{TypeCreate, `{"creator":"@a:b","m.federate":true}`, since{"6": `{"creator":"@a:b"}`, "11": `{"creator":"@a:b","m.federate":true}`}},
		{TypeJoinRules, `{"allow":[],"join_rule":"x","x":1}`, since{"6": `{"join_rule":"x"}`, "8": `{"allow":[],"join_rule":"x"}`}},
		{
			TypePowerLevels,
			`{"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"notifications":{},"redact":5,"state_default":6,"users":{},"users_default":7,"x":8}`,
			since{
				"6":  `{"ban":1,"events":{},"events_default":2,"kick":4,"redact":5,"state_default":6,"users":{},"users_default":7}`,
				"11": `{"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"redact":5,"state_default":6,"users":{},"users_default":7}`,
			},
		},
		{TypeHistoryVisibility, `{"history_visibility":"shared","x":1}`, since{"6": `{"history_visibility":"shared"}`}},
		{"m.room.aliases", `{"aliases":[]}`, since{"6": `{}`}},
		{TypeRedaction, `{"reason":"x","redacts":"$x"}`, since{"6": `{}`, "11": `{"redacts":"$x"}`}},
	} {
		want := ""
		for _, id := range Versions() {
			if s, ok := x.kept[id]; ok {
				want = s
			}
			if got := string(RedactContent(version(t, id), x.typ, []byte(x.content))); got != want {
				t.Errorf("version %s, %s: %s, want %s", id, x.typ, got, want)
			}
		}
	}
}

// Spec: rooms/v6#redactions, rooms/v11#redactions
func TestRedactTopLevel(t *testing.T) {
	in := `{"unsigned":{"age":1},"type":"x","room_id":"!r:d","sender":"@a:d","state_key":"","content":{"a":1},"hashes":{},"signatures":{},"depth":1,` +
		`"prev_events":[],"prev_state":[],"auth_events":[],"origin":"d","origin_server_ts":1,"membership":"join","redacts":"$x","event_id":"$y","age_ts":1,"x":1}`
	early := `{"auth_events":[],"content":{},"depth":1,"event_id":"$y","hashes":{},"membership":"join","origin":"d","origin_server_ts":1,"prev_events":[],"prev_state":[],` +
		`"room_id":"!r:d","sender":"@a:d","signatures":{},"state_key":"","type":"x"}`
	late := `{"auth_events":[],"content":{},"depth":1,"event_id":"$y","hashes":{},"origin_server_ts":1,"prev_events":[],` +
		`"room_id":"!r:d","sender":"@a:d","signatures":{},"state_key":"","type":"x"}`
	for _, id := range Versions() {
		v := version(t, id)
		want := early
		if v.LateRedaction {
			want = late
		}
		got, err := Redact(v, []byte(in))
		if err != nil || string(got) != want {
			t.Errorf("version %s: %s, %v", id, got, err)
		}
		again, err := Redact(v, got)
		if err != nil || string(again) != want {
			t.Errorf("version %s: redacting twice gives %s, %v", id, again, err)
		}
	}
	for _, in := range []string{`[]`, `{`, `{"a":1.5}`} {
		if got, err := Redact(version(t, "12"), []byte(in)); err == nil {
			t.Errorf("%s: %s", in, got)
		}
	}
}
