package recording

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/retain"
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
		s.count(ctx)
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
	if rule.Scope == Groups || len(rule.Classes) > 0 {
		groups = s.Groups.Print()
	}
	return fmt.Sprint(rule, groups)
}

// missing warns of groups that are named and do not exist.
func (s *Service) missing() {
	var named []string
	rule := s.Rule()
	if rule.Scope == Groups {
		named = append(named, rule.Groups...)
	}
	for _, c := range rule.Classes {
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
	behind := int64(0)
	for after := mx.RoomID(""); ; {
		list, err := eventlog.AllRooms(ctx, s.DB, after, roomBatch)
		if err != nil {
			return err
		}
		for _, id := range list {
			after = id
			snap, err := rooms.Snapshot(ctx, id)
			if err == nil && s.stuck(snap) {
				behind++
				s.Log.Warn("a room is recorded, and not as is set now: nobody in it has the power to change what it says of that", "room", id)
			}
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
			s.behind.Store(behind)
			s.outdated.Set(float64(behind))
			return failed
		}
	}
}

// later is when what the recorder did not take is brought to it again.
type later struct {
	mu   sync.Mutex
	open map[mx.EventID]wait
}

type wait struct {
	until time.Time
	tries int
}

const (
	maxWaiting = 10_000
	mostWait   = 10 * time.Minute
)

func (l *later) waits(id mx.EventID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.open[id].until)
}

func (l *later) put(id mx.EventID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil || len(l.open) >= maxWaiting {
		l.open = map[mx.EventID]wait{}
	}
	w := l.open[id]
	l.open[id] = wait{now.Add(min(mostWait, lookEvery<<min(w.tries, 10))), w.tries + 1}
}

func (l *later) done(id mx.EventID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// deliver brings to the recorder what was accepted without its signature. What it does not take, though it is there, waits longer each time, and keeps nothing
// else from being archived. The first of what went wrong comes back.
func (s *Service) deliver(ctx context.Context) (failed error) {
	for after, done := (accepted.Event{}), false; !done; {
		list, err := accepted.Open(ctx, s.DB, after, openBatch)
		if err != nil {
			return err
		}
		done = len(list) < openBatch
		for _, e := range list {
			after = e
			if s.later.waits(e.ID, s.Now()) {
				continue
			}
			err := s.deliverOne(ctx, e)
			if err == nil {
				s.later.done(e.ID)
				continue
			}
			if failed == nil {
				failed = fmt.Errorf("%s in %s: %w", e.ID, e.Room, err)
			}
			if ctx.Err() != nil || !s.anyThere(ctx) {
				return failed
			}
			s.later.put(e.ID, s.Now())
		}
	}
	return failed
}

// anyThere reports whether a recorder answers at all.
func (s *Service) anyThere(ctx context.Context) bool {
	return slices.ContainsFunc(s.recorders, func(r *recorder) bool { return r.ping(ctx) == nil })
}

// count tells the metrics how many accepted events no recorder is known to have.
func (s *Service) count(ctx context.Context) {
	if n, err := accepted.CountOpen(ctx, s.DB); err == nil {
		s.open.Set(float64(n))
	}
}

func (s *Service) deliverOne(ctx context.Context, e accepted.Event) error {
	path, raw := PathRecord, []byte(nil)
	ev, err := eventlog.ByID(ctx, s.DB, e.ID)
	said, withheldErr := retain.WithheldContent(ctx, s.DB, e.ID)
	switch {
	case withheldErr != nil:
		return withheldErr
	case said != nil: // it was redacted or removed since, and kept for the recorder
		room, err := eventlog.RoomByID(ctx, s.DB, e.Room)
		if err != nil {
			return err
		}
		path, raw = withVersion(PathRecord, room.Version), said
	case fault.Is(err, "M_NOT_FOUND"): // it was removed since: the archive notes the gap
		raw = []byte(fmt.Sprintf(`{"room_id":%q,"event_id":%q}`, e.Room, e.ID))
	case err != nil:
		return err
	default:
		path, raw = withVersion(PathRecord, ev.Version), ev.Raw
	}
	r, err := s.askIn(ctx, e.Room, s.inNow(ctx, e.Room), s.Config.Patience, func(ctx context.Context, r *recorder) error {
		_, err := r.client.post(ctx, path, raw)
		return err
	})
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error { return accepted.Archived(tx, e, r.log) })
}

// inNow is which recorders are members of a room, as the log says; nil where none is or it cannot be read: then all may be asked.
func (s *Service) inNow(ctx context.Context, room mx.RoomID) func(mx.UserID) bool {
	var in []mx.UserID
	for _, u := range s.users {
		if len(s.users) < 2 {
			return nil
		}
		if ev, err := eventlog.StateEventAt(ctx, s.DB, room, mx.TypeMember, string(u), 1<<62); err == nil && ev != nil && ev.Membership() == mx.Join {
			in = append(in, u)
		}
	}
	if len(in) == 0 {
		return nil
	}
	return func(u mx.UserID) bool { return slices.Contains(in, u) }
}
