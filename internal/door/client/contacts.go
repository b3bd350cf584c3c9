package client

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
)

// contactRoutes serve e-mail addresses of accounts, where the server can send messages. They refuse phone numbers and whatever
// needs an identity server, as this server talks to none.
func (h *Handlers) contactRoutes() []door.Route {
	const base = "/_matrix/client/v3/account/3pid"
	post := func(path string, handle door.Handler) door.Route {
		return door.Route{Method: "POST", Path: path, Access: gate.User, MaxBody: smallBody, Handle: handle}
	}
	ask := func(path string, handle door.Handler) door.Route {
		return door.Route{Method: "POST", Path: path, Access: gate.Open, Limit: gate.Register, MaxBody: smallBody, Handle: handle}
	}
	return []door.Route{
		// Spec: cs#get_matrixclientv3account3pid
		{Method: "GET", Path: base, Access: gate.User, Handle: h.contacts},
		// Spec: cs#post_matrixclientv3account3pid
		post(base, h.noContacts),
		// Spec: cs#post_matrixclientv3account3pidadd
		post(base+"/add", h.addContact),
		// Spec: cs#post_matrixclientv3account3pidbind
		post(base+"/bind", h.noContacts),
		// Spec: cs#post_matrixclientv3account3piddelete
		post(base+"/delete", h.deleteContact),
		// Spec: cs#post_matrixclientv3account3pidunbind
		post(base+"/unbind", h.unbindContact),
		// Spec: cs#post_matrixclientv3account3pidemailrequesttoken
		ask(base+"/email/requestToken", h.requestToken(ident.ForAccount)),
		// Spec: cs#post_matrixclientv3account3pidmsisdnrequesttoken
		ask(base+"/msisdn/requestToken", h.noContacts),
		// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
		ask("/_matrix/client/v3/account/password/email/requestToken", h.requestToken(ident.ForPassword)),
		// Spec: cs#post_matrixclientv3accountpasswordmsisdnrequesttoken
		ask("/_matrix/client/v3/account/password/msisdn/requestToken", h.noContacts),
		// Spec: cs#post_matrixclientv3registeremailrequesttoken
		ask(registerBase+"/email/requestToken", h.requestToken(ident.ForRegistration)),
		// Spec: cs#post_matrixclientv3registermsisdnrequesttoken
		ask(registerBase+"/msisdn/requestToken", h.noContacts),
		{Method: "GET", Path: ident.ValidatePath, Access: gate.Open, Limit: gate.Login, Handle: h.linkPage},
		{Method: "POST", Path: ident.ValidatePath, Access: gate.Open, Limit: gate.Login, MaxBody: smallBody, Handle: h.followLink},
	}
}

const mediumEmail = "email"

func (h *Handlers) contacts(r *door.Request) (any, error) {
	list, err := h.Accounts.Contacts(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	type contact struct {
		Medium    string `json:"medium"`
		Address   string `json:"address"`
		Validated int64  `json:"validated_at"`
		Added     int64  `json:"added_at"`
	}
	out := make([]contact, len(list))
	for i, c := range list {
		out[i] = contact{mediumEmail, c.Address, c.Validated, c.Added}
	}
	return map[string][]contact{"threepids": out}, nil
}

// noContacts refuses phone numbers and identity servers.
func (h *Handlers) noContacts(r *door.Request) (any, error) {
	if err := r.Decode(&map[string]jsontext.Value{}); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Forbidden, "M_THREEPID_DENIED", "This server does not do this with addresses or phone numbers")
}

// requestToken sends a message to an address.
func (h *Handlers) requestToken(p ident.Purpose) door.Handler {
	return func(r *door.Request) (any, error) {
		var b struct {
			Secret  string `json:"client_secret"`
			Email   string `json:"email"`
			Attempt *int64 `json:"send_attempt"`
		}
		if err := r.Decode(&b); err != nil {
			return nil, err
		}
		if !h.Accounts.HasMail() {
			return nil, ident.ErrNoMail
		}
		if b.Secret == "" || b.Email == "" || b.Attempt == nil {
			return nil, fault.MissingParam("client_secret, email and send_attempt are needed")
		}
		sid, err := h.Accounts.RequestToken(r.Context(), p, b.Email, b.Secret, *b.Attempt)
		if err != nil {
			return nil, err
		}
		return map[string]string{"sid": sid}, nil
	}
}

func (h *Handlers) addContact(r *door.Request) (any, error) {
	var b ident.Proof
	raw, err := h.confirmable(r, &b)
	if err != nil {
		return nil, err
	}
	if !h.Accounts.HasMail() {
		return nil, ident.ErrNoMail
	}
	if b.SID == "" || b.Secret == "" {
		return nil, fault.MissingParam("sid and client_secret are needed")
	}
	if err := h.confirm(r, raw, "add address"); err != nil {
		return nil, err
	}
	return nil, h.Accounts.AddContact(r.Context(), r.Caller.User, b)
}

// address is a request about one address.
type address struct {
	Medium  string `json:"medium"`
	Address string `json:"address"`
}

func (a *address) read(r *door.Request) error {
	if err := r.Decode(a); err != nil {
		return err
	}
	if a.Medium == "" || a.Address == "" {
		return fault.MissingParam("medium and address are needed")
	}
	return nil
}

func (h *Handlers) deleteContact(r *door.Request) (any, error) {
	var a address
	if err := a.read(r); err != nil {
		return nil, err
	}
	if a.Medium == mediumEmail {
		if err := h.Accounts.DeleteContact(r.Context(), ident.By{}, r.Caller.User, a.Address); err != nil {
			return nil, err
		}
	}
	return map[string]string{"id_server_unbind_result": "no-support"}, nil
}

// unbindContact has nothing to do: no identity server knows anybody from here.
func (h *Handlers) unbindContact(r *door.Request) (any, error) {
	var a address
	if err := a.read(r); err != nil {
		return nil, err
	}
	return map[string]string{"id_server_unbind_result": "no-support"}, nil
}

// linkPage is where the link in a message leads. It does nothing by itself: programs that check messages open links too.
func (h *Handlers) linkPage(r *door.Request) (any, error) {
	p := page{Status: http.StatusOK, File: "email.html", Server: string(h.Server), Session: r.Param("sid"), Token: r.Param("token")}
	purpose, err := h.Accounts.LinkPurpose(r.Context(), p.Session, p.Token)
	p.Stage = string(purpose)
	return p.failed(err)
}

func (h *Handlers) followLink(r *door.Request) (any, error) {
	p := page{Status: http.StatusOK, File: "email.html", Done: true}
	err := h.Accounts.Validate(r.Context(), r.HTTP.PostFormValue("sid"), r.HTTP.PostFormValue("token"))
	return p.failed(err)
}

// failed makes the page say so if a link is good for nothing.
func (p page) failed(err error) (any, error) {
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		p.Status, p.Error, p.Done = http.StatusNotFound, f.Msg, false
	} else if err != nil {
		return nil, err
	}
	return p, nil
}
