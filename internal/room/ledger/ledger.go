// Package ledger is the part of the room engine that appends: the life of an event from a draft to its place in the log.
//
// Append is the one way in; Change is the same for whoever makes several events, or something else, in one write. A draft goes
//
//	prepare ──▶ build ──▶ authorize ──▶ judge ──▶ enqueue ──▶ durable ──▶ caches ──▶ answer
//	(draft.go)  (build.go)              (policy.go) (commit.go)            (promote.go)
//
// A room is linear: each event names the one before it, and the room's head is compared and swapped in the write that appends.
// Within a node a room is locked only while an event is built and handed to the committer; the next one is built on top of it before
// it is durable. If a write loses against another node, all that was built on top of it is thrown away and done again; after two
// losses the event is built inside the write itself, where nobody can come in between.
//
// What readers see (Snapshot, Rooms, Event, Recent) is committed, and is brought up to date before anybody hears of a commit. Caches
// are bounded, and changes by other nodes, told by the bus or found missing in its sequence, invalidate them.
//
// It refuses what the authorization rules of the room version forbid, what a Policy forbids, and what is malformed. To who is not in
// a room it does not tell whether the room exists.
package ledger

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Deps are what a ledger needs.
type Deps struct {
	DB       *store.DB
	Signer   mx.Signer
	Policies []Policy
	Recorder Recorder // nil: nothing is recorded
	// Keep keeps what an event says that is about to be redacted, where that may not go. Nil keeps nothing.
	Keep func(tx *store.Tx, target *eventlog.Event, now int64) error
	// Record makes a room a recorded one, or one that is not, as Recorder.Due asks for.
	Record func(context.Context, mx.RoomID) error
	// Complete adds to a part what makes its room one.
	Complete func(context.Context, *Part) error

	Now func() time.Time
	// CacheEvents is how many events, state and recent ones, the caches of rooms hold together.
	CacheEvents int
}

// Ledger is the rooms of one node.
type Ledger struct {
	db       *store.DB
	signer   mx.Signer
	policies []Policy
	recorder Recorder
	keep     func(tx *store.Tx, target *eventlog.Event, now int64) error
	record   func(context.Context, mx.RoomID) error
	complete func(context.Context, *Part) error
	now      func() time.Time

	cells   *cells
	members *members
	recent  *recent
	txns    *txns
	bus     busState
	created atomic.Int64 // timestamp of the last room made here
}

const (
	recentEvents      = 8192
	cachedMemberships = 200_000
)

// New makes a ledger. Its Listen must be given to the bus's ListenFirst.
func New(d Deps) *Ledger {
	return &Ledger{
		db: d.DB, signer: d.Signer, policies: d.Policies, recorder: d.Recorder, keep: d.Keep, record: d.Record, complete: d.Complete, now: d.Now,
		cells: newCells(d.CacheEvents), members: newMembers(), recent: newRecent(recentEvents), txns: newTxns(),
	}
}

// busState is how far the ledger has heard of commits.
type busState struct {
	mu      sync.Mutex
	last    store.Pos
	missing []span
	any     atomic.Bool // missing is not empty
	filling sync.Mutex
}

type span struct{ after, upTo store.Pos }

// Listen hears of every commit, on this node and on others. This node's own have been brought into the caches before.
func (l *Ledger) Listen(b store.Batch) {
	l.bus.note(b)
	if b.Lost {
		l.members.dropAll() // what was forgotten leaves no trace in the log
		l.recent.drop()     // nor does what was removed
		l.cells.prune()
	}
	for _, c := range b.Changes {
		switch c.Kind {
		case store.KindEvent:
			l.cells.touched(c.Room, c.Pos)
			if c.User != "" {
				l.members.touched(c.User, c.Pos)
			}
		case store.KindRoom:
			if c.User != "" {
				l.members.drop(c.User)
			} else { // what its snapshot holds may be gone from the log
				l.cells.forget(c.Room)
			}
		case store.KindPruned, store.KindErased:
			l.recent.prune(c.Room, c.Pos)
			if found := l.cells.find(c.Room); found != nil {
				found.prune(c.Pos)
			}
		default:
		}
	}
}

// note finds out whether commits of other nodes were not told, or not yet.
func (s *busState) note(b store.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gap := span{s.last, b.From}
	if b.Lost {
		gap.upTo = b.To
	}
	if s.last != 0 && gap.upTo > gap.after {
		s.missing = append(s.missing, gap)
		s.any.Store(true)
	}
	s.last = max(s.last, b.To)
}

// knows reports whether every commit up to a position was told.
func (s *busState) knows(pos store.Pos) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.missing) == 0 && pos <= s.last
}

// catchUp reads from the log what the bus has not told. Who comes while that is being read waits for it.
func (l *Ledger) catchUp(ctx context.Context) error {
	if !l.bus.any.Load() {
		return nil
	}
	l.bus.filling.Lock()
	defer l.bus.filling.Unlock()
	l.bus.mu.Lock()
	gaps := l.bus.missing
	l.bus.mu.Unlock()
	for _, gap := range gaps {
		rooms, users, err := eventlog.Changed(ctx, l.db, gap.after, gap.upTo)
		if err != nil {
			return err
		}
		for _, r := range rooms {
			l.cells.touched(r, gap.upTo)
		}
		for _, u := range users {
			l.members.drop(u)
		}
	}
	l.bus.mu.Lock()
	l.bus.missing = l.bus.missing[len(gaps):]
	l.bus.any.Store(len(l.bus.missing) > 0)
	l.bus.mu.Unlock()
	return nil
}
