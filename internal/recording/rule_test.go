package recording

import (
	"fmt"
	"slices"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// room12 is a room with members, by membership.
func room12(t *testing.T, id mx.RoomID, members map[string]string) *roomstate.Snapshot {
	t.Helper()
	v, _ := mx.Version("12")
	var state []*mx.Event
	for user, membership := range members {
		raw := fmt.Sprintf(`{"auth_events":[],"content":{"membership":%q},"depth":1,"hashes":{},"origin_server_ts":1,"prev_events":[],"room_id":%q,"sender":%q,"signatures":{},"state_key":%q,"type":"m.room.member"}`,
			membership, id, user, user)
		ev, err := mx.LoadEvent(v, mx.EventID("$"+user), []byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		state = append(state, ev)
	}
	return roomstate.Load(id, v, 1, "$x", 1, slices.Values(state))
}

// members are who is in which group.
type members map[string][]mx.UserID

func (m members) In(group string) map[mx.UserID]bool {
	set := map[mx.UserID]bool{}
	for _, user := range m[group] {
		set[user] = true
	}
	return set
}

func (members) Print() uint64 { return 0 }

var groups = members{
	"desk": {"@ann:x"}, "invited": {"@bob:x"}, "gone": {"@eve:x", "@zoe:x"}, "large": {"@a:x", "@b:x", "@c:x", "@d:x", "@bob:x"},
}

func TestWhichRoomsAreRecorded(t *testing.T) {
	room := room12(t, "!a", map[string]string{"@ann:x": mx.Join, "@bob:x": mx.Invite, "@eve:x": mx.Leave})
	for _, c := range []struct {
		rule     Rule
		recorded bool
		want     bool
	}{
		{Rule{Scope: All}, false, true},
		{Rule{Scope: None}, false, false},
		{Rule{Scope: None}, true, false},
		{Rule{Scope: Except, Rooms: []string{"!b"}}, false, true},
		{Rule{Scope: Except, Rooms: []string{"!b", "!a"}}, true, false},
		{Rule{Scope: People, People: []string{"@ann:x"}}, false, true},
		{Rule{Scope: People, People: []string{"@bob:x"}}, false, true},
		{Rule{Scope: People, People: []string{"@eve:x"}}, false, false},
		{Rule{Scope: People, People: []string{"@eve:x"}}, true, true}, // it was recorded because of somebody who has left
		{Rule{Scope: People}, false, false},
		{Rule{Scope: Groups, Groups: []string{"desk"}}, false, true},
		{Rule{Scope: Groups, Groups: []string{"none", "invited"}}, false, true},
		{Rule{Scope: Groups, Groups: []string{"gone"}}, false, false},
		{Rule{Scope: Groups, Groups: []string{"gone"}}, true, true}, // it was recorded because of somebody who has left
		{Rule{Scope: Groups, Groups: []string{"large"}}, false, true},
		{Rule{Scope: Groups}, false, false},
		{Rule{}, true, false},
	} {
		if got := c.rule.covers(room, func(reason) bool { return c.recorded }, groups); got != c.want {
			t.Errorf("%+v, recorded before: %v: %v", c.rule, c.recorded, got)
		}
	}
}

func TestRulesThatCannotWorkAreRefused(t *testing.T) {
	for _, r := range []Rule{
		{Scope: "some", Mode: Closed},
		{Scope: All, Mode: "open"},
		{Scope: All},
		{Scope: Except, Mode: Warn, Rooms: []string{"#a:x"}},
		{Scope: People, Mode: Closed, People: []string{"ann"}},
	} {
		if CheckRule(r) == nil {
			t.Errorf("%+v was taken", r)
		}
	}
	if err := CheckRule(Rule{Scope: Except, Mode: Warn, Rooms: []string{"!a"}, People: []string{"@ann:x"}}); err != nil {
		t.Error(err)
	}
}

func TestTheFirstClassThatClaimsARoomHasIt(t *testing.T) {
	room := room12(t, "!a", map[string]string{"@ann:x": mx.Join, "@bob:x": mx.Invite, "@eve:x": mx.Leave})
	broker := Class{Name: "broker", Groups: []string{"desk"}}
	board := Class{Name: "board", Rooms: []string{"!a"}}
	other := Class{Name: "other", Groups: []string{"gone"}, Rooms: []string{"!b"}}
	for _, c := range []struct {
		classes []Class
		has     string
		want    string
	}{
		{nil, "", ""},
		{[]Class{other}, "", ""},
		{[]Class{broker, board}, "", "broker"},
		{[]Class{board, broker}, "", "board"},
		{[]Class{other, board}, "", "board"},
		{[]Class{other, board}, "other", "other"}, // somebody of the group has left
		{[]Class{board, other}, "other", "board"},
		{[]Class{other}, "removed", ""},
	} {
		if got := classOf(c.classes, room, c.has, groups); got != c.want {
			t.Errorf("%v, now %q: %q, want %q", c.classes, c.has, got, c.want)
		}
	}
}

func TestClassesThatCannotWorkAreRefused(t *testing.T) {
	for _, list := range [][]Class{{{Name: ""}}, {{Name: "Broker Dealer"}}, {{Name: "a"}, {Name: "a"}}, {{Name: "a", Rooms: []string{"#a:x"}}}} {
		if checkClasses(list) == nil {
			t.Errorf("%v was taken", list)
		}
	}
	if err := checkClasses([]Class{{Name: "broker-dealer", Rooms: []string{"!a"}, Groups: []string{"desk"}}, {Name: "board"}}); err != nil {
		t.Error(err)
	}
}
