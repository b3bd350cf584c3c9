package visibility_test

import (
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/visibility"
)

// event is one event of a model room: at most one of the values changes by it.
type event struct{ member, visible string }

// allowed applies the numbered rules of the specification to one event, by replaying the room up to it.
//
// Spec: cs#room-history-visibility
func allowed(room []event, at int) bool {
	member, visible := mx.Leave, "shared"
	oldMember, oldVisible := member, visible
	for i := 0; i <= at; i++ {
		oldMember, oldVisible = member, visible
		if room[i].member != "" {
			member = room[i].member
		}
		if room[i].visible != "" {
			visible = room[i].visible
		}
	}
	joinedLater := member == "join" // an event that is a join counts itself
	current := member
	for i := at + 1; i < len(room); i++ {
		if room[i].member != "" {
			current = room[i].member
		}
		joinedLater = joinedLater || current == "join"
	}
	rules := func(member, visible string) bool {
		switch {
		case visible == "world_readable", member == "join":
			return true
		case visible != "invited" && visible != "joined" && joinedLater:
			return true
		}
		return member == "invite" && visible == "invited" && joinedLater
	}
	return rules(oldMember, oldVisible) || rules(member, visible)
}

func TestViewMatchesTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SampledFrom([]event{
			{},
			{},
			{},
			{member: "join"},
			{member: "join"},
			{member: "leave"},
			{member: "invite"},
			{member: "ban"},
			{member: "knock"},
			{visible: "world_readable"},
			{visible: "shared"},
			{visible: "invited"},
			{visible: "joined"},
			{visible: "nonsense"},
		})
		room := rapid.SliceOfN(kinds, 0, 40).Draw(t, "room")
		var members, visibilities []visibility.Change
		for i, e := range room {
			pos := store.Pos(10 + 3*i)
			if e.member != "" {
				members = append(members, visibility.Change{Pos: pos, Value: e.member})
			}
			if e.visible != "" {
				visibilities = append(visibilities, visibility.Change{Pos: pos, Value: e.visible})
			}
		}
		v := visibility.New(members, visibilities)
		for i := range room {
			if got, want := v.CanSee(store.Pos(10+3*i)), allowed(room, i); got != want {
				t.Fatalf("event %d of %v: visible %v, want %v", i, room, got, want)
			}
		}
		last := store.Pos(-2)
		for _, s := range v.Spans() {
			if s.From > s.To || s.From <= last+1 {
				t.Fatalf("spans %v overlap, touch or are empty", v.Spans())
			}
			last = s.To
		}
	})
}

func TestDeparture(t *testing.T) {
	type change = visibility.Change
	for name, c := range map[string]struct {
		members      []change
		joined, ever bool
		left         store.Pos
	}{
		"a stranger":                         {},
		"a member":                           {[]change{{5, "join"}}, true, true, 0},
		"one who left":                       {[]change{{5, "join"}, {9, "leave"}}, false, true, 9},
		"one who was invited":                {[]change{{5, "invite"}, {9, "leave"}}, false, false, 0},
		"one who came back":                  {[]change{{5, "join"}, {9, "leave"}, {11, "join"}}, true, true, 0},
		"one who left and was invited again": {[]change{{5, "join"}, {9, "leave"}, {11, "invite"}}, false, true, 9},
		"one who was banned and unbanned":    {[]change{{5, "join"}, {7, "join"}, {9, "ban"}, {11, "leave"}}, false, true, 9},
	} {
		v := visibility.New(c.members, nil)
		left, departed := v.Departed()
		if v.Joined() != c.joined || v.EverJoined() != c.ever || left != c.left || departed != (c.left != 0) {
			t.Errorf("%s: joined %v, ever %v, left at %d", name, v.Joined(), v.EverJoined(), left)
		}
	}
}

func TestWithin(t *testing.T) {
	v := visibility.New([]visibility.Change{{Pos: 10, Value: "join"}, {Pos: 20, Value: "leave"}, {Pos: 30, Value: "join"}},
		[]visibility.Change{{Pos: 1, Value: "joined"}})
	if got := v.Within(15, 35); len(got) != 2 || got[0] != (visibility.Span{From: 15, To: 20}) || got[1] != (visibility.Span{From: 30, To: 35}) {
		t.Errorf("within 15 to 35: %v", got)
	}
	if got := v.Within(21, 29); len(got) != 0 {
		t.Errorf("while away: %v", got)
	}
}
