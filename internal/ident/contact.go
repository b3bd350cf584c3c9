package ident

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/securitylog"
)

// Mailer sends messages to addresses.
type Mailer interface {
	// Send takes a message on; it does not wait until it is delivered.
	Send(to, subject, text string) error
}

// Purpose is what an address is validated for. A proof serves no other.
type Purpose string

// The purposes.
const (
	ForAccount      Purpose = "account"  // add the address to an account
	ForPassword     Purpose = "password" // set a forgotten password
	ForRegistration Purpose = "register" // make an account that has it from the beginning
)

// ValidatePath is where the links in messages lead to, below the public URL.
const ValidatePath = "/_conclave/email"

const (
	validationLife = time.Hour
	maxContacts    = 10
	maxAddress     = 320 // of RFC 3696
)

// Contact is an e-mail address of an account.
type Contact = account.Contact

// ErrNoMail is the answer where no messages can be sent.
var ErrNoMail = fault.New(fault.Forbidden, "M_THREEPID_DENIED", "Accounts here have no e-mail addresses or phone numbers")

var (
	errNoAddressYet = fault.New(fault.Forbidden, "M_THREEPID_DENIED", "Accounts get their address after registration here")
	ErrAddressTaken = fault.New(fault.BadRequest, "M_THREEPID_IN_USE", "This address belongs to an account already")
	errNotValidated = fault.New(fault.BadRequest, "M_THREEPID_AUTH_FAILED", "The address has not been confirmed: follow the link in the message")
)

// secretGrammar is that of client secrets and session ids.
var secretGrammar = regexp.MustCompile(`^[0-9A-Za-z.=_-]{1,255}$`)

// HasMail reports whether accounts can have e-mail addresses.
func (s *Service) HasMail() bool { return s.Mail != nil }

// FoldAddress brings an e-mail address into the form in which it is kept.
//
// Spec: appendices#e-mail
func FoldAddress(address string) (string, error) {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Name != "" || a.Address != address || len(address) > maxAddress {
		return "", fault.InvalidParam("This is not an e-mail address")
	}
	return cases.Fold().String(address), nil
}

// Contacts lists the addresses of an account.
//
// Spec: cs#get_matrixclientv3account3pid
func (s *Service) Contacts(ctx context.Context, user mx.UserID) ([]Contact, error) {
	return account.Contacts(ctx, s.DB, user)
}

// Proof names a validation to the server: what it answered, and what only the client knows.
type Proof struct {
	SID    string `json:"sid"`
	Secret string `json:"client_secret"`
}

// RequestToken sends a message with a link to an address and gives the id of the validation. The same attempt twice sends one
// message. The answer does not tell whether the address is known here: the message does, to who reads it.
//
// Spec: cs#post_matrixclientv3account3pidemailrequesttoken
// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
// Spec: cs#post_matrixclientv3registeremailrequesttoken
func (s *Service) RequestToken(ctx context.Context, p Purpose, address, secret string, attempt int64) (string, error) {
	if s.Mail == nil {
		return "", ErrNoMail
	}
	if p == ForRegistration && s.Mode() != "open" {
		return "", errNoAddressYet
	}
	address, err := FoldAddress(address)
	if err != nil {
		return "", err
	}
	if !secretGrammar.MatchString(secret) {
		return "", fault.InvalidParam("client_secret has 1 to 255 letters, digits or . = _ -")
	}
	hashed := credential.Hash(secret)
	old, err := account.FindRequest(ctx, s.DB, string(p), address, hashed)
	if err != nil {
		return "", err
	}
	if answers(old, attempt, s.now()) {
		return old.SID, nil
	}
	if err := s.MailLimit(address); err != nil {
		return "", err
	}
	token, hash := credential.New("")
	v := &account.Validation{
		SID: credential.Text(16), Purpose: string(p), Address: address, Secret: hashed, Token: hash, Attempt: attempt,
		Expires: s.now() + validationLife.Milliseconds(),
	}
	var owner *Contact
	send := true
	err = s.DB.Write(func(tx *store.Tx) error {
		c, err := account.FindContact(ctx, tx, address)
		if err != nil {
			return err
		}
		owner = c
		old, err := account.FindRequest(ctx, tx, v.Purpose, address, v.Secret)
		if err != nil {
			return err
		}
		if old != nil {
			v.SID = old.SID
		}
		if send = !answers(old, attempt, s.now()); !send {
			return nil
		}
		return account.PutValidation(tx, v)
	})
	if err != nil || !send {
		return v.SID, err
	}
	return v.SID, s.sendLink(p, owner, v, token)
}

// answers reports whether a validation under way is what an attempt asks for, so that no message is due.
func answers(v *account.Validation, attempt, now int64) bool {
	return v != nil && attempt <= v.Attempt && v.Expires > now
}

// sendLink writes the message. For a forgotten password of nobody there is none: strangers' addresses get no messages from us.
func (s *Service) sendLink(p Purpose, owner *Contact, v *account.Validation, token string) error {
	link := s.PublicURL + ValidatePath + "?sid=" + url.QueryEscape(v.SID) + "&token=" + url.QueryEscape(token)
	const warning = "\r\n\r\nIf you did not ask for this, do nothing: somebody may have mistyped an address.\r\n"
	switch {
	case p == ForPassword && owner == nil:
		return nil
	case p == ForPassword && s.Protected(owner.User):
		return s.Mail.Send(v.Address, "Your password is not set by e-mail", "Somebody asked to set a new password for "+string(owner.User)+
			". Recording rests on this account, so its password is not set by e-mail: ask an administrator with the compliance role, or who runs the server.\r\n")
	case p == ForPassword:
		return s.Mail.Send(v.Address, "Set a new password", "To set a new password for "+string(owner.User)+", open this page and then go on in the app:\r\n\r\n"+link+warning)
	case owner != nil:
		return s.Mail.Send(v.Address, "This address is in use", "Somebody wanted to use this address for an account on "+string(s.Server)+
			". It belongs to "+string(owner.User)+" already, so that was not possible.\r\n")
	}
	return s.Mail.Send(v.Address, "Confirm your address", "To use this address for an account on "+string(s.Server)+", open this page and then go on in the app:\r\n\r\n"+link+warning)
}

// LinkPurpose says what the link in a message is for, to be shown to who follows it.
func (s *Service) LinkPurpose(ctx context.Context, sid, token string) (Purpose, error) {
	v, err := s.linked(ctx, s.DB, sid, token)
	if err != nil {
		return "", err
	}
	return Purpose(v.Purpose), nil
}

// Validate is for who followed the link in a message and says so.
func (s *Service) Validate(ctx context.Context, sid, token string) error {
	return s.DB.Write(func(tx *store.Tx) error {
		v, err := s.linked(ctx, tx, sid, token)
		if err != nil {
			return err
		}
		v.Validated = s.now()
		return account.PutValidation(tx, v)
	})
}

func (s *Service) linked(ctx context.Context, r store.Reader, sid, token string) (*account.Validation, error) {
	v, err := account.FindValidation(ctx, r, sid, s.now())
	if err == nil && (v == nil || !slices.Equal(v.Token, credential.Hash(token))) {
		err = fault.Missing("This link is not valid or has expired: ask for another in the app")
	}
	return v, err
}

// proven finds a completed validation; nil if there is none for this purpose.
func (s *Service) proven(ctx context.Context, r store.Reader, p Purpose, proof Proof) (*account.Validation, error) {
	v, err := account.FindValidation(ctx, r, proof.SID, s.now())
	if err != nil || v == nil || v.Purpose != string(p) || v.Validated == 0 || !slices.Equal(v.Secret, credential.Hash(proof.Secret)) {
		return nil, err
	}
	return v, nil
}

// AddContact adds a validated address to an account.
//
// Spec: cs#post_matrixclientv3account3pidadd
func (s *Service) AddContact(ctx context.Context, user mx.UserID, proof Proof) error {
	if s.Mail == nil {
		return ErrNoMail
	}
	return s.DB.Write(func(tx *store.Tx) error {
		v, err := s.proven(ctx, tx, ForAccount, proof)
		if err != nil {
			return err
		}
		if v == nil {
			return errNotValidated
		}
		if _, err := account.DeleteValidation(tx, v.SID); err != nil {
			return err
		}
		return s.addContact(ctx, tx, Contact{Address: v.Address, User: user, Validated: v.Validated, Added: s.now()})
	})
}

func (s *Service) addContact(ctx context.Context, tx *store.Tx, c Contact) error {
	if err := s.insertContact(ctx, tx, c); err != nil {
		return err
	}
	return errors.Join(s.index(ctx, tx, c.User), securitylog.Record(ctx, tx, c.Added, c.User, securitylog.EmailAdded, c.Address))
}

func (s *Service) insertContact(ctx context.Context, tx *store.Tx, c Contact) error {
	mine, err := account.Contacts(ctx, tx, c.User)
	if err != nil {
		return err
	}
	if len(mine) >= maxContacts {
		return fault.Denied("An account has at most %d addresses", maxContacts)
	}
	ok, err := account.InsertContact(tx, c)
	if err == nil && !ok && !slices.ContainsFunc(mine, func(m Contact) bool { return m.Address == c.Address }) {
		err = ErrAddressTaken
	}
	return err
}

// SetContact gives an account an address on an administrator's word.
func (s *Service) SetContact(ctx context.Context, by By, user mx.UserID, address string) error {
	address, err := FoldAddress(address)
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		a, err := account.Find(ctx, tx, user)
		if err != nil {
			return err
		}
		if a == nil || a.Deactivated {
			return errNoUser
		}
		if err := s.record(ctx, tx, by, "account.add_email", user, nil, address); err != nil {
			return err
		}
		return s.addContact(ctx, tx, Contact{Address: address, User: user, Validated: s.now(), Added: s.now()})
	})
}

// DeleteContact takes an address from an account.
//
// Spec: cs#post_matrixclientv3account3piddelete
func (s *Service) DeleteContact(ctx context.Context, by By, user mx.UserID, address string) error {
	address = cases.Fold().String(strings.TrimSpace(address))
	return s.DB.Write(func(tx *store.Tx) error {
		if err := account.DeleteContact(tx, user, address); err != nil {
			return err
		}
		if err := s.index(ctx, tx, user); err != nil {
			return err
		}
		return errors.Join(securitylog.Record(ctx, tx, s.now(), user, securitylog.EmailRemoved, address),
			s.record(ctx, tx, by, "account.remove_email", user, address, nil))
	})
}

// LoginByAddress signs in by e-mail address and password. An address that nobody has is refused as a wrong password is, after as
// long. Guesses are counted by address: counted by account, they would tell whose it is.
//
// Spec: cs#post_matrixclientv3login
func (s *Service) LoginByAddress(ctx context.Context, address, password string, c Client) (*Grant, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	folded, err := FoldAddress(address)
	if err != nil {
		return nil, errBadCredentials
	}
	if err := s.Attempt("mail:" + folded); err != nil {
		return nil, err
	}
	owner, err := account.FindContact(ctx, s.DB, folded)
	if err != nil {
		return nil, err
	}
	var user mx.UserID // nobody's, unless the address is somebody's
	if owner != nil {
		user = owner.User
	}
	return s.loginAs(ctx, user, password, c)
}
