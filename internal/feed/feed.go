// Package feed answers /sync and sliding sync: it turns positions of the log into what a client has to be told.
//
// It only reads: the event log through Rooms and store/eventlog, account data, receipts and keys through their stores, typing and
// presence from ephemeral. Its one write takes away to-device messages that a client has confirmed. A request enters with the position
// that the client has reached and leaves with everything up to one fixed position upto, never with part of it, so nothing is lost or
// told twice whatever happens meanwhile.
//
//	request ─▶ changes (window in memory, else SQL) ─▶ sections ─▶ look up what they refer to ─▶ encode
//	               ▲ nothing for this client: wait
//	              Hub ◀─ notify.Bus, ephemeral
//
// A request that finds nothing waits as a Pending, which the Hub wakes when a change concerns it. Waiting costs no goroutine: woken requests
// are worked off by a few workers.
// Package state: window (names of the last changes), caches of key counts and of facts about users. All are bounded.
//
// It refuses tokens and filters that it did not give out or cannot read. What a user may see is decided by visibility.
package feed

import (
	"context"
	"log/slog"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed/watch"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// Rooms reads rooms. All that it gives is shared and is not changed.
type Rooms interface {
	// Snapshot is a room's state, at least as new as the last commit that the bus has told of.
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	// Fetch prepares for Snapshot to be called for many rooms.
	Fetch(ctx context.Context, rooms []mx.RoomID) error
	// Rooms are a user's current memberships, rooms left and forgotten included.
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
	// Recent is the events of a room after one position and at or before another, oldest first, if all of them are in memory.
	Recent(room mx.RoomID, after, upTo store.Pos) ([]*eventlog.Event, bool)
}

// Unread is how many events of a room a user has yet to read. Threads has those that have any; the main timeline is not among them.
type Unread struct {
	Count
	Threads map[mx.EventID]Count
}

// Count is a number of notifications, and how many of them are highlights.
type Count struct{ Notifications, Highlights int }

// Total counts the main timeline and all threads.
func (u Unread) Total() Count {
	n := u.Count
	for _, c := range u.Threads {
		n.Notifications += c.Notifications
		n.Highlights += c.Highlights
	}
	return n
}

// Counter counts unread events.
type Counter interface {
	// Unread counts for several rooms; rooms without unread events may be missing from the answer.
	Unread(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]Unread, error)
}

// Bundling is for whom aggregations are made.
type Bundling struct {
	User    mx.UserID
	Device  mx.DeviceID
	Room    mx.RoomID
	View    *visibility.View
	Ignored map[mx.UserID]bool
	Now     int64
}

// Aggregator bundles what relates to events.
type Aggregator interface {
	// Aggregations gives m.relations of those events of a room that have any, as JSON objects.
	Aggregations(ctx context.Context, b Bundling, events []*eventlog.Event) (map[mx.EventID][]byte, error)
}

// PushRules knows users' push rules.
type PushRules interface {
	// PushRules is the content of m.push_rules.
	PushRules(ctx context.Context, user mx.UserID) ([]byte, error)
}

// Deps are what the service needs. Counter, Aggregator and PushRules may be nil: the answers then lack what they know.
type Deps struct {
	DB         *store.DB
	Bus        *notify.Bus
	Rooms      Rooms
	Views      *visibility.Views
	Ephemeral  *ephemeral.Hub
	Counter    Counter
	Aggregator Aggregator
	PushRules  PushRules
	Log        *slog.Logger
	Stopping   <-chan struct{} // closed when the server drains: waiting requests are answered at once
}

// Service answers sync requests.
type Service struct {
	db         *store.DB
	bus        *notify.Bus
	rooms      Rooms
	views      *visibility.Views
	ephemeral  *ephemeral.Hub
	counter    Counter
	aggregator Aggregator
	pushRules  PushRules
	log        *slog.Logger
	stopping   <-chan struct{}
	now        func() time.Time

	hub     *watch.Hub
	work    *queue
	window  *watch.Window
	counts  *keyCounts
	given   *given
	facts   *factCache
	filters *filterCache
}

// New makes the service and begins to listen. The bus must know its position already, and whoever brings Rooms up to date must be
// listening to it before.
func New(d Deps) *Service {
	s := &Service{
		db: d.DB, bus: d.Bus, rooms: d.Rooms, views: d.Views, ephemeral: d.Ephemeral, counter: d.Counter, aggregator: d.Aggregator,
		pushRules: d.PushRules, log: d.Log, stopping: d.Stopping, now: time.Now,
		window: watch.NewWindow(d.Bus.Last(), watch.WindowSize), counts: newKeyCounts(), given: newGiven(), work: newQueue(), facts: newFactCache(), filters: newFilterCache(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.hub = watch.NewHub(d.Rooms, s.log)
	d.Bus.Listen(s.listen)
	return s
}

// Waiting is the number of requests that wait for news.
func (s *Service) Waiting() int { return s.hub.Count() }

// EachWaiting calls f for the device of each request that waits. f must be quick.
func (s *Service) EachWaiting(f func(mx.UserID, mx.DeviceID)) { s.hub.Each(f) }

// listen hears of every commit. The window must know of it before anybody is woken.
func (s *Service) listen(b store.Batch) {
	known := s.window.Add(b)
	if !known {
		s.counts.clear()
		s.facts.clear()
	}
	for i := range b.Changes {
		switch c := &b.Changes[i]; c.Kind {
		case store.KindKeyCount:
			s.counts.changed(c.User, c.Device)
		case store.KindAccountData:
			if c.Room == "" {
				s.facts.changed(c.User)
			}
		default:
		}
	}
	s.hub.Enqueue(watch.Happening{Changes: b.Changes, All: !known})
}

// Ephemeral hears of every change of typing and presence.
func (s *Service) Ephemeral(c ephemeral.Change) { s.hub.Enqueue(watch.Happening{Ephemeral: c}) }

// position is how far this node may answer: all that it has heard of, and all that the client has seen at another node.
func (s *Service) position(ctx context.Context, since store.Pos) (store.Pos, error) {
	p := s.bus.Last()
	if since <= p {
		return p, nil
	}
	p, err := s.db.Position(ctx)
	if err == nil && since > p {
		err = errUnknownPos
	}
	return p, err
}
