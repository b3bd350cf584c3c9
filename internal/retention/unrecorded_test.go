package retention_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
)

// What was accepted while no recorder answered, and was then redacted or removed for its age, is kept until the recorder has it, and no longer.
func TestWhatTheRecorderHasYetToGetIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		said := w.message(id, bob, "deleted while the recorder was down")
		aged := w.message(id, bob, "grew old while the recorder was down")
		other := w.message(id, bob, "was archived at once")
		old := w.message(id, bob, "was archived at once, and grew old")
		for _, e := range []mx.EventID{said, aged, other, old} {
			w.must(w.db.Write(func(tx *store.Tx) error { return accepted.Add(tx, id, e, "", e == other || e == old) }))
		}
		w.redact(id, said)
		w.redact(id, other)
		w.must(w.keep(id, `{"max_lifetime":86400000}`))
		w.clock = w.clock.Add(25 * time.Hour)
		w.sweep()
		want := []string{"deleted while the recorder was down", "grew old while the recorder was down"}
		if got := w.stored(said, aged, other, old); !slices.Equal(got, want) {
			t.Errorf("before the recorder has it: %q", got)
		}
		open, err := accepted.Open(context.Background(), w.db, accepted.Event{}, 10)
		w.must(err)
		for _, e := range open {
			w.must(w.db.Write(func(tx *store.Tx) error { return accepted.Archived(tx, e, "log") }))
		}
		w.clock = w.clock.Add(time.Hour)
		w.sweep()
		if got := w.stored(said, aged, other, old); len(got) != 0 || len(open) != 2 {
			t.Errorf("afterwards: %q, %d were open", got, len(open))
		}
	})
}
