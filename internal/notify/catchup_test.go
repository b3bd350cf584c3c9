package notify_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
)

// A commit that nobody announced is noticed even if others follow at once, and one that is announced late is none.
func TestCommitsMissedInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := notify.New()
		bus.Start(5)
		var lost []store.Batch
		bus.Listen(func(b store.Batch) {
			if b.Lost {
				lost = append(lost, b)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		go bus.CatchUp(ctx, func(context.Context) (store.Pos, error) { return bus.Last(), nil }, slog.New(slog.DiscardHandler))
		none := func(what string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if len(lost) != 0 {
				t.Fatalf("%s: %+v", what, lost)
			}
		}
		bus.Publish(store.Batch{From: 5, To: 7})
		bus.Publish(store.Batch{From: 9, To: 10}) // another node's 7 to 9 is on its way, in two parts
		bus.Publish(store.Batch{From: 8, To: 9})
		bus.Publish(store.Batch{From: 7, To: 8})
		bus.Publish(store.Batch{From: 10, To: 12})
		bus.Tell(store.Change{Kind: store.KindSession, User: "@a:x"})
		none("all was told")
		bus.Publish(store.Batch{From: 14, To: 15}) // nobody tells of 12 to 14, but for a part
		bus.Publish(store.Batch{From: 12, To: 13})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(lost) != 1 || lost[0].From != 13 || lost[0].To < 14 || bus.Last() != 15 {
			t.Fatalf("last is %d, got %+v", bus.Last(), lost)
		}
		lost = nil
		bus.Publish(store.Batch{From: 13, To: 14}) // too late
		bus.Publish(store.Batch{From: 15, To: 16})
		none("what is known to be lost is not lost again")
		cancel()
		synctest.Wait()
	})
}
