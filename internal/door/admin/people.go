package admin

import (
	"conclave.chat/internal/audit"
	"conclave.chat/internal/census"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	stored "conclave.chat/internal/store/census"
	"conclave.chat/internal/store/listing"
)

func (h *Handlers) peopleOperations() []openapi.Operation {
	const one = "people/{userId}"
	mark := func(verb, summary string, lock, suspend *bool) openapi.Operation {
		return act("POST", one+"/"+verb, verb+"Person", summary, onPerson(h, func(r *door.Request, user mx.UserID, _ *none) error {
			return h.Accounts.Moderate(r.Context(), by(r), user, lock, suspend)
		}))
	}
	return []openapi.Operation{
		list("people", "listPeople", "All accounts.", stored.PeopleOrders(), h.listPeople,
			openapi.Param{Name: "search", Doc: "Words that the name, the id or an e-mail address contains."},
			openapi.Param{Name: "state", Doc: "Only accounts in this state.", Enum: stored.States()[1:]},
		),
		act("POST", "people", "createPerson", "Make an account.", h.createPerson),
		get(one, "getPerson", "One account, with its devices.", func(r *door.Request) (personDetails, error) { return h.person(r) }),
		// Whoever may sign devices out may see what was done to the account before: administrators, as for all of this table. The person sees the same.
		list(one+"/security", "listSecurity", "What happened to the safety of an account: its keys, devices, password and addresses, of the last 400 days.",
			audit.SecurityOrders(), h.listSecurity),
		act("PUT", one, "changePerson", "Change the display name, or make somebody an administrator or not. What is absent stays.", onPerson(h, h.changePerson)),
		mark("lock", "Keep an account from doing anything.", new(true), nil),
		mark("unlock", "Undo lock.", new(false), nil),
		mark("suspend", "Let an account read but not write.", nil, new(true)),
		mark("unsuspend", "Undo suspend.", nil, new(false)),
		act("POST", one+"/deactivate", "deactivatePerson", "End an account for good. Nobody gets its name.", onPerson(h, func(r *door.Request, user mx.UserID, b *deactivation) error {
			return h.Accounts.Deactivate(r.Context(), by(r), user, b.Erase)
		})),
		act("POST", one+"/reset-password", "resetPassword", "Give an account another password.", h.resetPassword),
		act("POST", one+"/sign-out", "signOutPerson", "Sign out all devices of an account; they erase what they keep.", onPerson(h, func(r *door.Request, user mx.UserID, _ *none) error {
			return h.Accounts.SignOut(r.Context(), by(r), user, "")
		})),
		act("DELETE", one+"/devices/{deviceId}", "signOutDevice", "Sign out one device; it erases what it keeps.", onPerson(h, func(r *door.Request, user mx.UserID, _ *none) error {
			return h.Accounts.SignOut(r.Context(), by(r), user, mx.DeviceID(r.Path("deviceId")))
		})),
		act("POST", one+"/emails", "addEmail", "Give an account an e-mail address, on your word.", onPerson(h, func(r *door.Request, user mx.UserID, b *emailBody) error {
			return h.Accounts.SetContact(r.Context(), by(r), user, b.Email)
		})),
		act("POST", one+"/emails/remove", "removeEmail", "Take an e-mail address from an account.", onPerson(h, func(r *door.Request, user mx.UserID, b *emailBody) error {
			return h.Accounts.DeleteContact(r.Context(), by(r), user, b.Email)
		})),
	}
}

// person is an account in lists.
type person struct {
	User        mx.UserID `json:"user_id"`
	Name        string    `json:"display_name"`
	Emails      []string  `json:"emails"`
	State       string    `json:"state" enum:"active locked suspended deactivated" doc:"The gravest that applies."`
	Admin       bool      `json:"admin"`
	Locked      bool      `json:"locked"`
	Suspended   bool      `json:"suspended"`
	Deactivated bool      `json:"deactivated"`
	Erased      bool      `json:"erased"`
	Created     ms        `json:"created"`
	Seen        ms        `json:"last_seen" doc:"Last request of any device, to the minute; 0 is never."`
	Devices     int64     `json:"device_count"`
	Files       int64     `json:"media_files"`
	Bytes       int64     `json:"media_bytes"`
}

func personOf(p *census.Person) person {
	state := "active"
	switch {
	case p.Deactivated:
		state = "deactivated"
	case p.Locked:
		state = "locked"
	case p.Suspended:
		state = "suspended"
	}
	return person{
		p.User, p.Display, p.Emails, state, p.Admin, p.Locked, p.Suspended, p.Deactivated, p.Erased, ms(p.Created), ms(p.Seen), p.Devices, p.Files, p.Bytes,
	}
}

// device is a client that is signed in.
type device struct {
	ID      mx.DeviceID `json:"device_id"`
	Name    string      `json:"display_name"`
	Created ms          `json:"created"`
	Seen    ms          `json:"last_seen"`
	Addr    string      `json:"address" doc:"Where its last request came from."`
	Agent   string      `json:"user_agent"`
}

type personDetails struct {
	person
	DeviceList []device    `json:"devices"`
	Rooms      int64       `json:"joined_rooms"`
	Groups     []groupItem `json:"groups"`
	Protected  bool        `json:"protected" doc:"Recording rests on the account, a recorder's or that of somebody with the compliance role: only administrators with that role change it."`
}

func (h *Handlers) listPeople(p page) (listing.Found[person], error) {
	state, err := p.Choice("state", stored.States()...)
	if err != nil {
		return listing.Found[person]{}, err
	}
	found, err := h.Census.People(p.Context(), census.PeopleFilter{Search: p.Param("search"), State: state}, p.Page)
	return mapped(found, err, personOf)
}

// securityEvent is something that happened to the safety of an account.
type securityEvent struct {
	Seq         int64       `json:"seq"`
	Time        ms          `json:"time"`
	Action      string      `json:"action"`
	Actor       string      `json:"actor" doc:"Empty: the person. Otherwise an administrator's user id, or \"server\"."`
	Device      mx.DeviceID `json:"device" doc:"The device with which the person did it."`
	DeviceName  string      `json:"device_name"`
	Addr        string      `json:"address" doc:"Where the person's request came from. An administrator's is in the audit log."`
	Subject     string      `json:"subject" doc:"What it was done to: a device, an e-mail address, a version."`
	SubjectName string      `json:"subject_name" doc:"A device's name."`
}

func (h *Handlers) listSecurity(p page) (listing.Found[securityEvent], error) {
	user, err := userOf(p.Request)
	if err == nil {
		_, err = h.Census.Person(p.Context(), user) // nobody's history is no empty one
	}
	if err != nil {
		return listing.Found[securityEvent]{}, err
	}
	found, err := h.Audit.Security(p.Context(), user, false, p.Page)
	return mapped(found, err, func(e *audit.Event) securityEvent {
		return securityEvent{e.Seq, ms(e.Time), e.Action, e.Actor, e.Device, e.DeviceName, e.Addr, e.Subject, e.SubjectName}
	})
}

// userOf is the user in the path.
func userOf(r *door.Request) (mx.UserID, error) { return mx.ParseUserID(r.Path("userId")) }

func (h *Handlers) person(r *door.Request) (personDetails, error) {
	user, err := userOf(r)
	if err != nil {
		return personDetails{}, err
	}
	return h.details(r, user)
}

func (h *Handlers) details(r *door.Request, user mx.UserID) (personDetails, error) {
	d, err := h.Census.Person(r.Context(), user)
	if err != nil {
		return personDetails{}, err
	}
	a := personDetails{person: personOf(&d.Person), DeviceList: make([]device, len(d.Devices)), Rooms: d.Rooms, Groups: []groupItem{}, Protected: h.Accounts.Protected(user)}
	for i := range d.Devices {
		v := &d.Devices[i]
		a.DeviceList[i] = device{v.ID, v.Name, ms(v.Created), ms(v.Seen), v.Addr, v.Agent}
	}
	groups, err := h.Groups.Of(r.Context(), user)
	for i := range groups {
		a.Groups = append(a.Groups, groupOf(&groups[i]))
	}
	return a, err
}

// onPerson makes a handler that does something to the account in the path and answers with the account as it is then.
func onPerson[B any](h *Handlers, do func(*door.Request, mx.UserID, *B) error) func(*door.Request, *B) (personDetails, error) {
	return func(r *door.Request, b *B) (personDetails, error) {
		user, err := userOf(r)
		if err != nil {
			return personDetails{}, err
		}
		if err := do(r, user, b); err != nil {
			return personDetails{}, err
		}
		return h.details(r, user)
	}
}

type deactivation struct {
	Erase bool `json:"erase" optional:"yes" doc:"Also remove what the user stored, and hide the user's messages from who joins later."`
}

type emailBody struct {
	Email string `json:"email"`
}

type newPerson struct {
	UserName string   `json:"user_name" doc:"The local part of the user id."`
	Display  string   `json:"display_name" optional:"yes" doc:"Default: the user name."`
	Password string   `json:"password" optional:"yes" doc:"Default: one that is made up, and answered this once."`
	Email    string   `json:"email" optional:"yes"`
	Admin    bool     `json:"admin" optional:"yes"`
	Groups   []string `json:"groups" optional:"yes" doc:"Ids of groups that the account is in."`
}

// madePerson is a new account.
type madePerson struct {
	personDetails
	Password string `json:"password,omitempty" doc:"The password that was made up. It is shown this once."`
}

func (h *Handlers) createPerson(r *door.Request, b *newPerson) (madePerson, error) {
	if err := h.Groups.Check(r.Context(), b.Groups); err != nil {
		return madePerson{}, err
	}
	user, password, err := h.Accounts.Add(r.Context(), by(r), ident.NewAccount{
		Name: b.UserName, Display: b.Display, Password: b.Password, Address: b.Email, Admin: b.Admin, Groups: b.Groups,
	})
	if err != nil {
		return madePerson{}, err
	}
	if b.Password != "" {
		password = ""
	}
	d, err := h.details(r, user)
	return madePerson{d, password}, err
}

type personChange struct {
	Display *string `json:"display_name,omitempty"`
	Admin   *bool   `json:"admin,omitempty"`
}

func (h *Handlers) changePerson(r *door.Request, user mx.UserID, b *personChange) error {
	if b.Display != nil {
		if err := h.Accounts.SetDisplayName(r.Context(), by(r), user, *b.Display); err != nil {
			return err
		}
	}
	if b.Admin != nil {
		return h.Accounts.SetAdmin(r.Context(), by(r), user, *b.Admin)
	}
	return nil
}

type passwordReset struct {
	Password string `json:"password" optional:"yes" doc:"Default: one that is made up, and answered this once."`
	SignOut  *bool  `json:"sign_out,omitempty" doc:"Sign out all devices; they erase what they keep. Default: true."`
}

// passwordMade is the answer to a reset.
type passwordMade struct {
	Password string `json:"password,omitempty" doc:"The password that was made up. It is shown this once."`
}

func (h *Handlers) resetPassword(r *door.Request, b *passwordReset) (passwordMade, error) {
	user, err := userOf(r)
	if err != nil {
		return passwordMade{}, err
	}
	password, err := h.Accounts.ResetPassword(r.Context(), by(r), user, b.Password, b.SignOut == nil || *b.SignOut)
	if b.Password != "" || err != nil {
		password = ""
	}
	return passwordMade{password}, err
}
