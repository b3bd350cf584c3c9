package holds_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/storetest"
)

func write(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Write(f); err != nil {
		t.Fatal(err)
	}
}

func TestHoldsAreListedAndReleased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for i, h := range []holds.Hold{
			{Case: "A_1", Reason: "a court", Custodian: "@a:x"}, {Case: "A_2", Reason: "an audit", Room: "!r:x", Since: 5, Until: 9}, {Case: "AB2", Reason: "x", Since: 1},
		} {
			h.ID, h.Created, h.CreatedBy = fmt.Sprint("h-", i), int64(i+1), "@o:x"
			write(t, db, func(tx *store.Tx) error { return holds.Add(tx, &h) })
		}
		ids := func(f holds.Filter) (list []string) {
			t.Helper()
			found, err := holds.List(ctx, db, f, listing.Page{Order: "created", Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for i := range found.Items {
				list = append(list, found.Items[i].ID)
			}
			return list
		}
		release := func() (ok bool) {
			write(t, db, func(tx *store.Tx) (err error) {
				ok, err = holds.Release(tx, "h-1", 99, "@p:x")
				return err
			})
			return ok
		}
		if !release() || release() {
			t.Error("a hold is not released once")
		}
		for _, c := range []struct {
			f    holds.Filter
			want string
		}{
			{holds.Filter{}, "[h-0 h-1 h-2]"},
			{holds.Filter{State: "in_force"}, "[h-0 h-2]"},
			{holds.Filter{State: "released"}, "[h-1]"},
			{holds.Filter{Case: "A_1"}, "[h-0]"},
			{holds.Filter{Search: "a_"}, "[h-0 h-1]"}, // no wildcard
			{holds.Filter{Search: "AUDIT"}, "[h-1]"},
			{holds.Filter{Custodian: "@a:x"}, "[h-0]"},
			{holds.Filter{Room: "!r:x"}, "[h-1]"},
		} {
			if got := fmt.Sprint(ids(c.f)); got != c.want {
				t.Errorf("%+v: %s, want %s", c.f, got, c.want)
			}
		}
		h, err := holds.Find(ctx, db, "h-1")
		if err != nil || *h != (holds.Hold{"h-1", "A_2", "an audit", "", "!r:x", 5, 9, 2, "@o:x", 99, "@p:x"}) {
			t.Errorf("%+v %v", h, err)
		}
		if h, err := holds.Find(ctx, db, "h-9"); h != nil || err != nil {
			t.Errorf("%+v %v", h, err)
		}
	})
}

// member is a custodian's way through a room: each change of membership with its time.
type member struct {
	membership string
	ts         int64
}

func TestCoverOfRooms(t *testing.T) {
	const in, out = math.MinInt64, math.MaxInt64
	user := mx.UserID("@a:x")
	for name, c := range map[string]struct {
		way  []member
		hold holds.Hold
		want holds.Cover
	}{
		"never there":                  {nil, holds.Hold{Custodian: user}, nil},
		"there":                        {[]member{{"join", 10}}, holds.Hold{Custodian: user}, holds.Cover{{in, out}}},
		"there, in a period":           {[]member{{"join", 10}}, holds.Hold{Custodian: user, Since: 20, Until: 30}, holds.Cover{{20, 30}}},
		"left before":                  {[]member{{"join", 10}, {"leave", 15}}, holds.Hold{Custodian: user, Since: 20}, nil},
		"left within":                  {[]member{{"join", 10}, {"leave", 25}}, holds.Hold{Custodian: user, Since: 20}, holds.Cover{{20, out}}},
		"left, without a beginning":    {[]member{{"join", 10}, {"leave", 15}}, holds.Hold{Custodian: user}, holds.Cover{{in, out}}},
		"came after":                   {[]member{{"join", 40}}, holds.Hold{Custodian: user, Until: 30}, nil},
		"came at the end":              {[]member{{"join", 30}}, holds.Hold{Custodian: user, Until: 30}, nil},
		"came just before":             {[]member{{"join", 29}}, holds.Hold{Custodian: user, Until: 30}, holds.Cover{{in, 30}}},
		"invited":                      {[]member{{"invite", 10}}, holds.Hold{Custodian: user, Since: 20}, holds.Cover{{20, out}}},
		"of the room":                  {nil, holds.Hold{Room: "!r:x"}, holds.Cover{{in, out}}},
		"of another room":              {[]member{{"join", 10}}, holds.Hold{Room: "!s:x", Custodian: user}, nil},
		"of the room, of who is there": {[]member{{"join", 10}}, holds.Hold{Room: "!r:x", Custodian: user}, holds.Cover{{in, out}}},
		"of a period":                  {nil, holds.Hold{Since: 3, Until: 4}, holds.Cover{{3, 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				write(t, db, func(tx *store.Tx) error {
					before := any(nil)
					for i, m := range c.way {
						id := fmt.Sprint("$", i)
						if _, err := tx.Exec(`INSERT INTO event (pos, room_id, event_id, version, sender, type, state_key, ts, replaces, json)
							VALUES ($1, '!r:x', $2, '12', $3, 'm.room.member', $4, $5, $6, $7)`, int64(tx.Next()), id, string(user), string(user), m.ts, before, []byte("{}")); err != nil {
							return err
						}
						if _, err := tx.Exec(`INSERT INTO membership (user_id, room_id, membership, pos, event_id, sender, forgotten) VALUES ($1, '!r:x', $2, 1, $3, '', FALSE)
							ON CONFLICT (user_id, room_id) DO UPDATE SET membership = excluded.membership, event_id = excluded.event_id`, string(user), m.membership, id); err != nil {
							return err
						}
						before = id
					}
					c.hold.ID = "h"
					return holds.Add(tx, &c.hold)
				})
				got, err := holds.In(context.Background(), db, "!r:x")
				if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("%v %v, want %v", got, err, c.want)
				}
			})
		})
	}
}

func TestGaps(t *testing.T) {
	for _, c := range []struct {
		cover holds.Cover
		in    holds.Span
		want  string
	}{
		{nil, holds.Span{From: 1, To: 9}, "[{1 9}]"},
		{nil, holds.Span{From: 9, To: 9}, "[]"},
		{holds.Cover{{From: 3, To: 5}}, holds.Span{From: 1, To: 9}, "[{1 3} {5 9}]"},
		{holds.Cover{{From: 0, To: 5}}, holds.Span{From: 1, To: 9}, "[{5 9}]"},
		{holds.Cover{{From: 5, To: 20}}, holds.Span{From: 1, To: 9}, "[{1 5}]"},
		{holds.Cover{{From: 10, To: 20}}, holds.Span{From: 1, To: 9}, "[{1 9}]"},
		{holds.Cover{{From: math.MinInt64, To: math.MaxInt64}}, holds.Span{From: 1, To: 9}, "[]"},
		{holds.Cover{{From: 2, To: 3}, {From: 4, To: 6}}, holds.Span{From: 1, To: 9}, "[{1 2} {3 4} {6 9}]"},
	} {
		if got := fmt.Sprint(c.cover.Gaps(c.in)); got != c.want {
			t.Errorf("%v in %v: %s, want %s", c.cover, c.in, got, c.want)
		}
	}
}
