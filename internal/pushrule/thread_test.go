package pushrule

import (
	"fmt"
	"slices"
	"testing"

	"conclave.chat/internal/fault"
)

// Spec: MSC4306
func TestRulesOnThreads(t *testing.T) {
	const mention, keyword = `{"body":"x","m.mentions":{"user_ids":["@me:example.org"]}}`, `{"body":"an apple"}`
	const own = `{"content":[{"rule_id":"apple","enabled":true,"pattern":"apple","actions":["notify"]}],
		"room":[{"rule_id":"!r:example.org","enabled":true,"actions":[]}]}` // a muted room
	for _, tt := range []struct {
		on                        bool
		stored, content           string
		thread, follows           bool
		notify, highlight, sounds bool
	}{
		{false, "", `{"body":"x"}`, true, false, true, false, false},
		{true, "", `{"body":"x"}`, false, false, true, false, false},
		{true, "", `{"body":"x"}`, true, false, false, false, false},
		{true, "", `{"body":"x"}`, true, true, true, false, true},
		{true, "", mention, true, false, true, true, true},
		{true, own, `{"body":"x"}`, true, true, true, false, true},
		{true, own, `{"body":"x"}`, true, false, false, false, false},
		{true, own, keyword, true, false, true, false, false},
		{false, own, `{"body":"x"}`, true, true, false, false, false},
	} {
		rules, err := NewServer(Options{Threads: tt.on}).Compile([]byte(tt.stored), me)
		if err != nil {
			t.Fatal(err)
		}
		s := &Subject{Event: event(t, "m.room.message", nil, tt.content), Members: 3}
		if tt.thread {
			s.Thread = "$root"
		}
		r := rules.Match(s, tt.follows)
		if r.Notify != tt.notify || r.Highlight != tt.highlight || (r.Tweaks["sound"] != nil) != tt.sounds {
			t.Errorf("%+v: %+v", tt, r)
		}
		if rules.AboutThreads() != tt.on {
			t.Errorf("%+v: about threads: %v", tt, rules.AboutThreads())
		}
	}
}

// Spec: MSC4306
func TestUsersHaveNoPostcontentRules(t *testing.T) {
	server := NewServer(Options{})
	set, err := server.Load(nil, me)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Put(PostContent, Rule{ID: "own", Actions: actions()}, "", ""); !fault.Is(err, "M_INVALID_PARAM") {
		t.Errorf("%v", err)
	}
	for _, r := range set.PostContent {
		if !r.Default || r.Enabled || set.Enable(PostContent, r.ID, true) != nil {
			t.Errorf("%+v", r)
		}
	}
	if len(set.PostContent) != 2 {
		t.Errorf("%+v", set.PostContent)
	}
}

// What users have in common is there once.
func TestUsersShareTheServersRules(t *testing.T) {
	server := NewServer(Options{Legacy: true})
	changed := `{"override":[{"rule_id":".m.rule.reaction","default":true,"enabled":true,"actions":["notify"]}]}`
	for stored, own := range map[string]int{"": 0, "{}": 0, changed: 1} {
		rules, err := server.Compile([]byte(stored), "@other:example.org")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range rules.list {
			if !slices.Contains(server.enabled, c) {
				n++
			}
		}
		if n != own {
			t.Errorf("%s: %d rules of their own", stored, n)
		}
	}
	// Shared rules know whom they are for.
	for _, user := range []string{"me", "other"} {
		rules, err := server.Compile(nil, me)
		if err != nil {
			t.Fatal(err)
		}
		content := fmt.Sprintf(`{"body":"x","m.mentions":{"user_ids":["@%s:example.org"]}}`, user)
		if r := rules.Match(&Subject{Event: event(t, "m.room.message", nil, content), Members: 3}, false); r.Highlight != (user == "me") {
			t.Errorf("mention of %s: %+v", user, r)
		}
	}
}
