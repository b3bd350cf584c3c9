package client

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // TURN's shared-secret credentials are defined with HMAC-SHA1
	"encoding/base64"
	"strconv"
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

// Discovery is what clients learn of the server before and beside the API.
type Discovery struct {
	PublicURL   string
	RoomVersion string      // of new rooms; empty for the specification's recommendation
	Encrypted   func() bool // whether every new room is; nil is no
	WebPushKey  string      // what browsers subscribe to push with; empty where that is not to be had
	TURN        TURN
	Calls       Calls
	Support     Support
}

// TURN says which relays one-to-one calls use.
type TURN struct {
	URIs         []string      `yaml:"uris" doc:"TURN servers for calls, e.g. turns:turn.example.org:443?transport=tcp. Empty: none."`
	SharedSecret string        `yaml:"shared_secret" secret:"yes" doc:"Secret shared with the TURN servers: each user gets credentials that expire."`
	Username     string        `yaml:"username" doc:"User name for all, where there is no shared secret."`
	Password     string        `yaml:"password" secret:"yes" doc:"Password for all, where there is no shared secret."`
	Lifetime     time.Duration `yaml:"lifetime" doc:"Life of the credentials."`
}

// Calls says where group calls meet.
type Calls struct {
	LiveKitURL string `yaml:"livekit_url" doc:"Address of the service that gives clients access to LiveKit for group calls (Element Call's lk-jwt-service). Empty: no group calls."`
}

// Support says whom users may ask.
type Support struct {
	Page     string    `yaml:"page" doc:"Page with help for users."`
	Contacts []Contact `yaml:"contacts" doc:"Whom users may ask: a list of mappings with role (m.role.admin or m.role.security), email_address and matrix_id."`
}

// Contact is somebody whom users may ask.
type Contact struct {
	Role  string `yaml:"role" json:"role"`
	Email string `yaml:"email_address" json:"email_address,omitempty"`
	User  string `yaml:"matrix_id" json:"matrix_id,omitempty"`
}

// DefaultTURN has no relays.
func DefaultTURN() TURN { return TURN{Lifetime: 24 * time.Hour} }

func (h *Handlers) discoveryRoutes() []door.Route {
	const transports = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
	return []door.Route{
		// Spec: cs#get_matrixclientversions
		{Method: "GET", Path: "/_matrix/client/versions", Access: gate.Open, Handle: h.versions},
		// Spec: cs#getwell-knownmatrixclient
		{Method: "GET", Path: "/.well-known/matrix/client", Access: gate.Open, Handle: h.wellKnown},
		// Spec: cs#getwell-knownmatrixsupport
		{Method: "GET", Path: "/.well-known/matrix/support", Access: gate.Open, Handle: h.support},
		// Spec: cs#getwell-knownmatrixpolicy_server
		{Method: "GET", Path: "/.well-known/matrix/policy_server", Access: gate.Open, Handle: h.noPolicyServer},
		// Spec: cs#get_matrixclientv3capabilities
		{Method: "GET", Path: "/_matrix/client/v3/capabilities", Access: gate.User, Handle: h.capabilities},
		// Spec: cs#get_matrixclientv3voipturnserver
		{Method: "GET", Path: "/_matrix/client/v3/voip/turnServer", Access: gate.User, Handle: h.turnServer},
		// Spec: MSC4143
		{Method: "GET", Path: transports, Access: gate.User, Handle: h.transports},
	}
}

type versionsAnswer struct {
	Versions []string        `json:"versions"`
	Unstable map[string]bool `json:"unstable_features"`
}

// versions names every version by itself: clients look for theirs.
func (h *Handlers) versions(*door.Request) (any, error) {
	return versionsAnswer{specVersions(), unstableFeatures(h.Discovery.Encrypted != nil && h.Discovery.Encrypted())}, nil
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

// transport is a way for group calls to meet.
type transport struct {
	Type string `json:"type"`
	URL  string `json:"livekit_service_url"`
}

type wellKnown struct {
	Homeserver homeserver  `json:"m.homeserver"`
	Transports []transport `json:"org.matrix.msc4143.rtc_foci,omitempty"`
}

func (h *Handlers) wellKnown(*door.Request) (any, error) {
	return wellKnown{homeserver{h.Discovery.PublicURL}, h.rtcTransports()}, nil
}

func (h *Handlers) rtcTransports() []transport {
	if h.Discovery.Calls.LiveKitURL == "" {
		return []transport{}
	}
	return []transport{{"livekit", h.Discovery.Calls.LiveKitURL}}
}

func (h *Handlers) transports(*door.Request) (any, error) {
	return map[string][]transport{"rtc_transports": h.rtcTransports()}, nil
}

func (h *Handlers) support(*door.Request) (any, error) {
	s := h.Discovery.Support
	if s.Page == "" && len(s.Contacts) == 0 {
		return nil, fault.Missing("There is no support information")
	}
	return struct {
		Contacts []Contact `json:"contacts,omitempty"`
		Page     string    `json:"support_page,omitempty"`
	}{s.Contacts, s.Page}, nil
}

func (h *Handlers) noPolicyServer(*door.Request) (any, error) {
	return nil, fault.Missing("There is no policy server")
}

// turnServer gives credentials for the relays: the user name says when they expire, the password proves that we said so.
func (h *Handlers) turnServer(r *door.Request) (any, error) {
	t := h.Discovery.TURN
	if len(t.URIs) == 0 {
		return nil, nil
	}
	user, password := t.Username, t.Password
	if t.SharedSecret != "" {
		user = strconv.FormatInt(time.Now().Add(t.Lifetime).Unix(), 10) + ":" + string(r.Caller.User)
		m := hmac.New(sha1.New, []byte(t.SharedSecret))
		m.Write([]byte(user))
		password = base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	return struct {
		Username string   `json:"username"`
		Password string   `json:"password"`
		URIs     []string `json:"uris"`
		TTL      int64    `json:"ttl"`
	}{user, password, t.URIs, int64(t.Lifetime.Seconds())}, nil
}

// capabilities says what this user may do here.
func (h *Handlers) capabilities(r *door.Request) (any, error) {
	enabled := func(on bool) map[string]bool { return map[string]bool{"enabled": on} }
	available := map[string]string{}
	for _, v := range mx.Versions() {
		available[v] = "stable"
	}
	version := h.Discovery.RoomVersion
	if version == "" {
		version = mx.DefaultVersion
	}
	edits := enabled(h.Accounts.Config.ProfileEdits)
	c := map[string]any{
		"m.change_password":          enabled(true),
		"m.room_versions":            map[string]any{"default": version, "available": available},
		"m.profile_fields":           edits,
		"m.set_displayname":          edits,
		"m.set_avatar_url":           edits,
		"m.3pid_changes":             enabled(h.Accounts.HasMail()),
		"m.get_login_token":          enabled(true),
		"m.forget_forced_upon_leave": enabled(false),
	}
	if key := h.Discovery.WebPushKey; key != "" { // Spec: MSC4174
		c["m.webpush"] = map[string]any{"enabled": true, "vapid": key}
	}
	if r.Caller.Admin {
		c["m.account_moderation"] = map[string]bool{"suspend": true, "lock": true}
	}
	return map[string]any{"capabilities": c}, nil
}
