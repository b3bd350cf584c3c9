package retention

import (
	"context"

	"conclave.chat/internal/store/retain"
)

// Estimate is what would go at once under other bounds, beside what is going anyway.
type Estimate = retain.Counts

// Estimate counts what other bounds would remove. It reads all that is older than the age that they set.
func (s *Service) Estimate(ctx context.Context, next Bounds) (Estimate, error) {
	total, now, is := Estimate{}, s.now(), s.Bounds()
	if next.Default > 0 && (is.Default == 0 || next.Default < is.Default) {
		c, err := retain.CountAllAged(ctx, s.DB, now-next.Default+1)
		if err != nil {
			return Estimate{}, err
		}
		total = c
	}
	said, err := retain.Sayings(ctx, s.DB)
	if err != nil {
		return Estimate{}, err
	}
	for _, e := range said {
		age, was := next.For(e.Content).Max, is.For(e.Content).Max
		if age == 0 || was > 0 && was <= age {
			continue
		}
		n, err := retain.CountAged(ctx, s.DB, e.RoomID, now-age+1)
		if err != nil {
			return Estimate{}, err
		}
		if n > 0 {
			total.Rooms, total.Messages = total.Rooms+1, total.Messages+n
		}
	}
	return total, nil
}
