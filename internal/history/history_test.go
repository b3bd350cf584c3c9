package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
	"conclave.chat/test/roomlog"
)

const (
	alice mx.UserID = "@alice:hs1"
	bob   mx.UserID = "@bob:hs1"
	carol mx.UserID = "@carol:hs1"
)

// bench is a history service over a log that a test writes.
type bench struct {
	*roomlog.Log
	*history.Service
	t *testing.T
}

// ignore makes a user ignore others.
func (b *bench) ignore(user mx.UserID, others ...mx.UserID) {
	b.t.Helper()
	list := []string{}
	for _, u := range others {
		list = append(list, `"`+string(u)+`":{}`)
	}
	b.put(user, "", personal.TypeIgnored, `{"ignored_users":{`+strings.Join(list, ",")+`}}`)
}

func (b *bench) put(user mx.UserID, room mx.RoomID, typ, content string) {
	b.t.Helper()
	b.Flush()
	err := b.DB.Write(func(tx *store.Tx) error { return personal.PutAccountData(tx, user, room, typ, []byte(content)) })
	if err != nil {
		b.t.Fatal(err)
	}
}

// Search and Collect read the log without asking for a room first.
func (b *bench) Search(ctx context.Context, w history.Who, q history.SearchQuery) (*history.Found, error) {
	b.Flush()
	return b.Service.Search(ctx, w, q)
}

func (b *bench) Collect(ctx context.Context, now time.Time) error {
	b.Flush()
	return b.Service.Collect(ctx, now)
}

// each runs a test on both engines.
func each(t *testing.T, run func(*testing.T, *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{Log: roomlog.New(t, db), t: t}
		b.Service = history.New(history.Deps{
			DB: db, Rooms: b.Log, Views: visibility.NewViews(db), Now: func() time.Time { return time.UnixMilli(b.TS) },
		})
		run(t, b)
	})
}

func who(u mx.UserID) history.Who { return history.Who{User: u, Device: "DEV"} }

func ctx() context.Context { return context.Background() }

// must stops the test at an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func refused(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
		t.Errorf("got %v, want %d %s", err, kind.Status(), code)
	}
}

// bodies lists what tells events apart in tests: the body of messages, else type and state key.
func bodies(events [][]byte) string {
	var list []string
	for _, raw := range events {
		e := gjson.ParseBytes(raw)
		name := e.Get("content.body").Str
		if name == "" {
			name = strings.TrimPrefix(e.Get("type").Str, "m.room.")
			if key := e.Get("state_key").Str; key != "" {
				name += " " + key
			}
			if m := e.Get("content.membership").Str; m != "" {
				name += " " + m
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

func ids(events [][]byte) []mx.EventID {
	list := []mx.EventID{}
	for _, raw := range events {
		list = append(list, mx.EventID(gjson.GetBytes(raw, "event_id").Str))
	}
	return list
}

func idsOf(events ...*eventlog.Event) []mx.EventID {
	list := []mx.EventID{}
	for _, e := range events {
		list = append(list, e.ID)
	}
	return list
}

func wantIDs(t *testing.T, what string, got [][]byte, want ...*eventlog.Event) {
	t.Helper()
	if g := ids(got); !slices.Equal(g, idsOf(want...)) {
		t.Errorf("%s: got %v, want %v", what, g, idsOf(want...))
	}
}

// Spec: cs#get_matrixclientv3roomsroomidmessages
func TestDepartedRoom(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"joined"}`)
		b.Say(room, alice, "before bob")
		b.Member(room, bob, bob, mx.Join)
		b.Set(room, alice, mx.TypeName, "", `{"name":"old"}`)
		b.Say(room, alice, "one")
		b.Say(room, alice, "two")
		left := b.Member(room, bob, bob, mx.Leave)
		b.Set(room, alice, mx.TypeName, "", `{"name":"new"}`)
		b.Say(room, alice, "after bob")
		b.Member(room, carol, carol, mx.Join)

		page := must(b.Messages(ctx(), who(bob), room, history.PageQuery{Dir: "b", Limit: 3}))(t)
		if got := bodies(page.Chunk); got != "member @bob:hs1 leave, two, one" {
			t.Errorf("backwards: %s", got)
		}
		page = must(b.Messages(ctx(), who(bob), room, history.PageQuery{Dir: "b", Limit: 10, From: page.End}))(t)
		if got := bodies(page.Chunk); got != "name, member @bob:hs1 join, history_visibility, member @alice:hs1 join, create" || page.End != "" {
			t.Errorf("the rest: %s, end %q", got, page.End)
		}
		page = must(b.Messages(ctx(), who(bob), room, history.PageQuery{Dir: "f", Limit: 10, From: fmt.Sprintf("s%d_0", left.Pos)}))(t)
		if len(page.Chunk) != 0 || page.End != "" {
			t.Errorf("forwards from the end: %s, end %q", bodies(page.Chunk), page.End)
		}
		name := must(b.StateEvent(ctx(), who(bob), room, mx.TypeName, "", false))(t)
		if string(name) != `{"name":"old"}` {
			t.Errorf("name for who left: %s", name)
		}
		state := must(b.stateOf(room, bob))(t)
		if got := gjson.GetBytes(state[mx.TypeName], "content.name").Str; got != "old" {
			t.Errorf("name in the state for who left: %s", got)
		}
		members := must(b.Members(ctx(), who(bob), room, history.MembersQuery{}))(t)
		if got := bodies(members); got != "member @alice:hs1 join, member @bob:hs1 leave" {
			t.Errorf("members for who left: %s", got)
		}
		_, err := b.JoinedMembers(ctx(), who(bob), room)
		refused(t, err, fault.Forbidden, "M_FORBIDDEN")

		b.Forget(room, bob)
		_, err = b.Messages(ctx(), who(bob), room, history.PageQuery{}) // without dir: that there is no room comes first
		refused(t, err, fault.Forbidden, "M_FORBIDDEN")
		_, err = b.Event(ctx(), who(bob), room, left.ID)
		refused(t, err, fault.NotFound, "M_NOT_FOUND")
	})
}

// stateOf is the state of a room by type, for states without keys.
func (b *bench) stateOf(room mx.RoomID, user mx.UserID) (map[string][]byte, error) {
	list, err := b.State(ctx(), who(user), room)
	out := map[string][]byte{}
	for _, raw := range list {
		out[gjson.GetBytes(raw, "type").Str] = raw
	}
	return out, err
}

func TestStrangersLearnNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		msg := b.Say(room, alice, "secret")
		b.Member(room, alice, carol, mx.Invite)
		b.Member(room, carol, carol, mx.Leave) // never was in the room
		const unknown = mx.RoomID("!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
		for _, user := range []mx.UserID{bob, carol} {
			for _, r := range []mx.RoomID{room, unknown} {
				var errs []error
				add := func(_ any, err error) { errs = append(errs, err) }
				add(b.Messages(ctx(), who(user), r, history.PageQuery{Dir: "b", Limit: 10}))
				add(b.State(ctx(), who(user), r))
				add(b.StateEvent(ctx(), who(user), r, mx.TypeCreate, "", false))
				add(b.Members(ctx(), who(user), r, history.MembersQuery{}))
				add(b.JoinedMembers(ctx(), who(user), r))
				add(b.Around(ctx(), who(user), r, msg.ID, 10, ""))
				add(b.Threads(ctx(), who(user), r, "", 10, false))
				add(b.Preview(ctx(), who(user), r, 10))
				_, _, err := b.AtTime(ctx(), who(user), r, 0, "f")
				for i, err := range append(errs, err) {
					if f := fault.Of(err); f == nil || f.Kind != fault.Forbidden || f.Code != "M_FORBIDDEN" || f.Msg != fault.Of(errs[0]).Msg {
						t.Errorf("%s in %s, call %d: %v", user, r, i, err)
					}
				}
				_, err = b.Event(ctx(), who(user), r, msg.ID)
				refused(t, err, fault.NotFound, "M_NOT_FOUND")
				_, err = b.Relations(ctx(), who(user), r, msg.ID, history.RelationsQuery{Limit: 5})
				refused(t, err, fault.NotFound, "M_NOT_FOUND")
				refused(t, b.ReportEvent(ctx(), who(user), r, msg.ID, ""), fault.NotFound, "M_NOT_FOUND")
				if err := b.ReportRoom(ctx(), who(user), r, "bad"); err != nil {
					t.Errorf("report of a room: %v", err)
				}
			}
		}
		_, err := b.Event(ctx(), who(alice), room, "$unknown")
		refused(t, err, fault.NotFound, "M_NOT_FOUND")
		other := b.Say(b.Room(alice, ""), alice, "elsewhere")
		_, err = b.Event(ctx(), who(alice), room, other.ID)
		refused(t, err, fault.NotFound, "M_NOT_FOUND")
	})
}

// Spec: cs#room-previews
func TestPeeking(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Say(room, alice, "hidden")
		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"world_readable"}`)
		open := b.Say(room, alice, "open")
		page := must(b.Messages(ctx(), who(bob), room, history.PageQuery{Dir: "f", Limit: 10}))(t)
		if got := bodies(page.Chunk); got != "history_visibility, open" {
			t.Errorf("a stranger reads %s", got)
		}
		must(b.State(ctx(), who(bob), room))(t)
		b.put(bob, room, "m.tag", `{"tags":{}}`)
		preview := must(b.Preview(ctx(), who(bob), room, 1))(t)
		if bodies(preview.Messages.Chunk) != "open" || preview.Membership != "" || preview.Published || len(preview.State) != 3 {
			t.Errorf("preview: %+v", preview)
		}
		if preview.Messages.Start == "" || preview.Messages.End == "" || len(preview.AccountData) != 1 || string(preview.AccountData[0]) != `{"type":"m.tag","content":{"tags":{}}}` {
			t.Errorf("preview: %+v", preview)
		}
		_, err := b.JoinedMembers(ctx(), who(bob), room)
		refused(t, err, fault.Forbidden, "M_FORBIDDEN")

		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"shared"}`)
		_, err = b.Messages(ctx(), who(bob), room, history.PageQuery{Dir: "f", Limit: 10})
		refused(t, err, fault.Forbidden, "M_FORBIDDEN")
		must(b.Event(ctx(), who(bob), room, open.ID))(t) // which was open to the world when it was sent
	})
}
