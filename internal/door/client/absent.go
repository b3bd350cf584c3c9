package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
)

// absentRoutes are the endpoints that this server does not have on purpose; docs/spec/index.txt says why. They are routed, so that each
// gives the answer that the specification has for that.
func (h *Handlers) absentRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	unrecognized := h.refuse(fault.Unrecognized("This server does not have this"))
	missing := h.refuse(fault.Missing("There are no bridges to other networks"))
	noService := h.refuse(fault.Denied("There are no application services here"))
	return []door.Route{
		// Spec: cs#get_matrixclientv1auth_metadata
		{
			Method: "GET", Path: "/_matrix/client/v1/auth_metadata", Access: gate.Open, Handle: unrecognized,
			Also: []string{"/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", "/_matrix/client/unstable/org.matrix.msc2965/auth_issuer"},
		},
		// Spec: cs#get_matrixclientv3loginssoredirect
		{Method: "GET", Path: base + "login/sso/redirect", Access: gate.Open, Handle: unrecognized},
		// Spec: cs#get_matrixclientv3loginssoredirectidpid
		{Method: "GET", Path: base + "login/sso/redirect/{idpId}", Access: gate.Open, Handle: h.refuse(fault.Missing("There is no such identity provider"))},
		// Spec: cs#get_matrixclientv3thirdpartyprotocols
		{Method: "GET", Path: base + "thirdparty/protocols", Access: gate.User, Handle: func(*door.Request) (any, error) { return nil, nil }},
		// Spec: cs#get_matrixclientv3thirdpartyprotocolprotocol
		{Method: "GET", Path: base + "thirdparty/protocol/{protocol}", Access: gate.User, Handle: missing},
		// Spec: cs#get_matrixclientv3thirdpartylocationprotocol
		{Method: "GET", Path: base + "thirdparty/location/{protocol}", Access: gate.User, Handle: missing},
		// Spec: cs#get_matrixclientv3thirdpartyuserprotocol
		{Method: "GET", Path: base + "thirdparty/user/{protocol}", Access: gate.User, Handle: missing},
		// Spec: cs#get_matrixclientv3thirdpartylocation
		{Method: "GET", Path: base + "thirdparty/location", Access: gate.User, Handle: missing},
		// Spec: cs#get_matrixclientv3thirdpartyuser
		{Method: "GET", Path: base + "thirdparty/user", Access: gate.User, Handle: missing},
		// Spec: cs#post_matrixclientv1appserviceappserviceidping
		{Method: "POST", Path: "/_matrix/client/v1/appservice/{appserviceId}/ping", Access: gate.User, Handle: noService},
		// Spec: cs#put_matrixclientv3directorylistappservicenetworkidroomid
		{Method: "PUT", Path: base + "directory/list/appservice/{networkId}/{roomId}", Access: gate.User, Handle: noService},
	}
}

// refuse is a handler that always gives the same refusal.
func (h *Handlers) refuse(err *fault.Error) door.Handler {
	return func(*door.Request) (any, error) { return nil, err }
}
