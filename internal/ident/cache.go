package ident

import (
	"context"
	"crypto/sha256"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/known"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

const (
	// maxCached bounds the memory of known tokens to some 20 MB.
	maxCached = 100_000
	// cacheMillis is how long a token is believed without asking the database: a last resort should word that it ended get lost.
	cacheMillis = 300_000
	// maxToken is longer than any token of ours.
	maxToken = 128
)

// Caller is who holds a token.
type Caller struct {
	User      mx.UserID
	Device    mx.DeviceID
	Session   int64
	Admin     bool
	Locked    bool
	Suspended bool
}

// Errors of tokens.
var (
	errUnknownToken = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "The access token is not known")
	errExpiredToken = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "The access token has expired").With("soft_logout", true)
)

// WipeKey is the member of an answer that says that the client's device was removed: it erases what it keeps at once. A token that is
// merely unknown may be one that a restored backup does not have; then the client may ask its user to sign in again.
const WipeKey = "chat.conclave.wipe"

var errWiped = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "This device was signed out").With("soft_logout", false).With(WipeKey, true)

// unknown is the answer to a token that is not there: another one if it was of a device that was removed.
func (s *Service) unknown(ctx context.Context, r store.Reader, token []byte, otherwise error) error {
	revoked, err := account.Revoked(ctx, r, token)
	if err != nil {
		return err
	}
	if revoked {
		return errWiped
	}
	return otherwise
}

type cached struct {
	Caller
	expires int64 // of the token; 0 never
	until   int64 // believed without asking
}

// Changed hears of a committed batch, on this node or another, and forgets the tokens of users whose sessions changed.
func (s *Service) Changed(b store.Batch) {
	if b.Lost {
		s.cache.ForgetAll()
		select {
		case s.lost <- struct{}{}:
		default: // Run will look anyway
		}
		return
	}
	for i := range b.Changes {
		if b.Changes[i].Kind == store.KindSession {
			s.cache.Forget(b.Changes[i].User)
		}
	}
}

// Resolve answers who holds an access token.
//
// Spec: cs#using-access-tokens
func (s *Service) Resolve(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, errUnknownToken
	}
	var buf [maxToken]byte
	h := known.Token(sha256.Sum256(buf[:copy(buf[:], token)]))
	now := s.now()
	e, ok := s.cache.Get(h)
	if !ok || e.until <= now {
		var err error
		if e, err = s.load(ctx, h, now); err != nil {
			return Caller{}, err
		}
	}
	if e.expires != 0 && e.expires <= now {
		return Caller{}, errExpiredToken
	}
	return e.Caller, nil
}

func (s *Service) load(ctx context.Context, h known.Token, now int64) (cached, error) {
	epoch := s.cache.Start()
	a, err := account.FindToken(ctx, s.DB, h[:])
	if err != nil {
		return cached{}, err
	}
	if a == nil {
		return cached{}, s.unknown(ctx, s.DB, h[:], errUnknownToken)
	}
	e := cached{
		Caller:  Caller{User: a.User, Device: a.Device, Session: a.ID, Admin: a.Admin, Locked: a.Locked, Suspended: a.Suspended},
		expires: a.Expires, until: now + cacheMillis,
	}
	if !a.Confirmed && (a.Expires == 0 || a.Expires > now) {
		return e, s.confirm(&a.Session)
	}
	s.cache.Put(h, e.User, e, epoch)
	return e, nil
}

// confirm ends the tokens that a refreshed one replaces, now that the client has shown that it holds the new one.
//
// Spec: cs#refreshing-access-tokens
func (s *Service) confirm(t *account.Session) error {
	return s.DB.Write(func(tx *store.Tx) error {
		ended(tx, t.User, t.Device)
		return account.Confirm(tx, t)
	})
}
