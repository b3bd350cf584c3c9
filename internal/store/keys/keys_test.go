package keys_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:x")
	bob   = mx.UserID("@bob:x")
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

func TestMessagesWaitUntilAcknowledged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for i := range 5 {
			write(t, db, func(tx *store.Tx) error {
				to := []keys.Recipient{{User: alice, Device: "A", Event: fmt.Appendf(nil, `{"n":%d}`, i)}}
				for j := range i * 30 { // many recipients: all sizes of INSERT
					to = append(to, keys.Recipient{User: bob, Device: mx.DeviceID(fmt.Sprint(j)), Event: []byte("{}")})
				}
				return keys.Send(tx, 1, to)
			})
		}
		list := must[[]keys.Message](t)(keys.ToDevice(ctx, db, alice, "A", 0, maxP, 3))
		if len(list) != 3 || string(list[0].Event) != `{"n":0}` || string(list[2].Event) != `{"n":2}` {
			t.Fatalf("first page: %v", list)
		}
		again := must[[]keys.Message](t)(keys.ToDevice(ctx, db, alice, "A", 0, list[2].Pos, 100))
		if len(again) != 3 {
			t.Fatalf("up to the third: %v", again)
		}
		write(t, db, func(tx *store.Tx) error { return keys.DeleteToDevice(tx, alice, "A", list[1].Pos) })
		list = must[[]keys.Message](t)(keys.ToDevice(ctx, db, alice, "A", 0, maxP, 100))
		if len(list) != 3 || string(list[0].Event) != `{"n":2}` {
			t.Fatalf("after two were acknowledged: %v", list)
		}
		if has := must[bool](t)(keys.HasToDevice(ctx, db, alice, "A", list[0].Pos-1)); has {
			t.Error("acknowledged messages are still there")
		}
		queues := must[[]keys.Queue](t)(keys.Queues(ctx, db))
		if len(queues) != 121 {
			t.Errorf("%d queues, want 120 of bob's and alice's", len(queues))
		}
		write(t, db, func(tx *store.Tx) error { return keys.TrimQueue(tx, alice, "A", 1) })
		list = must[[]keys.Message](t)(keys.ToDevice(ctx, db, alice, "A", 0, maxP, 100))
		if len(list) != 1 || string(list[0].Event) != `{"n":4}` {
			t.Fatalf("the newest one is kept: %v", list)
		}
	})
}

func TestRequestsToSendAreDoneOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begin := func(x keys.Txn) (first bool) {
			write(t, db, func(tx *store.Tx) (err error) { first, err = keys.BeginTxn(tx, x, 10); return err })
			return first
		}
		x := keys.Txn{User: alice, Device: "A", Type: "m.x", ID: "1"}
		if !begin(x) || begin(x) {
			t.Error("a request is new once")
		}
		x.Device = "B"
		if !begin(x) {
			t.Error("another device's request is another request")
		}
		write(t, db, func(tx *store.Tx) error { _, err := keys.DeleteTxns(tx, 11); return err })
		if !begin(x) {
			t.Error("collected requests are forgotten")
		}
	})
}

func TestListChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		touch := func(u mx.UserID) store.Pos {
			write(t, db, func(tx *store.Tx) error { return keys.TouchList(tx, u) })
			return must[store.Pos](t)(db.Position(ctx))
		}
		p1, p2, p3 := touch(alice), touch(bob), touch(alice)
		is := func(got []mx.UserID, want ...mx.UserID) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		is(must[[]mx.UserID](t)(keys.ChangedLists(ctx, db, 0, p3)), bob, alice)
		is(must[[]mx.UserID](t)(keys.ChangedLists(ctx, db, p1, p2)), bob)
		is(must[[]mx.UserID](t)(keys.ChangedLists(ctx, db, p2, p3)), alice)
	})
}

func TestDeletedDeviceLeavesNothing(t *testing.T) {
	var changes []store.Change
	o := store.Options{Publish: func(b store.Batch) { changes = append(changes, b.Changes...) }}
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t, o)
			ctx := context.Background()
			write(t, db, func(tx *store.Tx) error {
				if err := keys.SetDeviceKey(tx, alice, "A", []byte("{}")); err != nil {
					return err
				}
				if err := keys.SetFallback(tx, alice, "A", keys.Key{Algorithm: "s", ID: "f", JSON: []byte("1")}, bytes.Equal); err != nil {
					return err
				}
				if _, err := keys.AddOneTime(tx, alice, "A", []keys.Key{{"s", "1", []byte("1")}}, bytes.Equal); err != nil {
					return err
				}
				if _, err := keys.AddSignatures(tx, []keys.Signature{
					{alice, "A", alice, "ed25519:ssk", "sig"},
					{alice, "msk", alice, "ed25519:A", "sig"},
				}); err != nil {
					return err
				}
				if _, err := keys.BeginTxn(tx, keys.Txn{User: alice, Device: "A", Type: "t", ID: "1"}, 1); err != nil {
					return err
				}
				return keys.Send(tx, 1, []keys.Recipient{{alice, "A", []byte("{}")}})
			})
			changes = nil
			write(t, db, func(tx *store.Tx) error { return keys.DeleteDevice(tx, alice, "A") })
			told := false
			for _, c := range changes {
				told = told || c.Kind == store.KindDeviceList && c.User == alice
			}
			if !told {
				t.Errorf("no device-list change was announced: %v", changes)
			}
			for _, table := range []string{"device_key", "one_time_key", "fallback_key", "key_signature", "to_device", "to_device_txn"} {
				var n int
				if err := db.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
					t.Errorf("%s has %d rows left, %v", table, n, err)
				}
			}
		})
	}
}

// One-time keys come out once each, in the order of their uploads, whatever else happens in between.
//
// Spec: cs#post_matrixclientv3keysclaim
func TestClaimOrder(t *testing.T) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t, store.Options{})
			run := 0
			rapid.Check(t, func(t *rapid.T) {
				run++
				m := claims{device: mx.DeviceID(fmt.Sprint("D", run)), known: map[string]bool{}}
				steps := rapid.SliceOfN(rapid.IntRange(-2, 4), 1, 40).Draw(t, "steps")
				first := rapid.SliceOfN(rapid.SampledFrom([]string{"A", "Z", "a", "z"}), len(steps), len(steps)).Draw(t, "first")
				if err := db.Write(func(tx *store.Tx) error {
					for i, step := range steps {
						if err := m.step(tx, step, first[i]); err != nil {
							return fmt.Errorf("step %d: %w", i, err)
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// claims is the model: uploads in their order, and what came out.
type claims struct {
	device  mx.DeviceID
	next    int
	waiting [][]string // names by upload, oldest first
	all     [][]keys.Key
	known   map[string]bool
}

// step uploads n keys, uploads the first keys once more (-1), or claims (-2 and 0).
func (m *claims) step(tx *store.Tx, n int, first string) error {
	switch {
	case n > 0:
		var list []keys.Key
		var names []string
		for range n {
			m.next++
			id := fmt.Sprint(first, m.next)
			list, names = append(list, keys.Key{Algorithm: "s", ID: id, JSON: []byte(id)}), append(names, id)
		}
		m.waiting, m.all = append(m.waiting, names), append(m.all, list)
		return m.put(tx, list)
	case n == -1:
		if len(m.all) == 0 {
			return nil
		}
		return m.put(tx, m.all[0])
	default:
		return m.claim(tx)
	}
}

func (m *claims) put(tx *store.Tx, list []keys.Key) error {
	conflicts, err := keys.AddOneTime(tx, alice, m.device, list, bytes.Equal)
	if err != nil || len(conflicts) > 0 {
		return fmt.Errorf("conflicts %v: %w", conflicts, err)
	}
	return m.check(tx)
}

func (m *claims) claim(tx *store.Tx) error {
	k, err := keys.Claim(tx, alice, m.device, "s")
	if err != nil {
		return err
	}
	if len(m.waiting) == 0 {
		if k != nil {
			return fmt.Errorf("%s came out and none was left", k.ID)
		}
		return nil
	}
	if k == nil || m.known[k.ID] || string(k.JSON) != k.ID {
		return fmt.Errorf("claimed %v", k)
	}
	m.known[k.ID] = true
	i := slices.Index(m.waiting[0], k.ID)
	if i < 0 {
		return fmt.Errorf("%s came before %v", k.ID, m.waiting[0])
	}
	if m.waiting[0] = slices.Delete(m.waiting[0], i, i+1); len(m.waiting[0]) == 0 {
		m.waiting = m.waiting[1:]
	}
	return m.check(tx)
}

func (m *claims) check(tx *store.Tx) error {
	n := 0
	for _, w := range m.waiting {
		n += len(w)
	}
	c, err := keys.CountKeys(context.Background(), tx, alice, m.device)
	if err != nil || c.OneTime["s"] != n {
		return fmt.Errorf("count is %v, want %d: %w", c, n, err)
	}
	return nil
}

func TestFallbackKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		set := func(id string) {
			write(t, db, func(tx *store.Tx) error {
				return keys.SetFallback(tx, alice, "A", keys.Key{Algorithm: "s", ID: id, JSON: []byte(id)}, bytes.Equal)
			})
		}
		unused := func(want ...string) {
			t.Helper()
			c := must[keys.Counts](t)(keys.CountKeys(ctx, db, alice, "A"))
			if !slices.Equal(c.UnusedFallback, want) {
				t.Errorf("unused: %v, want %v", c.UnusedFallback, want)
			}
		}
		claim := func(want string) {
			t.Helper()
			var k *keys.Key
			write(t, db, func(tx *store.Tx) (err error) { k, err = keys.Claim(tx, alice, "A", "s"); return err })
			if k == nil || k.ID != want {
				t.Errorf("claimed %v, want %s", k, want)
			}
		}
		set("f1")
		unused("s")
		claim("f1")
		unused()
		claim("f1")
		set("f1")
		unused()
		set("f2")
		unused("s")
		claim("f2")
		unused()
	})
}

func TestClaimedKeysAreForgottenInTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			for i := range 300 {
				if _, err := keys.AddOneTime(tx, alice, "A", []keys.Key{{"s", fmt.Sprint(i), []byte("1")}}, bytes.Equal); err != nil {
					return err
				}
				if _, err := keys.Claim(tx, alice, "A", "s"); err != nil {
					return err
				}
			}
			return nil
		})
		var n int
		if err := db.QueryRow(context.Background(), "SELECT count(*) FROM one_time_key").Scan(&n); err != nil || n > 210 {
			t.Errorf("%d keys are remembered, %v", n, err)
		}
	})
}

func TestConflictingOneTimeKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add := func(id, content string) (conflicts []string) {
			write(t, db, func(tx *store.Tx) (err error) {
				conflicts, err = keys.AddOneTime(tx, alice, "A", []keys.Key{{"s", id, []byte(content)}}, bytes.Equal)
				return err
			})
			return conflicts
		}
		if c := add("1", "x"); len(c) != 0 {
			t.Error(c)
		}
		if c := add("1", "y"); !slices.Equal(c, []string{"s:1"}) {
			t.Error(c)
		}
		write(t, db, func(tx *store.Tx) error { _, err := keys.Claim(tx, alice, "A", "s"); return err })
		if c := add("1", "z"); len(c) != 0 { // the id is free again
			t.Error(c)
		}
		c := must[keys.Counts](t)(keys.CountKeys(context.Background(), db, alice, "A"))
		if c.OneTime["s"] != 1 {
			t.Errorf("%v", c)
		}
	})
}

// A signature by another user's key is for that user's eyes.
//
// Spec: cs#key-and-signature-security
func TestSignaturesAreForTheirMakers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		write(t, db, func(tx *store.Tx) error {
			_, err := keys.AddSignatures(tx, []keys.Signature{
				{bob, "msk", bob, "ed25519:DEV", "own"},
				{bob, "msk", alice, "ed25519:usk", "alice's"},
			})
			return err
		})
		for viewer, want := range map[mx.UserID]int{alice: 2, bob: 1, "@carol:x": 1} {
			if got := must[[]keys.Signature](t)(keys.Signatures(ctx, db, viewer, []mx.UserID{bob, alice})); len(got) != want {
				t.Errorf("%s sees %v, want %d", viewer, got, want)
			}
		}
		pos := must[store.Pos](t)(db.Position(ctx))
		if got := must[[]mx.UserID](t)(keys.ChangedForViewer(ctx, db, alice, 0, pos)); !slices.Equal(got, []mx.UserID{bob}) {
			t.Errorf("alice's other devices hear of %v", got)
		}
		if got := must[[]mx.UserID](t)(keys.ChangedLists(ctx, db, 0, pos)); !slices.Equal(got, []mx.UserID{bob}) {
			t.Errorf("all hear of %v", got)
		}
		write(t, db, func(tx *store.Tx) error {
			_, err := keys.AddSignatures(tx, []keys.Signature{{bob, "msk", alice, "ed25519:usk", "alice's"}})
			return err
		})
		if got := must[store.Pos](t)(db.Position(ctx)); got != pos {
			t.Error("the same signature again is a change")
		}
	})
}

func TestReplacedCrossSigningKeyTakesItsSignaturesAlong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		write(t, db, func(tx *store.Tx) error {
			if err := keys.SetCrossKey(tx, keys.CrossKey{User: alice, Purpose: keys.SelfSigning, Public: "old", JSON: []byte("{}")}); err != nil {
				return err
			}
			if _, err := keys.AddSignatures(tx, []keys.Signature{
				{alice, "DEV", alice, "ed25519:old", "s"}, {alice, "old", alice, "ed25519:m", "s"}, {alice, "DEV", alice, "ed25519:other", "s"},
			}); err != nil {
				return err
			}
			return keys.SetCrossKey(tx, keys.CrossKey{User: alice, Purpose: keys.SelfSigning, Public: "new", JSON: []byte("{}")})
		})
		if got := must[[]keys.Signature](t)(keys.Signatures(ctx, db, alice, []mx.UserID{alice})); len(got) != 1 || got[0].SignerKey != "ed25519:other" {
			t.Errorf("left: %v", got)
		}
		k := must[map[string]keys.CrossKey](t)(keys.UserCrossKeys(ctx, db, alice))
		if len(k) != 1 || k[keys.SelfSigning].Public != "new" {
			t.Errorf("keys: %v", k)
		}
		if is := must[bool](t)(keys.IsCrossKey(ctx, db, alice, "new")); !is {
			t.Error("the new key is not known")
		}
	})
}

func TestDeletedUserLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		write(t, db, func(tx *store.Tx) error {
			if err := keys.SetDehydrated(tx, keys.DehydratedDevice{User: alice, ID: "DEHY", Data: []byte("{}")}); err != nil {
				return err
			}
			if err := keys.SetDeviceKey(tx, alice, "DEHY", []byte("{}")); err != nil {
				return err
			}
			if err := keys.SetCrossKey(tx, keys.CrossKey{User: alice, Purpose: keys.Master, Public: "m", JSON: []byte("{}")}); err != nil {
				return err
			}
			if _, err := keys.AddSignatures(tx, []keys.Signature{{bob, "b", alice, "ed25519:u", "s"}}); err != nil {
				return err
			}
			v, err := keys.CreateBackup(tx, alice, "a", []byte("{}"))
			if err != nil {
				return err
			}
			return keys.PutBackupKeys(tx, alice, &keys.Backup{Version: v}, []keys.BackupKey{{Room: "!r", Session: "s", Data: []byte("{}")}}, nil)
		})
		write(t, db, func(tx *store.Tx) error { return keys.DeleteUser(tx, alice) })
		for _, table := range []string{
			"device_key", "key_signature", "cross_signing_key", "dehydrated_device", "backup_version", "backup_key", "device_list_private",
		} {
			var n int
			if err := db.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s has %d rows left, %v", table, n, err)
			}
		}
	})
}
