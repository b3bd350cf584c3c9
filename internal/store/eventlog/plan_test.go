package eventlog_test

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/test/roomlog"
)

// planner explains each query before it runs.
type planner struct {
	db    *store.DB
	plans map[string]string
}

func (p *planner) explain(ctx context.Context, query string, args []any) {
	rows, err := p.db.Query(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		p.plans[query] = err.Error()
		return
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			p.plans[query] = err.Error()
			return
		}
		lines = append(lines, detail)
	}
	p.plans[query] = strings.Join(lines, "\n")
}

func (p *planner) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.explain(ctx, query, args)
	return p.db.Query(ctx, query, args...)
}

func (p *planner) QueryRow(ctx context.Context, query string, args ...any) *store.Row {
	p.explain(ctx, query, args)
	return p.db.QueryRow(ctx, query, args...)
}

// No reading query walks a room, a table or an index of all events from end to end.
func TestPlans(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	l := roomlog.New(t, db)
	const alice = "@alice:hs1"
	room := l.Room(alice, "")
	e := l.Say(room, alice, "x")
	l.Flush()
	p := &planner{db: db, plans: map[string]string{}}
	ids, ctx := []mx.EventID{e.ID, e.ID, e.ID}, context.Background()
	note := func(_ any, err error) {
		if err != nil {
			t.Error(err)
		}
	}
	note(eventlog.Range(ctx, p, room, 1, 100, false, 10))
	note(eventlog.Range(ctx, p, room, 1, 100, true, 10))
	note(eventlog.ByIDs(ctx, p, ids))
	note(eventlog.ByPos(ctx, p, []store.Pos{1, 2, 3}))
	note(eventlog.Forgotten(ctx, p, alice, room))
	note(eventlog.RedactedState(ctx, p, room))
	note(eventlog.MembersAt(ctx, p, room, 100))
	note(eventlog.Nearest(ctx, p, room, 5, 1, 100, true))
	note(eventlog.Nearest(ctx, p, room, 5, 1, 100, false))
	note(eventlog.RelatedTo(ctx, p, ids, []string{"m.thread"}, []string{"@a:b", "@c:d"}))
	note(eventlog.RelatedEvents(ctx, p, eventlog.Children{Room: room, Parent: e.ID, Depth: 3, From: 1, To: 100, Backwards: true, Limit: 5}))
	note(eventlog.Aggregated(ctx, p, room, ids))
	note(eventlog.References(ctx, p, room, ids))
	note(eventlog.Edits(ctx, p, room, ids, 2))
	note(eventlog.Threads(ctx, p, room, ids, 1, 100, alice, nil))
	note(eventlog.Threads(ctx, p, room, nil, 1, 100, alice, nil))
	note(eventlog.StateAt(ctx, p, room, 100))
	note(eventlog.StateEventAt(ctx, p, room, "a", "b", 100))
	note(eventlog.StateHistory(ctx, p, room, "a", "b", 100))
	note(eventlog.StateHistories(ctx, p, []mx.RoomID{room, "!b:hs1"}, "a", "b"))
	note(eventlog.WhereStates(ctx, p, []mx.RoomID{room, "!b:hs1"}, 9))
	note(eventlog.PublishedRooms(ctx, p))
	note(eventlog.Searchable(ctx, p, 5, 10))
	note(eventlog.FindWords(ctx, p, []int64{1, 2, 3}, 1, 1, 100, 10))
	note(eventlog.WordCounts(ctx, p, []int64{1, 2, 3}, 100))
	note(eventlog.Reports(ctx, p, 5, 10))
	note(eventlog.After(ctx, p, room, 1, 100, 10))
	note(eventlog.Before(ctx, p, room, 100, 10))
	note(eventlog.AllAfter(ctx, p, 1, 100, 10))
	note(eventlog.ForMember(ctx, p, alice, 100, 10))
	note(eventlog.Memberships(ctx, p, alice))
	_, _, err := eventlog.Changed(ctx, p, 1, 100)
	note(nil, err)
	note(eventlog.ChangedRooms(ctx, p, []mx.RoomID{room}, 5))
	note(eventlog.StateSince(ctx, p, room, 1, 100))
	note(eventlog.StateIn(ctx, p, room, 1, 100, 10))
	note(eventlog.MembersIn(ctx, p, room, 1, 100))
	note(eventlog.RelatedRooms(ctx, p, ids))
	note(eventlog.Annotated(ctx, p, e.ID, alice, "m.reaction", "x"))
	if r, err := eventlog.RoomByID(ctx, p, room); err != nil {
		t.Error(err)
	} else {
		note(eventlog.CurrentState(ctx, p, r))
	}
	walks := regexp.MustCompile(`SCAN (event|search_word|report|membership)|AUTOMATIC|event_(room|ts|thread) \(room_id=\?\)`)
	for q, plan := range p.plans {
		if walks.MatchString(plan) {
			t.Errorf("%s\n%s", q, plan)
		}
	}
}
