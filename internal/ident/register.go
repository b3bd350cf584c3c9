package ident

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the protocol of shared-secret registration names HMAC-SHA1
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
)

// nonceLife is how long a nonce of shared-secret registration lasts.
const nonceLife = 5 * time.Minute

// NewAccount is a request for an account.
type NewAccount struct {
	Name     string // local part; empty for one of the server's choice
	Password string
	Display  string // display name; empty for the local part
	Admin    bool
	NoLogin  bool // make no session
	Client   Client
	// Invitation is the hash of the registration token that this account uses up.
	Invitation []byte
	// Address is the account's e-mail address, proven; empty for none.
	Address string
	// Groups are ids of the groups that it is in.
	Groups []string
	// Within is done in the transaction that makes the account, before that. It may be nil.
	Within func(tx *store.Tx, user mx.UserID) error
	// By is the administrator that makes the account for somebody.
	By By
}

// Errors of registering.
var (
	errClosed = fault.Denied("Registration is closed: ask your administrator for an account")
	errInUse  = fault.New(fault.BadRequest, "M_USER_IN_USE", "This user name is taken")
)

// RegistrationOpen says whether people may register by themselves, with a token or without. Where registration is closed, who was invited
// may: that anybody was is no secret.
func (s *Service) RegistrationOpen(ctx context.Context) error {
	if s.Mode() != "closed" {
		return nil
	}
	invited, err := account.AnyPersonal(ctx, s.DB, s.now())
	if err == nil && !invited {
		err = errClosed
	}
	return err
}

// Opens reports whether a registration token could be used now.
func (s *Service) Opens(i *Invitation) bool {
	return i != nil && i.Valid(s.now()) && (i.Personal || s.Mode() == "token")
}

// Available checks that anybody can register a local part, and gives its user id.
//
// Spec: cs#get_matrixclientv3registeravailable
func (s *Service) Available(ctx context.Context, name string) (mx.UserID, error) {
	user, err := s.Free(ctx, name)
	if err == nil {
		err = s.guardNew(By{}, user)
	}
	return user, err
}

// Free checks that a local part is a name that nobody has, and gives its user id. Whether the account may be made by whom Create decides.
func (s *Service) Free(ctx context.Context, name string) (mx.UserID, error) {
	user, err := s.newUserID(name)
	if err != nil {
		return "", err
	}
	if name[0] == '_' {
		return "", fault.New(fault.BadRequest, "M_INVALID_USERNAME", "User names that begin with _ are reserved")
	}
	a, err := account.Find(ctx, s.DB, user)
	if err != nil {
		return "", err
	}
	if a != nil {
		return "", errInUse
	}
	return user, nil
}

// newUserID checks the grammar of a new user name. Capitals become small letters.
func (s *Service) newUserID(name string) (mx.UserID, error) {
	name = lower(name)
	if !mx.ValidLocalpart(name) {
		return "", fault.New(fault.BadRequest, "M_INVALID_USERNAME", "A user name has letters from a to z, digits and . _ = - / + only")
	}
	user, err := mx.ParseUserID(string(mx.NewUserID(name, s.Server)))
	if err != nil {
		return "", fault.New(fault.BadRequest, "M_INVALID_USERNAME", "The user name is too long")
	}
	if slices.Contains(s.Reserved, user) {
		return "", errInUse
	}
	return user, nil
}

// guardNew keeps people from making themselves the account of a recorder, or of somebody with the compliance role, which the configuration names before it
// is there.
func (s *Service) guardNew(by By, user mx.UserID) error {
	if s.Protected(user) && (s.Compliance == nil || s.Compliance(by) != nil) {
		return errInUse
	}
	return nil
}

// Register makes an account for somebody who may have one.
//
// Spec: cs#post_matrixclientv3register
func (s *Service) Register(ctx context.Context, n NewAccount) (*Grant, error) {
	if err := s.asInvited(ctx, &n); err != nil {
		return nil, err
	}
	if n.Name == "" {
		n.Name = "u" + credential.Letters(11, "abcdefghijkmnpqrstuvwxyz23456789")
	}
	user, err := s.Available(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	return s.Create(ctx, user, n)
}

// created is what the audit log says of a new account.
type created struct {
	Display string   `json:"display_name"`
	Admin   bool     `json:"admin"`
	Groups  []string `json:"groups,omitempty"`
}

// Create makes an account, and a session unless none is wanted.
func (s *Service) Create(ctx context.Context, user mx.UserID, n NewAccount) (*Grant, error) {
	if err := n.Client.check(); err != nil {
		return nil, err
	}
	if err := s.CheckNewPassword(n.Password); err != nil {
		return nil, err
	}
	if n.Display == "" {
		n.Display = user.Localpart()
	}
	shown, err := CheckDisplay(n.Display)
	if err != nil {
		return nil, err
	}
	hash, err := s.hasher.Hash(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	insert := func(tx *store.Tx) error { return s.insertNew(ctx, tx, user, n, hash, shown) }
	if n.NoLogin {
		return &Grant{User: user}, s.DB.Write(insert)
	}
	return s.grant(ctx, user, n.Client, insert)
}

// insertNew writes a new account with all that belongs to it.
func (s *Service) insertNew(ctx context.Context, tx *store.Tx, user mx.UserID, n NewAccount, hash string, shown []byte) error {
	if err := s.guardNew(n.By, user); err != nil {
		return err
	}
	if len(n.Invitation) > 0 {
		if err := s.useInvitation(ctx, tx, n.Invitation, user, n.Client); err != nil {
			return err
		}
	}
	if n.Within != nil {
		if err := n.Within(tx, user); err != nil {
			return err
		}
	}
	ok, err := account.Insert(tx, account.Account{User: user, Password: hash, Created: s.now(), Admin: n.Admin})
	if err == nil && !ok {
		err = errInUse
	}
	if err != nil {
		return err
	}
	if n.Address != "" {
		if err := s.insertContact(ctx, tx, Contact{Address: n.Address, User: user, Validated: s.now(), Added: s.now()}); err != nil {
			return err
		}
	}
	if len(n.Groups) > 0 {
		if err := s.Enter(ctx, tx, user, n.Groups); err != nil {
			return err
		}
	}
	if err := s.record(ctx, tx, n.By, "account.create", user, nil, created{n.Display, n.Admin, n.Groups}); err != nil {
		return err
	}
	_, err = s.setField(ctx, tx, user, fieldName, shown)
	return err
}

// asInvited gives a new account what its invitation says.
func (s *Service) asInvited(ctx context.Context, n *NewAccount) error {
	if len(n.Invitation) == 0 {
		return nil
	}
	inv, err := account.FindInvitation(ctx, s.DB, n.Invitation)
	if err != nil || inv == nil || !inv.Personal {
		return err // one that is gone is missed when it is used
	}
	if inv.UserName != "" {
		if n.Name != "" && lower(n.Name) != inv.UserName {
			return fault.Denied("This invitation is for the user name %s", inv.UserName)
		}
		n.Name = inv.UserName
	}
	if n.Display == "" {
		n.Display = inv.Display
	}
	n.Address, n.Admin, n.Groups = inv.Address, inv.Admin, strings.Fields(inv.Groups)
	return nil
}

func (s *Service) useInvitation(ctx context.Context, tx *store.Tx, token []byte, user mx.UserID, c Client) error {
	inv, err := account.FindInvitation(ctx, tx, token)
	if err != nil {
		return err
	}
	if !s.Opens(inv) {
		return fault.Denied("The registration token has been used up")
	}
	if inv.Personal {
		by := By{Name: string(user), Addr: c.Addr}
		if err := s.record(ctx, tx, by, "invitation.accept", user, nil, map[string]any{"invitation": inv.Name, "admin": inv.Admin, "groups": strings.Fields(inv.Groups)}); err != nil {
			return err
		}
	}
	return account.UseInvitation(tx, token, user, s.now())
}

// TokenValid reports whether a registration token could be used now.
//
// Spec: cs#get_matrixclientv1registermloginregistration_tokenvalidity
func (s *Service) TokenValid(ctx context.Context, token string) (bool, error) {
	if s.Mode() != "token" {
		if invited, err := account.AnyPersonal(ctx, s.DB, s.now()); err != nil {
			return false, err
		} else if !invited {
			return false, errClosed
		}
	}
	inv, err := account.FindInvitation(ctx, s.DB, credential.Hash(token))
	return err == nil && s.Opens(inv), err
}

// Nonce begins a registration by shared secret.
func (s *Service) Nonce() (string, error) {
	if s.Config.Registration.SharedSecret == "" {
		return "", fault.Unrecognized("Shared-secret registration is not configured")
	}
	nonce, hash := credential.New("")
	return nonce, s.DB.Write(func(tx *store.Tx) error {
		return account.InsertTicket(tx, account.NonceTicket, hash, "", s.now()+nonceLife.Milliseconds())
	})
}

// RegisterBySecret makes an account for whoever knows the shared secret. mac is the hexadecimal HMAC-SHA1 of nonce, name, password
// and "admin" or "notadmin", with NUL between them.
func (s *Service) RegisterBySecret(ctx context.Context, nonce, mac string, n NewAccount) (*Grant, error) {
	if s.Config.Registration.SharedSecret == "" {
		return nil, fault.Unrecognized("Shared-secret registration is not configured")
	}
	err := s.DB.Write(func(tx *store.Tx) error {
		_, ok, err := account.TakeTicket(ctx, tx, account.NonceTicket, credential.Hash(nonce), s.now())
		if err == nil && !ok {
			err = fault.New(fault.BadRequest, "M_UNKNOWN", "The nonce is not known")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	role := "notadmin"
	if n.Admin {
		role = "admin"
	}
	h := hmac.New(sha1.New, []byte(s.Config.Registration.SharedSecret))
	h.Write([]byte(nonce + "\x00" + n.Name + "\x00" + n.Password + "\x00" + role))
	if given, err := hex.DecodeString(mac); err != nil || !hmac.Equal(given, h.Sum(nil)) {
		return nil, fault.Denied("The HMAC is wrong")
	}
	user, err := s.newUserID(n.Name)
	if err != nil {
		return nil, err
	}
	n.By = By{Name: auditlog.SharedSecret, Addr: n.Client.Addr}
	return s.Create(ctx, user, n)
}
