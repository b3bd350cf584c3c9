package retention_test

import (
	"context"
	"testing"

	"conclave.chat/internal/retention"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/holds"
)

// What is said in the room that takes the place of a held one is held too, in the same case; a hold that has ended does not follow.
func TestHoldsFollowARoomToItsReplacement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old, replacement, other := w.room(), w.room(), w.room()
		w.hold(retention.Hold{Room: old})
		w.hold(retention.Hold{Room: other})
		w.release(w.hold(retention.Hold{Room: old}))
		w.must(w.db.Write(func(tx *store.Tx) error { return retention.Keeper{}.Replaced(tx, alice, old, replacement) }))
		said := w.message(replacement, bob, "the talk goes on")
		w.redact(replacement, said)
		w.sweep()
		if got := w.stored(said); len(got) != 1 {
			t.Errorf("in the replacement: %q", got)
		}
		list, err := holds.InForce(context.Background(), w.db)
		w.must(err)
		if len(list) != 3 || list[0].Case != list[len(list)-1].Case {
			t.Errorf("in force: %+v", list)
		}
	})
}
