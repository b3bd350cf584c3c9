package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
)

// Discovery is what clients learn of the server before and beside the API.
type Discovery struct {
	PublicURL string
}

func (h *Handlers) discoveryRoutes() []door.Route {
	return []door.Route{
		// Spec: cs#get_matrixclientversions
		{Method: "GET", Path: "/_matrix/client/versions", Access: gate.Open, Handle: h.versions},
		// Spec: cs#getwell-knownmatrixclient
		{Method: "GET", Path: "/.well-known/matrix/client", Access: gate.Open, Handle: h.wellKnown},
	}
}

type versionsAnswer struct {
	Versions []string        `json:"versions"`
	Unstable map[string]bool `json:"unstable_features"`
}

// versions names every version by itself: clients look for theirs.
func (h *Handlers) versions(*door.Request) (any, error) {
	return versionsAnswer{specVersions(), unstableFeatures()}, nil
}

func specVersions() []string {
	return []string{
		"r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1",
		"v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10",
		"v1.11", "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
	}
}

type homeserver struct {
	BaseURL string `json:"base_url"`
}

type wellKnown struct {
	Homeserver homeserver `json:"m.homeserver"`
}

func (h *Handlers) wellKnown(*door.Request) (any, error) {
	return wellKnown{homeserver{h.Discovery.PublicURL}}, nil
}
