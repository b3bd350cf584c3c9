package room

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Profile is what member events say of a user.
type Profile struct {
	DisplayName string
	AvatarURL   string
}

// Profiles knows the profiles of this server's users.
type Profiles interface {
	// Profile gives an empty profile for a user without one.
	Profile(ctx context.Context, user mx.UserID) (Profile, error)
}

// Invites knows whom users let invite them.
type Invites interface {
	// InviteAllowed gives nil, or M_INVITE_BLOCKED.
	InviteAllowed(ctx context.Context, inviter, invitee mx.UserID) error
}

// Deps are what the engine needs.
type Deps struct {
	DB       *store.DB
	Signer   mx.Signer
	Profiles Profiles
	Invites  Invites
	Policies []Policy // besides the rule on encryption
	Log      *slog.Logger
	Now      func() time.Time
	Config   Config
}

// Engine is the rooms of one node.
type Engine struct {
	db       *store.DB
	signer   mx.Signer
	profiles Profiles
	invites  Invites
	policies []Policy
	log      *slog.Logger
	now      func() time.Time
	config   Config
	notices  mx.UserID

	cells   *cells
	members *members
	recent  *recent
	txns    *txns
	bus     busState
	created atomic.Int64 // timestamp of the last room made here

	delayedWake chan struct{}
}

const (
	recentEvents      = 8192
	cachedMemberships = 200_000
)

// New makes an engine. Its Listen must be given to the bus before anybody else's.
func New(d Deps) (*Engine, error) {
	if err := d.Config.check(); err != nil {
		return nil, err
	}
	e := &Engine{
		db: d.DB, signer: d.Signer, profiles: d.Profiles, invites: d.Invites, log: d.Log, now: d.Now, config: d.Config,
		notices: mx.NewUserID(d.Config.Notices, d.Signer.Server), cells: newCells(d.Config.CacheEvents), members: newMembers(),
		recent: newRecent(recentEvents), txns: newTxns(), delayedWake: make(chan struct{}, 1),
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if d.Config.Encrypt {
		e.policies = append(e.policies, encryptionPolicy{})
	}
	e.policies = append(e.policies, d.Policies...)
	return e, nil
}

// Server is the name of this server.
func (e *Engine) Server() mx.ServerName { return e.signer.Server }

// busState is how far the engine has heard of commits.
type busState struct {
	mu      sync.Mutex
	last    store.Pos
	missing []span
	any     atomic.Bool // missing is not empty
	filling sync.Mutex
}

type span struct{ after, upTo store.Pos }

// Listen hears of every commit, on this node and on others. This node's own have been brought into the caches before.
func (e *Engine) Listen(b store.Batch) {
	e.bus.note(b)
	if b.Lost {
		e.members.dropAll() // what was forgotten leaves no trace in the log
	}
	for _, c := range b.Changes {
		switch c.Kind {
		case store.KindEvent:
			e.cells.touched(c.Room, c.Pos)
			if c.User != "" {
				e.members.touched(c.User, c.Pos)
			}
		case store.KindRoom:
			if c.User != "" {
				e.members.drop(c.User)
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

// catchUp reads from the log what the bus has not told. Who comes while that is being read waits for it.
func (e *Engine) catchUp(ctx context.Context) error {
	if !e.bus.any.Load() {
		return nil
	}
	e.bus.filling.Lock()
	defer e.bus.filling.Unlock()
	e.bus.mu.Lock()
	gaps := e.bus.missing
	e.bus.mu.Unlock()
	for _, gap := range gaps {
		rooms, users, err := eventlog.Changed(ctx, e.db, gap.after, gap.upTo)
		if err != nil {
			return err
		}
		for _, r := range rooms {
			e.cells.touched(r, gap.upTo)
		}
		for _, u := range users {
			e.members.drop(u)
		}
	}
	e.bus.mu.Lock()
	e.bus.missing = e.bus.missing[len(gaps):]
	e.bus.any.Store(len(e.bus.missing) > 0)
	e.bus.mu.Unlock()
	return nil
}
