package keys_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

// The key that stays in a backup is the best of all that were put there, in whatever order.
//
// Spec: cs#server-side-key-backups
func TestBackupKeepsTheBestKey(t *testing.T) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t, store.Options{})
			rapid.Check(t, func(t *rapid.T) {
				puts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) keys.BackupKey {
					return keys.BackupKey{
						Room: "!r", Session: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session"),
						Verified: rapid.Bool().Draw(t, "verified"), FirstIndex: rapid.Int64Range(0, 2).Draw(t, "first"),
						Forwarded: rapid.Int64Range(0, 2).Draw(t, "forwarded"),
					}
				}), 1, 15).Draw(t, "puts")
				if err := db.Write(func(tx *store.Tx) error { return putAll(tx, puts) }); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func putAll(tx *store.Tx, puts []keys.BackupKey) error {
	ctx := context.Background()
	v, err := keys.CreateBackup(tx, alice, "alg", []byte("{}"))
	if err != nil {
		return err
	}
	best := map[string]keys.BackupKey{}
	for i, k := range puts {
		k.Data = fmt.Append(nil, i)
		b, err := keys.FindBackup(ctx, tx, alice, v)
		if err != nil {
			return err
		}
		etag := b.ETag
		if err := keys.PutBackupKeys(tx, alice, b, []keys.BackupKey{k}, func(keys.BackupKey) error { return nil }); err != nil {
			return err
		}
		old, had := best[k.Session]
		replaces := !had || k.Verified && !old.Verified ||
			k.Verified == old.Verified && (k.FirstIndex < old.FirstIndex || k.FirstIndex == old.FirstIndex && k.Forwarded < old.Forwarded)
		if replaces {
			best[k.Session] = k
		}
		if (b.ETag != etag) != replaces {
			return fmt.Errorf("etag went from %d to %d; replaced: %v", etag, b.ETag, replaces)
		}
	}
	b, err := keys.FindBackup(ctx, tx, alice, v)
	if err != nil {
		return err
	}
	got, err := keys.BackupKeys(ctx, tx, alice, v, "", "")
	if err != nil || len(got) != len(best) || int(b.Count) != len(best) {
		return fmt.Errorf("%v (%d), want %v: %w", got, b.Count, best, err)
	}
	for _, k := range got {
		if string(k.Data) != string(best[k.Session].Data) {
			return fmt.Errorf("kept %+v, want %+v", k, best[k.Session])
		}
	}
	return nil
}

func TestBackupVersionsAreNeverReused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		create := func() (v int64) {
			write(t, db, func(tx *store.Tx) (err error) { v, err = keys.CreateBackup(tx, alice, "a", []byte("{}")); return err })
			return v
		}
		v1, v2 := create(), create()
		write(t, db, func(tx *store.Tx) error { _, err := keys.DeleteBackup(tx, alice, v2); return err })
		v3 := create()
		if v1 == v2 || v2 == v3 || v3 <= v2 {
			t.Errorf("versions %d, %d, %d", v1, v2, v3)
		}
		write(t, db, func(tx *store.Tx) error { _, err := keys.DeleteBackup(tx, alice, v3); return err })
		if b := must[*keys.Backup](t)(keys.CurrentBackup(ctx, db, alice)); b == nil || b.Version != v1 {
			t.Errorf("current is %v, want %d", b, v1)
		}
		if v := must[int64](t)(keys.LastBackupVersion(ctx, db, alice)); v != v3 {
			t.Errorf("last is %d, want %d", v, v3)
		}
	})
}
