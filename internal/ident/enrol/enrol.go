// Package enrol owns how people get an account: invitations of single persons, by hand or from a table, and the link by which the first
// administrator begins.
//
// An invitation is a registration token for one account, with what the account will have. It works whether registration is open
// otherwise or not. Tokens leave once, in links; what is kept is their hash. The package refuses to invite somebody twice, so a table can
// be imported again.
package enrol

import (
	"context"
	"fmt"
	"strings"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/listing"
)

// Organisation is what is there to be named.
type Organisation interface {
	// Name is the organisation's name.
	Name() string
	// Rename gives it another name, within a transaction.
	Rename(ctx context.Context, tx *store.Tx, by auditlog.Actor, name string) error
}

// Groups are those that people can be in.
type Groups interface {
	// Check refuses ids of groups that do not exist.
	Check(ctx context.Context, ids []string) error
}

// Service enrols people.
type Service struct {
	accounts     *ident.Service
	organisation Organisation
	groups       Groups
}

// New makes a Service.
func New(accounts *ident.Service, organisation Organisation, groups Groups) *Service {
	return &Service{accounts, organisation, groups}
}

func (s *Service) now() int64 { return store.Millis(s.accounts.Now()) }

// Invitation is what is kept of an invitation.
type Invitation = account.Invitation

// Guest is a person to be invited, and what their account will have.
type Guest struct {
	UserName string // empty where the person chooses
	Display  string
	Address  string // e-mail address; empty for none
	Admin    bool
	Groups   []string      // ids
	Life     time.Duration // of the invitation; 0 is a week
}

// How long people have to accept an invitation, and the longest that can be asked for.
const (
	defaultLife = 7 * 24 * time.Hour
	maxLife     = 90 * 24 * time.Hour
)

var errInvited = fault.New(fault.Conflict, "CHAT.CONCLAVE.INVITED", "There is an open invitation for this user name or address already")

// check says what would keep a person from accepting an invitation, and brings names into the form in which they are kept.
func (s *Service) check(ctx context.Context, g *Guest) error {
	if _, err := ident.CheckDisplay(g.Display); err != nil {
		return err
	}
	if g.UserName != "" {
		user, err := s.accounts.Available(ctx, g.UserName)
		if err != nil {
			return err
		}
		g.UserName = user.Localpart()
	}
	if g.Address != "" {
		var err error
		if g.Address, err = ident.FoldAddress(g.Address); err != nil {
			return err
		}
		if c, err := account.FindContact(ctx, s.accounts.DB, g.Address); err != nil {
			return err
		} else if c != nil {
			return ident.ErrAddressTaken
		}
	}
	if len(g.Groups) > 0 {
		if err := s.groups.Check(ctx, g.Groups); err != nil {
			return err
		}
	}
	return s.pending(ctx, s.accounts.DB, g)
}

func (s *Service) pending(ctx context.Context, r store.Reader, g *Guest) error {
	pending, err := account.PendingFor(ctx, r, g.UserName, g.Address, s.now())
	if err == nil && pending {
		err = errInvited
	}
	return err
}

// Invited is a new invitation with its link, which is shown this once.
type Invited struct {
	Invitation
	Link string
	Sent bool // by e-mail
}

// Invite makes an invitation. With send it goes to the person by e-mail too.
func (s *Service) Invite(ctx context.Context, by ident.By, g Guest, send bool) (*Invited, error) {
	if g.Life == 0 {
		g.Life = defaultLife
	}
	switch {
	case g.Life < 0 || g.Life > maxLife:
		return nil, fault.InvalidParam("An invitation lasts %d days at most", maxLife/(24*time.Hour))
	case send && g.Address == "":
		return nil, fault.MissingParam("There is no address to send the invitation to")
	case send && !s.accounts.HasMail():
		return nil, fault.New(fault.BadRequest, "CHAT.CONCLAVE.NO_MAIL", "No mail server is configured: pass the link on by yourself")
	}
	if err := s.check(ctx, &g); err != nil {
		return nil, err
	}
	token := credential.Text(24)
	inv := Invitation{
		Token: credential.Hash(token), Name: "i-" + credential.Text(9), Created: s.now(), Allowed: 1, Expires: s.now() + g.Life.Milliseconds(), Personal: true,
		UserName: g.UserName, Display: g.Display, Address: g.Address, Admin: g.Admin, Groups: strings.Join(g.Groups, " "), Inviter: by.Name,
	}
	err := s.accounts.DB.Write(func(tx *store.Tx) error {
		if err := s.pending(ctx, tx, &g); err != nil {
			return err
		}
		if _, err := account.InsertInvitation(tx, inv); err != nil {
			return err
		}
		return auditlog.Record(tx, inv.Created, by, auditlog.Act{Action: "invitation.create", Target: inv.Name, Became: map[string]any{
			"user_name": inv.UserName, "display_name": inv.Display, "email": inv.Address, "admin": inv.Admin, "groups": g.Groups, "expires": inv.Expires,
		}})
	})
	if err != nil {
		return nil, err
	}
	made := &Invited{Invitation: inv, Link: s.accounts.PublicURL + "/invite/" + token}
	if send {
		made.Sent = s.send(made) == nil
	}
	return made, nil
}

// send writes the message with the link.
func (s *Service) send(made *Invited) error {
	name := s.organisation.Name()
	until := time.UnixMilli(made.Expires).UTC().Format(time.DateOnly)
	return s.accounts.Mail.Send(made.Address, "Your invitation to "+name, fmt.Sprintf(
		"You have been invited to the messenger of %s. To choose a password and begin, open this page until %s:\r\n\r\n%s\r\n\r\n"+
			"The link is for you alone: do not pass it on.\r\n", name, until, made.Link))
}

// List is a page of the invitations.
func (s *Service) List(ctx context.Context, state, search string, p listing.Page) (listing.Found[Invitation], error) {
	return account.ListInvitations(ctx, s.accounts.DB, state, search, s.now(), p)
}

// State says where an invitation stands: open, accepted or expired.
func (s *Service) State(i *Invitation) string {
	switch {
	case i.Used > 0:
		return "accepted"
	case !i.Valid(s.now()):
		return "expired"
	}
	return "open"
}

// Revoke makes an invitation's link useless.
func (s *Service) Revoke(ctx context.Context, by ident.By, id string) error {
	return s.accounts.DB.Write(func(tx *store.Tx) error {
		ok, err := account.DeletePersonal(tx, id)
		if err == nil && !ok {
			err = fault.Missing("There is no such invitation")
		}
		if err != nil {
			return err
		}
		return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: "invitation.revoke", Target: id})
	})
}

// Open is the invitation of a token, while it can be accepted.
func (s *Service) Open(ctx context.Context, token string) (*Invitation, error) {
	inv, err := account.FindInvitation(ctx, s.accounts.DB, credential.Hash(token))
	if err == nil && (inv == nil || !inv.Personal || !s.accounts.Opens(inv)) {
		return nil, fault.Missing("This invitation is not valid any more: ask for another one")
	}
	return inv, err
}
