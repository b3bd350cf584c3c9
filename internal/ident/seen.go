package ident

import (
	"context"
	"sync"

	"conclave.chat/internal/mx"
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
	noted   map[deviceKey]int64 // when a device was last noted
	waiting map[deviceKey]account.Device
}

type deviceKey struct {
	user   mx.UserID
	device mx.DeviceID
}

// Seen notes that a caller made a request.
func (s *Service) Seen(c Caller, addr, agent string) {
	now, key := s.now(), deviceKey{c.User, c.Device}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if now-s.seen.noted[key] < seenMillis {
		return
	}
	if s.seen.noted == nil || len(s.seen.noted) >= maxSeen {
		s.seen.noted = map[deviceKey]int64{}
	}
	if s.seen.waiting == nil {
		s.seen.waiting = map[deviceKey]account.Device{}
	}
	if len(s.seen.waiting) >= maxSeen {
		return
	}
	s.seen.noted[key] = now
	s.seen.waiting[key] = account.Device{User: c.User, ID: c.Device, Seen: now, Addr: addr, Agent: agent}
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

// freshen puts what is not written yet into devices that were read.
func (s *Service) freshen(list []Device) []Device {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for i := range list {
		if d, ok := s.seen.waiting[deviceKey{list[i].User, list[i].ID}]; ok {
			list[i].Seen, list[i].Addr, list[i].Agent = d.Seen, d.Addr, d.Agent
		}
	}
	return list
}
