package ident

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/securitylog"
)

// Account is one person or bot on this server.
type Account = account.Account

var errNoUser = fault.Missing("There is no such user")

// By is who does something to an account. The zero value is its owner: what people do with their own is not audited.
type By = auditlog.Actor

// state is what the audit log says of an account.
type state struct {
	Admin       bool `json:"admin"`
	Locked      bool `json:"locked"`
	Suspended   bool `json:"suspended"`
	Deactivated bool `json:"deactivated"`
	Erased      bool `json:"erased"`
}

func stateOf(a *Account) state {
	return state{a.Admin, a.Locked, a.Suspended, a.Deactivated, a.Erased}
}

var errProtected = fault.Denied("recording rests on this account: only administrators with the compliance role, and the command line, may change it")

// guard keeps administrators without the compliance role from an account on which recording rests: whoever has its password, or a device of it, reads
// what only a quorum of officers may. What somebody does to their own account is theirs.
func (s *Service) guard(by By, user mx.UserID) error {
	if by.Name == "" || by.Name == string(user) || !s.Protected(user) {
		return nil
	}
	if s.Compliance == nil || s.Compliance(by) != nil {
		return errProtected
	}
	return nil
}

// record puts what was done to an account into the audit log, and into the account's own history. Everything that is done to somebody else's account
// comes through here, in the transaction that does it, so this is where it is refused.
func (s *Service) record(ctx context.Context, tx *store.Tx, by By, action string, user mx.UserID, was, became any) error {
	if err := s.guard(by, user); err != nil {
		return err
	}
	return errors.Join(securitylog.Administered(ctx, tx, s.now(), user, action), auditlog.Record(tx, s.now(), by, auditlog.Act{Action: action, Target: string(user), Was: was, Became: became}))
}

// act is change for administrators: it is audited under a name.
func (s *Service) act(ctx context.Context, by By, action string, user mx.UserID, f func(*store.Tx, *Account) error) error {
	return s.change(ctx, user, func(tx *store.Tx, a *Account) error {
		was := stateOf(a)
		if err := f(tx, a); err != nil {
			return err
		}
		return s.record(ctx, tx, by, action, user, was, stateOf(a))
	})
}

// change alters an account in one transaction. What it may do can have changed, so its sessions are looked up anew.
func (s *Service) change(ctx context.Context, user mx.UserID, f func(*store.Tx, *Account) error) error {
	return s.DB.Write(func(tx *store.Tx) error {
		a, err := account.Find(ctx, tx, user)
		if err != nil {
			return err
		}
		if a == nil || a.Deactivated {
			return errNoUser
		}
		if err := f(tx, a); err != nil {
			return err
		}
		ended(tx, user, "")
		if err := account.Update(tx, a); err != nil {
			return err
		}
		return s.index(ctx, tx, user)
	})
}

// SetPassword changes a password. With logout all devices but keep are ended.
//
// Spec: cs#post_matrixclientv3accountpassword
func (s *Service) SetPassword(ctx context.Context, user mx.UserID, password string, keep mx.DeviceID, logout bool) error {
	return s.setPassword(ctx, By{}, user, password, keep, logout)
}

func (s *Service) setPassword(ctx context.Context, by By, user mx.UserID, password string, keep mx.DeviceID, logout bool) error {
	if err := s.CheckNewPassword(password); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, user, func(tx *store.Tx, a *Account) error {
		a.Password = hash
		if err := account.DeleteTickets(tx, user); err != nil {
			return err
		}
		if err := s.record(ctx, tx, by, "account.reset_password", user, nil, map[string]bool{"signed_out": logout}); err != nil {
			return err
		}
		if !logout {
			return nil
		}
		return s.dropDevices(ctx, tx, user, keep)
	})
}

// leave makes a deactivated user leave all rooms; the account remembers until that is done.
func (s *Service) leave(ctx context.Context, user mx.UserID) error {
	if err := s.Rooms.LeaveAll(ctx, user); err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		a, err := account.Find(ctx, tx, user)
		if err != nil || a == nil {
			return err
		}
		a.Leaving = false
		return account.Update(tx, a)
	})
}

// Target finds the account that an administrator asks about. The caller has been let in already, so nothing leaks.
func (s *Service) Target(ctx context.Context, user mx.UserID) (*Account, error) {
	if user.Server() != s.Server {
		return nil, fault.InvalidParam("This user belongs to another server")
	}
	a, err := account.Find(ctx, s.DB, user)
	if err == nil && (a == nil || a.Deactivated) {
		err = errNoUser
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Moderated gives the state of an account for administrators, who are not themselves subject to it.
//
// Spec: cs#get_matrixclientv1adminlockuserid
// Spec: cs#get_matrixclientv1adminsuspenduserid
func (s *Service) Moderated(ctx context.Context, user mx.UserID) (*Account, error) {
	a, err := s.Target(ctx, user)
	if err == nil && a.Admin {
		return nil, errAdminTarget
	}
	return a, err
}

// notSelf keeps administrators from doing to themselves what they may be unable to undo.
func notSelf(by By, user mx.UserID) error {
	if by.Name == string(user) {
		return fault.Denied("You cannot do this to yourself")
	}
	return nil
}

var errAdminTarget = fault.Denied("This cannot be done to an administrator")

// Moderate locks or unlocks, suspends or unsuspends an account; nil leaves as it is.
//
// Spec: cs#put_matrixclientv1adminlockuserid
// Spec: cs#put_matrixclientv1adminsuspenduserid
func (s *Service) Moderate(ctx context.Context, by By, user mx.UserID, lock, suspend *bool) error {
	if err := notSelf(by, user); err != nil {
		return err
	}
	if _, err := s.Moderated(ctx, user); err != nil {
		return err
	}
	return s.act(ctx, by, moderation(lock, suspend), user, func(_ *store.Tx, a *Account) error {
		if a.Admin {
			return errAdminTarget
		}
		if lock != nil {
			a.Locked = *lock
		}
		if suspend != nil {
			a.Suspended = *suspend
		}
		return nil
	})
}

// moderation is what the audit log calls a change of marks.
func moderation(lock, suspend *bool) string {
	verb, on := "lock", lock
	if on == nil {
		verb, on = "suspend", suspend
	}
	if on != nil && !*on {
		verb = "un" + verb
	}
	return "account." + verb
}

// SetAdmin makes an account an administrator's, or takes that away.
func (s *Service) SetAdmin(ctx context.Context, by By, user mx.UserID, admin bool) error {
	action := "account.promote"
	if !admin {
		action = "account.demote"
		if err := notSelf(by, user); err != nil {
			return err
		}
	}
	return s.act(ctx, by, action, user, func(_ *store.Tx, a *Account) error {
		a.Admin = admin
		return nil
	})
}

// Whois lists a user's devices for an administrator or the user.
//
// Spec: cs#get_matrixclientv3adminwhoisuserid
func (s *Service) Whois(ctx context.Context, user mx.UserID) ([]Device, error) {
	if _, err := s.Target(ctx, user); err != nil {
		return nil, err
	}
	return s.Devices(ctx, user)
}

// Accounts lists accounts by id, after one of them.
func (s *Service) Accounts(ctx context.Context, after mx.UserID, limit int) ([]Account, error) {
	return account.List(ctx, s.DB, after, limit)
}

// Add makes an account on behalf of an administrator. Without a password it gets a random one. It gives the account's id and password.
func (s *Service) Add(ctx context.Context, by By, n NewAccount) (mx.UserID, string, error) {
	user, err := s.newUserID(n.Name)
	if err != nil {
		return "", "", err
	}
	if n.Password == "" {
		n.Password = credential.Password()
	}
	if n.Address != "" {
		if n.Address, err = FoldAddress(n.Address); err != nil {
			return "", "", err
		}
	}
	n.NoLogin, n.By = true, by
	_, err = s.Create(ctx, user, n)
	return user, n.Password, err
}

// ResetPassword gives an account a password, a random one if none is given, and ends its devices if logout is set.
func (s *Service) ResetPassword(ctx context.Context, by By, user mx.UserID, password string, logout bool) (string, error) {
	if password == "" {
		password = credential.Password()
	}
	return password, s.setPassword(ctx, by, user, password, "", logout)
}

// CheckDisplay checks a display name and gives it as a profile field; nil for none.
func CheckDisplay(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	value, err := json.Marshal(name)
	if err != nil {
		return nil, fault.BadJSON("The display name is not valid").Because(err)
	}
	return checkValue(fieldName, value)
}
