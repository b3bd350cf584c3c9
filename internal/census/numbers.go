package census

import (
	"context"
	"time"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/census"
)

// Day is how much was sent on one.
type Day struct {
	Date             string // UTC
	Messages, Events int64
}

// Numbers are about the whole.
type Numbers struct {
	census.Totals
	DatabaseBytes int64
	Days          []Day // the last 30, today last
}

// shownDays is how many days are shown.
const shownDays = 30

// Numbers counts.
func (s *Service) Numbers(ctx context.Context) (*Numbers, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	now := s.now().UTC()
	totals, err := census.Total(ctx, s.db, store.Millis(now))
	if err != nil {
		return nil, err
	}
	n := &Numbers{Totals: *totals}
	if n.DatabaseBytes, err = census.DatabaseBytes(ctx, s.db); err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	today := now.Unix() / int64(day/time.Second)
	list, err := census.Days(ctx, s.db, today-shownDays+1)
	if err != nil {
		return nil, err
	}
	by := map[int64]census.Day{}
	for _, d := range list {
		by[d.Day] = d
	}
	for d := today - shownDays + 1; d <= today; d++ {
		n.Days = append(n.Days, Day{time.Unix(d*int64(day/time.Second), 0).UTC().Format(time.DateOnly), by[d].Messages, by[d].Events})
	}
	return n, nil
}
