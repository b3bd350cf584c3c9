//go:build goolm

package recorder

import (
	"slices"
	"testing"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/segment"
)

// A hold on a person covers the rooms that they are invited to; a record names who could see.
func TestTheInvitedAreHeldToo(t *testing.T) {
	s := &roomState{room: "!a:x", members: map[string]string{"@ann:x": "join", "@zoe:x": "join", "@bob:x": "invite", "@cyd:x": "leave"}}
	f := s.look()
	if !slices.Equal(f.members, []string{"@ann:x", "@zoe:x"}) {
		t.Errorf("members: %v", f.members)
	}
	c, sec := vault(t)
	tg, err := newTags(c, sec)
	if err != nil {
		t.Fatal(err)
	}
	id, err := segment.NewID()
	if err != nil {
		t.Fatal(err)
	}
	about := f.about("@ann:x", "@bob:x")
	if len(about) != 1 {
		t.Errorf("who is known is named again: %+v", about)
	}
	if err := tg.Put(archive.Sealed{ID: id, Class: "standard", Parties: about}); err != nil {
		t.Fatal(err)
	}
	known, err := tg.Get(id)
	if err != nil || known == nil {
		t.Fatal(known, err)
	}
	for user, want := range map[string]bool{"@ann:x": true, "@bob:x": true, "@cyd:x": false, "@zoe:x": true} {
		if got := known.Has(tg.User(user)); got != want {
			t.Errorf("%s is tagged: %v", user, got)
		}
	}
	// Who is mistyped occurs nowhere.
	for _, h := range []struct {
		hold       Hold
		room, user bool
	}{
		{Hold{}, true, true},
		{Hold{Room: "!a:x", Custodian: "@bob:x"}, true, true},
		{Hold{Room: "!A:x", Custodian: "@bob:x"}, false, true},
		{Hold{Custodian: "@bop:x"}, true, false},
	} {
		if room, user, err := tg.Occur(h.hold.Room, h.hold.Custodian); err != nil || room != h.room || user != h.user {
			t.Errorf("%+v: %v, %v, %v", h.hold, room, user, err)
		}
	}
}

// What was signed and never happened is no longer taken for the state of the room.
func TestStateThatDoesNotComeIsDoubted(t *testing.T) {
	s := &roomState{members: map[string]string{"@ann:here": "join"}}
	s.expect("m.room.topic", "", "$topic", map[string]any{"topic": "x"}) // records do not say it: it may come or not
	s.expect("m.room.member", "@ann:here", "$left", map[string]any{"membership": "leave"})
	if f := s.look(); len(f.members) != 0 || s.doubtful() {
		t.Errorf("right after the signature: %v, doubtful %v", f.members, s.doubtful())
	}
	s.expected["$left"] = s.expected["$left"].Add(-expectedFor - 1)
	if !s.doubtful() {
		t.Error("it has not come, and is believed")
	}
	s.met("$left")
	if s.doubtful() {
		t.Error("it has come, and is not believed")
	}
}
