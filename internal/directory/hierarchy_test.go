package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"conclave.chat/internal/directory"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

const spaceType = `{"room_version":"12","type":"m.space"}`

func (b *bench) named(name, content, joinRule string) mx.RoomID {
	room := b.Room(alice, content)
	b.Set(room, alice, mx.TypeName, "", `{"name":"`+name+`"}`)
	b.joinRule(room, joinRule, "")
	return room
}

func (b *bench) child(space, child mx.RoomID, more string) {
	b.Set(space, alice, mx.TypeSpaceChild, string(child), `{"via":["hs1"]`+more+`}`)
}

func tree(h *directory.Hierarchy) string {
	var list []string
	for _, r := range h.Rooms {
		list = append(list, fmt.Sprint(r.Name, len(r.Children)))
	}
	return strings.Join(list, " ")
}

// Spec: cs#get_matrixclientv1roomsroomidhierarchy
func TestHierarchy(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		root := b.named("root", spaceType, mx.JoinPublic)
		r1 := b.named("r1", "", mx.JoinPublic)
		ss1 := b.named("ss1", spaceType, mx.JoinPublic)
		r2 := b.named("r2", "", mx.JoinKnock)
		ss2 := b.named("ss2", spaceType, mx.JoinPublic)
		r3 := b.named("r3", "", mx.JoinPublic)
		secret := b.named("secret", "", mx.JoinInvite)
		b.child(root, r1, `,"suggested":true`)
		b.child(root, ss1, "")
		b.child(root, r2, `,"suggested":true`)
		b.child(root, secret, "")
		b.child(r2, r3, "") // no space: not followed
		b.child(ss1, ss2, "")
		b.child(ss2, r3, "")
		b.child(ss2, root, "") // a loop
		b.child(ss2, "!unknown:hs1", "")
		b.Set(root, alice, mx.TypeSpaceChild, "nonsense", `{"via":["hs1"]}`)
		b.Set(root, alice, mx.TypeSpaceChild, string(r3), `{}`)
		yes, no := true, false
		depth := func(n int) *int { return &n }
		get := func(user mx.UserID, q directory.HierarchyQuery) *directory.Hierarchy {
			t.Helper()
			if q.Limit == 0 {
				q.Limit = directory.DefaultHierarchy
			}
			h, err := b.Hierarchy(ctx(), user, root, q)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		for _, c := range []struct {
			what string
			user mx.UserID
			q    directory.HierarchyQuery
			want string
		}{
			{"all", alice, directory.HierarchyQuery{}, "root4 r10 ss11 ss23 r30 r20 secret0"},
			{"without the secret one", bob, directory.HierarchyQuery{}, "root4 r10 ss11 ss23 r30 r20"},
			{"depth 1", bob, directory.HierarchyQuery{Depth: depth(1)}, "root4 r10 ss11 r20"},
			{"depth 0", bob, directory.HierarchyQuery{Depth: depth(0)}, "root4"},
			{"suggested", bob, directory.HierarchyQuery{Suggested: &yes}, "root2 r10 r20"},
		} {
			if got := tree(get(c.user, c.q)); got != c.want {
				t.Errorf("%s: %s, want %s", c.what, got, c.want)
			}
		}
		page := get(bob, directory.HierarchyQuery{Limit: 4, Depth: depth(5)})
		if tree(page) != "root4 r10 ss11 ss23" || page.Next == "" {
			t.Errorf("first page: %s, %q", tree(page), page.Next)
		}
		rest := get(bob, directory.HierarchyQuery{From: page.Next})
		if tree(rest) != "r30 r20" || rest.Next != "" {
			t.Errorf("second page: %s, %q", tree(rest), rest.Next)
		}
		for _, q := range []directory.HierarchyQuery{
			{From: page.Next, Depth: depth(4)}, {From: page.Next, Suggested: &yes}, {From: "x"}, {From: "h1.2"}, {From: "h-1.2.true"}, {From: "h1.999.true"},
		} {
			q.Limit = 5
			_, err := b.Hierarchy(ctx(), bob, root, q)
			refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
		get(bob, directory.HierarchyQuery{From: page.Next, Depth: depth(5), Suggested: &no})
		for _, room := range []mx.RoomID{secret, "!unknown:hs1"} {
			_, err := b.Hierarchy(ctx(), bob, room, directory.HierarchyQuery{Limit: 5, From: "x"})
			refused(t, err, fault.Forbidden, "M_FORBIDDEN")
		}
	})
}

// The example of the specification, and what it leaves open.
//
// Spec: cs#ordering-of-children-within-a-space
// Spec: cs#mspacechild
func TestChildOrder(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		root := b.Room(alice, spaceType)
		at := func(ts int64, child, more string) {
			b.TS = ts
			b.child(root, mx.RoomID(child), more)
		}
		at(1640341000000, "!b:example.org", `,"order":" "`)
		at(1640141000000, "!a:example.org", `,"order":"aaaa"`)
		at(1640841000000, "!c:example.org", `,"order":"first"`)
		at(1640641000000, "!e:example.org", "")
		at(1640741000000, "!d:example.org", "")
		at(1640741000000, "!bad:example.org", `,"order":"ä"`)
		at(1640741000000, "!long:example.org", `,"order":"`+strings.Repeat("a", 51)+`"`)
		at(1640741000000, "!number:example.org", `,"order":1`)
		at(1640141000001, "!a2:example.org", `,"order":"aaaa"`)
		h, err := b.Hierarchy(ctx(), alice, root, directory.HierarchyQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range h.Rooms[0].Children {
			got = append(got, c.Key)
			if c.Type != mx.TypeSpaceChild || c.Sender != alice || c.TS == 0 || !strings.Contains(string(c.Content), `"via"`) {
				t.Errorf("child %+v", c)
			}
		}
		want := "!b:example.org !a:example.org !a2:example.org !c:example.org !e:example.org !bad:example.org !d:example.org !long:example.org !number:example.org"
		if strings.Join(got, " ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
		}
	})
}
