package mx

import (
	"slices"
	"testing"
)

// The feature matrix of the specification, as far as it shows in an event.
//
// Spec: rooms#room-versions
func TestVersions(t *testing.T) {
	if got := Versions(); !slices.Equal(got, []string{"6", "7", "8", "9", "10", "11", "12"}) {
		t.Errorf("versions are %v", got)
	}
	for _, id := range []string{"", "1", "5", "13", "org.example", "012"} {
		if v, ok := Version(id); ok {
			t.Errorf("%q is %v", id, v)
		}
	}
	if v, ok := Version(DefaultVersion); !ok || v.ID != "12" {
		t.Error("the default version is not 12")
	}
	for name, x := range map[string]struct {
		from, to int
		has      func(*RoomVersion) bool
	}{
		"knocking":                         {7, 12, func(v *RoomVersion) bool { return v.Knock }},
		"restricted rooms":                 {8, 12, func(v *RoomVersion) bool { return v.Restricted }},
		"redaction keeps who vouched":      {9, 12, func(v *RoomVersion) bool { return v.KeepsJoinAuthority }},
		"knock_restricted":                 {10, 12, func(v *RoomVersion) bool { return v.KnockRestricted }},
		"integers only":                    {10, 12, func(v *RoomVersion) bool { return v.IntegerLevels }},
		"content.creator":                  {6, 10, func(v *RoomVersion) bool { return v.CreatorInContent }},
		"the new redaction":                {11, 12, func(v *RoomVersion) bool { return v.LateRedaction && v.RedactsInContent }},
		"create event among auth events":   {6, 11, func(v *RoomVersion) bool { return v.CreateInAuth }},
		"room ids are hashes, creators":    {12, 12, func(v *RoomVersion) bool { return v.HashRoomID && v.Creators }},
		"nothing of room version 12 early": {6, 11, func(v *RoomVersion) bool { return !v.HashRoomID && !v.Creators }},
	} {
		for i, id := range Versions() {
			v, _ := Version(id)
			if n := 6 + i; x.has(v) != (x.from <= n && n <= x.to) {
				t.Errorf("%s in version %s: %v", name, id, x.has(v))
			}
		}
	}
}

// Spec: cs#stripped-state
func TestStrippedState(t *testing.T) {
	want := []string{
		"m.room.create", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.join_rules", "m.room.canonical_alias", "m.room.encryption",
	}
	if got := StrippedStateTypes(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
