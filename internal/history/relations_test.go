package history_test

import (
	"fmt"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func relations(t *testing.T, b *bench, u mx.UserID, e *eventlog.Event) gjson.Result {
	t.Helper()
	raw := must(b.Event(ctx(), who(u), e.RoomID, e.ID))(t)
	return gjson.GetBytes(raw, `unsigned.m\.relations`)
}

const edited = `,"m.new_content":{"body":"y"}`

// Spec: cs#server-side-aggregation-of-mreplace-relationships
// Spec: cs#validity-of-replacement-events
func TestEdits(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		msg := b.Say(room, alice, "original")
		replaced := func() string { return relations(t, b, bob, msg).Get(`m\.replace.event_id`).Str }
		if replaced() != "" {
			t.Error("an edit where there is none")
		}
		b.Relate(room, bob, msg.ID, "m.replace", edited)
		b.Relate(room, alice, msg.ID, "m.replace", "")
		b.Send(room, alice, "m.other", `{"m.new_content":{},"m.relates_to":{"rel_type":"m.replace","event_id":"`+string(msg.ID)+`"}}`)
		if id := replaced(); id != "" {
			t.Errorf("invalid edit %s counts", id)
		}
		first := b.Relate(room, alice, msg.ID, "m.replace", edited)
		if replaced() != string(first.ID) {
			t.Errorf("the edit is %s", replaced())
		}
		b.TS -= 500_000
		b.Relate(room, alice, msg.ID, "m.replace", edited) // sent later, but with an earlier time
		b.TS += 500_000
		if replaced() != string(first.ID) {
			t.Errorf("an edit of an earlier time counts: %s", replaced())
		}
		a := b.Relate(room, alice, msg.ID, "m.replace", edited)
		b.TS -= 1000
		c := b.Relate(room, alice, msg.ID, "m.replace", edited) // at the same time
		if want := max(a.ID, c.ID); replaced() != string(want) {
			t.Errorf("of two edits of one time: %s, want %s", replaced(), want)
		}
		for range 20 { // many later ones that are not valid
			b.Relate(room, alice, msg.ID, "m.replace", "")
		}
		if want := max(a.ID, c.ID); replaced() != string(want) {
			t.Errorf("behind invalid ones: %s, want %s", replaced(), want)
		}
		e := gjson.ParseBytes(must(b.Event(ctx(), who(bob), room, msg.ID))(t))
		if e.Get("content.body").Str != "original" {
			t.Errorf("the content was replaced: %s", e)
		}
		if r := e.Get(`unsigned.m\.relations.m\.replace`); r.Get("content.body").Str != "x" || r.Get("sender").Str != string(alice) || !r.Get("room_id").Exists() {
			t.Errorf("the edit is not written as events are: %s", r)
		}
		b.Redact(room, alice, a.ID)
		b.Redact(room, alice, c.ID)
		if replaced() != string(first.ID) {
			t.Errorf("after redaction of the latest: %s", replaced())
		}
		b.Relate(room, alice, first.ID, "m.replace", edited)
		if r := relations(t, b, bob, first); r.Exists() {
			t.Errorf("an edit was edited: %s", r)
		}
		b.Redact(room, alice, msg.ID)
		if replaced() != "" {
			t.Error("an edit of a redacted event counts")
		}
		state := b.Set(room, alice, mx.TypeTopic, "", `{"topic":"x"}`)
		b.Send(room, alice, mx.TypeTopic, `{"m.new_content":{},"m.relates_to":{"rel_type":"m.replace","event_id":"`+string(state.ID)+`"}}`)
		if r := relations(t, b, bob, state); r.Exists() {
			t.Errorf("a state event has aggregations: %s", r)
		}
	})
}

// Spec: cs#server-side-aggregation-of-mthread-relationships
// Spec: cs#aggregations-of-child-events
func TestThreadAggregation(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		b.Member(room, carol, carol, mx.Join)
		root := b.Say(room, alice, "root")
		b.Relate(room, bob, root.ID, "m.thread", "")
		last := b.Relate(room, bob, root.ID, "m.thread", "")
		edit := b.Relate(room, bob, last.ID, "m.replace", edited)
		b.Relate(room, alice, last.ID, "m.annotation", "")
		for user, participated := range map[mx.UserID]bool{alice: true, bob: true, carol: false} {
			r := relations(t, b, user, root).Get(`m\.thread`)
			if r.Get("count").Int() != 2 || r.Get("latest_event.event_id").Str != string(last.ID) ||
				r.Get("current_user_participated").Bool() != participated || !r.Get("current_user_participated").Exists() {
				t.Errorf("thread for %s: %s", user, r)
			}
			if got := r.Get(`latest_event.unsigned.m\.relations.m\.replace.event_id`).Str; got != string(edit.ID) {
				t.Errorf("the latest reply's edit: %q", got)
			}
		}
		if r := relations(t, b, alice, last); r.Get(`m\.annotation`).Exists() {
			t.Errorf("annotations are aggregated: %s", r)
		}
		mine := b.Relate(room, carol, root.ID, "m.thread", "")
		b.ignore(alice, bob)
		if r := relations(t, b, alice, root).Get(`m\.thread`); r.Get("count").Int() != 1 || r.Get("latest_event.event_id").Str != string(mine.ID) {
			t.Errorf("thread without bob's: %s", r)
		}
		b.ignore(alice)
		b.Redact(room, carol, mine.ID)
		if r := relations(t, b, carol, root).Get(`m\.thread`); r.Get("count").Int() != 2 || r.Get("current_user_participated").Bool() {
			t.Errorf("thread after redaction: %s", r)
		}
	})
}

// Spec: cs#server-side-aggregation-of-mreference
func TestReferences(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"joined"}`)
		b.Member(room, bob, bob, mx.Join)
		msg := b.Say(room, alice, "root")
		one := b.Relate(room, bob, msg.ID, "m.reference", "")
		b.Member(room, bob, bob, mx.Leave)
		two := b.Relate(room, alice, msg.ID, "m.reference", "")
		want := `{"m.reference":{"chunk":[{"event_id":"` + string(one.ID) + `"},{"event_id":"` + string(two.ID) + `"}]}}`
		if r := relations(t, b, alice, msg); r.Raw != want {
			t.Errorf("for a member: %s", r.Raw)
		}
		want = `{"m.reference":{"chunk":[{"event_id":"` + string(one.ID) + `"}]}}`
		if r := relations(t, b, bob, msg); r.Raw != want {
			t.Errorf("for one who had left: %s", r.Raw)
		}
	})
}

// Spec: cs#get_matrixclientv1roomsroomidrelationseventid
// Spec: cs#aggregations-of-child-events
func TestRelations(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		root := b.Say(room, alice, "root")
		var kids []*eventlog.Event
		for range 5 {
			kids = append(kids, b.Relate(room, bob, root.ID, "m.thread", ""))
		}
		other := b.Send(room, alice, "m.other", `{"m.relates_to":{"rel_type":"m.thread","event_id":"`+string(root.ID)+`"}}`)
		edit := b.Relate(room, alice, root.ID, "m.replace", edited)
		get := func(q history.RelationsQuery) *history.Relations {
			t.Helper()
			return must(b.Relations(ctx(), who(alice), room, root.ID, q))(t)
		}
		wantIDs(t, "all", get(history.RelationsQuery{Limit: 10}).Chunk, edit, other, kids[4], kids[3], kids[2], kids[1], kids[0])
		wantIDs(t, "threads", get(history.RelationsQuery{Limit: 10, RelType: "m.thread", Dir: "f"}).Chunk, kids[0], kids[1], kids[2], kids[3], kids[4], other)
		wantIDs(t, "others", get(history.RelationsQuery{Limit: 10, RelType: "m.thread", EventType: "m.other"}).Chunk, other)

		page := get(history.RelationsQuery{Limit: 3, RelType: "m.thread", EventType: mx.TypeMessage})
		wantIDs(t, "page 1", page.Chunk, kids[4], kids[3], kids[2])
		page = get(history.RelationsQuery{Limit: 3, RelType: "m.thread", EventType: mx.TypeMessage, From: page.Next})
		wantIDs(t, "page 2", page.Chunk, kids[1], kids[0])
		if page.Next != "" || page.Prev == "" {
			t.Errorf("last page: next %q, previous %q", page.Next, page.Prev)
		}
		page = get(history.RelationsQuery{Limit: 2, Dir: "f", From: fmt.Sprintf("s%d_0", kids[1].Pos), To: fmt.Sprintf("t%d", kids[3].Pos)})
		wantIDs(t, "between tokens", page.Chunk, kids[2], kids[3])
		b.Redact(room, bob, kids[0].ID)
		wantIDs(t, "without a redacted one", get(history.RelationsQuery{Limit: 10, RelType: "m.thread", EventType: mx.TypeMessage, Dir: "f"}).Chunk, kids[1:]...)
		b.ignore(alice, bob)
		wantIDs(t, "without an ignored user's", get(history.RelationsQuery{Limit: 2}).Chunk, edit, other)
		_, err := b.Relations(ctx(), who(alice), room, root.ID, history.RelationsQuery{Limit: 3, Dir: "x"})
		refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
	})
}

func TestRecursion(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		root := b.Say(room, alice, "root")
		chain := []*eventlog.Event{root}
		for range 6 {
			chain = append(chain, b.Relate(room, alice, chain[len(chain)-1].ID, "m.reference", ""))
		}
		side := b.Relate(room, alice, chain[1].ID, "m.annotation", "")
		below := b.Relate(room, alice, side.ID, "m.reference", "")
		get := func(q history.RelationsQuery) *history.Relations {
			t.Helper()
			q.Limit, q.Dir = 20, "f"
			return must(b.Relations(ctx(), who(alice), room, root.ID, q))(t)
		}
		wantIDs(t, "direct", get(history.RelationsQuery{}).Chunk, chain[1])
		page := get(history.RelationsQuery{Recurse: true})
		wantIDs(t, "recursive", page.Chunk, append(chain[1:page.Depth+1:page.Depth+1], side, below)...)
		if page.Depth < 3 {
			t.Errorf("depth %d", page.Depth)
		}
		wantIDs(t, "of one type", get(history.RelationsQuery{Recurse: true, RelType: "m.reference"}).Chunk, chain[1:page.Depth+1]...)
	})
}

// Spec: cs#get_matrixclientv1roomsroomidthreads
func TestThreads(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		var roots []*eventlog.Event
		for i := range 5 {
			roots = append(roots, b.Say(room, []mx.UserID{alice, bob}[i%2], fmt.Sprint("root ", i)))
			b.Relate(room, alice, roots[i].ID, "m.thread", "")
		}
		b.Relate(room, carol, roots[1].ID, "m.thread", "")
		get := func(u mx.UserID, from string, limit int, participated bool) *history.Threads {
			t.Helper()
			return must(b.Threads(ctx(), who(u), room, from, limit, participated))(t)
		}
		page := get(bob, "", 2, false)
		wantIDs(t, "page 1", page.Chunk, roots[1], roots[4])
		page = get(bob, page.Next, 2, false)
		wantIDs(t, "page 2", page.Chunk, roots[3], roots[2])
		if !gjson.GetBytes(page.Chunk[0], `unsigned.m\.relations.m\.thread.latest_event`).Exists() {
			t.Errorf("without aggregations: %s", page.Chunk[0])
		}
		page = get(bob, page.Next, 2, false)
		wantIDs(t, "page 3", page.Chunk, roots[0])
		if page.Next != "" {
			t.Errorf("next %q", page.Next)
		}
		page = get(bob, "", 2, true)
		wantIDs(t, "those that bob is in", page.Chunk, roots[1], roots[3])
		if page.Next != "" {
			t.Errorf("next %q", page.Next)
		}
		b.ignore(bob, alice, carol)
		if page = get(bob, "", 10, false); len(page.Chunk) != 0 {
			t.Errorf("threads of ignored users alone: %s", bodies(page.Chunk))
		}
		own := b.Relate(room, bob, roots[0].ID, "m.thread", "")
		page = get(bob, "", 10, false)
		wantIDs(t, "an ignored user's root", page.Chunk, roots[0])
		e := gjson.ParseBytes(page.Chunk[0])
		if e.Get("content").Raw != "{}" || e.Get(`unsigned.m\.relations.m\.thread.latest_event.event_id`).Str != string(own.ID) {
			t.Errorf("the root is not redacted: %s", e)
		}
		for _, from := range []string{"x", "t", "p5"} {
			_, err := b.Threads(ctx(), who(bob), room, from, 5, false)
			refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
	})
}

// Filters can ask for events that others point to.
//
// Spec: MSC3440
func TestRelatedBy(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		root1, root2 := b.Say(room, alice, "one"), b.Say(room, alice, "two")
		b.Relate(room, alice, root1.ID, "m.thread", "")
		b.Relate(room, bob, root2.ID, "m.thread", "")
		for text, want := range map[string][]*eventlog.Event{
			`{"related_by_rel_types":["m.thread"]}`:                                     {root1, root2},
			`{"related_by_rel_types":["m.thread"],"related_by_senders":["@bob:hs1"]}`:   {root2},
			`{"related_by_rel_types":["m.replace","m.other","m.more"]}`:                 nil,
			`{"related_by_senders":["@bob:hs1","@alice:hs1","@c:hs1"],"types":["m.*"]}`: {root1, root2},
		} {
			page := must(b.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "f", Limit: 10, Filter: text}))(t)
			wantIDs(t, text, page.Chunk, want...)
		}
	})
}
