package filter_test

import (
	"path"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
)

func parse(t *testing.T, s string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return f
}

// Spec: cs#post_matrixclientv3useruseridfilter
func TestMatch(t *testing.T) {
	event := func(typ, sender, content string) *mx.Event {
		return &mx.Event{Type: typ, Sender: mx.UserID(sender), Content: []byte(content)}
	}
	for _, c := range []struct {
		filter string
		event  *mx.Event
		want   bool
	}{
		{`{}`, event("m.x", "@a:x", `{}`), true},
		{`{"types":null}`, event("m.x", "@a:x", `{}`), true},
		{`{"types":[]}`, event("m.x", "@a:x", `{}`), false},
		{`{"types":["m.x"]}`, event("m.x", "@a:x", `{}`), true},
		{`{"types":["m.*"]}`, event("m.room.name", "@a:x", `{}`), true},
		{`{"types":["m.*.name"]}`, event("m.room.name", "@a:x", `{}`), true},
		{`{"types":["m.*.name"]}`, event("m.room.names", "@a:x", `{}`), false},
		{`{"types":["m.room.name"],"not_types":["m.*"]}`, event("m.room.name", "@a:x", `{}`), false},
		{`{"senders":["@a:x"]}`, event("m.x", "@a:x", `{}`), true},
		{`{"senders":["@b:x"]}`, event("m.x", "@a:x", `{}`), false},
		{`{"senders":["@a:x"],"not_senders":["@a:x"]}`, event("m.x", "@a:x", `{}`), false},
		{`{"contains_url":true}`, event("m.x", "@a:x", `{"url":"mxc://x/y"}`), true},
		{`{"contains_url":true}`, event("m.x", "@a:x", `{}`), false},
		{`{"contains_url":false}`, event("m.x", "@a:x", `{"url":"mxc://x/y"}`), false},
		{`{"contains_url":false}`, event("m.x", "@a:x", `{}`), true},
		{`{"org.matrix.msc3874.rel_types":["m.thread"]}`, event("m.x", "@a:x", `{"m.relates_to":{"rel_type":"m.thread"}}`), true},
		{`{"org.matrix.msc3874.rel_types":["m.thread"]}`, event("m.x", "@a:x", `{}`), false},
		{`{"org.matrix.msc3874.not_rel_types":["m.thread"]}`, event("m.x", "@a:x", `{"m.relates_to":{"rel_type":"m.thread"}}`), false},
	} {
		f, err := filter.ParseRoomEvents([]byte(c.filter))
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
		} else if got := f.MatchEvent(c.event); got != c.want {
			t.Errorf("%s lets %s by %s %s pass: %v, want %v", c.filter, c.event.Type, c.event.Sender, c.event.Content, got, c.want)
		}
	}
	f := parse(t, `{"room":{"rooms":["!a:x","!b:x"],"not_rooms":["!b:x"]}}`)
	if !f.Room.MatchRoom("!a:x") || f.Room.MatchRoom("!b:x") || f.Room.MatchRoom("!c:x") {
		t.Error("rooms are not selected by rooms and not_rooms")
	}
}

func TestLimits(t *testing.T) {
	for s, want := range map[string]int{`{}`: 10, `{"limit":0}`: 0, `{"limit":7}`: 7, `{"limit":100000}`: 50} {
		f, err := filter.ParseRoomEvents([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.LimitOr(10, 50); got != want {
			t.Errorf("%s: limit %d, want %d", s, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for s, code := range map[string]string{
		``: "M_NOT_JSON", `{`: "M_NOT_JSON", `{"a":1,"a":2}`: "M_NOT_JSON", `[]`: "M_BAD_JSON", `"x"`: "M_BAD_JSON", `null`: "M_BAD_JSON",
		`{"room":1}`: "M_BAD_JSON", `{"room":{"timeline":{"limit":"1"}}}`: "M_BAD_JSON", `{"room":{"timeline":{"types":"m.x"}}}`: "M_BAD_JSON",
		`{"room":{"timeline":{"limit":-1}}}`: "M_INVALID_PARAM", `{"room":{"timeline":{"limit":1.5}}}`: "M_BAD_JSON",
		`{"presence":{"senders":["bob"]}}`: "M_INVALID_PARAM", `{"room":{"rooms":["x"]}}`: "M_INVALID_PARAM",
		`{"event_format":"raw"}`:                               "M_INVALID_PARAM",
		`{"x":"` + strings.Repeat("a", filter.MaxBytes) + `"}`: "M_TOO_LARGE",
	} {
		if _, err := filter.Parse([]byte(s)); !fault.Is(err, code) {
			t.Errorf("%.60s: %v, want %s", s, err, code)
		}
	}
}

// Spec: appendices#dot-separated-property-paths
func TestFields(t *testing.T) {
	const event = `{"content":{"body":"x","m.relates_to":{"a":1},"a\\b":2},"event_id":"$e","sender":"@a:x","type":"m.x"}`
	for fields, want := range map[string]string{
		`["type","content.body"]`:            `{"content":{"body":"x"},"event_id":"$e","type":"m.x"}`,
		`["content.m\\.relates_to.a"]`:       `{"content":{"m.relates_to":{"a":1}},"event_id":"$e"}`,
		`["content.a\\\\b"]`:                 `{"content":{"a\\b":2},"event_id":"$e"}`,
		`["content","content.body","none"]`:  `{"content":{"body":"x","m.relates_to":{"a":1},"a\\b":2},"event_id":"$e"}`,
		`["content.body.deeper","sender.x"]`: `{"content":{"body":"x"},"event_id":"$e","sender":"@a:x"}`,
		`[]`:                                 `{"event_id":"$e"}`,
	} {
		f := parse(t, `{"event_fields":`+fields+`}`)
		if got := string(f.AppendFields(nil, []byte(event))); got != want {
			t.Errorf("%s: got %s, want %s", fields, got, want)
		}
	}
	if f := parse(t, `{}`); !f.AllFields() || string(f.AppendFields(nil, []byte(event))) != event {
		t.Error("without event_fields an event is not shown whole")
	}
}

// A path.Match pattern of stars and letters means the same, and is another's implementation.
func TestWildcardsMatchAsElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "s")
		want, err := path.Match(pattern, s)
		if err != nil {
			t.Fatal(err)
		}
		f := filter.Events{Types: []string{pattern}}
		if f.MatchType(s) != want {
			t.Fatalf("%q matches %q: want %v", pattern, s, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"event_fields":["content.body"],"room":{"timeline":{"limit":3,"types":["m.*"],"not_senders":["@a:x"]},"include_leave":true}}`))
	f.Add([]byte(`{"event_fields":["a.b","a"],"presence":{"types":[]}}`))
	f.Add([]byte(`{"room":{"rooms":["!a:x"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		flt, err := filter.Parse(data)
		if err != nil {
			if fault.Of(err) == nil {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		if _, err := filter.Parse(data); err != nil {
			t.Fatal("parses once only")
		}
		out := jsontext.Value(flt.AppendFields(nil, []byte(`{"content":{"a":{"b":1}},"event_id":"$e","a":[1]}`)))
		if !out.IsValid() {
			t.Fatalf("projection is not JSON: %s", out)
		}
		flt.Room.Timeline.MatchEvent(&mx.Event{Type: "m.x", Sender: "@a:x", Content: []byte(`{}`)})
	})
}
