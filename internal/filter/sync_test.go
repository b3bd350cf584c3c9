package filter_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func parseSync(t *testing.T, s string) *filter.Sync {
	t.Helper()
	f, err := filter.ParseSync([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return f
}

// Spec: cs#post_matrixclientv3useruseridfilter
func TestRoomsOfASyncFilter(t *testing.T) {
	f := parseSync(t, `{"room":{"rooms":["!a:x","!b:x"],"not_rooms":["!b:x"]}}`)
	if !f.Room.MatchRoom("!a:x") || f.Room.MatchRoom("!b:x") || f.Room.MatchRoom("!c:x") {
		t.Error("rooms are not selected by rooms and not_rooms")
	}
	if f := parseSync(t, `{"room":{"timeline":{"not_types":["m.x"]}}}`); f.Room.Timeline.All() || !f.Room.State.All() || !f.Presence.All() {
		t.Error("All does not tell filters that select everything from others")
	}
}

func TestSyncFiltersRefused(t *testing.T) {
	for s, code := range map[string]string{
		``: "M_NOT_JSON", `{`: "M_NOT_JSON", `{"a":1,"a":2}`: "M_BAD_JSON", `[]`: "M_BAD_JSON", `"x"`: "M_BAD_JSON", `null`: "M_BAD_JSON",
		`{"room":1}`: "M_BAD_JSON", `{"room":{"timeline":{"limit":"1"}}}`: "M_BAD_JSON", `{"room":{"timeline":{"types":"m.x"}}}`: "M_BAD_JSON",
		`{"room":{"timeline":{"limit":-1}}}`: "M_INVALID_PARAM", `{"room":{"timeline":{"limit":1.5}}}`: "M_BAD_JSON",
		`{"presence":{"senders":["bob"]}}`: "M_INVALID_PARAM", `{"room":{"rooms":["x"]}}`: "M_INVALID_PARAM",
		`{"event_format":"raw"}`:                               "M_INVALID_PARAM",
		`{"x":"` + strings.Repeat("a", filter.MaxBytes) + `"}`: "M_TOO_LARGE",
	} {
		if _, err := filter.ParseSync([]byte(s)); !fault.Is(err, code) {
			t.Errorf("%.60s: %v, want %s", s, err, code)
		}
	}
}

// Spec: appendices#dot-separated-property-paths
func TestEventFields(t *testing.T) {
	const event = `{"content":{"body":"x","m.relates_to":{"a":1},"a\\b":2},"event_id":"$e","sender":"@a:x","type":"m.x"}`
	for fields, want := range map[string]string{
		`["type","content.body"]`:            `{"content":{"body":"x"},"event_id":"$e","type":"m.x"}`,
		`["content.m\\.relates_to.a"]`:       `{"content":{"m.relates_to":{"a":1}},"event_id":"$e"}`,
		`["content.a\\\\b"]`:                 `{"content":{"a\\b":2},"event_id":"$e"}`,
		`["content","content.body","none"]`:  `{"content":{"body":"x","m.relates_to":{"a":1},"a\\b":2},"event_id":"$e"}`,
		`["content.body.deeper","sender.x"]`: `{"content":{"body":"x"},"event_id":"$e","sender":"@a:x"}`,
		`[]`:                                 `{"event_id":"$e"}`,
	} {
		f := parseSync(t, `{"event_fields":`+fields+`}`)
		if got := string(f.AppendFields(nil, []byte(event))); got != want {
			t.Errorf("%s: got %s, want %s", fields, got, want)
		}
	}
	if f := parseSync(t, `{}`); !f.AllFields() || string(f.AppendFields(nil, []byte(event))) != event {
		t.Error("without event_fields an event is not shown whole")
	}
}

func FuzzParseSync(f *testing.F) {
	f.Add([]byte(`{"event_fields":["content.body"],"room":{"timeline":{"limit":3,"types":["m.*"],"not_senders":["@a:x"]},"include_leave":true}}`))
	f.Add([]byte(`{"event_fields":["a.b","a"],"presence":{"types":[]}}`))
	f.Add([]byte(`{"room":{"rooms":["!a:x"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		flt, err := filter.ParseSync(data)
		if err != nil {
			if fault.Of(err) == nil {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		if _, err := filter.ParseSync(data); err != nil {
			t.Fatal("parses once only")
		}
		out := jsontext.Value(flt.AppendFields(nil, []byte(`{"content":{"a":{"b":1}},"event_id":"$e","a":[1]}`)))
		if !out.IsValid() {
			t.Fatalf("projection is not JSON: %s", out)
		}
		flt.Room.Timeline.Match(&eventlog.Event{Event: &mx.Event{Type: "m.x", Sender: "@a:x", Content: []byte(`{}`)}})
	})
}
