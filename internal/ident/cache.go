package ident

import (
	"context"
	"crypto/sha256"
	"sync"

	"conclave.chat/internal/fault"
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

type tokenHash [sha256.Size]byte

type cached struct {
	Caller
	expires int64 // of the token; 0 never
	until   int64 // believed without asking
}

// cache remembers the callers of recently used tokens.
type cache struct {
	mu     sync.RWMutex
	tokens map[tokenHash]cached
	users  map[mx.UserID][]tokenHash
	epoch  uint64 // counts what was forgotten, so that a read from before is not remembered after
	limit  int
}

func newCache(limit int) *cache {
	return &cache{tokens: map[tokenHash]cached{}, users: map[mx.UserID][]tokenHash{}, limit: limit}
}

func (c *cache) get(h tokenHash) (cached, bool) {
	c.mu.RLock()
	e, ok := c.tokens[h]
	c.mu.RUnlock()
	return e, ok
}

func (c *cache) start() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.epoch
}

func (c *cache) put(h tokenHash, e cached, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if _, known := c.tokens[h]; !known {
		for victim := range c.tokens { // the order of a map is as good as any
			if len(c.tokens) < c.limit {
				break
			}
			c.drop(victim)
		}
		c.users[e.User] = append(c.users[e.User], h)
	}
	c.tokens[h] = e
}

// drop forgets one token. The caller holds the lock.
func (c *cache) drop(h tokenHash) {
	user := c.tokens[h].User
	delete(c.tokens, h)
	list := c.users[user]
	for i, o := range list {
		if o == h {
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
			break
		}
	}
	if len(list) == 0 {
		delete(c.users, user)
	} else {
		c.users[user] = list
	}
}

func (c *cache) forget(user mx.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, h := range c.users[user] {
		delete(c.tokens, h)
	}
	delete(c.users, user)
}

func (c *cache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.tokens)
	clear(c.users)
}

// Changed hears of a committed batch, on this node or another, and forgets the tokens of users whose sessions changed.
func (s *Service) Changed(b store.Batch) {
	if b.Lost {
		s.cache.forgetAll()
		select {
		case s.lost <- struct{}{}:
		default: // Run will look anyway
		}
		return
	}
	for i := range b.Changes {
		if b.Changes[i].Kind == store.KindSession {
			s.cache.forget(b.Changes[i].User)
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
	h := tokenHash(sha256.Sum256(buf[:copy(buf[:], token)]))
	now := s.now()
	e, ok := s.cache.get(h)
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

func (s *Service) load(ctx context.Context, h tokenHash, now int64) (cached, error) {
	epoch := s.cache.start()
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
	s.cache.put(h, e, epoch)
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
