package personal_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:x")
	bob   = mx.UserID("@bob:x")
	room  = mx.RoomID("!room:x")
	maxP  = store.Pos(1 << 60)
)

func write(t testing.TB, db *store.DB, f func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(f); err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAccountDataSince(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		put := func(room mx.RoomID, typ, content string) store.Pos {
			write(t, db, func(tx *store.Tx) error { return personal.PutAccountData(tx, alice, room, typ, []byte(content)) })
			return must[store.Pos](t)(db.Position(ctx))
		}
		put("", "a", `{"v":1}`)
		p2 := put(room, "b", `{"v":2}`)
		p3 := put("", "a", `{"v":3}`)
		list := must[[]personal.Datum](t)(personal.AccountData(ctx, db, alice, 0, p3))
		if len(list) != 2 || list[0].Type != "b" || list[0].Room != room || string(list[1].Content) != `{"v":3}` {
			t.Fatalf("all: %+v", list)
		}
		list = must[[]personal.Datum](t)(personal.AccountData(ctx, db, alice, p2, p3))
		if len(list) != 1 || list[0].Type != "a" || list[0].Pos != p3 {
			t.Fatalf("since: %+v", list)
		}
		if list := must[[]personal.Datum](t)(personal.AccountData(ctx, db, bob, 0, p3)); len(list) != 0 {
			t.Errorf("bob sees %+v", list)
		}
		if list := must[[]personal.Datum](t)(personal.RoomAccountData(ctx, db, alice, room)); len(list) != 1 {
			t.Errorf("room: %+v", list)
		}
		write(t, db, func(tx *store.Tx) error {
			had, err := personal.DeleteAccountData(tx, alice, "", "a", 5)
			if !had {
				t.Error("there was nothing to delete")
			}
			return err
		})
		if c := must[[]byte](t)(personal.FindAccountData(ctx, db, alice, "", "a")); c != nil {
			t.Errorf("deleted data is %s", c)
		}
		list = must[[]personal.Datum](t)(personal.AccountData(ctx, db, alice, p3, maxP))
		if len(list) != 1 || !list[0].Deleted || string(list[0].Content) != "{}" {
			t.Errorf("clients hear %+v", list)
		}
		if list := must[[]personal.Datum](t)(personal.AccountData(ctx, db, alice, 0, maxP)); len(list) != 1 {
			t.Errorf("a new client hears %+v", list)
		}
		write(t, db, func(tx *store.Tx) error {
			n, err := personal.CollectAccountData(tx, 6)
			if n != 1 {
				t.Errorf("%d rows were collected", n)
			}
			return err
		})
	})
}

// Receipts move forward only.
func TestReceiptsNeverGoBack(t *testing.T) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t, store.Options{})
			run := 0
			rapid.Check(t, func(t *rapid.T) {
				run++
				room := mx.RoomID(fmt.Sprint("!", run))
				list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) personal.Receipt {
					pos := rapid.IntRange(1, 9).Draw(t, "pos")
					return personal.Receipt{
						Room: room, User: alice, Type: rapid.SampledFrom([]string{personal.Read, personal.ReadPrivate}).Draw(t, "type"),
						Thread: rapid.SampledFrom([]string{"", "main", "$root"}).Draw(t, "thread"),
						Event:  mx.EventID(fmt.Sprint("$", pos)), EventPos: store.Pos(pos),
					}
				}), 1, 20).Draw(t, "receipts")
				if err := db.Write(func(tx *store.Tx) error { return putAll(tx, room, list) }); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func putAll(tx *store.Tx, room mx.RoomID, puts []personal.Receipt) error {
	best := map[[2]string]store.Pos{}
	for _, c := range puts {
		moved, err := personal.PutReceipt(tx, c)
		if err != nil {
			return err
		}
		key := [2]string{c.Type, c.Thread}
		if moved != (c.EventPos > best[key]) {
			return fmt.Errorf("moved %v from %d to %d", moved, best[key], c.EventPos)
		}
		best[key] = max(best[key], c.EventPos)
	}
	list, err := personal.UserReceipts(context.Background(), tx, alice, []mx.RoomID{room})
	if err != nil || len(list) != len(best) {
		return fmt.Errorf("%v, want %v: %w", list, best, err)
	}
	for _, c := range list {
		if c.EventPos != best[[2]string{c.Type, c.Thread}] || c.Event != mx.EventID(fmt.Sprint("$", c.EventPos)) {
			return fmt.Errorf("%+v, want %v", c, best)
		}
	}
	return nil
}

// Spec: cs#private-read-receipts
func TestPrivateReceiptsAreForTheirUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		write(t, db, func(tx *store.Tx) error {
			for _, c := range []personal.Receipt{
				{Room: room, User: alice, Type: personal.Read, Event: "$1", EventPos: 1},
				{Room: room, User: alice, Type: personal.ReadPrivate, Event: "$2", EventPos: 2},
				{Room: "!other", User: bob, Type: personal.Read, Event: "$3", EventPos: 3},
			} {
				if _, err := personal.PutReceipt(tx, c); err != nil {
					return err
				}
			}
			return nil
		})
		rooms := []mx.RoomID{room, "!other"}
		for i := range 700 {
			rooms = append(rooms, mx.RoomID(fmt.Sprint("!none", i)))
		}
		for viewer, want := range map[mx.UserID]int{alice: 3, bob: 2} {
			if got := must[[]personal.Receipt](t)(personal.Receipts(ctx, db, viewer, rooms, 0, maxP)); len(got) != want {
				t.Errorf("%s sees %+v, want %d", viewer, got, want)
			}
		}
		if got := must[[]personal.Receipt](t)(personal.Receipts(ctx, db, bob, []mx.RoomID{room}, 0, maxP)); len(got) != 1 || got[0].Event != "$1" {
			t.Errorf("%+v", got)
		}
		write(t, db, func(tx *store.Tx) error { return personal.DeleteUser(tx, alice) })
		if got := must[[]personal.Receipt](t)(personal.UserReceipts(ctx, db, alice, []mx.RoomID{room})); len(got) != 1 || got[0].Type != personal.Read {
			t.Errorf("after deactivation: %+v", got)
		}
	})
}

// Spec: MSC4308
func TestThreadSubscriptions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		put := func(user mx.UserID, s personal.Subscription) store.Pos {
			write(t, db, func(tx *store.Tx) error { return personal.PutSubscription(tx, user, s) })
			return must[store.Pos](t)(db.Position(ctx))
		}
		list := func(since, upto store.Pos, limit int) (out string) {
			for _, s := range must[[]personal.Subscription](t)(personal.Subscriptions(ctx, db, alice, since, upto, limit)) {
				out += fmt.Sprintf(" %s%s", map[bool]string{false: "-"}[s.Subscribed], s.Root)
			}
			return out
		}
		same := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: got%s, want%s", what, got, want)
			}
		}
		p1 := put(alice, personal.Subscription{Room: room, Root: "$1", Subscribed: true})
		p2 := put(alice, personal.Subscription{Room: room, Root: "$2", Subscribed: true, Automatic: true})
		put(bob, personal.Subscription{Room: room, Root: "$1", Subscribed: true})
		same("all", list(0, maxP, 10), " $2 $1")
		same("one", list(0, maxP, 1), " $2")
		same("before", list(0, p2-1, 10), " $1")
		same("since", list(p1, maxP, 10), " $2")
		p3 := put(alice, personal.Subscription{Room: room, Root: "$1"})
		same("with the end of one", list(p1, maxP, 10), " -$1 $2")
		same("from the beginning", list(0, maxP, 10), " $2")
		s := must[*personal.Subscription](t)(personal.FindSubscription(ctx, db, alice, room, "$1"))
		if s.Subscribed || s.Pos != p3 {
			t.Errorf("%+v", s)
		}
		if s := must[*personal.Subscription](t)(personal.FindSubscription(ctx, db, alice, room, "$3")); s != nil {
			t.Errorf("%+v", s)
		}
		write(t, db, func(tx *store.Tx) error { return personal.DeleteUser(tx, alice) })
		same("after deactivation", list(0, maxP, 10), "")
		if s := must[*personal.Subscription](t)(personal.FindSubscription(ctx, db, bob, room, "$1")); s == nil {
			t.Error("another user's is gone too")
		}
	})
}
