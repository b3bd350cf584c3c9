// Package ident owns who people are: accounts, sign-in, sessions and devices, user-interactive authentication, registration,
// profiles, the user directory, locking and suspension.
//
// It refuses to keep a secret that it could hash, to tell whether an account exists to someone without its password, and to let a
// session outlive its device. Credentials enter through Login, Register and Confirm; tokens leave once, when they are made. Resolve
// answers who holds a token, from memory in the common case; Changed must hear of every committed batch, so that what is remembered
// ends when a session does, on whichever node it was ended.
package ident

import (
	"context"
	"log/slog"
	"time"

	"conclave.chat/internal/ident/known"
	"conclave.chat/internal/ident/passhash"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Eraser drops what another part of the server keeps for a device or an account. It runs inside the transaction that ends them.
type Eraser interface {
	// EraseDevice drops what belongs to a device alone: its keys, undelivered messages and pushers.
	EraseDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error
	// EraseAccount drops what belongs to a deactivated account; with erase everything that is not an event.
	EraseAccount(tx *store.Tx, user mx.UserID, erase bool) error
}

// Rooms is what the user directory and profiles need of rooms.
type Rooms interface {
	// LeaveAll makes a deactivated user leave every room and refuse every invitation. It may be called again after a crash.
	LeaveAll(ctx context.Context, user mx.UserID) error
	// ProfileChanged carries a new name and avatar into the rooms that the user has joined and where the former ones are shown.
	ProfileChanged(ctx context.Context, user mx.UserID, formerName, formerAvatar string) error
	// Visible reports whether viewer may know of a user: they share a room, or the user is in a room that anyone may join or read.
	Visible(ctx context.Context, viewer, user mx.UserID) (bool, error)
}

// Deps are what a Service needs.
type Deps struct {
	DB     *store.DB
	Server mx.ServerName
	Config Config
	Log    *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Attempt counts one guess at an account's password and refuses when there were too many. Nil refuses none.
	Attempt func(account string) error
	// KeyID reports whether a user's cross-signing key has this id: no device may be called so. Nil knows of none.
	KeyID func(ctx context.Context, user mx.UserID, id string) (bool, error)
	// Erasers are the other parts that keep something for devices and accounts.
	Erasers []Eraser
	// Enter puts a new account into groups, by their ids. It may be nil where none is made that is in any.
	Enter func(ctx context.Context, tx *store.Tx, user mx.UserID, groups []string) error
	// DeviceRenamed hears that a device has another display name, which key queries carry. Nil is nobody.
	DeviceRenamed func(tx *store.Tx, user mx.UserID) error
	// Mail sends messages; nil where accounts have no e-mail addresses.
	Mail Mailer
	// MailLimit counts one message to an address and refuses when there were too many. Nil refuses none.
	MailLimit func(address string) error
	// PublicURL is where users reach the server: links in messages lead there.
	PublicURL string
	// Mode is who may register now, as in Registration.Mode. Nil is what is configured.
	Mode func() string
	// Reserved are users that no account may be, such as the sender of server notices.
	Reserved []mx.UserID
	// Waiting lists the devices whose requests wait for news on this node; nil is none.
	Waiting func() []Session
	// Over hears of sessions of this node that were found to be over.
	Over func(...store.Change)
	// MayErase reports whether what a user stored may be removed, in the transaction that does it. Nil lets all go.
	MayErase func(ctx context.Context, tx *store.Tx, user mx.UserID) (bool, error)
	// Protected reports whether an account is one on which recording rests: a recorder's, or that of somebody with the compliance role. Nil protects none, as
	// on the command line, which is for who runs the server.
	Protected func(user mx.UserID) bool
	// Compliance refuses those who may do nothing to a protected account.
	Compliance func(by By) error
	// Rooms may be nil where there are no rooms, as in administration from the command line: what is to be done there waits for
	// Collect of a server that has them.
	Rooms Rooms
}

// Service is the accounts of one server.
type Service struct {
	Deps
	hasher *passhash.Hasher
	cache  *known.Tokens[cached]
	seen   seen
	lost   chan struct{} // word of changes got lost since Run looked
}

// New makes a Service.
func New(d Deps) (*Service, error) {
	if err := d.Config.check(); err != nil {
		return nil, err
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Attempt == nil {
		d.Attempt = func(string) error { return nil }
	}
	if d.MailLimit == nil {
		d.MailLimit = func(string) error { return nil }
	}
	if d.Mode == nil {
		d.Mode = func() string { return d.Config.Registration.Mode }
	}
	if d.Waiting == nil {
		d.Waiting = func() []Session { return nil }
	}
	if d.KeyID == nil {
		d.KeyID = func(context.Context, mx.UserID, string) (bool, error) { return false, nil }
	}
	if d.Protected == nil {
		d.Protected = func(mx.UserID) bool { return false }
	}
	if d.DeviceRenamed == nil {
		d.DeviceRenamed = func(*store.Tx, mx.UserID) error { return nil }
	}
	p := d.Config.Passwords
	h, err := passhash.New(passhash.Params{MemoryKiB: p.MemoryKiB, Iterations: p.Iterations, Parallelism: p.Parallelism, Concurrency: p.Concurrency})
	if err != nil {
		return nil, err
	}
	return &Service{Deps: d, hasher: h, cache: known.New[cached](maxCached), lost: make(chan struct{}, 1)}, nil
}

func (s *Service) now() int64 { return store.Millis(s.Now()) }

// ended says that sessions of a user ended, or that what they may do changed. It takes a position, so that a node that missed the
// word notices the gap.
func ended(tx *store.Tx, user mx.UserID, device mx.DeviceID) {
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindSession, User: user, Device: device})
}
