package push

import "sync/atomic"

// deliveries counts what became of notifications since the start.
type deliveries struct{ taken, failed atomic.Int64 }

// Deliveries says how many notifications gateways took since the start, and how many attempts failed. It counts this node's.
func (s *Service) Deliveries() (taken, failed int64) {
	return s.deliveries.taken.Load(), s.deliveries.failed.Load()
}
