package notify

import (
	"context"
	"log/slog"
	"time"

	"conclave.chat/internal/store"
)

// Times of looking at the database.
const (
	// lookEvery is how often it is asked. A commit that nobody announced is noticed after twice this time at most.
	lookEvery = 200 * time.Millisecond
	// lookSeldom is how long it takes at most from look to look while each finds something: where no word arrives at all, as without NATS,
	// each costs all who wait a look of their own.
	lookSeldom = time.Second
)

// CatchUp compares the bus with the database until ctx ends. It finds commits that were not announced here: those of another node
// whose message got lost, and those of a command such as conclave user that changed the database while the server runs. All commits of
// this node up to what position gives must have been published.
func (b *Bus) CatchUp(ctx context.Context, position func(context.Context) (store.Pos, error), log *slog.Logger) {
	tick := time.NewTimer(lookEvery)
	defer tick.Stop()
	var before store.Pos
	pause := lookEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pos, err := position(ctx)
		if err == nil {
			// What was durable the last time must have been announced by now.
			if from, to := b.overdue(before); from < to {
				b.deliver(store.Batch{From: from, To: to, Lost: true})
				pause = min(2*pause, lookSeldom)
			} else {
				pause = lookEvery
			}
			before = pos
		} else if ctx.Err() == nil {
			log.Warn("position not read", "error", err)
		}
		tick.Reset(pause)
	}
}
