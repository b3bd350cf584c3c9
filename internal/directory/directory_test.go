package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/directory"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/test/roomlog"
)

const (
	alice mx.UserID = "@alice:hs1"
	bob   mx.UserID = "@bob:hs1"
)

type bench struct {
	*roomlog.Log
	*directory.Service
}

// Resolve finds the room of an alias.
func (b *bench) Resolve(ctx context.Context, alias mx.RoomAlias) (mx.RoomID, error) {
	a, err := eventlog.AliasOf(ctx, b.DB, alias)
	if err != nil {
		return "", err
	}
	return a.Room, nil
}

func each(t *testing.T, run func(*testing.T, *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{Log: roomlog.New(t, db)}
		b.Service = directory.New(directory.Deps{DB: db, Rooms: b, Server: "hs1"})
		run(t, b)
	})
}

// Rooms is a user's memberships.
func (b *bench) Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	return b.Log.Rooms(ctx, user)
}

func ctx() context.Context { return context.Background() }

func refused(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
		t.Errorf("got %v, want %d %s", err, kind.Status(), code)
	}
}

func (b *bench) joinRule(room mx.RoomID, rule, more string) {
	b.Set(room, alice, mx.TypeJoinRules, "", `{"join_rule":"`+rule+`"`+more+`}`)
}

func names(rooms []directory.PublicRoom) string {
	var list []string
	for _, r := range rooms {
		list = append(list, r.Name)
	}
	return strings.Join(list, " ")
}

// Spec: cs#post_matrixclientv3publicrooms
// Spec: cs#get_matrixclientv3publicrooms
func TestPublic(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for i, name := range []string{"small", "hidden", "big", "space", "deserted"} {
			content := ""
			if name == "space" {
				content = `{"room_version":"12","type":"m.space"}`
			}
			room := b.Room(alice, content)
			b.Set(room, alice, mx.TypeName, "", `{"name":"`+name+`"}`)
			b.Set(room, alice, mx.TypeTopic, "", fmt.Sprintf(`{"topic":"About Wombles %d"}`, i))
			if name != "hidden" {
				b.Publish(room)
			}
			if name == "deserted" {
				b.Member(room, alice, alice, mx.Leave)
			}
			if name == "big" {
				b.Member(room, bob, bob, mx.Join)
				b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"world_readable"}`)
				b.Set(room, alice, mx.TypeGuestAccess, "", `{"guest_access":"can_join"}`)
				b.Set(room, alice, mx.TypeCanonicalAlias, "", `{"alias":"#big:hs1"}`)
				b.Set(room, alice, mx.TypeAvatar, "", `{"url":"mxc://hs1/a"}`)
				b.joinRule(room, mx.JoinPublic, "")
			}
		}
		b.Flush()
		get := func(q directory.PublicQuery) *directory.PublicPage {
			t.Helper()
			page, err := b.Public(ctx(), q)
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		page := get(directory.PublicQuery{})
		if len(page.Chunk) != 3 || page.Total != 3 || page.Next != "" || page.Prev != "" {
			t.Fatalf("%+v", page)
		}
		want := directory.PublicRoom{
			ID: page.Chunk[0].ID, Alias: "#big:hs1", Name: "big", Topic: "About Wombles 2", AvatarURL: "mxc://hs1/a", Members: 2,
			WorldReadable: true, GuestsJoin: true, JoinRule: mx.JoinPublic,
		}
		if page.Chunk[0] != want {
			t.Errorf("got  %+v\nwant %+v", page.Chunk[0], want)
		}
		space := "m.space"
		for _, c := range []struct {
			want string
			q    directory.PublicQuery
		}{
			{"big", directory.PublicQuery{Term: "WOMBLES 2"}},
			{"big", directory.PublicQuery{Term: "#big"}},
			{"", directory.PublicQuery{Term: "hidden"}},
			{"space", directory.PublicQuery{Types: []*string{&space}}},
			{"", directory.PublicQuery{Types: []*string{}}},
			{"big", directory.PublicQuery{Types: []*string{nil}, Term: "big"}},
			{"big", directory.PublicQuery{Term: string(want.ID)}},
			{"", directory.PublicQuery{Network: &space}},
			{"big", directory.PublicQuery{Server: "hs1", Limit: 1}},
		} {
			if got := names(get(c.q).Chunk); got != c.want {
				t.Errorf("%+v: %s, want %s", c.q, got, c.want)
			}
		}
		for _, since := range []string{"x", "a", "a1", "a1.!", "ax.aa", "c1.aa"} {
			_, err := b.Public(ctx(), directory.PublicQuery{Since: since})
			refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
		_, err := b.Public(ctx(), directory.PublicQuery{Server: "elsewhere.example"})
		refused(t, err, fault.NotFound, "M_NOT_FOUND")
		_, err = b.Public(ctx(), directory.PublicQuery{Server: "no server"})
		refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
	})
}

// Paging to the end and back gives each room once, in the same order.
func TestPublicPagesProperty(t *testing.T) {
	b := &bench{Log: roomlog.New(t, storetest.SQLite(t, store.Options{}))}
	b.Service = directory.New(directory.Deps{DB: b.DB, Rooms: b, Server: "hs1"})
	for i := range 23 {
		room := b.Room(alice, "")
		if i%3 == 0 {
			b.Member(room, bob, bob, mx.Join)
		}
		b.Publish(room)
	}
	all, err := b.Public(ctx(), directory.PublicQuery{})
	if err != nil || len(all.Chunk) != 23 {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 25).Draw(t, "limit")
		var forth, back []directory.PublicRoom
		last := &directory.PublicPage{}
		for since := ""; ; since = last.Next {
			if last, err = b.Public(ctx(), directory.PublicQuery{Limit: limit, Since: since}); err != nil {
				t.Fatal(err)
			}
			forth = append(forth, last.Chunk...)
			if last.Next == "" {
				break
			}
		}
		back = slices.Clone(last.Chunk)
		for since := last.Prev; since != ""; since = last.Prev {
			if last, err = b.Public(ctx(), directory.PublicQuery{Limit: limit, Since: since}); err != nil {
				t.Fatal(err)
			}
			back = append(slices.Clone(last.Chunk), back...)
		}
		if !slices.Equal(forth, all.Chunk) || !slices.Equal(back, all.Chunk) {
			t.Fatalf("with %d on a page: %d forwards, %d backwards", limit, len(forth), len(back))
		}
	})
}

// Spec: cs#get_matrixclientv3directorylistroomroomid
func TestPublished(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		open, closed := b.Room(alice, ""), b.Room(alice, "")
		b.Publish(open)
		for _, c := range []struct {
			user mx.UserID
			room mx.RoomID
			want string
		}{
			{"", open, "public"},
			{bob, open, "public"},
			{alice, open, "public"},
			{alice, closed, "private"},
			{"", closed, ""},
			{bob, closed, ""},
			{alice, "!unknown:hs1", ""},
		} {
			got, err := b.Published(ctx(), c.user, c.room)
			switch {
			case c.want == "":
				refused(t, err, fault.NotFound, "M_NOT_FOUND")
			case err != nil || got != (c.want == "public"):
				t.Errorf("%+v: %v, %v", c, got, err)
			}
		}
	})
}

// Spec: cs#get_matrixclientv1room_summaryroomidoralias
func TestSummary(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		space := b.Room(alice, `{"room_version":"12","type":"m.space"}`)
		b.joinRule(space, mx.JoinPublic, "")
		restricted := b.RoomOf("8", alice, "")
		b.joinRule(restricted, mx.JoinRestricted, `,"allow":[{"type":"m.room_membership","room_id":"`+string(space)+`"},{"type":"other","room_id":"!x:y"}]`)
		b.Set(restricted, alice, mx.TypeEncryption, "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		b.Alias(restricted, "#name:hs1")
		invite := b.Room(alice, "")

		s, err := b.Summary(ctx(), alice, "#name:hs1")
		if err != nil {
			t.Fatal(err)
		}
		if s.ID != restricted || !slices.Equal(s.Allowed, []mx.RoomID{space}) || s.Version != "8" || s.Encryption != "m.megolm.v1.aes-sha2" || s.Membership != mx.Join {
			t.Errorf("%+v", s)
		}
		for _, id := range []string{string(restricted), string(invite), "!unknown:hs1", "#name:hs1", "#unknown:hs1"} {
			_, err := b.Summary(ctx(), bob, id)
			refused(t, err, fault.NotFound, "M_NOT_FOUND")
		}
		if s, err = b.Summary(ctx(), bob, string(space)); err != nil || s.Membership != mx.Leave || s.Type != "m.space" {
			t.Errorf("%+v, %v", s, err)
		}
		b.Member(space, bob, bob, mx.Join)
		if s, err = b.Summary(ctx(), bob, string(restricted)); err != nil || s.Membership != mx.Leave {
			t.Errorf("as a member of the space: %+v, %v", s, err)
		}
		b.Member(invite, alice, bob, mx.Invite)
		if s, err = b.Summary(ctx(), bob, string(invite)); err != nil || s.Membership != mx.Invite || s.Allowed != nil || s.JoinRule != mx.JoinInvite {
			t.Errorf("invited: %+v, %v", s, err)
		}
		b.Member(space, alice, bob, mx.Ban)
		_, err = b.Summary(ctx(), bob, string(space))
		refused(t, err, fault.NotFound, "M_NOT_FOUND")
		_, err = b.Summary(ctx(), bob, "nonsense")
		refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
	})
}

// Spec: cs#get_matrixclientv1mutual_rooms
func TestMutual(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var shared []mx.RoomID
		for i := range 4 {
			room := b.Room(alice, "")
			if i > 0 {
				b.Member(room, bob, bob, []string{"", mx.Join, mx.Invite, mx.Join}[i])
			}
			if i%2 == 1 {
				shared = append(shared, room)
			}
		}
		slices.Sort(shared)
		page, err := b.Mutual(ctx(), alice, bob, "")
		if err != nil || !slices.Equal(page.Joined, shared) || page.Count != 2 || page.Next != "" {
			t.Errorf("%+v, %v", page, err)
		}
		if page, err = b.Mutual(ctx(), alice, "@nobody:elsewhere", ""); err != nil || page.Count != 0 || page.Joined == nil {
			t.Errorf("%+v, %v", page, err)
		}
		for _, c := range []struct {
			other mx.UserID
			from  string
		}{{alice, ""}, {bob, "x"}, {bob, "_/"}, {"@höhe:hs1", ""}} {
			_, err := b.Mutual(ctx(), alice, c.other, c.from)
			refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
	})
}
