package group_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/group"
	"conclave.chat/internal/store/storetest"
)

func TestWhoIsInWhichGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		write := func(f func(*store.Tx) (bool, error)) (did bool) {
			t.Helper()
			if err := db.Write(func(tx *store.Tx) (err error) { did, err = f(tx); return err }); err != nil {
				t.Fatal(err)
			}
			return did
		}
		join := func(id string, user mx.UserID) bool {
			return write(func(tx *store.Tx) (bool, error) { return group.Join(tx, id, user, 5) })
		}
		all := func() (list []string) {
			if err := group.All(ctx, db, func(id string, user mx.UserID) { list = append(list, id+string(user)) }); err != nil {
				t.Fatal(err)
			}
			return list
		}
		for i, id := range []string{"b", "a", "b"} {
			if made := write(func(tx *store.Tx) (bool, error) { return group.Insert(tx, id, "Group "+id, 1) }); made != (i < 2) {
				t.Errorf("%s: made %v", id, made)
			}
		}
		if !join("b", "@y:x") || !join("b", "@x:x") || join("b", "@x:x") || !join("a", "@x:x") {
			t.Error("joining is not told from being in it")
		}
		if got := fmt.Sprint(all()); got != "[a@x:x b@x:x b@y:x]" {
			t.Error(got)
		}
		if of, err := group.Of(ctx, db, "@x:x"); err != nil || fmt.Sprint(of) != "[{a Group a 1 1} {b Group b 1 2}]" {
			t.Errorf("%v %v", of, err)
		}
		if !write(func(tx *store.Tx) (bool, error) { return group.Leave(tx, "b", "@y:x") }) || write(func(tx *store.Tx) (bool, error) { return group.Leave(tx, "b", "@y:x") }) {
			t.Error("leaving is not told from not being in it")
		}
		if !write(func(tx *store.Tx) (bool, error) { return group.LeaveAll(tx, "@x:x") }) || write(func(tx *store.Tx) (bool, error) { return group.LeaveAll(tx, "@x:x") }) {
			t.Error("leaving all is not told from being in none")
		}
		join("a", "@z:x")
		write(func(tx *store.Tx) (bool, error) { return true, group.Delete(tx, "a") })
		if got := fmt.Sprint(all()); got != "[b]" {
			t.Error(got)
		}
		if g, err := group.Find(ctx, db, "a"); g != nil || err != nil {
			t.Errorf("%v %v", g, err)
		}
	})
}
