package ident

import (
	"context"
	"sync"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// seenMillis is how exactly last use is known: a device that was noted is not looked at again for so long.
const seenMillis = 60_000

// maxSeen bounds the notes that wait for Flush.
const maxSeen = 100_000

// seen collects when devices were last used, so that no request waits for that to be written.
type seen struct {
	mu      sync.Mutex
	noted   map[int64]int64 // session -> when it was last noted
	waiting map[int64]account.Device
}

// Seen notes that a caller made a request.
func (s *Service) Seen(c Caller, addr, agent string) {
	now := s.now()
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if now-s.seen.noted[c.Session] < seenMillis {
		return
	}
	if s.seen.noted == nil || len(s.seen.noted) >= maxSeen {
		s.seen.noted = map[int64]int64{}
	}
	if s.seen.waiting == nil {
		s.seen.waiting = map[int64]account.Device{}
	}
	if len(s.seen.waiting) >= maxSeen {
		return
	}
	s.seen.noted[c.Session] = now
	s.seen.waiting[c.Session] = account.Device{User: c.User, ID: c.Device, Seen: now, Addr: addr, Agent: agent}
}

// Flush writes what Seen noted. It is called now and then and before the end.
func (s *Service) Flush(_ context.Context) error {
	s.seen.mu.Lock()
	waiting := s.seen.waiting
	s.seen.waiting = nil
	s.seen.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	return s.DB.Write(func(tx *store.Tx) error {
		for _, d := range waiting {
			if err := account.Seen(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}
