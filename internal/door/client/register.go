package client

import (
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
)

const registerBase = "/_matrix/client/v3/register"

func (h *Handlers) registerRoutes() []door.Route {
	return []door.Route{
		// Spec: cs#post_matrixclientv3register
		{Method: "POST", Path: registerBase, Access: gate.Open, MaxBody: smallBody, Handle: h.register},
		// Spec: cs#get_matrixclientv3registeravailable
		{Method: "GET", Path: registerBase + "/available", Access: gate.Open, Limit: gate.Register, Handle: h.available},
		// Spec: cs#get_matrixclientv1registermloginregistration_tokenvalidity
		{
			Method: "GET", Path: "/_matrix/client/v1/register/m.login.registration_token/validity", Access: gate.Open,
			Limit: gate.Register, Handle: h.tokenValidity,
		},
		{Method: "GET", Path: "/_synapse/admin/v1/register", Access: gate.Open, Limit: gate.Register, Handle: h.nonce},
		{Method: "POST", Path: "/_synapse/admin/v1/register", Access: gate.Open, MaxBody: smallBody, Handle: h.registerBySecret},
	}
}

type registerBody struct {
	clientBody
	Auth     *struct{} `json:"auth"` // only whether it is there; Confirm reads it
	Type     string    `json:"type"`
	Username *string   `json:"username"`
	Password string    `json:"password"`
	NoLogin  bool      `json:"inhibit_login"`
}

// register makes an account. Clients ask without auth first, to learn whether they could: such questions cost little and only
// attempts count against the limit.
func (h *Handlers) register(r *door.Request) (any, error) {
	var b registerBody
	raw, err := h.confirmable(r, &b)
	if err != nil {
		return nil, err
	}
	kind, err := r.Choice("kind", "user", "guest")
	if err != nil {
		return nil, err
	}
	attempt := b.Auth != nil
	switch {
	case b.Type == loginAppservice:
		return nil, errAppservice
	case kind == "guest":
		return nil, fault.Denied("There are no guest accounts here")
	}
	if err := h.Accounts.RegistrationOpen(r.Context()); err != nil {
		return nil, err
	}
	class := gate.Costly
	if attempt {
		class = gate.Register
	}
	if err := h.Limits.Allow(class, gate.Caller{}, r.Addr, time.Now()); err != nil {
		return nil, err
	}
	n := ident.NewAccount{Password: b.Password, NoLogin: b.NoLogin, Client: b.client(r)}
	if b.Username != nil {
		n.Name = *b.Username
		if _, err := h.Accounts.Available(r.Context(), n.Name); err != nil {
			return nil, err
		}
	}
	if attempt {
		if b.Password == "" {
			return nil, fault.MissingParam("password is missing")
		}
		// Before the authentication, which is used up by it: a proven address, for one.
		if err := h.Accounts.CheckNewPassword(b.Password); err != nil {
			return nil, err
		}
	}
	done, err := h.Accounts.Confirm(r.Context(), ident.Challenge{Action: ident.ActionRegister, Body: raw})
	if err != nil {
		return nil, err
	}
	n.Invitation, n.Address = done.Invitation, done.Address
	return h.registered(h.Accounts.Register(r.Context(), n))
}

func (h *Handlers) registered(g *ident.Grant, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	a := h.grantAnswer(g)
	a.WellKnown = nil
	return a, nil
}

func (h *Handlers) available(r *door.Request) (any, error) {
	name := r.Param("username")
	if name == "" {
		return nil, fault.MissingParam("username is missing")
	}
	if _, err := h.Accounts.Available(r.Context(), name); err != nil {
		return nil, err
	}
	return map[string]bool{"available": true}, nil
}

func (h *Handlers) tokenValidity(r *door.Request) (any, error) {
	token := r.Param("token")
	if token == "" {
		return nil, fault.MissingParam("token is missing")
	}
	ok, err := h.Accounts.TokenValid(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return map[string]bool{"valid": ok}, nil
}

func (h *Handlers) nonce(*door.Request) (any, error) {
	nonce, err := h.Accounts.Nonce()
	if err != nil {
		return nil, err
	}
	return map[string]string{"nonce": nonce}, nil
}

func (h *Handlers) registerBySecret(r *door.Request) (any, error) {
	var b struct {
		Nonce    string `json:"nonce"`
		Username string `json:"username"`
		Password string `json:"password"`
		Admin    bool   `json:"admin"`
		MAC      string `json:"mac"`
		NoLogin  bool   `json:"inhibit_login"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	if b.Nonce == "" || b.Username == "" || b.Password == "" || b.MAC == "" {
		return nil, fault.MissingParam("nonce, username, password and mac are needed")
	}
	return h.registered(h.Accounts.RegisterBySecret(r.Context(), b.Nonce, b.MAC, ident.NewAccount{
		Name: b.Username, Password: b.Password, Admin: b.Admin, NoLogin: b.NoLogin, Client: clientBody{}.client(r),
	}))
}
