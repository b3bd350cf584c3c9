package notify

import (
	"context"
	"log/slog"
	"time"

	"conclave.chat/internal/store"
)

// catchUpEvery is how often the database is asked. A commit that nobody announced is noticed after twice this time at most.
const catchUpEvery = time.Second

// CatchUp compares the bus with the database until ctx ends. It finds commits that were not announced here: those of another node
// whose message got lost, and those of a command such as conclave user that changed the database while the server runs.
func (b *Bus) CatchUp(ctx context.Context, position func(context.Context) (store.Pos, error), log *slog.Logger) {
	tick := time.NewTicker(catchUpEvery)
	defer tick.Stop()
	var before store.Pos
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pos, err := position(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.Warn("position not read", "error", err)
			}
			continue
		}
		// What was durable a tick ago must have been announced by now.
		if last := b.Last(); before > last {
			b.deliver(store.Batch{From: last, To: before, Lost: true})
		}
		before = pos
	}
}
