package retention

import (
	"context"
	"math"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/retain"
)

// Estimate is what would go at once under other bounds, beside what is going anyway.
type Estimate = retain.Counts

// Estimate counts what other bounds would remove, but for what legal holds keep. It reads all that is older than the age that they set.
func (s *Service) Estimate(ctx context.Context, next Bounds) (Estimate, error) {
	total, now, is := Estimate{}, s.now(), s.Bounds()
	kept, err := s.heldRooms(ctx)
	if err != nil {
		return Estimate{}, err
	}
	add := func(room mx.RoomID, before, n int64) error {
		if kept.may(room) {
			if n, err = kept.count(ctx, room, before); err != nil {
				return err
			}
		}
		if n > 0 {
			total.Rooms, total.Messages = total.Rooms+1, total.Messages+n
		}
		return nil
	}
	if next.Default > 0 && (is.Default == 0 || next.Default < is.Default) {
		before := now - next.Default + 1
		aged, err := retain.CountAllAged(ctx, s.DB, before)
		if err != nil {
			return Estimate{}, err
		}
		for room, n := range aged {
			if err := add(room, before, n); err != nil {
				return Estimate{}, err
			}
		}
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
		before := now - age + 1
		n, err := retain.CountAged(ctx, s.DB, e.RoomID, math.MinInt64, before)
		if err == nil {
			err = add(e.RoomID, before, n)
		}
		if err != nil {
			return Estimate{}, err
		}
	}
	return total, nil
}

// heldRooms is of which rooms holds in force may keep something.
type heldRooms struct {
	s     *Service
	list  []Hold
	all   bool
	rooms map[mx.RoomID]bool
}

func (s *Service) heldRooms(ctx context.Context) (*heldRooms, error) {
	list, err := holds.InForce(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	k := &heldRooms{s: s, list: list, rooms: map[mx.RoomID]bool{}}
	for i := range list {
		if h := &list[i]; h.Room == "" && h.Custodian == "" {
			k.all = true
		} else if err := s.eachRoom(ctx, h, func(_ context.Context, room mx.RoomID) error {
			k.rooms[room] = true
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *heldRooms) may(room mx.RoomID) bool { return k.all || k.rooms[room] }

// count counts a room's messages from before a time that no hold keeps.
func (k *heldRooms) count(ctx context.Context, room mx.RoomID, before int64) (total int64, err error) {
	cover, err := holds.Covering(ctx, k.s.DB, k.list, room)
	if err != nil {
		return 0, err
	}
	for _, gap := range cover.Gaps(holds.Span{From: math.MinInt64, To: before}) {
		n, err := retain.CountAged(ctx, k.s.DB, room, gap.From, gap.To)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
