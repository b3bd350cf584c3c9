package room

import (
	"context"
	"log/slog"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Draft is an event that somebody wants to be in a room.
type Draft = ledger.Draft

// Policy decides on events that the authorization rules let in.
type Policy = ledger.Policy

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
	Tags     Tags
	Moves    Moves
	Policies []Policy // besides the rule on encryption
	// Recording is nil where nothing is recorded.
	Recording Recording
	// Keep keeps what an event says that is about to be redacted, where that may not go. Nil keeps nothing.
	Keep func(tx *store.Tx, target *eventlog.Event, now int64) error
	// Replaced hears that a user has replaced a room by another, in the transaction that does it. It may be nil.
	Replaced func(tx *store.Tx, by mx.UserID, old, replacement mx.RoomID) error
	Log      *slog.Logger
	Now      func() time.Time
	Config   Config
	// Encrypt is whether new rooms are encrypted, as in Config.Encrypt. Nil is what is configured.
	Encrypt func() bool
}

// Engine is the rooms of one node. What it can do with events it has from the ledger.
type Engine struct {
	*ledger.Ledger
	db       *store.DB
	signer   mx.Signer
	profiles Profiles
	invites  Invites
	tags     Tags
	moves    Moves
	replaced func(tx *store.Tx, by mx.UserID, old, replacement mx.RoomID) error
	log      *slog.Logger
	now      func() time.Time
	config   Config
	notices  mx.UserID
	encrypt  func() bool

	recording Recording

	delayedWake chan struct{}
}

// New makes an engine. Its Listen must be given to the bus's ListenFirst.
func New(d Deps) (*Engine, error) {
	if err := d.Config.check(); err != nil {
		return nil, err
	}
	e := &Engine{
		db: d.DB, signer: d.Signer, profiles: d.Profiles, invites: d.Invites, tags: d.Tags, moves: d.Moves, replaced: d.Replaced, log: d.Log, now: d.Now, config: d.Config,
		notices: mx.NewUserID(d.Config.Notices, d.Signer.Server), delayedWake: make(chan struct{}, 1),
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.encrypt = d.Encrypt; e.encrypt == nil {
		e.encrypt = func() bool { return d.Config.Encrypt }
	}
	policies := []Policy{whileEncrypting{e}}
	deps := ledger.Deps{
		DB: d.DB, Signer: d.Signer, Policies: append(policies, d.Policies...), Now: e.now, CacheEvents: d.Config.CacheEvents, Keep: d.Keep,
	}
	if e.recording = d.Recording; d.Recording != nil {
		deps.Recorder, deps.Record, deps.Complete = d.Recording, e.Record, e.complete
	}
	e.Ledger = ledger.New(deps)
	return e, nil
}

// whileEncrypting keeps encrypted rooms encrypted where new ones are.
type whileEncrypting struct{ *Engine }

// Judge asks ledger.Encryption.
func (w whileEncrypting) Judge(room *roomstate.Snapshot, ev *mx.Event) error {
	if !w.encrypt() {
		return nil
	}
	return ledger.Encryption{}.Judge(room, ev)
}

// Server is the name of this server.
func (e *Engine) Server() mx.ServerName { return e.signer.Server }
