// Package retention owns the age of what people have written: it removes messages, and the files that they showed, once they are older
// than their room keeps them.
//
// How long that is, is a Rule: what the room says (m.room.retention, MSC1763) within the organisation's Bounds, or else the organisation's
// default. What is removed when two claims meet is decided by precedence.Decide alone.
//
// A message that is removed leaves the table of events, so that no reader can find it: not the timeline, search, threads, relations or
// notifications. Its redacted form stays in the room's chain (table pruned_event); state events are never removed. Rooms are known by
// following the log, each with the time when it is next to be looked at, so that nothing is read where nothing is due. Messages go in small
// write jobs with pauses between; each job notes how far the room has come, so that one that is killed goes on there. One node at a time
// does this, by a lease.
//
// Files end with the last event that showed them (mediameta.Link), if their owner said so by sending or attaching them. Those that nothing
// is known to show, as other clients' in encrypted rooms, go when they are older than any room keeps messages; people's pictures stay.
//
// A legal Hold keeps what it covers whatever else is due. Everybody who destroys something asks Keeper, in the transaction that destroys; what was
// refused is noted, and looked at again when a hold is released.
//
// It refuses times that contradict each other. It never looks at what a message says.
package retention

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/pushdata"
	"conclave.chat/internal/store/retain"
)

// Files deletes the bytes of files whose rows are gone.
type Files interface {
	DeleteDoomed(ctx context.Context) error
}

// Deps are what a Service needs.
type Deps struct {
	DB      *store.DB
	Server  mx.ServerName
	Bounds  func() Bounds
	Files   Files
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
	// Compliance lets in who may see and change legal holds. Nil lets everybody in.
	Compliance func(auditlog.Actor) error
	// Forget removes what an account stored, within a transaction.
	Forget func(tx *store.Tx, user mx.UserID) error
}

// Service removes what is too old.
type Service struct {
	Deps
	holder   string
	messages prometheus.Counter
	files    prometheus.Counter
	forsaken int64 // when files that nothing shows were last looked for
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		Deps: d, holder: rand.Text(),
		messages: prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_retention_messages_total", Help: "Messages that were removed for their age."}),
		files:    prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_retention_files_total", Help: "Files that were removed as nothing shows them any more."}),
	}
	if d.Metrics != nil {
		d.Metrics.MustRegister(s.messages, s.files)
	}
	return s
}

func (s *Service) now() int64 { return store.Millis(s.Now()) }

const (
	leaseName = "retention"
	leaseFor  = 5 * time.Second
	// lookEvery is how often the log is read for what rooms say.
	lookEvery = 5 * time.Second
	// batch is how many messages or files one write job removes.
	batch = 100
	// readBatch is how many events are read at a time for what they say or show.
	readBatch = 500
	// lateBy is how much earlier than the last one removed a message may have been sent by the clock of another node.
	lateBy = time.Hour
	// most and part bound for how long a room is left alone after it was looked at, so that a busy one is not looked at all the time: a
	// hundredth of the age that it keeps messages for, and no longer than ten minutes.
	part = 100
	most = 10 * time.Minute
	// forsakenEvery is how often files are looked for that nothing shows.
	forsakenEvery = time.Hour
)

// Run removes what is due, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("messages or files that are too old were not removed; it is tried again", "error", err)
		}
		timer.Reset(s.pause(ctx))
	}
}

// pause is how long there is nothing to do.
func (s *Service) pause(ctx context.Context) time.Duration {
	next, err := retain.Next(ctx, s.DB)
	withheld, err2 := retain.NextWithheld(ctx, s.DB)
	person, err3 := retain.NextPerson(ctx, s.DB)
	if next = min(next, withheld, person); errors.Join(err, err2, err3) != nil || next == retain.Never {
		return lookEvery
	}
	return min(max(time.Duration(next-s.now())*time.Millisecond, time.Millisecond), lookEvery)
}

// Sweep removes what is due now, if no other node is at it.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.follow(ctx); err != nil {
		return err
	}
	ended, err := s.endedLinks(ctx)
	if err != nil {
		return err
	}
	waiting, err := s.waiting(ctx)
	if err != nil {
		return err
	}
	rooms, err := retain.Due(ctx, s.DB, s.now(), readBatch)
	if err != nil || len(rooms) == 0 && !ended && !waiting && s.now()-s.forsaken < forsakenEvery.Milliseconds() {
		return err
	}
	mine, err := s.lease()
	if err != nil || !mine {
		return err
	}
	for len(rooms) > 0 {
		for _, room := range rooms {
			if err := s.sweepRoom(ctx, room); err != nil {
				return err
			}
		}
		if rooms, err = retain.Due(ctx, s.DB, s.now(), readBatch); err != nil {
			return err
		}
	}
	if err := s.sweepWithheld(ctx); err != nil {
		return err
	}
	if err := s.sweepPeople(ctx); err != nil {
		return err
	}
	if err := s.sweepErasures(ctx); err != nil {
		return err
	}
	return s.sweepFiles(ctx)
}

// lease makes this node the one that removes, or keeps it so.
func (s *Service) lease() (mine bool, err error) {
	err = s.DB.Write(func(tx *store.Tx) (err error) {
		now := s.Now()
		mine, err = pushdata.TakeLease(tx, leaseName, s.holder, store.Millis(now), store.Millis(now.Add(leaseFor)))
		return err
	})
	return mine && err == nil, err
}

// follow reads the log for new rooms and what rooms say, and hears what the organisation says.
func (s *Service) follow(ctx context.Context) error {
	p, err := retain.ReadProgress(ctx, s.DB)
	if err != nil {
		return err
	}
	for {
		rooms, last, err := retain.Statements(ctx, s.DB, p.Pos, readBatch)
		if err != nil {
			return err
		}
		if len(rooms) == 0 {
			break
		}
		if err := s.DB.Write(func(tx *store.Tx) error { return retain.Advance(tx, rooms, last) }); err != nil {
			return err
		}
		p.Pos = last
	}
	if bounds := fmt.Sprint(s.Bounds()); bounds != p.Bounds {
		return s.DB.Write(func(tx *store.Tx) error { return retain.Rebound(tx, bounds) })
	}
	return nil
}

func (s *Service) keeper() Keeper { return Keeper{s.Bounds} }

// sweepRoom removes a room's messages that are due, with pauses, so that those who write meanwhile hardly notice.
func (s *Service) sweepRoom(ctx context.Context, room mx.RoomID) error {
	total := 0
	for {
		if mine, err := s.lease(); err != nil || !mine {
			return err
		}
		start := time.Now()
		n, err := s.step(ctx, room)
		if err != nil {
			return err
		}
		total += n
		s.messages.Add(float64(n))
		if n < batch {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Since(start)):
		}
	}
	if total > 0 {
		s.Log.Info("messages removed for their age", "room", room, "messages", total)
	}
	return nil
}

// step is one write job: up to batch messages of a room, and how far it has come.
func (s *Service) step(ctx context.Context, id mx.RoomID) (n int, err error) {
	err = s.DB.Write(func(tx *store.Tx) error {
		n = 0
		room, err := retain.Find(ctx, tx, id)
		if err != nil || room == nil { // it was deleted meanwhile
			return err
		}
		rule, err := s.keeper().ruleOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if room.Look = retain.Never; rule.Max > 0 {
			if n, err = s.prune(ctx, tx, room, rule); err != nil {
				return err
			}
		}
		return retain.Put(tx, room)
	})
	return n, err
}

func (s *Service) prune(ctx context.Context, tx *store.Tx, room *retain.Room, rule Rule) (int, error) {
	now := s.now()
	before := now - rule.Max + 1
	held, err := holds.In(ctx, tx, room.ID)
	if err != nil {
		return 0, err
	}
	var old []*eventlog.Event
	for _, gap := range held.Gaps(holds.Span{From: room.Swept - lateBy.Milliseconds(), To: before}) {
		list, err := retain.Aged(ctx, tx, room.ID, gap.From, gap.To, batch-len(old))
		if err != nil {
			return 0, err
		}
		if old = append(old, list...); len(old) == batch {
			break
		}
	}
	var due []*eventlog.Event
	for _, e := range old {
		if v := precedence.Decide(precedence.Claim{Age: now - e.TS, Rule: rule, Held: held.At(e.TS)}); v.Remove {
			due = append(due, e)
			room.Upto = max(room.Upto, e.Pos)
		}
	}
	if err := retain.Prune(ctx, tx, room.ID, due, now+recorderAfter); err != nil {
		return 0, err
	}
	if err := s.endLinks(tx, due, precedence.Retention, now); err != nil {
		return 0, err
	}
	if len(due) > 0 {
		kind := store.KindPruned
		if len(held) > 0 { // what is held stands between
			kind = store.KindErased
		}
		tx.Emit(store.Change{Pos: room.Upto, Kind: kind, Room: room.ID})
	}
	if len(old) == batch {
		room.Swept, room.Look = max(room.Swept, old[len(old)-1].TS), now
		return len(due), nil
	}
	room.Swept = max(room.Swept, before)
	next, err := retain.OldestFrom(ctx, tx, room.ID, before)
	if err != nil {
		return 0, err
	}
	room.Look = now + rule.Max
	if next > 0 {
		room.Look = max(next+rule.Max, now+min(rule.Max/part, most.Milliseconds()))
	}
	return len(due), nil
}
