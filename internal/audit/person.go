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

// SecurityOrders are the orders of Security; the first is the default.
func SecurityOrders() []string { return securitylog.Orders() }

// collectBatch is of how many people one transaction of the collector removes what is old.
const collectBatch = 50

// Security is one page of what happened to the safety of an account, the newest first where the page names
// no order. Who may read it is the doors' to say: administrators, and the person, who sees no more than is kept of everybody.
func (s *Service) Security(ctx context.Context, user mx.UserID, own bool, p listing.Page) (listing.Found[Event], error) {
	since := int64(0)
	if own {
		since = securitylog.Since(s.now())
	}
	return securitylog.List(ctx, s.db, user, since, p)
}

// Collect removes from the histories what is old.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	for after := mx.UserID(""); ctx.Err() == nil; {
		next := mx.UserID("")
		err := s.db.Write(func(tx *store.Tx) (err error) {
			next, err = securitylog.Expire(ctx, tx, now, after, collectBatch)
			return err
		})
		if after = next; err != nil || after == "" {
			return err
		}
	}
	return ctx.Err()
}
