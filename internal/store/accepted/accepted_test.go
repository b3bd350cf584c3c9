package accepted_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
	"conclave.chat/internal/store/storetest"
)

func TestSequencesHaveNoGaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		add := func(room mx.RoomID, id mx.EventID, archived bool) {
			t.Helper()
			if err := db.Write(func(tx *store.Tx) error { return accepted.Add(tx, room, id, "log-1", archived) }); err != nil {
				t.Fatal(err)
			}
		}
		add("!a", "$1", true)
		add("!b", "$2", false)
		add("!a", "$3", false)
		_ = db.Write(func(tx *store.Tx) error {
			if err := accepted.Add(tx, "!a", "$lost", "log-1", true); err != nil {
				return err
			}
			return fmt.Errorf("the event was not appended")
		})
		add("!a", "$4", true)
		check := func(what, want string, list []accepted.Event, err error) {
			t.Helper()
			if got := fmt.Sprint(list); err != nil || got != want {
				t.Errorf("%s: %s, want %s: %v", what, got, want, err)
			}
		}
		all, err := accepted.All(ctx, db, accepted.Event{}, 10)
		check("all", "[{!a 1 $1 log-1 false} {!a 2 $3 log-1 true} {!a 3 $4 log-1 false} {!b 1 $2 log-1 true}]", all, err)
		rest, err := accepted.All(ctx, db, all[1], 1)
		check("the next", "[{!a 3 $4 log-1 false}]", rest, err)
		of, err := accepted.Of(ctx, db, "!a", 1, 10)
		check("of a room", "[{!a 2 $3 log-1 true} {!a 3 $4 log-1 false}]", of, err)
		open, err := accepted.Open(ctx, db, accepted.Event{}, 10)
		check("open", "[{!a 2 $3 log-1 true} {!b 1 $2 log-1 true}]", open, err)
		next, err := accepted.Open(ctx, db, open[0], 10)
		check("open after the first", "[{!b 1 $2 log-1 true}]", next, err)
		if err := db.Write(func(tx *store.Tx) error { return accepted.Archived(tx, open[0], "log-2") }); err != nil {
			t.Fatal(err)
		}
		if n, err := accepted.CountOpen(ctx, db); n != 1 || err != nil {
			t.Errorf("%d are open: %v", n, err)
		}
		of, err = accepted.Of(ctx, db, "!a", 1, 1)
		check("archived by another", "[{!a 2 $3 log-2 false}]", of, err)
	})
}

func TestTheLastCheckpointIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, size := range []int64{3, 8} {
			if err := db.Write(func(tx *store.Tx) error { return accepted.Witness(tx, "log", size, []byte{byte(size)}) }); err != nil {
				t.Fatal(err)
			}
		}
		if size, root, err := accepted.Witnessed(context.Background(), db, "log"); size != 8 || string(root) != "\x08" || err != nil {
			t.Errorf("%d %x %v", size, root, err)
		}
		if size, _, err := accepted.Witnessed(context.Background(), db, "other"); size != 0 || err != nil {
			t.Errorf("another log: %d %v", size, err)
		}
	})
}
