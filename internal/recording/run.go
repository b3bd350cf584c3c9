package recording

import (
	"context"
	"fmt"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
	"conclave.chat/internal/store/eventlog"
)

// Rooms is the engine of rooms, as far as recording needs it.
type Rooms interface {
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	// Record makes a room a recorded one, or no longer one.
	Record(ctx context.Context, room mx.RoomID) error
}

const (
	lookEvery = time.Second
	openBatch = 100
	roomBatch = 500
)

// Run brings rooms in line with what is to be recorded, and to the recorder what it has not seen, until ctx ends.
func (s *Service) Run(ctx context.Context, rooms Rooms) {
	if len(s.recorders) == 0 {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	done := ""
	var looked time.Time
	for {
		if now := time.Now(); now.Sub(looked) >= askEvery {
			looked = now
			s.look(ctx)
		}
		if rule := s.print(); rule != done {
			s.missing()
			if err := s.sweep(ctx, rooms); err != nil && ctx.Err() == nil {
				s.Log.Error("not every room is recorded that is to be, or the other way round; it is tried again", "error", err)
			} else {
				done = rule
			}
		}
		s.revive(ctx)
		if err := s.deliver(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the recorder does not take what was accepted without it; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// print differs where what is to be recorded, and how, differs.
func (s *Service) print() string {
	rule, groups := s.Rule(), uint64(0)
	if rule.Scope == Groups || len(s.Config.Classes) > 0 {
		groups = s.Groups.Print()
	}
	return fmt.Sprint(rule, groups)
}

// missing warns of groups that are named and do not exist.
func (s *Service) missing() {
	var named []string
	if rule := s.Rule(); rule.Scope == Groups {
		named = append(named, rule.Groups...)
	}
	for _, c := range s.Config.Classes {
		named = append(named, c.Groups...)
	}
	for _, id := range named {
		if s.Groups.In(id) == nil {
			s.Log.Warn("what is recorded names a group that does not exist", "group", id)
		}
	}
}

// sweep looks at all rooms. Nothing depends on it: a room that it has not come to is seen to before the next event.
func (s *Service) sweep(ctx context.Context, rooms Rooms) error {
	var failed error
	for after := mx.RoomID(""); ; {
		list, err := eventlog.AllRooms(ctx, s.DB, after, roomBatch)
		if err != nil {
			return err
		}
		for _, id := range list {
			after = id
			snap, err := rooms.Snapshot(ctx, id)
			if err != nil || !s.Due(snap) {
				continue
			}
			switch err := rooms.Record(ctx, id); {
			case err == nil:
			case ctx.Err() != nil:
				return err
			case fault.Of(err) == errDown:
				failed = err
			default: // a blocked room, or one in which nobody has the power: nothing happens in it
				s.Log.Warn("a room is not as it is to be recorded: nothing is accepted in it", "room", id, "error", err)
			}
		}
		if len(list) < roomBatch {
			return failed
		}
	}
}

// deliver brings to the recorder what was accepted without its signature.
func (s *Service) deliver(ctx context.Context) error {
	for {
		list, err := accepted.Open(ctx, s.DB, openBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if err := s.deliverOne(ctx, e); err != nil {
				return err
			}
		}
	}
}

func (s *Service) deliverOne(ctx context.Context, e accepted.Event) error {
	path, raw := PathRecord, []byte(nil)
	ev, err := eventlog.ByID(ctx, s.DB, e.ID)
	switch {
	case fault.Is(err, "M_NOT_FOUND"): // it was removed since: the archive notes the gap
		raw = []byte(fmt.Sprintf(`{"room_id":%q,"event_id":%q}`, e.Room, e.ID))
	case err != nil:
		return err
	default:
		path, raw = withVersion(PathRecord, ev.Version), ev.Raw
	}
	r, err := s.ask(ctx, e.Room, s.Config.Patience, func(ctx context.Context, r *recorder) error {
		_, err := r.client.post(ctx, path, raw)
		return err
	})
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error { return accepted.Archived(tx, e, r.log) })
}
