package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func (h *Handlers) adminRoutes() []door.Route {
	const notice = "/_synapse/admin/v1/send_server_notice"
	const lock, suspend = "/_matrix/client/v1/admin/lock/{userId}", "/_matrix/client/v1/admin/suspend/{userId}"
	return []door.Route{
		// Spec: cs#get_matrixclientv3adminwhoisuserid
		{Method: "GET", Path: "/_matrix/client/v3/admin/whois/{userId}", Access: gate.User, Handle: h.whois},
		// Spec: cs#get_matrixclientv1adminlockuserid
		{Method: "GET", Path: lock, Access: gate.Admin, Handle: h.marked(markLocked)},
		// Spec: cs#put_matrixclientv1adminlockuserid
		{Method: "PUT", Path: lock, Access: gate.Admin, MaxBody: smallBody, Handle: h.mark(markLocked)},
		// Spec: cs#get_matrixclientv1adminsuspenduserid
		{Method: "GET", Path: suspend, Access: gate.Admin, Handle: h.marked(markSuspended)},
		// Spec: cs#put_matrixclientv1adminsuspenduserid
		{Method: "PUT", Path: suspend, Access: gate.Admin, MaxBody: smallBody, Handle: h.mark(markSuspended)},
		// The specification has the room for notices and no way to send one; this one is known to administrators' tools.
		{Method: "POST", Path: notice, Access: gate.Admin, MaxBody: eventBody, Handle: h.notice},
		{Method: "PUT", Path: notice + "/{txnId}", Access: gate.Admin, MaxBody: eventBody, Handle: h.notice},
	}
}

// by is the caller as the audit log names them.
func by(r *door.Request) ident.By {
	return ident.By{Name: string(r.Caller.User), Device: r.Caller.Device, Addr: r.Addr}
}

func (h *Handlers) whois(r *door.Request) (any, error) {
	user, err := userOf(r)
	if err != nil {
		return nil, err
	}
	if user != r.Caller.User && !r.Caller.Admin {
		return nil, fault.Denied("Only administrators may look at others")
	}
	list, err := h.Accounts.Whois(r.Context(), user)
	if err != nil {
		return nil, err
	}
	type connection struct {
		Addr  string `json:"ip,omitempty"`
		Seen  int64  `json:"last_seen"`
		Agent string `json:"user_agent,omitempty"`
	}
	type session struct {
		Connections []connection `json:"connections"`
	}
	type device struct {
		Sessions []session `json:"sessions"`
	}
	devices := make(map[mx.DeviceID]device, len(list))
	for i := range list {
		d := &list[i]
		devices[d.ID] = device{[]session{{[]connection{{d.Addr, d.Seen, d.Agent}}}}}
	}
	return struct {
		User    mx.UserID              `json:"user_id"`
		Devices map[mx.DeviceID]device `json:"devices"`
	}{user, devices}, nil
}

// notice sends a message of the server to a user.
//
// Spec: cs#server-notices
func (h *Handlers) notice(r *door.Request) (any, error) {
	var body struct {
		User    string         `json:"user_id"`
		Content jsontext.Value `json:"content"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	user, err := mx.ParseUserID(body.User)
	if err != nil {
		return nil, err
	}
	if _, err := h.Accounts.Moderated(r.Context(), user); err != nil { // M_NOT_FOUND for nobody of this server
		return nil, err
	}
	if body.Content.Kind() != '{' {
		return nil, fault.BadJSON("content must be an object")
	}
	request, err := txn(r, "notice/"+string(user))
	if err != nil {
		return nil, err
	}
	if request.ID == "" {
		request = eventlog.Txn{}
	}
	id, err := h.Rooms.Notice(r.Context(), by(r), user, body.Content, request)
	return eventAnswer{id}, err
}

// mark is what administrators set on accounts, by the name that it has in requests and answers.
type mark struct {
	name string
	of   func(*ident.Account) bool
	set  func(on *bool) (lock, suspend *bool)
}

var (
	markLocked = mark{ //nolint:gochecknoglobals // a compiled table
		"locked", func(a *ident.Account) bool { return a.Locked }, func(on *bool) (*bool, *bool) { return on, nil },
	}
	markSuspended = mark{ //nolint:gochecknoglobals // a compiled table
		"suspended", func(a *ident.Account) bool { return a.Suspended }, func(on *bool) (*bool, *bool) { return nil, on },
	}
)

// marked tells whether an account has a mark.
func (h *Handlers) marked(m mark) door.Handler {
	return func(r *door.Request) (any, error) {
		user, err := userOf(r)
		if err != nil {
			return nil, err
		}
		a, err := h.Accounts.Moderated(r.Context(), user)
		if err != nil {
			return nil, err
		}
		return map[string]bool{m.name: m.of(a)}, nil
	}
}

// mark sets a mark on an account, or takes it away. Nobody moderates themselves.
func (h *Handlers) mark(m mark) door.Handler {
	return func(r *door.Request) (any, error) {
		user, err := userOf(r)
		if err != nil {
			return nil, err
		}
		body := map[string]jsontext.Value{}
		if err := r.Decode(&body); err != nil {
			return nil, err
		}
		switch body[m.name].Kind() {
		case 't', 'f':
		case 0, 'n':
			return nil, fault.MissingParam("%s is missing", m.name)
		default:
			return nil, fault.BadJSON("%s must be true or false", m.name)
		}
		on := body[m.name].Kind() == 't'
		lock, suspend := m.set(&on)
		return map[string]bool{m.name: on}, h.Accounts.Moderate(r.Context(), by(r), user, lock, suspend)
	}
}
