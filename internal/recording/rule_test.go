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
		{Rule{}, true, false},
	} {
		if got := c.rule.covers(room, c.recorded); got != c.want {
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
