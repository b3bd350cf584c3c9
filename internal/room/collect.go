package room

import (
	"context"
	"time"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// txnsLast is how long a request is remembered. Clients give up on one long before.
const txnsLast = 3 * 24 * time.Hour

// Collect throws away what is no longer needed.
func (e *Engine) Collect(_ context.Context, now time.Time) error {
	return e.db.Write(func(tx *store.Tx) error {
		if err := eventlog.CollectTxns(tx, now.Add(-txnsLast).UnixMilli()); err != nil {
			return err
		}
		return eventlog.CollectDelayed(tx, now.Add(-delayedLast).UnixMilli())
	})
}
