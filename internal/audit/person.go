package audit

import (
	"context"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/securitylog"
)

// Event is something that happened to the safety of an account.
type Event = securitylog.Entry

// historyKept is how long a person sees what happened: longer than a laptop lies in a drawer, and no longer than addresses need be kept.
const historyKept = 400 * 24 * time.Hour

// SecurityOrders are the orders of Security; the first is the default.
func SecurityOrders() []string { return securitylog.Orders() }

// collectBatch bounds one transaction of the collector.
const collectBatch = 500

// Security is one page of what happened to the safety of an account, the newest first where the page names
// no order. Who may read it is the doors' to say: the person, and administrators.
func (s *Service) Security(ctx context.Context, user mx.UserID, p listing.Page) (listing.Found[Event], error) {
	return securitylog.List(ctx, s.db, user, p)
}

// Collect removes from the histories what is old.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	for ctx.Err() == nil {
		var n int64
		err := s.db.Write(func(tx *store.Tx) (err error) {
			n, err = securitylog.Expire(tx, store.Millis(now.Add(-historyKept)), collectBatch)
			return err
		})
		if err != nil || n < collectBatch {
			return err
		}
	}
	return ctx.Err()
}
