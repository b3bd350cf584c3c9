package ident

import (
	"context"
	"errors"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/securitylog"
)

// maxSiblings is how many answers to repeated refreshes stay usable until one of them is used.
const maxSiblings = 3

// maxDeviceName bounds device names, bytes.
const maxDeviceName = 255

// Client is what a client says of itself when it signs in.
type Client struct {
	Device  mx.DeviceID // empty for a new one
	Name    string      // for a new device
	Refresh bool        // it can refresh its token
	Addr    string
	Agent   string
}

// Grant is what a client gets that signed in or refreshed. The tokens are shown this once.
type Grant struct {
	User      mx.UserID
	Device    mx.DeviceID
	Access    string
	Refresh   string
	ExpiresIn int64 // milliseconds; 0 where the access token does not expire
}

// Errors of signing in.
var (
	errBadCredentials = fault.Denied("Wrong user name or password")
	errAccountLocked  = fault.New(fault.Unauthorized, "M_USER_LOCKED", "This account is locked").With("soft_logout", true)
	errBadLoginToken  = fault.Denied("The login token is not valid")
	errBadRefresh     = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "The refresh token is not known or was used before")
	errOldRefresh     = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "The refresh token has expired").With("soft_logout", true)
)

func (c *Client) check() error {
	switch {
	case len(c.Device) > mx.MaxIDBytes:
		return fault.InvalidParam("device_id is longer than %d bytes", mx.MaxIDBytes)
	case len(c.Name) > maxDeviceName:
		return fault.InvalidParam("The device name is longer than %d bytes", maxDeviceName)
	}
	return nil
}

// UserID completes what somebody typed as user name: a local part or a whole id, in any case.
func (s *Service) UserID(name string) mx.UserID {
	if strings.HasPrefix(name, "@") {
		id := mx.UserID(name)
		if id.Server() != s.Server {
			return id
		}
		name = id.Localpart()
	}
	return mx.NewUserID(lower(name), s.Server)
}

// lower folds ASCII letters only: others cannot be part of a user name, and must not become one that can.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Login signs in by password.
//
// Spec: cs#post_matrixclientv3login
func (s *Service) Login(ctx context.Context, name, password string, c Client) (*Grant, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	user := s.UserID(name)
	if err := s.Attempt(string(user)); err != nil {
		return nil, err
	}
	return s.loginAs(ctx, user, password, c)
}

// loginAs checks the password and gives the user a session.
func (s *Service) loginAs(ctx context.Context, user mx.UserID, password string, c Client) (*Grant, error) {
	a, err := s.verify(ctx, user, password)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, errBadCredentials
	}
	return s.grant(ctx, user, c, nil)
}

// verify checks a user's password; nil if it is wrong, or there is no such account.
func (s *Service) verify(ctx context.Context, user mx.UserID, password string) (*account.Account, error) {
	var a *account.Account
	var err error
	if _, perr := mx.ParseUserID(string(user)); perr == nil {
		if a, err = account.Find(ctx, s.DB, user); err != nil {
			return nil, err
		}
	}
	hash := ""
	if a != nil && !a.Deactivated {
		hash = a.Password
	}
	ok, stale, err := s.hasher.Match(ctx, password, hash)
	if err != nil || !ok {
		return nil, err
	}
	if stale {
		if err := s.rehash(ctx, a, password); err != nil {
			s.Log.Warn("password not rehashed", "user", a.User, "error", err)
		}
	}
	return a, nil
}

// rehash stores a password's hash anew after the parameters changed.
func (s *Service) rehash(ctx context.Context, a *account.Account, password string) error {
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		now, err := account.Find(ctx, tx, a.User)
		if err != nil || now == nil || now.Password != a.Password {
			return err
		}
		now.Password = hash
		return account.Update(tx, now)
	})
}

// LoginByToken signs in by a login token.
//
// Spec: cs#post_matrixclientv1loginget_token
func (s *Service) LoginByToken(ctx context.Context, token string, c Client) (*Grant, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var user mx.UserID
	err := s.DB.Write(func(tx *store.Tx) error {
		var ok bool
		var err error
		user, ok, err = account.TakeTicket(ctx, tx, account.LoginTicket, credential.Hash(token), s.now())
		if err == nil && !ok {
			err = errBadLoginToken
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, user, c, nil)
}

// grant gives a user a session on a device. before, if not nil, runs first in the same transaction.
func (s *Service) grant(ctx context.Context, user mx.UserID, c Client, before func(*store.Tx) error) (*Grant, error) {
	if c.Device == "" {
		c.Device = credential.DeviceID()
	} else if taken, err := s.KeyID(ctx, user, string(c.Device)); err != nil {
		return nil, err
	} else if taken {
		return nil, fault.Denied("A cross-signing key has this device id")
	}
	g := &Grant{User: user, Device: c.Device}
	now := s.now()
	t := account.Session{User: user, Device: c.Device, Confirmed: true}
	g.fill(&t, c.Refresh, s.Config.Sessions, now)
	err := s.DB.Write(func(tx *store.Tx) error {
		if before != nil {
			if err := before(tx); err != nil {
				return err
			}
		}
		a, err := account.Find(ctx, tx, user)
		switch {
		case err != nil:
			return err
		case a == nil || a.Deactivated:
			return errBadCredentials
		case a.Locked:
			return errAccountLocked
		}
		err = account.InsertDevice(tx, account.Device{
			User: user, ID: c.Device, Name: c.Name, Created: now, Seen: now, Addr: c.Addr, Agent: c.Agent,
		})
		if err != nil {
			return err
		}
		n, err := account.DeleteSessions(tx, user, c.Device)
		if err != nil {
			return err
		}
		if n > 0 {
			ended(tx, user, c.Device)
		}
		t.ID = int64(tx.Next())
		return errors.Join(account.InsertSession(tx, t), securitylog.Record(ctx, tx, now, user, securitylog.DeviceSignedIn, string(c.Device)))
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// fill makes new tokens.
func (g *Grant) fill(t *account.Session, refresh bool, c Sessions, now int64) {
	g.Access, t.Token = credential.New(credential.Access)
	life := c.MaxLifetime
	if refresh {
		g.Refresh, t.Refresh = credential.New(credential.Refresh)
		life = c.AccessLifetime
	}
	if life > 0 {
		g.ExpiresIn = life.Milliseconds()
		t.Expires = now + g.ExpiresIn
	}
}

// Refresh trades a refresh token for new tokens. The old ones stay good until the new ones are used.
//
// Spec: cs#post_matrixclientv3refresh
func (s *Service) Refresh(ctx context.Context, token string) (*Grant, error) {
	var g *Grant
	err := s.DB.Write(func(tx *store.Tx) error {
		old, err := account.FindRefresh(ctx, tx, credential.Hash(token))
		if err != nil {
			return err
		}
		if old == nil {
			return s.unknown(ctx, tx, credential.Hash(token), errBadRefresh)
		}
		now := s.now()
		if life := s.Config.Sessions.RefreshLifetime; life > 0 && old.Expires+life.Milliseconds() < now {
			return errOldRefresh
		}
		a, err := account.Find(ctx, tx, old.User)
		switch {
		case err != nil:
			return err
		case a == nil || a.Deactivated:
			return errBadRefresh
		case a.Locked:
			return errAccountLocked
		}
		if !old.Confirmed {
			ended(tx, old.User, old.Device)
			if err := account.Confirm(tx, old); err != nil {
				return err
			}
		}
		last, err := account.LastStep(ctx, tx, old.ID)
		if err != nil {
			return err
		}
		if err := account.DropUnconfirmed(tx, old.ID, last-maxSiblings+2); err != nil {
			return err
		}
		g = &Grant{User: old.User, Device: old.Device}
		t := account.Session{ID: old.ID, Step: last + 1, User: old.User, Device: old.Device}
		g.fill(&t, true, s.Config.Sessions, now)
		return account.InsertSession(tx, t)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Logout ends one device with its sessions.
//
// Spec: cs#post_matrixclientv3logout
func (s *Service) Logout(ctx context.Context, user mx.UserID, device mx.DeviceID) error {
	return s.DeleteDevices(ctx, user, []mx.DeviceID{device})
}

// LogoutAll ends all devices of a user.
//
// Spec: cs#post_matrixclientv3logoutall
func (s *Service) LogoutAll(ctx context.Context, user mx.UserID) error {
	return s.DB.Write(func(tx *store.Tx) error { return s.dropDevices(ctx, tx, user, "") })
}

// dropDevices ends the devices of a user but one.
func (s *Service) dropDevices(ctx context.Context, tx *store.Tx, user mx.UserID, except mx.DeviceID) error {
	list, err := account.Devices(ctx, tx, user)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID == except {
			continue
		}
		if err := s.dropDevice(ctx, tx, user, list[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// dropDevice ends a device: its sessions, and what other parts of the server keep for it.
func (s *Service) dropDevice(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	if err := securitylog.Removed(ctx, tx, s.now(), user, device); err != nil {
		return err
	}
	existed, err := account.DeleteDevice(tx, user, device)
	if err != nil || !existed {
		return err
	}
	if err := account.RevokeTokens(tx, user, device, s.now()); err != nil {
		return err
	}
	if _, err := account.DeleteSessions(tx, user, device); err != nil {
		return err
	}
	ended(tx, user, device)
	for _, e := range s.Erasers {
		if err := e.EraseDevice(tx, user, device); err != nil {
			return err
		}
	}
	return nil
}
