// Package conclave is what the web app asks besides Matrix's API, below /_conclave/client/v1: how the first administrator begins, what an
// invitation is, what happened to the safety of the caller's account, and what the organisation wants of its clients.
package conclave

import (
	"conclave.chat/internal/audit"
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/organisation"
)

const base = "/_conclave/client/v1/"

// smallBody is the size limit where nothing long is to be said.
const smallBody = 64 << 10

// Deps are the services behind the API.
type Deps struct {
	Audit        *audit.Service
	Accounts     *ident.Service
	Enrol        *enrol.Service
	Organisation *organisation.Service
	MinPassword  int // characters that a password has at least
}

// Handlers serves the API.
type Handlers struct{ Deps }

// New makes the handlers.
func New(d Deps) *Handlers { return &Handlers{d} }

// Routes lists the API.
func (h *Handlers) Routes() []door.Route {
	const welcome = base + "welcome/{token}"
	return []door.Route{
		{Method: "GET", Path: base + "organisation", Access: gate.Optional, Handle: h.organisation},
		{Method: "GET", Path: base + "security_history", Access: gate.User, Handle: h.securityHistory},
		{Method: "GET", Path: base + "invitations/{token}", Access: gate.Open, Limit: gate.Login, Handle: h.invitation},
		{Method: "GET", Path: welcome, Access: gate.Open, Limit: gate.Login, Handle: h.welcome},
		{Method: "POST", Path: welcome, Access: gate.Open, Limit: gate.Login, MaxBody: smallBody, Handle: h.begin},
	}
}

// policy is what the organisation wants of clients.
type policy struct {
	IdleLockMinutes    int64  `json:"idle_lock_minutes"`
	Forwarding         bool   `json:"forwarding_allowed"`
	ExcludeUnsigned    bool   `json:"exclude_unsigned_devices"`
	RecoveryPassphrase bool   `json:"recovery_passphrase_allowed"`
	EncryptRooms       bool   `json:"encrypt_rooms"`
	UploadLimit        int64  `json:"upload_limit"`
	RetentionDays      *int64 `json:"retention_days"` // null: messages are kept where the room says nothing else
	RetentionMinDays   *int64 `json:"retention_min_days"`
	RetentionMaxDays   *int64 `json:"retention_max_days"` // bounds of what a room may say; null: none
}

type organisationAnswer struct {
	Name         string        `json:"name"`
	Server       mx.ServerName `json:"server_name"`
	Registration string        `json:"registration"`
	MinPassword  int           `json:"min_password_length"`
	Admin        *bool         `json:"admin,omitempty"` // whether the caller is an administrator
	Policy       *policy       `json:"policy,omitempty"`
}

// organisation tells anybody who runs this server, and whoever is signed in what it wants of them.
func (h *Handlers) organisation(r *door.Request) (any, error) {
	st, err := h.Organisation.State(r.Context())
	if err != nil {
		return nil, err
	}
	v := &st.Values
	a := organisationAnswer{Name: v.Name, Server: h.Accounts.Server, Registration: v.Registration, MinPassword: h.MinPassword}
	if r.Caller.User != "" {
		a.Admin = &r.Caller.Admin
		a.Policy = &policy{
			IdleLockMinutes: v.IdleLockMinutes, Forwarding: v.Forwarding, ExcludeUnsigned: v.ExcludeUnsigned, RecoveryPassphrase: v.RecoveryPassphrase,
			EncryptRooms: v.EncryptRooms, UploadLimit: v.UploadLimit,
			RetentionDays: days(v.RetentionDays), RetentionMinDays: days(v.RetentionMinDays), RetentionMaxDays: days(v.RetentionMaxDays),
		}
	}
	return a, nil
}

// days is a number of days as clients see it: null where there is none.
func days(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

type invitationAnswer struct {
	Organisation string        `json:"organisation"`
	Server       mx.ServerName `json:"server_name"`
	UserName     string        `json:"user_name,omitempty"` // absent where the person chooses
	Display      string        `json:"display_name,omitempty"`
	Admin        bool          `json:"admin"`
	Expires      int64         `json:"expires"`
	MinPassword  int           `json:"min_password_length"`
}

// invitation tells who holds its token what it is good for: POST /_matrix/client/v3/register with the stage m.login.registration_token.
func (h *Handlers) invitation(r *door.Request) (any, error) {
	inv, err := h.Enrol.Open(r.Context(), r.Path("token"))
	if err != nil {
		return nil, err
	}
	return invitationAnswer{h.Organisation.Name(), h.Accounts.Server, inv.UserName, inv.Display, inv.Admin, inv.Expires, h.MinPassword}, nil
}

// firstAdmin is the user name of the first administrator, unless another one is chosen.
const firstAdmin = "admin"

type welcomeAnswer struct {
	Organisation string        `json:"organisation"`
	Server       mx.ServerName `json:"server_name"`
	UserName     string        `json:"user_name"`
	MinPassword  int           `json:"min_password_length"`
}

// welcome tells who holds the link that the server printed what to choose.
func (h *Handlers) welcome(r *door.Request) (any, error) {
	if err := h.Enrol.CheckWelcome(r.Context(), r.Path("token")); err != nil {
		return nil, err
	}
	return welcomeAnswer{h.Organisation.Name(), h.Accounts.Server, firstAdmin, h.MinPassword}, nil
}

type beginBody struct {
	UserName     string      `json:"user_name"`
	Display      string      `json:"display_name"`
	Password     string      `json:"password"`
	Organisation string      `json:"organisation"`
	Device       mx.DeviceID `json:"device_id"`
	DeviceName   string      `json:"initial_device_display_name"`
	Refresh      bool        `json:"refresh_token"`
}

type beginAnswer struct {
	User      mx.UserID   `json:"user_id"`
	Access    string      `json:"access_token"`
	Device    mx.DeviceID `json:"device_id"`
	Refresh   string      `json:"refresh_token,omitempty"`
	ExpiresIn int64       `json:"expires_in_ms,omitzero"`
}

// begin makes the first administrator's account and signs it in.
func (h *Handlers) begin(r *door.Request) (any, error) {
	var b beginBody
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	if b.Password == "" {
		return nil, fault.MissingParam("password is missing")
	}
	if b.UserName == "" {
		b.UserName = firstAdmin
	}
	g, err := h.Enrol.Begin(r.Context(), r.Path("token"), ident.NewAccount{
		Name: b.UserName, Display: b.Display, Password: b.Password,
		Client: ident.Client{Device: b.Device, Name: b.DeviceName, Refresh: b.Refresh, Addr: r.Addr, Agent: r.UserAgent()},
	}, b.Organisation)
	if err != nil {
		return nil, err
	}
	return beginAnswer{g.User, g.Access, g.Device, g.Refresh, g.ExpiresIn}, nil
}
