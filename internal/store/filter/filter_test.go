package filter_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/filter"
	"conclave.chat/internal/store/storetest"
)

func TestFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		put := func(id string, used int64) {
			t.Helper()
			if err := db.Write(func(tx *store.Tx) error {
				return filter.Put(tx, "@a:x", filter.Stored{ID: id, JSON: []byte(`{"id":"` + id + `"}`), Used: used}, 3)
			}); err != nil {
				t.Fatal(err)
			}
		}
		has := func(id string) bool {
			t.Helper()
			f, err := filter.Find(ctx, db, "@a:x", id)
			if err != nil {
				t.Fatal(err)
			}
			return f != nil
		}
		for i := range 3 {
			put(fmt.Sprint(i), int64(i))
		}
		if err := db.Write(func(tx *store.Tx) error { return filter.Touch(tx, "@a:x", "0", 10) }); err != nil {
			t.Fatal(err)
		}
		put("3", 3)
		for id, want := range map[string]bool{"0": true, "1": false, "2": true, "3": true} {
			if has(id) != want {
				t.Errorf("filter %s is there: %v, want %v", id, !want, want)
			}
		}
		if f, err := filter.Find(ctx, db, "@b:x", "0"); f != nil || err != nil {
			t.Errorf("another user's filter: %v, %v", f, err)
		}
		put("3", 20)
		if err := db.Write(func(tx *store.Tx) error {
			n, err := filter.Collect(tx, 11)
			if n != 2 {
				t.Errorf("collected %d, want 2", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if f, _ := filter.Find(ctx, db, "@a:x", "3"); f == nil || f.Used != 20 || string(f.JSON) != `{"id":"3"}` {
			t.Errorf("the filter in use is %+v", f)
		}
		if err := db.Write(func(tx *store.Tx) error { return filter.DeleteUser(tx, "@a:x") }); err != nil {
			t.Fatal(err)
		}
		if has("3") {
			t.Error("a deleted user's filter is there")
		}
	})
}
