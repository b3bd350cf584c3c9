package e2ee

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:x")
	bob   = mx.UserID("@bob:x")
)

// each runs a test with a service over both engines.
func each(t *testing.T, run func(t *testing.T, s *Service, bus *notify.Bus)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			bus := notify.New()
			db := open(t, store.Options{Publish: bus.Publish})
			if err := db.Write(func(tx *store.Tx) error {
				for _, user := range []mx.UserID{alice, bob} {
					if err := account.InsertDevice(tx, account.Device{User: user, ID: "D"}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			s := New(Deps{DB: db, Server: "x", Devices: account.DeviceNames})
			bus.Listen(s.Changed)
			run(t, s, bus)
		})
	}
}

// Spec: cs#e2e-extensions-to-sync
func TestCountsAreNeverOutdated(t *testing.T) {
	each(t, func(t *testing.T, s *Service, _ *notify.Bus) {
		ctx := context.Background()
		is := func(n int, fallback ...string) {
			t.Helper()
			for range 2 { // the second time from memory
				c, err := s.Counts(ctx, alice, "D")
				if err != nil || c.OneTime["a"] != n || !slices.Equal(c.UnusedFallback, fallback) {
					t.Fatalf("%v, want %d and %v: %v", c, n, fallback, err)
				}
			}
		}
		is(0)
		upload := func(u KeyUpload) {
			t.Helper()
			if _, err := s.Upload(ctx, alice, "D", u); err != nil {
				t.Fatal(err)
			}
		}
		upload(KeyUpload{OneTimeKeys: map[string]jsontext.Value{"a:1": jsontext.Value(`"x"`)}})
		is(1)
		upload(KeyUpload{FallbackKeys: map[string]jsontext.Value{"a:f": jsontext.Value(`"x"`)}})
		is(1, "a")
		for _, want := range [][]string{{"a"}, {}} {
			if _, err := s.Claim(ctx, KeyClaim{string(alice): {"D": "a"}}); err != nil {
				t.Fatal(err)
			}
			is(0, want...)
		}
		s.counts.put(keys.DeviceName{User: alice, Device: "D"}, keys.Counts{OneTime: map[string]int{"a": 9}}, 0)
		is(0) // what was read before a change is not kept after it
	})
}

func TestListChangesFromMemoryAndDatabaseAgree(t *testing.T) {
	each(t, func(t *testing.T, s *Service, bus *notify.Bus) {
		ctx := context.Background()
		touch := func(u mx.UserID) store.Pos {
			if err := s.DB.Write(func(tx *store.Tx) error { return keys.TouchList(tx, u) }); err != nil {
				t.Fatal(err)
			}
			return bus.Last()
		}
		p1, p2 := touch(alice), touch(bob)
		if err := s.DB.Write(func(tx *store.Tx) error {
			return keys.AddSignatures(tx, []keys.Signature{{User: bob, Target: "m", Signer: alice, SignerKey: "ed25519:u", Signature: "s"}})
		}); err != nil {
			t.Fatal(err)
		}
		p4 := touch(alice)
		is := func(viewer mx.UserID, since, upto store.Pos, all, signed string) {
			t.Helper()
			c, err := s.ListChanges(ctx, viewer, since, upto)
			if err != nil || fmt.Sprint(c.All) != all || fmt.Sprint(c.Signed) != signed {
				t.Errorf("%v, want %s and %s: %v", c, all, signed, err)
			}
		}
		check := func() {
			t.Helper()
			is(alice, p1, p4, "[@bob:x @alice:x]", "[@bob:x]")
			is(bob, p1, p4, "[@bob:x @alice:x]", "[]")
			is(alice, p2, p4-1, "[]", "[@bob:x]")
			is(alice, p4, p4, "[]", "[]")
		}
		check()
		if _, ok := s.lists.between(p1, p4); !ok {
			t.Error("not answered from memory")
		}
		s.Changed(store.Batch{From: p4, To: p4 + 1, Lost: true})
		if _, ok := s.lists.between(p1, p4); ok {
			t.Error("answered from memory although word was lost")
		}
		check()
	})
}

// The log in memory never claims to know what it did not hear, and knows all of what it claims.
func TestListsKnowWhatTheyClaim(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l lists
		changed := map[store.Pos]mx.UserID{}
		pos := store.Pos(rapid.IntRange(0, 5).Draw(t, "start"))
		for range rapid.IntRange(1, 30).Draw(t, "batches") {
			b := store.Batch{From: pos}
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				pos++
				if rapid.Bool().Draw(t, "list") {
					u := mx.UserID(fmt.Sprint("@", pos))
					changed[pos] = u
					b.Changes = append(b.Changes, store.Change{Pos: pos, Kind: store.KindDeviceList, User: u})
				}
			}
			b.To = pos
			switch rapid.SampledFrom([]string{"heard", "heard", "heard", "missed", "lost", "late"}).Draw(t, "fate") {
			case "heard":
				l.changed(b)
			case "lost":
				l.changed(store.Batch{From: b.From, To: b.To, Lost: true})
			case "late":
				l.changed(store.Batch{From: b.To, To: b.To + 1})
				pos++
				l.changed(b)
			}
			since := store.Pos(rapid.Int64Range(0, int64(pos)).Draw(t, "since"))
			upto := store.Pos(rapid.Int64Range(int64(since), int64(pos)).Draw(t, "upto"))
			got, ok := l.between(since, upto)
			if !ok {
				continue
			}
			var want []mx.UserID
			for p := since + 1; p <= upto; p++ {
				if u, ok := changed[p]; ok {
					want = append(want, u)
				}
			}
			var users []mx.UserID
			for _, e := range got {
				users = append(users, e.user)
			}
			if !slices.Equal(users, want) {
				t.Fatalf("(%d, %d]: %v, want %v", since, upto, users, want)
			}
		}
	})
}

func TestListsAreBounded(t *testing.T) {
	var l lists
	for p := range store.Pos(3 * maxKept) {
		l.changed(store.Batch{From: p, To: p + 1, Changes: []store.Change{{Pos: p + 1, Kind: store.KindDeviceList, User: alice}}})
	}
	if len(l.log) > maxKept {
		t.Errorf("%d changes are kept", len(l.log))
	}
	if got, ok := l.between(l.to-10, l.to); !ok || len(got) != 10 {
		t.Errorf("%d changes, %v", len(got), ok)
	}
	if _, ok := l.between(0, l.to); ok {
		t.Error("claims to know everything")
	}
}

func BenchmarkCounts(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	s := New(Deps{DB: db, Server: "x", Devices: account.DeviceNames})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Counts(context.Background(), alice, "D"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListChanges(b *testing.B) {
	s := New(Deps{})
	for p := range store.Pos(10000) {
		s.Changed(store.Batch{From: p, To: p + 1, Changes: []store.Change{{Pos: p + 1, Kind: store.KindDeviceList, User: alice}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if c, err := s.ListChanges(context.Background(), alice, 9998, 10000); err != nil || len(c.All) != 1 {
			b.Fatal(c, err)
		}
	}
}
