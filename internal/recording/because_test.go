package recording

import (
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// A room stays recorded when the person leaves for whom it is, and until the rule names them no more; it does not because everything was recorded once.
func TestWhyARoomIsRecorded(t *testing.T) {
	s, _ := three(t)
	s.Groups = groups
	rule := Rule{}
	s.Rule = func() Rule { return rule }
	room := func(policy string, members ...[2]string) *roomstate.Snapshot {
		list := [][3]string{{mx.TypeCreate, "", `{"room_version":"11"}`}}
		for _, m := range members {
			list = append(list, [3]string{mx.TypeMember, m[0], `{"membership":"` + m[1] + `"}`})
		}
		if policy != "" {
			list = append(list, [3]string{typePolicy, "", policy})
		}
		return snapshot(t, list...)
	}
	// under is what a room says that came into a rule's scope with somebody in it.
	under := func(r Rule, user string) string {
		t.Helper()
		rule = r
		return string(s.policy(room("", [2]string{user, mx.Join})))
	}
	all, ann, bob := Rule{Scope: All}, Rule{Scope: People, People: []string{"@ann:x"}}, Rule{Scope: People, People: []string{"@bob:x"}}
	both := Rule{Scope: People, People: []string{"@bob:x", "@ann:x"}}
	desk, other := Rule{Scope: Groups, Groups: []string{"desk"}}, Rule{Scope: Groups, Groups: []string{"gone"}}
	const before = `{"chat.conclave.recording":{"recorder":"@recorder:x"}}` // of a server that noted no reasons
	for _, c := range []struct {
		what   string
		policy string
		now    Rule
		member string // who is left
		want   bool
	}{
		{"the scope is narrowed from all, and nobody is there", under(all, "@ann:x"), ann, "@zed:x", false},
		{"the scope is narrowed from all, and the person is there", under(all, "@ann:x"), ann, "@ann:x", true},
		{"the person has left", under(ann, "@ann:x"), ann, "@zed:x", true},
		{"the person has left, and another one is named as well", under(ann, "@ann:x"), both, "@zed:x", true},
		{"the person is named no more", under(ann, "@ann:x"), bob, "@zed:x", false},
		{"people give way to groups", under(ann, "@ann:x"), desk, "@zed:x", false},
		{"the member of the group has left", under(desk, "@ann:x"), desk, "@zed:x", true},
		{"the group is named no more", under(desk, "@ann:x"), other, "@zed:x", false},
		{"it was recorded before reasons were noted", before, bob, "@zed:x", true},
	} {
		rule = c.now
		now := room(c.policy, [2]string{c.member, mx.Join})
		if got := s.Covers(now); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
		if !c.want {
			continue
		}
		said := string(s.policy(now)) // what it says then says the same again
		if again := string(s.policy(room(said, [2]string{c.member, mx.Join}))); again != said {
			t.Errorf("%s: %s, then %s", c.what, said, again)
		}
	}
	rule = both
	once := room(under(ann, "@ann:x"), [2]string{"@bob:x", mx.Join})
	rule = both
	said := string(s.policy(once))
	rule = bob
	if !s.Covers(room(said, [2]string{"@zed:x", mx.Join})) {
		t.Error("it is forgotten that another person was there")
	}
}

// A room that takes the place of one goes on with what that says of its recording, and with its retention class.
func TestAReplacementInheritsRecording(t *testing.T) {
	s, _ := three(t)
	s.Groups = groups
	rule := Rule{Scope: Groups, Groups: []string{"desk"}, Classes: []Class{{Name: "desk", Groups: []string{"desk"}}}}
	s.Rule = func() Rule { return rule }
	member := func(user string) [3]string { return [3]string{mx.TypeMember, user, `{"membership":"join"}`} }
	policy := string(s.policy(snapshot(t, member("@ann:x"))))
	old := snapshot(t, member("@zed:x"), [3]string{typePolicy, "", policy})
	v, _ := mx.Version("11")
	fresh := roomstate.New("!new:x", v)
	if s.Covers(fresh) {
		t.Fatal("a room of nobody's is recorded")
	}
	inherits := fresh.Replacing(old.Policy()).With(old.State(mx.TypeMember, "@zed:x"), 1)
	if !s.Due(inherits) || string(s.policy(inherits)) != policy {
		t.Errorf("due %v, it says %s, want %s", s.Due(inherits), s.policy(inherits), policy)
	}
	if got := inherits.With(old.State(typePolicy, ""), 2); !s.Covers(got) || got.Policy() != got.State(typePolicy, "") {
		t.Error("what it says itself does not hold")
	}
}
