package filter_test

import (
	"bytes"
	"crypto/ed25519"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func event(t testing.TB, typ, content string) *eventlog.Event {
	t.Helper()
	v, _ := mx.Version("11")
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	e, err := mx.Build(v, mx.Proto{RoomID: "!r:hs1", Sender: "@a:hs1", Type: typ, Content: []byte(content)},
		mx.Signer{Server: "hs1", KeyID: "ed25519:1", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return &eventlog.Event{Event: e, Version: v, RelType: "m.thread"}
}

// Spec: cs#filtering
// Spec: MSC3874
func TestMatch(t *testing.T) {
	plain, file := event(t, "m.room.message", `{}`), event(t, "m.room.message", `{"url":"mxc://a/b"}`)
	for text, want := range map[string][2]bool{
		``:                                    {true, true},
		`{}`:                                  {true, true},
		`{"unknown":{"x":[1]}}`:               {true, true},
		`{"types":[]}`:                        {},
		`{"types":["m.room.message"]}`:        {true, true},
		`{"types":["m.room.*"]}`:              {true, true},
		`{"types":["m.*.member","*.name"]}`:   {},
		`{"types":["*"],"not_types":["m.*"]}`: {},
		`{"senders":["@a:hs1"]}`:              {true, true},
		`{"senders":["@b:hs1"]}`:              {},
		`{"senders":["@a:hs1"],"not_senders":["@a:hs1"]}`:   {},
		`{"rooms":["!other:hs1"]}`:                          {},
		`{"not_rooms":["!r:hs1"]}`:                          {},
		`{"rooms":["!r:hs1"]}`:                              {true, true},
		`{"contains_url":true}`:                             {false, true},
		`{"contains_url":false}`:                            {true, false},
		`{"org.matrix.msc3874.rel_types":["m.thread"]}`:     {true, true},
		`{"org.matrix.msc3874.rel_types":["m.replace"]}`:    {},
		`{"org.matrix.msc3874.not_rel_types":["m.thread"]}`: {},
	} {
		f, err := filter.ParseRoomEvents(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := [2]bool{f.Match(plain), f.Match(file)}; got != want {
			t.Errorf("%s selects %v, want %v", text, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, code := range map[string]string{
		`{`:                              "M_NOT_JSON",
		`{} x`:                           "M_NOT_JSON",
		"{\"types\":[\"\xff\"]}":         "M_NOT_JSON",
		`[]`:                             "M_BAD_JSON",
		`{"types":"m.room.message"}`:     "M_BAD_JSON",
		`{"types":[1]}`:                  "M_BAD_JSON",
		`{"types":[],"types":[]}`:        "M_BAD_JSON",
		`{"limit":1.5}`:                  "M_BAD_JSON",
		`{"limit":-1}`:                   "M_INVALID_PARAM",
		`{"limit":99999999999999999999}`: "M_BAD_JSON",
		`{"senders":["bob"]}`:            "M_INVALID_PARAM",
		`{"rooms":["#alias:hs1"]}`:       "M_INVALID_PARAM",
		`{"lazy_load_members":"true"}`:   "M_BAD_JSON",
		`{"types":["` + strings.Repeat(`a","`, 2000) + `b"]}`: "M_INVALID_PARAM",
	} {
		if _, err := filter.ParseRoomEvents(text); !fault.Is(err, code) {
			t.Errorf("%.60s: %v, want %s", text, err, code)
		}
	}
}

// path.Match is another implementation of the same pattern, for texts without its other special characters.
func TestPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*.]{0,8}`).Draw(t, "pattern")
		typ := rapid.StringMatching(`[ab.]{0,8}`).Draw(t, "type")
		want, err := path.Match(pattern, typ)
		if err != nil {
			t.Fatal(err)
		}
		f := filter.Events{Types: []string{pattern}}
		if got := f.MatchType(typ); got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, typ, got, want)
		}
	})
}

func FuzzParseRoomEvents(f *testing.F) {
	for _, s := range []string{"", "{}", `{"types":["m.*"],"limit":5}`, `{"contains_url":true,"rooms":["!a:b"]}`, `{"types":null}`, "[[[", `{"a":`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := filter.ParseRoomEvents(text)
		if err != nil {
			if fault.Of(err) == nil {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		parsed.Match(event(t, "m.room.message", "{}"))
	})
}
