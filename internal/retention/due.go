package retention

import (
	"context"
	"math"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/retain"
)

// dueAfter counts what nothing keeps once a hold is released.
func (s *Service) dueAfter(ctx context.Context, h *Hold) (*Due, error) {
	due := &Due{}
	list, err := holds.InForce(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	c := counting{s, due, h, holds.Without(list, h.ID), nil}
	if c.erased, err = retain.Erasures(ctx, s.DB, math.MaxInt64, math.MaxInt32); err != nil {
		return nil, err
	}
	if err := c.accounts(ctx); err != nil {
		return nil, err
	}
	return due, s.eachRoom(ctx, h, c.room)
}

// eachRoom calls f for the rooms that a hold may cover.
func (s *Service) eachRoom(ctx context.Context, h *Hold, f func(context.Context, mx.RoomID) error) error {
	switch {
	case h.Room != "":
		return f(ctx, h.Room)
	case h.Custodian != "":
		rooms, err := eventlog.Memberships(ctx, s.DB, h.Custodian)
		for i := range rooms {
			if err == nil {
				err = f(ctx, rooms[i].Room)
			}
		}
		return err
	}
	for after := mx.RoomID(""); ; {
		rooms, err := eventlog.AllRooms(ctx, s.DB, after, readBatch)
		if err != nil || len(rooms) == 0 {
			return err
		}
		for _, after = range rooms {
			if err := f(ctx, after); err != nil {
				return err
			}
		}
	}
}

type counting struct {
	s      *Service
	due    *Due
	hold   *Hold
	others []Hold
	erased []retain.Erasure
}

// room adds what is due in a room, in the parts of the hold's period that no other hold covers.
func (c *counting) room(ctx context.Context, room mx.RoomID) error {
	r := c.s.DB
	own, err := holds.Covering(ctx, r, []Hold{*c.hold}, room)
	if err != nil || len(own) == 0 {
		return err
	}
	rest, err := holds.Covering(ctx, r, c.others, room)
	if err != nil {
		return err
	}
	rule, err := c.s.keeper().ruleOf(ctx, r, room)
	if err != nil {
		return err
	}
	now, aged := c.s.now(), int64(math.MinInt64)
	if rule.Max > 0 {
		aged = now - rule.Max + 1
	}
	var messages int64
	for _, gap := range rest.Gaps(own[0]) {
		w, err := retain.CountWaiting(ctx, r, room, gap.From, gap.To, aged, now-rule.Min+1)
		if err != nil {
			return err
		}
		messages += w.Messages
		c.due.Redacted, c.due.Files = c.due.Redacted+w.Redacted, c.due.Files+w.Files
		for i := range c.erased {
			if !c.erased[i].Messages {
				continue
			}
			n, err := retain.CountSent(ctx, r, room, c.erased[i].User, max(gap.From, aged), gap.To)
			if err != nil {
				return err
			}
			messages += n
		}
	}
	if messages > 0 {
		c.due.Rooms, c.due.Messages = c.due.Rooms+1, c.due.Messages+messages
	}
	d, err := eventlog.DeletionOf(ctx, r, room)
	if err == nil && d != nil && d.Held && len(rest) == 0 {
		c.due.Deletions++
	}
	return err
}

// accounts adds the account whose erasure waits for the hold alone, and what its owner removed of a key backup.
func (c *counting) accounts(ctx context.Context) (err error) {
	if c.hold.Custodian == "" {
		return nil
	}
	for i := range c.others {
		if c.others[i].Custodian == c.hold.Custodian {
			return nil
		}
	}
	for i := range c.erased {
		if e := &c.erased[i]; e.User == c.hold.Custodian && (e.Personal || len(e.Kept) > 0) {
			c.due.Accounts++
		}
	}
	c.due.Keys, err = retain.CountTaken(ctx, c.s.DB, c.hold.Custodian)
	return err
}
