package pushrule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

const me = mx.UserID("@me:example.org")

func event(t testing.TB, typ string, stateKey *string, content string) *mx.Event {
	t.Helper()
	raw := fmt.Sprintf(`{"auth_events":[],"content":%s,"depth":1,"origin_server_ts":1,"prev_events":[],"room_id":"!r:example.org","sender":"@you:example.org",%s"type":%q}`,
		content, key(stateKey), typ)
	v, _ := mx.Version("11")
	e, err := mx.LoadEvent(v, "$e", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func key(k *string) string {
	if k == nil {
		return ""
	}
	return fmt.Sprintf(`"state_key":%q,`, *k)
}

func conditionOf(t *testing.T, text string) test {
	t.Helper()
	var c Condition
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return condition(&c)
}

// The examples are those of the specification, sections event_match, event_property_is and event_property_contains.
//
// Spec: cs#conditions-1
// Spec: appendices#glob-style-matching
func TestConditionsOfTheSpecification(t *testing.T) {
	empty := ""
	for _, tt := range []struct {
		condition, content string
		want               bool
	}{
		{`{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}`, `{"topic":"Lunch plans"}`, true},
		{`{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}`, `{"topic":"LUNCH"}`, true},
		{`{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}`, `{"topic":" lunch"}`, false},
		{`{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}`, `{"topic":"lunc"}`, false},
		{`{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}`, `{"topic":null}`, false},
		{`{"kind":"event_match","key":"content.topic","pattern":"*"}`, `{}`, false},
		{`{"kind":"event_match","key":"content.body","pattern":"ex*ple"}`, `{"body":"An example event."}`, true},
		{`{"kind":"event_match","key":"content.body","pattern":"ex*ple"}`, `{"body":"exple"}`, true},
		{`{"kind":"event_match","key":"content.body","pattern":"ex*ple"}`, `{"body":"An exciting triple-whammy"}`, true},
		{`{"kind":"event_match","key":"content.body","pattern":"cake"}`, `{"body":"pancakes"}`, false},
		{`{"kind":"event_property_is","key":"content.m\\.federate","value":true}`, `{"m.federate":true}`, true},
		{`{"kind":"event_property_is","key":"content.m\\.federate","value":true}`, `{"m.federate":"true"}`, false},
		{`{"kind":"event_property_is","key":"content.m\\.federate","value":true}`, `{"m.federate":1}`, false},
		{`{"kind":"event_property_is","key":"content.x","value":null}`, `{"x":null}`, true},
		{`{"kind":"event_property_is","key":"content.x","value":null}`, `{}`, false},
		{`{"kind":"event_property_contains","key":"content.alt_aliases","value":"#myroom:example.com"}`, `{"alt_aliases":["#a:b","#myroom:example.com"]}`, true},
		{`{"kind":"event_property_contains","key":"content.alt_aliases","value":":example.com"}`, `{"alt_aliases":["#myroom:example.com"]}`, false},
		{`{"kind":"room_member_count","is":"3"}`, `{}`, true},
		{`{"kind":"room_member_count","is":"<3"}`, `{}`, false},
		{`{"kind":"room_member_count","is":">=3"}`, `{}`, true},
		{`{"kind":"room_member_count","is":"many"}`, `{}`, false},
		{`{"kind":"contains_display_name"}`, `{"body":"hello my name!"}`, true},
		{`{"kind":"contains_display_name"}`, `{"body":"hello my names"}`, false},
		{`{"kind":"com.example.unheard_of"}`, `{}`, false},
		{`{"kind":"event_match","key":"content.body"}`, `{"body":""}`, false},
	} {
		s := &Subject{Event: event(t, "m.room.topic", &empty, tt.content), Members: 3, Name: func(mx.UserID) string { return "My Name" }}
		if got := conditionOf(t, tt.condition)(s, reader{user: me}); got != tt.want {
			t.Errorf("%s on %s: %v", tt.condition, tt.content, got)
		}
	}
}

// Spec: cs#predefined-rules
func TestDefaultRules(t *testing.T) {
	server := NewServer(Options{})
	rules, err := server.Compile(nil, me)
	if err != nil {
		t.Fatal(err)
	}
	mine, empty := string(me), ""
	for name, tt := range map[string]struct {
		e                 *mx.Event
		notify, highlight bool
		sound             string
	}{
		"message":                              {event(t, "m.room.message", nil, `{"body":"hi","msgtype":"m.text"}`), true, false, ""},
		"notice":                               {event(t, "m.room.message", nil, `{"body":"hi","msgtype":"m.notice"}`), false, false, ""},
		"encrypted":                            {event(t, "m.room.encrypted", nil, `{}`), true, false, ""},
		"invite":                               {event(t, "m.room.member", &mine, `{"membership":"invite"}`), true, false, `"default"`},
		"other member":                         {event(t, "m.room.member", &empty, `{"membership":"join"}`), false, false, ""},
		"mention":                              {event(t, "m.room.message", nil, `{"body":"x","m.mentions":{"user_ids":["@me:example.org"]}}`), true, true, `"default"`},
		"encrypted mention is still a mention": {event(t, "m.room.encrypted", nil, `{"m.mentions":{"user_ids":["@me:example.org"]}}`), true, true, `"default"`},
		"edit":                                 {event(t, "m.room.encrypted", nil, `{"m.relates_to":{"event_id":"$x","rel_type":"m.replace"}}`), false, false, ""},
		"reaction":                             {event(t, "m.reaction", nil, `{}`), false, false, ""},
		"tombstone":                            {event(t, "m.room.tombstone", &empty, `{}`), true, true, ""},
		"call":                                 {event(t, "m.call.invite", nil, `{}`), true, false, `"ring"`},
		"topic":                                {event(t, "m.room.topic", &empty, `{}`), false, false, ""},
	} {
		got := rules.Match(&Subject{Event: tt.e, Members: 3}, false)
		if got.Notify != tt.notify || got.Highlight != tt.highlight || string(got.Tweaks["sound"]) != tt.sound {
			t.Errorf("%s: %+v", name, got)
		}
	}
	two := rules.Match(&Subject{Event: event(t, "m.room.encrypted", nil, `{}`), Members: 2}, false)
	if string(two.Tweaks["sound"]) != `"default"` {
		t.Errorf("direct chat: %+v", two)
	}
	own := event(t, "m.room.message", nil, `{}`)
	mineToo, err := server.Compile(nil, own.Sender)
	if err != nil {
		t.Fatal(err)
	}
	if r := mineToo.Match(&Subject{Event: own, Members: 2}, false); r.Notify {
		t.Error("an own message notified")
	}
}

func TestLegacyRulesYieldToMentions(t *testing.T) {
	rules, err := NewServer(Options{Legacy: true}).Compile(nil, me)
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]bool{
		`{"body":"hello @ME:example.org"}`: true, `{"body":"hello @room?"}`: false, `{"body":"hello some"}`: false, `{"body":"hello me","m.mentions":{}}`: false, `{"body":"Nick?"}`: true,
	} {
		s := &Subject{Event: event(t, "m.room.message", nil, content), Members: 3, Name: func(mx.UserID) string { return "nick" }}
		if got := rules.Match(s, false); got.Highlight != want {
			t.Errorf("%s: %+v", content, got)
		}
	}
}

func ids(list []Rule) string {
	var s []string
	for _, r := range list {
		if !r.Default {
			s = append(s, r.ID)
		}
	}
	return strings.Join(s, " ")
}

// Spec: cs#put_matrixclientv3pushrulesglobalkindruleid
// Spec: cs#historical-actions
func TestOrderOfRules(t *testing.T) {
	set, err := NewServer(Options{}).Load(nil, me)
	if err != nil {
		t.Fatal(err)
	}
	put := func(id, before, after string) error {
		return set.Put(Override, Rule{ID: id, Actions: actions(act(`"notify"`), act(`"dont_notify"`))}, before, after)
	}
	for _, step := range []struct{ id, before, after, want string }{
		{"a", "", "", "a"},
		{"b", "", "", "b a"},
		{"c", "", "b", "b c a"},
		{"d", "a", "", "b c d a"},
		{"a", "", "", "b c d a"},
		{"a", "b", "", "a b c d"},
		{"e", "d", "a", "a b c e d"},
	} {
		if err := put(step.id, step.before, step.after); err != nil {
			t.Fatal(err)
		}
		if got := ids(set.Override); got != step.want {
			t.Errorf("after %+v: %s", step, got)
		}
	}
	if set.Override[0].ID != masterID {
		t.Errorf("%s stands above .m.rule.master", set.Override[0].ID)
	}
	if _, err := set.Get("postcontent", "a"); !fault.Is(err, "M_NOT_FOUND") {
		t.Errorf("a rule of an unknown kind: %v", err)
	}
	for _, bad := range []error{put("x", "nobody", ""), put("x", "", ".m.rule.tombstone")} {
		if !fault.Is(bad, "M_UNKNOWN") {
			t.Errorf("%v", bad)
		}
	}
	for _, id := range []string{".mine", "a/b", `a\b`, "", strings.Repeat("x", 256)} {
		if err := put(id, "", ""); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := set.Delete(Override, masterID); !fault.Is(err, "M_INVALID_PARAM") {
		t.Errorf("delete a default: %v", err)
	}
	if err := set.Delete(Override, "nobody"); !fault.Is(err, "M_NOT_FOUND") {
		t.Errorf("delete nothing: %v", err)
	}
}

func TestStoredRulesSurviveNewDefaults(t *testing.T) {
	set, err := NewServer(Options{}).Load([]byte(`{"override":[{"rule_id":".m.rule.gone","default":true,"enabled":true,"actions":[]},
		{"rule_id":"own","default":false,"enabled":false,"conditions":[],"actions":["notify"]},
		{"rule_id":".m.rule.reaction","default":true,"enabled":false,"actions":["notify"]}]}`), me)
	if err != nil {
		t.Fatal(err)
	}
	if ids(set.Override) != "own" || find(set.Override, ".m.rule.gone") != nil {
		t.Errorf("%+v", set.Override)
	}
	if r := find(set.Override, ".m.rule.reaction"); r == nil || r.Enabled || len(r.Actions) != 1 || len(r.Conditions) != 1 {
		t.Errorf("%+v", r)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("content.body", "a*b?", `{"body":"a xx bc"}`)
	f.Add(`content.m\.x\\.y`, "", `{"m.x\\":{"y":[null,1,true]}}`)
	f.Fuzz(func(t *testing.T, key, pattern, content string) {
		canonical, err := mx.Canonical([]byte(content))
		if err != nil || len(canonical) == 0 || canonical[0] != '{' {
			return
		}
		s := &Subject{Event: event(t, "m.room.message", nil, string(canonical))}
		eventMatch(key, pattern)(s, reader{user: me})
		for _, kind := range []string{"event_property_is", "event_property_contains", "room_member_count"} {
			condition(&Condition{Kind: kind, Key: key, Value: json.RawMessage(pattern), Is: pattern})(s, reader{user: me})
		}
	})
}

func BenchmarkMatchForThousandMembers(b *testing.B) {
	var rules []*Rules
	server := NewServer(Options{})
	for i := range 1000 {
		r, err := server.Compile(nil, mx.UserID(fmt.Sprintf("@u%d:example.org", i)))
		if err != nil {
			b.Fatal(err)
		}
		rules = append(rules, r)
	}
	e := event(b, "m.room.encrypted", nil, `{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"`+strings.Repeat("x", 500)+`"}`)
	b.ReportAllocs()
	for b.Loop() {
		s := &Subject{Event: e, Members: 1000}
		for _, r := range rules {
			r.Match(s, false)
		}
	}
}

// The order is the proposal's: poll_response next to server_acl, the others next to encrypted.
//
// Spec: MSC3930
func TestPolls(t *testing.T) {
	rules, err := NewServer(Options{}).Compile(nil, me)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"m.poll.", "org.matrix.msc3381.poll."} {
		for _, c := range []struct {
			event   string
			members int
			notify  bool
			sound   string
		}{
			{"start", 2, true, `"default"`},
			{"start", 3, true, ""},
			{"end", 2, true, `"default"`},
			{"end", 3, true, ""},
			{"response", 2, false, ""},
			{"response", 3, false, ""},
		} {
			r := rules.Match(&Subject{Event: event(t, typ+c.event, nil, `{}`), Members: c.members}, false)
			if r.Notify != c.notify || r.Highlight || string(r.Tweaks["sound"]) != c.sound {
				t.Errorf("%s%s among %d: %+v", typ, c.event, c.members, r)
			}
		}
	}
	all := defaults(me)
	names := func(list []Rule) string {
		var b strings.Builder
		for _, r := range list {
			b.WriteString(r.ID + " ")
		}
		return b.String()
	}
	if got := names(all.Override); !strings.Contains(got, ".m.rule.room.server_acl .m.rule.poll_response .org.matrix.msc3930.rule.poll_response .m.rule.suppress_edits") {
		t.Error("override rules are", got)
	}
	if got := names(all.Underride); !strings.HasSuffix(got, ".m.rule.encrypted .m.rule.poll_start_one_to_one .m.rule.poll_start .m.rule.poll_end_one_to_one .m.rule.poll_end "+
		".org.matrix.msc3930.rule.poll_start_one_to_one .org.matrix.msc3930.rule.poll_start .org.matrix.msc3930.rule.poll_end_one_to_one .org.matrix.msc3930.rule.poll_end ") {
		t.Error("underride rules are", got)
	}
}
