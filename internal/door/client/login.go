package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
)

func (h *Handlers) loginRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	return []door.Route{
		// Spec: cs#get_matrixclientv3login
		{Method: "GET", Path: base + "login", Access: gate.Open, Handle: h.loginFlows},
		// Spec: cs#post_matrixclientv3login
		{Method: "POST", Path: base + "login", Access: gate.Open, Limit: gate.Login, MaxBody: smallBody, Handle: h.login},
		// Spec: cs#post_matrixclientv3refresh
		{Method: "POST", Path: base + "refresh", Access: gate.Open, Limit: gate.Login, MaxBody: smallBody, Handle: h.refresh},
		// Spec: cs#post_matrixclientv3logout
		{Method: "POST", Path: base + "logout", Access: gate.Leaving, Handle: h.logout},
		// Spec: cs#post_matrixclientv3logoutall
		{Method: "POST", Path: base + "logout/all", Access: gate.Leaving, Handle: h.logoutAll},
		// Spec: cs#get_matrixclientv3accountwhoami
		{Method: "GET", Path: base + "account/whoami", Access: gate.User, Handle: h.whoami},
	}
}

// smallBody is the size limit where nothing long is to be said.
const smallBody = 64 << 10

// Types of log-in.
const (
	loginPassword   = "m.login.password"
	loginToken      = "m.login.token" //nolint:gosec // a type of log-in
	loginAppservice = "m.login.application_service"
)

func (h *Handlers) loginFlows(*door.Request) (any, error) {
	type flow struct {
		Type     string `json:"type"`
		GetToken bool   `json:"get_login_token,omitzero"`
	}
	return map[string][]flow{"flows": {{Type: loginPassword}, {Type: loginToken, GetToken: true}}}, nil
}

// identifier names a user.
//
// Spec: cs#identifier-types
type identifier struct {
	Type    string `json:"type"`
	User    string `json:"user"`
	Medium  string `json:"medium"`
	Address string `json:"address"`
}

// clientBody is what log-in and registration ask of the client alike.
type clientBody struct {
	Device  mx.DeviceID `json:"device_id"`
	Name    string      `json:"initial_device_display_name"`
	Refresh bool        `json:"refresh_token"`
}

func (c clientBody) client(r *door.Request) ident.Client {
	return ident.Client{Device: c.Device, Name: c.Name, Refresh: c.Refresh, Addr: r.Addr, Agent: r.UserAgent()}
}

type loginBody struct {
	clientBody
	Type       string      `json:"type"`
	Identifier *identifier `json:"identifier"`
	User       string      `json:"user"`
	Medium     string      `json:"medium"`
	Address    string      `json:"address"`
	Password   *string     `json:"password"`
	Token      *string     `json:"token"`
}

// who is the user of a log-in, from the identifier or where older clients put it.
func (b *loginBody) who() identifier {
	switch {
	case b.Identifier != nil:
		return *b.Identifier
	case b.User == "" && b.Medium != "":
		return identifier{Type: "m.id.thirdparty", Medium: b.Medium, Address: b.Address}
	}
	return identifier{Type: "m.id.user", User: b.User}
}

// grantAnswer is the answer to log-in, registration and refresh.
type grantAnswer struct {
	User      mx.UserID     `json:"user_id,omitempty"`
	Access    string        `json:"access_token,omitempty"`
	Refresh   string        `json:"refresh_token,omitempty"`
	ExpiresIn int64         `json:"expires_in_ms,omitzero"`
	Device    mx.DeviceID   `json:"device_id,omitempty"`
	Server    mx.ServerName `json:"home_server,omitempty"`
	WellKnown *wellKnown    `json:"well_known,omitempty"`
}

func (h *Handlers) grantAnswer(g *ident.Grant) grantAnswer {
	a := grantAnswer{
		User: g.User, Access: g.Access, Refresh: g.Refresh, ExpiresIn: g.ExpiresIn, Device: g.Device, Server: h.Server,
	}
	if h.Discovery.PublicURL != "" {
		a.WellKnown = &wellKnown{homeserver{h.Discovery.PublicURL}, h.rtcTransports()}
	}
	return a
}

func (h *Handlers) login(r *door.Request) (any, error) {
	var b loginBody
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	g, err := h.loginBy(r, &b)
	if err != nil {
		return nil, err
	}
	return h.grantAnswer(g), nil
}

func (h *Handlers) loginBy(r *door.Request, b *loginBody) (*ident.Grant, error) {
	switch b.Type {
	case loginPassword:
		return h.loginByPassword(r, b)
	case loginToken:
		if b.Token == nil {
			return nil, fault.MissingParam("token is missing")
		}
		return h.Accounts.LoginByToken(r.Context(), *b.Token, b.client(r))
	case loginAppservice:
		return nil, errAppservice
	case "":
		return nil, fault.MissingParam("type is missing")
	}
	return nil, fault.New(fault.BadRequest, "M_UNKNOWN", "This server does not know this type of log-in")
}

func (h *Handlers) loginByPassword(r *door.Request, b *loginBody) (*ident.Grant, error) {
	id := b.who()
	switch {
	case id.Type == "m.id.user" && id.User == "":
		return nil, fault.MissingParam("The user name is missing")
	case b.Password == nil:
		return nil, fault.MissingParam("password is missing")
	case id.Type == "m.id.user":
		return h.Accounts.Login(r.Context(), id.User, *b.Password, b.client(r))
	case id.Type == "m.id.thirdparty" && id.Medium == mediumEmail:
		return h.Accounts.LoginByAddress(r.Context(), id.Address, *b.Password, b.client(r))
	}
	return nil, fault.Denied("Nobody here is known by this")
}

var errAppservice = fault.New(fault.BadRequest, "M_APPSERVICE_LOGIN_UNSUPPORTED", "Application services cannot log in here")

func (h *Handlers) refresh(r *door.Request) (any, error) {
	var b struct {
		Token *string `json:"refresh_token"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	if b.Token == nil {
		return nil, fault.MissingParam("refresh_token is missing")
	}
	g, err := h.Accounts.Refresh(r.Context(), *b.Token)
	if err != nil {
		return nil, err
	}
	return grantAnswer{Access: g.Access, Refresh: g.Refresh, ExpiresIn: g.ExpiresIn}, nil
}

func (h *Handlers) logout(r *door.Request) (any, error) {
	return nil, h.Accounts.Logout(r.Context(), r.Caller.User, r.Caller.Device)
}

func (h *Handlers) logoutAll(r *door.Request) (any, error) {
	return nil, h.Accounts.LogoutAll(r.Context(), r.Caller.User)
}

func (h *Handlers) whoami(r *door.Request) (any, error) {
	return struct {
		User   mx.UserID   `json:"user_id"`
		Device mx.DeviceID `json:"device_id"`
		Guest  bool        `json:"is_guest"`
	}{r.Caller.User, r.Caller.Device, false}, nil
}
