package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// randomRoom writes a room with a random history in which bob comes and goes.
func randomRoom(t *rapid.T, b *bench) (mx.RoomID, []*eventlog.Event) {
	room := b.Room(alice, "")
	b.Flush()
	events, err := eventlog.Range(ctx(), b.DB, room, 1, visibility.End, false, 10)
	if err != nil {
		t.Fatal(err)
	}
	steps := rapid.SliceOfN(rapid.SampledFrom([]string{
		"say", "say", "say", "file", "thread", mx.Join, mx.Join, mx.Leave, mx.Invite, "name", mx.VisibleJoined, mx.VisibleShared, mx.VisibleWorld,
	}), 0, 30).Draw(t, "steps")
	for i, step := range steps {
		var e *eventlog.Event
		switch step {
		case "say":
			e = b.Say(room, bob, fmt.Sprint("message ", i))
		case "file":
			e = b.Send(room, alice, mx.TypeMessage, `{"msgtype":"m.file","body":"f","url":"mxc://hs1/x"}`)
		case "thread":
			e = b.Relate(room, alice, events[0].ID, "m.thread", "")
		case "name":
			e = b.Set(room, alice, mx.TypeName, "", fmt.Sprintf(`{"name":"n%d"}`, i))
		case mx.Join, mx.Leave, mx.Invite:
			e = b.Member(room, bob, bob, step)
		default:
			e = b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"`+step+`"}`)
		}
		events = append(events, e)
	}
	return room, events
}

// Paging in either direction, whatever the filter and the limits, gives each event that the reader may see exactly once and in order.
//
// Spec: cs#get_matrixclientv3roomsroomidmessages
func TestPagingProperty(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		rapid.Check(t, func(t *rapid.T) {
			room, events := randomRoom(t, b)
			reader := rapid.SampledFrom([]mx.UserID{alice, bob}).Draw(t, "reader")
			text := rapid.SampledFrom([]string{
				"", `{"types":["m.room.message"]}`, `{"senders":["@bob:hs1"]}`, `{"not_types":["m.room.m*"]}`, `{"contains_url":true}`,
				`{"org.matrix.msc3874.rel_types":["m.thread"]}`, `{"types":[]}`,
			}).Draw(t, "filter")
			backwards := rapid.Bool().Draw(t, "backwards")
			f, err := filter.ParseRoomEvents(text)
			if err != nil {
				t.Fatal(err)
			}
			snap, _ := b.Snapshot(ctx(), room)
			view, err := visibility.NewViews(b.DB).Of(ctx(), snap, reader)
			if err != nil {
				t.Fatal(err)
			}
			var want []mx.EventID
			for _, e := range events {
				if view.CanSee(e.Pos) && f.Match(e) {
					want = append(want, e.ID)
				}
			}
			q := history.PageQuery{Dir: "f", Filter: text}
			if backwards {
				q.Dir = "b"
				slices.Reverse(want)
			}
			var got []mx.EventID
			for pages := 0; ; pages++ {
				q.Limit = rapid.IntRange(1, 12).Draw(t, "limit")
				page, err := b.Messages(ctx(), who(reader), room, q)
				if now := snap.State(mx.TypeHistoryVisibility, ""); !view.EverJoined() && (now == nil || now.Str("history_visibility") != mx.VisibleWorld) {
					if !fault.Is(err, "M_FORBIDDEN") {
						t.Fatalf("a stranger got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, ids(page.Chunk)...)
				if page.End == "" {
					break
				}
				if q.From = page.End; pages > 100 {
					t.Fatal("paging does not end")
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("got %v\nwant %v", got, want)
			}
		})
	})
}

func TestMessagesTo(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		var said []*eventlog.Event
		for i := range 6 {
			said = append(said, b.Say(room, alice, fmt.Sprint(i)))
		}
		at := func(i int) string { return fmt.Sprintf("s%d_7", said[i].Pos) }
		page := must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "f", From: at(1), To: at(3), Limit: 10}))(t)
		wantIDs(t, "forwards", page.Chunk, said[2], said[3])
		if page.Start != at(1) || page.End != "" {
			t.Errorf("start %q, end %q", page.Start, page.End)
		}
		page = must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: at(4), To: at(1), Limit: 2}))(t)
		wantIDs(t, "backwards", page.Chunk, said[4], said[3])
		page = must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: page.End, To: at(1), Limit: 2}))(t)
		wantIDs(t, "backwards on", page.Chunk, said[2])
		if page.End != "" {
			t.Errorf("end %q after the last", page.End)
		}
		page = must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: fmt.Sprintf("p%d_x.y", said[2].Pos), Limit: 1}))(t)
		wantIDs(t, "from a token of sliding sync", page.Chunk, said[2])
		page = must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: at(1), To: at(4), Limit: 2}))(t)
		if len(page.Chunk) != 0 || page.End != "" {
			t.Errorf("an empty stretch: %s", bodies(page.Chunk))
		}
		page = must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: at(4), Limit: 0}))(t)
		if len(page.Chunk) != 0 || page.End == "" {
			t.Errorf("limit 0: %s, end %q", bodies(page.Chunk), page.End)
		}
	})
}

// Pages of large events are shorter, and all events come nevertheless.
func TestLargeEvents(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		for range 150 {
			b.Say(room, alice, strings.Repeat("x", 60_000))
		}
		sizes := []int{}
		for q := (history.PageQuery{Dir: "b", Limit: 1000}); ; {
			page := must(b.Messages(ctx(), who(alice), room, q))(t)
			sizes = append(sizes, len(page.Chunk))
			if q.From = page.End; q.From == "" {
				break
			}
		}
		if len(sizes) != 3 || sizes[0]+sizes[1]+sizes[2] != 152 {
			t.Errorf("pages of %v events", sizes)
		}
	})
}

func TestMessagesBadInput(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		for code, queries := range map[string][]history.PageQuery{
			"M_MISSING_PARAM": {{}},
			"M_INVALID_PARAM": {
				{Dir: "x"},
				{Dir: "b", From: "x"},
				{Dir: "b", From: "t"},
				{Dir: "b", From: "12"},
				{Dir: "f", From: "t-1"},
				{Dir: "f", To: "s_1"},
				{Dir: "f", To: "t99999999999999999999"},
				{Dir: "f", From: "t+1"},
				{Dir: "b", From: "s1x_2"},
				{Dir: "b", From: "s1"},
				{Dir: "b", From: "t1_2"},
				{Dir: "b", From: "p_1"},
				{Dir: "b", Filter: `{"limit":-1}`},
			},
			"M_NOT_JSON": {{Dir: "b", Filter: "{"}},
			"M_BAD_JSON": {{Dir: "b", Filter: `{"types":1}`}},
		} {
			for _, q := range queries {
				_, err := b.Messages(ctx(), who(alice), room, q)
				if refused(t, err, fault.BadRequest, code); t.Failed() {
					t.Fatalf("%+v", q)
				}
			}
		}
	})
}

// Spec: cs#lazy-loading-room-members
func TestLazyMembers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		b.Member(room, carol, carol, mx.Join)
		b.Say(room, bob, "from bob")
		from := b.Say(room, alice, "from alice")
		b.Say(room, carol, "from carol")
		b.Member(room, carol, carol, mx.Leave)
		q := history.PageQuery{Dir: "f", From: fmt.Sprintf("t%d", from.Pos), Limit: 1, Filter: `{"lazy_load_members":true}`}
		page := must(b.Messages(ctx(), who(alice), room, q))(t)
		if got := bodies(page.State); got != "member @carol:hs1 join" {
			t.Errorf("members: %s", got)
		}
		q.Filter = ""
		if page = must(b.Messages(ctx(), who(alice), room, q))(t); page.State != nil {
			t.Errorf("members that nobody asked for: %s", bodies(page.State))
		}
	})
}

func TestUnsigned(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		name := b.Set(room, alice, mx.TypeName, "", `{"name":"old"}`)
		msg := b.Say(room, alice, "to be redacted")
		b.Member(room, bob, bob, mx.Join)
		renamed := b.Set(room, alice, mx.TypeName, "", `{"name":"new"}`)
		redaction := b.Redact(room, alice, msg.ID)

		e := gjson.ParseBytes(must(b.Event(ctx(), who(bob), room, msg.ID))(t))
		if e.Get("content").Raw != "{}" || e.Get("unsigned.redacted_because.event_id").Str != string(redaction.ID) {
			t.Errorf("redacted: %s", e)
		}
		if e.Get("room_id").Str != string(room) || e.Get("unsigned.membership").Str != mx.Leave || e.Get("unsigned.age").Int() <= 0 {
			t.Errorf("event: %s", e)
		}
		e = gjson.ParseBytes(must(b.StateEvent(ctx(), who(bob), room, mx.TypeName, "", true))(t))
		if e.Get("unsigned.prev_content.name").Str != "old" || e.Get("unsigned.replaces_state").Str != string(name.ID) {
			t.Errorf("replaced: %s", e)
		}
		if e.Get("event_id").Str != string(renamed.ID) || e.Get("unsigned.membership").Str != mx.Join {
			t.Errorf("state event: %s", e)
		}
		b.Redact(room, alice, renamed.ID)
		state := must(b.stateOf(room, bob))(t)
		if e := gjson.ParseBytes(state[mx.TypeName]); !e.Get("unsigned.redacted_because").Exists() || e.Get("content").Raw != "{}" {
			t.Errorf("redacted state: %s", e)
		}
	})
}

// Spec: cs#get_matrixclientv3roomsroomidcontexteventid
func TestAround(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeName, "", `{"name":"first"}`)
		var said []*eventlog.Event
		for i := range 8 {
			said = append(said, b.Say(room, alice, fmt.Sprint(i)))
		}
		b.Set(room, alice, mx.TypeName, "", `{"name":"last"}`)
		c := must(b.Around(ctx(), who(alice), room, said[4].ID, 5, ""))(t)
		wantIDs(t, "before", c.Before, said[3], said[2])
		wantIDs(t, "after", c.After, said[5], said[6], said[7])
		if c.Start != fmt.Sprintf("t%d", said[1].Pos) || c.End != fmt.Sprintf("t%d", said[7].Pos) {
			t.Errorf("from %s to %s", c.Start, c.End)
		}
		for _, raw := range c.State {
			if n := gjson.GetBytes(raw, "content.name"); n.Exists() && n.Str != "first" {
				t.Errorf("state is not that at the last event: %s", raw)
			}
		}
		page := must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", From: c.Start, Limit: 1}))(t)
		wantIDs(t, "further back", page.Chunk, said[1])

		c = must(b.Around(ctx(), who(alice), room, said[4].ID, 0, ""))(t)
		if len(c.Before)+len(c.After) != 0 || !slices.Equal(ids([][]byte{c.Event}), idsOf(said[4])) {
			t.Errorf("limit 0: %+v", c)
		}
		c = must(b.Around(ctx(), who(alice), room, said[4].ID, 100, `{"types":["m.room.name"],"lazy_load_members":true}`))(t)
		if bodies(c.Before) != "name" || bodies(c.After) != "name" || bodies(c.State) != "name" || bodies([][]byte{c.Event}) != "4" {
			t.Errorf("filtered: %s | %s | %s", bodies(c.Before), bodies(c.After), bodies(c.State))
		}
		c = must(b.Around(ctx(), who(alice), room, said[4].ID, 2, `{"lazy_load_members":true}`))(t)
		if got := bodies(c.State); got != "create, name, member @alice:hs1 join" {
			t.Errorf("lazy state: %s", got)
		}
	})
}

// Spec: cs#ignoring-users
func TestIgnored(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		b.Say(room, bob, "noise")
		b.Say(room, alice, "signal")
		b.ignore(alice, bob)
		page := must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", Limit: 3}))(t)
		if got := bodies(page.Chunk); got != "signal, member @bob:hs1 join, member @alice:hs1 join" {
			t.Errorf("with bob ignored: %s", got)
		}
	})
}

// Spec: cs#get_matrixclientv3roomsroomidmembers
func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		before := b.Say(room, alice, "hello")
		b.Set(room, bob, mx.TypeMember, string(bob), `{"membership":"join","displayname":"Bob","avatar_url":"mxc://hs1/bob"}`)
		b.Member(room, carol, carol, mx.Join)
		b.Member(room, carol, carol, mx.Leave)
		for want, q := range map[string]history.MembersQuery{
			"@alice:hs1 @bob:hs1 @carol:hs1": {},
			"@alice:hs1 @bob:hs1":            {Membership: mx.Join},
			"@carol:hs1":                     {Membership: mx.Leave},
			"@bob:hs1 @alice:hs1":            {NotMembership: mx.Leave},
			"@alice:hs1":                     {At: fmt.Sprintf("t%d", before.Pos)},
			"@alice:hs1 ":                    {At: "t0"},
			"":                               {Membership: mx.Ban},
			"@alice:hs1  @bob:hs1":           {Membership: mx.Join, NotMembership: mx.Leave},
			" @alice:hs1":                    {Membership: mx.Join, At: fmt.Sprintf("s%d_0", before.Pos)},
		} {
			list := must(b.Members(ctx(), who(alice), room, q))(t)
			got := map[string]bool{}
			for _, raw := range list {
				got[gjson.GetBytes(raw, "state_key").Str] = true
			}
			for _, u := range []string{"@alice:hs1", "@bob:hs1", "@carol:hs1"} {
				if got[u] != slices.Contains(strings.Fields(want), u) {
					t.Errorf("%+v: got %v, want %s", q, got, want)
				}
			}
		}
		for _, q := range []history.MembersQuery{{Membership: "x"}, {NotMembership: "JOIN"}, {At: "x"}} {
			_, err := b.Members(ctx(), who(alice), room, q)
			refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
		joined := must(b.JoinedMembers(ctx(), who(alice), room))(t)
		if len(joined) != 2 || *joined[bob].DisplayName != "Bob" || *joined[bob].AvatarURL != "mxc://hs1/bob" || joined[alice].DisplayName != nil {
			t.Errorf("joined: %v", joined)
		}
	})
}

// Who joined a room in which history is for members sees who was there from then on, not before.
func TestMembersBeforeJoining(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"joined"}`)
		b.Member(room, carol, carol, mx.Join)
		early := b.Say(room, alice, "early")
		b.Member(room, carol, carol, mx.Leave)
		b.Member(room, bob, bob, mx.Join)
		b.Say(room, alice, "late")
		list := must(b.Members(ctx(), who(bob), room, history.MembersQuery{At: fmt.Sprintf("t%d", early.Pos), Membership: mx.Join}))(t)
		if got := bodies(list); got != "member @alice:hs1 join, member @bob:hs1 join" {
			t.Errorf("members: %s", got)
		}
	})
}

// Spec: cs#get_matrixclientv1roomsroomidtimestamp_to_event
func TestAtTime(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"joined"}`)
		b.Say(room, alice, "before bob")
		b.Member(room, bob, bob, mx.Join)
		start := b.TS
		first := b.Say(room, alice, "first")
		b.TS = start + 5000
		same1 := b.Say(room, alice, "same time")
		b.TS = start + 5000
		same2 := b.Say(room, alice, "same time")
		b.TS = start - 100_000
		old := b.Say(room, alice, "sent late")
		b.Member(room, bob, bob, mx.Leave)
		b.TS = start + 9000
		b.Say(room, alice, "after bob")
		for _, c := range []struct {
			ts   int64
			dir  string
			want *eventlog.Event
		}{
			{start, "f", first},
			{start, "b", first},
			{start + 1, "f", same1},
			{start + 4999, "b", first},
			{start + 5000, "f", same1},
			{start + 5000, "b", same2},
			{start + 6000, "f", nil},
			{start + 99_999, "b", same2},
			{0, "f", old},
			{0, "b", nil},
			{start - 100_000, "b", old},
			{-5, "f", old},
		} {
			id, ts, err := b.AtTime(ctx(), who(bob), room, c.ts, c.dir)
			if c.want == nil {
				refused(t, err, fault.NotFound, "M_NOT_FOUND")
				continue
			}
			if err != nil || id != c.want.ID || ts != c.want.TS {
				t.Errorf("%d %s: got %s at %d (%v), want %s at %d", c.ts, c.dir, id, ts, err, c.want.ID, c.want.TS)
			}
		}
		_, _, err := b.AtTime(ctx(), who(bob), room, 1, "")
		refused(t, err, fault.BadRequest, "M_MISSING_PARAM")
	})
}

// Spec: cs#post_matrixclientv3roomsroomidreporteventid
func TestReports(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		msg := b.Say(room, alice, "bad")
		b.Member(room, bob, bob, mx.Join)
		for _, err := range []error{
			b.ReportEvent(ctx(), who(bob), room, msg.ID, "rude"), b.ReportRoom(ctx(), who(carol), room, "spam"),
			b.ReportUser(ctx(), who(carol), alice, ""), b.ReportEvent(ctx(), who(bob), room, msg.ID, "very rude"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		list := must(b.Reports(ctx(), 0, 10))(t)
		if len(list) != 3 || list[0].Reason != "very rude" || list[0].Event != msg.ID || list[0].User != alice || list[2].Kind != eventlog.ReportRoom {
			t.Errorf("reports: %+v", list)
		}
		if list = must(b.Reports(ctx(), list[0].ID, 1))(t); len(list) != 1 || list[0].Kind != eventlog.ReportUser {
			t.Errorf("next page: %+v", list)
		}
		refused(t, b.ReportUser(ctx(), who(bob), alice, string(make([]byte, 5000))), fault.BadRequest, "M_INVALID_PARAM")
		b.Member(room, bob, bob, mx.Leave)
		refused(t, b.ReportEvent(ctx(), who(bob), room, msg.ID, ""), fault.NotFound, "M_NOT_FOUND")
	})
}
