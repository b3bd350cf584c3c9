package admin

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// tableBody is the size limit of tables of people.
const tableBody = 2 << 20

func (h *Handlers) invitationOperations() []openapi.Operation {
	imports := openapi.Operation{
		Route: door.Route{Method: "POST", Path: base + "people/import", Access: gate.Admin, MaxBody: tableBody, Handle: func(r *door.Request) (any, error) { return h.importPeople(r) }},
		ID:    "importPeople", BodyAs: []string{"text/csv"}, Answer: reflect.TypeFor[importReport](),
		Summary: "Invite the people of a table: CSV with a header of user_name, display_name, email, admin, groups (ids with spaces between). It can be sent again: who is there or invited is left as they are.",
		Query: []openapi.Param{
			{Name: "dry_run", Type: "boolean", Doc: "Only say what would be done. Default: false."},
			{Name: "as", Enum: []string{"invitations", "accounts"}, Doc: "Make invitations (the default), or accounts with passwords that are made up."},
			{Name: "send", Type: "boolean", Doc: "Send the invitations by e-mail to those with an address. Default: false."},
		},
	}
	return []openapi.Operation{
		imports,
		list("invitations", "listInvitations", "Who was invited.", account.InvitationOrders(), h.listInvitations,
			openapi.Param{Name: "search", Doc: "Part of a user name, display name or address."},
			openapi.Param{Name: "state", Doc: "Only invitations in this state.", Enum: account.InvitationStates()[1:]},
		),
		act("POST", "invitations", "createInvitation", "Invite somebody. The link is for one account.", h.createInvitation),
		act("DELETE", "invitations/{invitationId}", "revokeInvitation", "Make an invitation's link useless.", func(r *door.Request, _ *none) (none, error) {
			return none{}, h.Enrol.Revoke(r.Context(), by(r), r.Path("invitationId"))
		}),
	}
}

// invitation is what is kept of one.
type invitation struct {
	ID         string    `json:"invitation_id"`
	State      string    `json:"state" enum:"open accepted expired"`
	UserName   string    `json:"user_name" doc:"Empty where the person chooses."`
	Display    string    `json:"display_name"`
	Email      string    `json:"email"`
	Admin      bool      `json:"admin"`
	Groups     []string  `json:"groups" doc:"Ids of the groups that the account will be in."`
	Inviter    string    `json:"created_by"`
	Created    ms        `json:"created"`
	Expires    ms        `json:"expires"`
	AcceptedBy mx.UserID `json:"accepted_by" doc:"The account that was made by it; empty if none was."`
	Accepted   ms        `json:"accepted"`
}

func (h *Handlers) invitation(i *enrol.Invitation) invitation {
	return invitation{
		i.Name, h.Enrol.State(i), i.UserName, i.Display, i.Address, i.Admin, strings.Fields(i.Groups), i.Inviter, ms(i.Created), ms(i.Expires), i.AcceptedBy, ms(i.Accepted),
	}
}

func (h *Handlers) listInvitations(p page) (listing.Found[invitation], error) {
	state, err := p.Choice("state", account.InvitationStates()...)
	if err != nil {
		return listing.Found[invitation]{}, err
	}
	found, err := h.Enrol.List(p.Context(), state, p.Param("search"), p.Page)
	return mapped(found, err, h.invitation)
}

type newInvitation struct {
	UserName string   `json:"user_name" optional:"yes" doc:"The local part of the user id that the account will have. Default: the person chooses."`
	Display  string   `json:"display_name" optional:"yes"`
	Email    string   `json:"email" optional:"yes" doc:"The account will have this address."`
	Admin    bool     `json:"admin" optional:"yes"`
	Groups   []string `json:"groups" optional:"yes" doc:"Ids of groups that the account will be in."`
	Days     int64    `json:"days" optional:"yes" doc:"How long it can be accepted. Default: 7."`
	Send     bool     `json:"send" optional:"yes" doc:"Send the link by e-mail too."`
}

// madeInvitation is a new one with its link.
type madeInvitation struct {
	invitation
	Link string `json:"link" doc:"For the person alone. It is shown this once."`
	Sent bool   `json:"sent" doc:"Whether an e-mail is on its way."`
}

func (h *Handlers) createInvitation(r *door.Request, b *newInvitation) (madeInvitation, error) {
	const most = 100_000 // days, before they are multiplied
	if b.Days < 0 || b.Days > most {
		return madeInvitation{}, fault.InvalidParam("days is out of bounds")
	}
	made, err := h.Enrol.Invite(r.Context(), by(r), enrol.Guest{
		UserName: b.UserName, Display: b.Display, Address: b.Email, Admin: b.Admin, Groups: b.Groups, Life: time.Duration(b.Days) * 24 * time.Hour,
	}, b.Send)
	if err != nil {
		return madeInvitation{}, err
	}
	return madeInvitation{h.invitation(&made.Invitation), made.Link, made.Sent}, nil
}

// importRow is what came of one row of a table.
type importRow struct {
	Line     int      `json:"line"`
	UserName string   `json:"user_name"`
	Display  string   `json:"display_name"`
	Email    string   `json:"email"`
	Admin    bool     `json:"admin"`
	Groups   []string `json:"groups"`
	Outcome  string   `json:"outcome" enum:"ready done exists pending error" doc:"ready: it would be done. done: it was. exists, pending: the account or invitation is there already. error: see problem."`
	Problem  string   `json:"problem,omitempty"`
	Link     string   `json:"link,omitempty" doc:"Of the invitation. It is shown this once."`
	Password string   `json:"password,omitempty" doc:"Of the account. It is shown this once."`
	Sent     bool     `json:"sent,omitzero" doc:"An e-mail with the link is on its way."`
}

// importReport says what came of a table.
type importReport struct {
	DryRun bool           `json:"dry_run"`
	Counts map[string]int `json:"counts" doc:"Number of rows by outcome."`
	Rows   []importRow    `json:"rows"`
}

func (h *Handlers) importPeople(r *door.Request) (*importReport, error) {
	var in enrol.Import
	var err error
	if in.DryRun, err = r.Bool("dry_run", false); err != nil {
		return nil, err
	}
	if in.Send, err = r.Bool("send", false); err != nil {
		return nil, err
	}
	as, err := r.Choice("as", "invitations", "accounts")
	if err != nil {
		return nil, err
	}
	in.Accounts = as == "accounts"
	if in.Table, err = r.ReadBody(); err != nil {
		return nil, err
	}
	rows, err := h.Enrol.Import(r.Context(), by(r), in)
	if err != nil {
		return nil, err
	}
	report := &importReport{DryRun: in.DryRun, Counts: map[string]int{}, Rows: make([]importRow, len(rows))}
	for i, row := range rows {
		report.Counts[row.Outcome]++
		report.Rows[i] = importRow{row.Line, row.UserName, row.Display, row.Address, row.Admin, slices.Concat([]string{}, row.Groups), row.Outcome, row.Problem, row.Link, row.Password, row.Sent}
	}
	return report, nil
}
