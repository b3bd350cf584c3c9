package visibility_test

import (
	"context"
	"slices"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
	"conclave.chat/test/roomlog"
)

// Views come from the log, are kept, and follow what the room becomes.
//
// Spec: cs#room-history-visibility
func TestViews(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := roomlog.New(t, db)
		views := visibility.NewViews(db)
		view := func(room mx.RoomID, user mx.UserID) *visibility.View {
			t.Helper()
			snap, err := l.Snapshot(context.Background(), room)
			if err != nil {
				t.Fatal(err)
			}
			v, err := views.Of(context.Background(), snap, user)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		const alice, bob = mx.UserID("@alice:hs1"), mx.UserID("@bob:hs1")
		room := l.Room(alice, "")
		first := l.Say(room, alice, "first")
		if v := view(room, bob); v.EverJoined() || v.CanSee(first.Pos) || v.MembershipAt(first.Pos) != mx.Leave {
			t.Error("a stranger sees the room")
		}
		invited := l.Member(room, alice, bob, mx.Invite)
		if view(room, bob).CanSee(first.Pos) {
			t.Error("an invited user sees the room")
		}
		l.Member(room, bob, bob, mx.Join)
		v := view(room, bob)
		if !v.Joined() || !v.CanSee(first.Pos) || v.MembershipAt(first.Pos) != mx.Leave || v.MembershipAt(invited.Pos) != mx.Invite {
			t.Error("a member does not see what was shared")
		}
		if view(room, bob) != v {
			t.Error("the view was made again without need")
		}
		l.Set(room, alice, mx.TypeHistoryVisibility, "", `{"history_visibility":"joined"}`)
		l.Member(room, bob, bob, mx.Leave)
		last := l.Say(room, alice, "last")
		v = view(room, bob)
		if left, departed := v.Departed(); !departed || left != last.Pos-1 || v.CanSee(last.Pos) || !v.CanSee(first.Pos) {
			t.Error("who left sees the wrong part")
		}
		if v.MembershipAt(last.Pos) != mx.Leave || v.MembershipAt(last.Pos-2) != mx.Join {
			t.Error("memberships are wrong")
		}
		snap, _ := l.Snapshot(context.Background(), room)
		outside, err := views.Outside(context.Background(), snap)
		if err != nil || outside.EverJoined() || len(outside.Spans()) != 0 {
			t.Errorf("from outside: %v, %v", outside, err)
		}
		if !view(room, alice).CanSee(last.Pos) {
			t.Error("alice does not see her own room")
		}
		other := l.Room(alice, "")
		there, _ := l.Snapshot(context.Background(), other)
		many := visibility.NewViews(db)
		for range 2 { // the second time there is nothing left to be read
			if err := many.Prepare(context.Background(), []*roomstate.Snapshot{snap, there}, bob); err != nil {
				t.Fatal(err)
			}
			got, err := many.Of(context.Background(), snap, bob)
			if err != nil || !slices.Equal(got.Spans(), v.Spans()) || got.MembershipAt(last.Pos) != mx.Leave || got.MembershipAt(last.Pos-2) != mx.Join {
				t.Errorf("prepared with others: %v, %v; alone: %v", got, err, v)
			}
			if got, err := many.Of(context.Background(), there, bob); err != nil || got.EverJoined() {
				t.Errorf("of a room of others: %v, %v", got, err)
			}
		}
	})
}

func BenchmarkViewsOf(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	l := roomlog.New(b, db)
	room := l.Room("@alice:hs1", "")
	snap, err := l.Snapshot(context.Background(), room)
	if err != nil {
		b.Fatal(err)
	}
	views := visibility.NewViews(db)
	b.ReportAllocs()
	for b.Loop() {
		v, err := views.Of(context.Background(), snap, "@alice:hs1")
		if err != nil || !v.CanSee(3) {
			b.Fatal(err)
		}
	}
}
