package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
)

// contactRoutes answer for e-mail addresses and phone numbers, which accounts here do not have, and for identity servers, which
// this server does not talk to.
func (h *Handlers) contactRoutes() []door.Route {
	const base = "/_matrix/client/v3/account/3pid"
	post := func(path string, access gate.Access, handle door.Handler) door.Route {
		return door.Route{Method: "POST", Path: path, Access: access, MaxBody: smallBody, Handle: handle}
	}
	return []door.Route{
		// Spec: cs#get_matrixclientv3account3pid
		{Method: "GET", Path: base, Access: gate.User, Handle: h.contacts},
		// Spec: cs#post_matrixclientv3account3pid
		post(base, gate.User, h.noContacts),
		// Spec: cs#post_matrixclientv3account3pidadd
		post(base+"/add", gate.User, h.noContacts),
		// Spec: cs#post_matrixclientv3account3pidbind
		post(base+"/bind", gate.User, h.noContacts),
		// Spec: cs#post_matrixclientv3account3piddelete
		post(base+"/delete", gate.User, h.deleteContact),
		// Spec: cs#post_matrixclientv3account3pidunbind
		post(base+"/unbind", gate.User, h.deleteContact),
		// Spec: cs#post_matrixclientv3account3pidemailrequesttoken
		post(base+"/email/requestToken", gate.Open, h.noContacts),
		// Spec: cs#post_matrixclientv3account3pidmsisdnrequesttoken
		post(base+"/msisdn/requestToken", gate.Open, h.noContacts),
		// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
		post("/_matrix/client/v3/account/password/email/requestToken", gate.Open, h.noContacts),
		// Spec: cs#post_matrixclientv3accountpasswordmsisdnrequesttoken
		post("/_matrix/client/v3/account/password/msisdn/requestToken", gate.Open, h.noContacts),
		// Spec: cs#post_matrixclientv3registeremailrequesttoken
		post(registerBase+"/email/requestToken", gate.Open, h.noContacts),
		// Spec: cs#post_matrixclientv3registermsisdnrequesttoken
		post(registerBase+"/msisdn/requestToken", gate.Open, h.noContacts),
	}
}

func (h *Handlers) contacts(*door.Request) (any, error) {
	return map[string][]jsontext.Value{"threepids": {}}, nil
}

// noContacts refuses what would need a message to an address, or an identity server.
func (h *Handlers) noContacts(r *door.Request) (any, error) {
	if err := r.Decode(&map[string]jsontext.Value{}); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Forbidden, "M_THREEPID_DENIED", "Accounts here have no e-mail addresses or phone numbers")
}

// deleteContact is done: nothing is bound.
func (h *Handlers) deleteContact(r *door.Request) (any, error) {
	var b struct {
		Medium  string `json:"medium"`
		Address string `json:"address"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	if b.Medium == "" || b.Address == "" {
		return nil, fault.MissingParam("medium and address are needed")
	}
	return map[string]string{"id_server_unbind_result": "no-support"}, nil
}
