package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

// Every acknowledged job has its own position, positions have no gaps, and a failed job takes none.
func TestPositionsHaveNoGaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		seen := map[store.Pos]bool{}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				var pos store.Pos
				err := db.Write(func(tx *store.Tx) error {
					pos = tx.Next()
					if i%3 == 0 {
						if i%2 == 0 { // dirty: the whole batch is rolled back and run again one by one
							if _, err := tx.Exec("UPDATE stream SET pos = pos + 1000"); err != nil {
								return err
							}
						}
						return fault.Denied("job %d says no", i)
					}
					return nil
				})
				if (err != nil) != (i%3 == 0) {
					t.Errorf("job %d: %v", i, err)
				}
				if err == nil {
					mu.Lock()
					seen[pos] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		last, err := db.Position(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if int(last) != len(seen) || len(seen) != 133 {
			t.Fatalf("last position %d, %d acknowledged jobs, want 133", last, len(seen))
		}
		for p := store.Pos(1); p <= last; p++ {
			if !seen[p] {
				t.Errorf("position %d belongs to no job", p)
			}
		}
	})
}

func TestChangesArePublishedInOrderAndOnlyWhenDurable(t *testing.T) {
	var got []store.Batch
	o := store.Options{Publish: func(b store.Batch) { got = append(got, b) }}
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			got = nil
			db := open(t, o)
			for i := range 5 {
				_ = db.Write(func(tx *store.Tx) error {
					tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindReceipt})
					if i == 2 {
						return errors.New("no")
					}
					return nil
				})
			}
			if err := db.Write(func(*store.Tx) error { panic("a bug in one job") }); err == nil {
				t.Error("a job that panicked was acknowledged")
			}
			if len(got) != 4 {
				t.Fatalf("%d batches, want 4: %v", len(got), got)
			}
			for i, b := range got {
				if b.From != store.Pos(i) || b.To != store.Pos(i+1) || len(b.Changes) != 1 || b.Changes[0].Pos != b.To {
					t.Errorf("batch %d is %+v", i, b)
				}
			}
		})
	}
}

func TestStringsThatPostgresCannotHoldAreTheCallersFault(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		type name string
		for _, bad := range []any{"a\x00b", name("\xff")} {
			var s string
			err := db.QueryRow(context.Background(), "SELECT name FROM migration WHERE name = $1", bad).Scan(&s)
			if !fault.Is(err, "M_INVALID_PARAM") {
				t.Errorf("%q: %v", bad, err)
			}
			err = db.Write(func(tx *store.Tx) error {
				_, err := tx.Exec("UPDATE migration SET name = $1", bad)
				return err
			})
			if !fault.Is(err, "M_INVALID_PARAM") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestWrongKeyIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	key := make([]byte, 32)
	db, err := store.Open(context.Background(), store.Options{Path: path, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	key[0] = 1
	if _, err = store.Open(context.Background(), store.Options{Path: path, Key: key}); !errors.Is(err, store.ErrWrongKey) {
		t.Fatalf("got %v", err)
	}
}

func TestPlaceholdersOutOfOrderPanic(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = db.QueryRow(context.Background(), "SELECT $2, $1", 1, 2)
}

func BenchmarkWrite(b *testing.B) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/writers=%d", name, writers), func(b *testing.B) {
				db := open(b, store.Options{})
				b.SetParallelism(writers)
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := db.Write(func(tx *store.Tx) error { tx.Next(); return nil }); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
