package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) profileRoutes() []door.Route {
	const one, field = "/_matrix/client/v3/profile/{userId}", "/_matrix/client/v3/profile/{userId}/{keyName}"
	const unstable = "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}"
	return []door.Route{
		// Spec: cs#get_matrixclientv3profileuserid
		{Method: "GET", Path: one, Access: gate.Optional, Handle: h.profile},
		// Spec: cs#get_matrixclientv3profileuseridkeyname
		{Method: "GET", Path: field, Also: []string{unstable}, Access: gate.Optional, Handle: h.profileField},
		// Spec: cs#put_matrixclientv3profileuseridkeyname
		{Method: "PUT", Path: field, Also: []string{unstable}, Access: gate.Active, Limit: gate.Message, MaxBody: 256 << 10, Handle: h.setProfileField},
		// Spec: cs#delete_matrixclientv3profileuseridkeyname
		{Method: "DELETE", Path: field, Also: []string{unstable}, Access: gate.Active, Limit: gate.Message, Handle: h.deleteProfileField},
		// Spec: cs#post_matrixclientv3user_directorysearch
		{Method: "POST", Path: "/_matrix/client/v3/user_directory/search", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.searchUsers},
	}
}

// userOf is the well-formed user id in the path.
func userOf(r *door.Request) (mx.UserID, error) { return mx.ParseUserID(r.Path("userId")) }

func (h *Handlers) profile(r *door.Request) (any, error) {
	user, err := userOf(r)
	if err != nil {
		return nil, err
	}
	raw, err := h.Accounts.Profile(r.Context(), r.Caller.User, user)
	if err != nil {
		return nil, err
	}
	return door.Raw(raw), nil
}

func (h *Handlers) profileField(r *door.Request) (any, error) {
	user, err := userOf(r)
	if err != nil {
		return nil, err
	}
	raw, err := h.Accounts.ProfileField(r.Context(), r.Caller.User, user, r.Path("keyName"))
	if err != nil {
		return nil, err
	}
	return door.Raw(raw), nil
}

// ownProfile checks that the profile in the path is the caller's.
func ownProfile(r *door.Request) error {
	user, err := userOf(r)
	if err == nil && user != r.Caller.User {
		err = fault.Denied("You can change your own profile only")
	}
	return err
}

func (h *Handlers) setProfileField(r *door.Request) (any, error) {
	if err := ownProfile(r); err != nil {
		return nil, err
	}
	var b map[string]jsontext.Value
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	name := r.Path("keyName")
	value, ok := b[name]
	if !ok {
		return nil, fault.MissingParam("The member %.100s is missing", name)
	}
	return nil, h.Accounts.SetProfileField(r.Context(), r.Caller.User, name, value)
}

func (h *Handlers) deleteProfileField(r *door.Request) (any, error) {
	if err := ownProfile(r); err != nil {
		return nil, err
	}
	return nil, h.Accounts.SetProfileField(r.Context(), r.Caller.User, r.Path("keyName"), nil)
}

func (h *Handlers) searchUsers(r *door.Request) (any, error) {
	var b struct {
		Term  *string `json:"search_term"`
		Limit *int64  `json:"limit"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	limit := int64(10)
	switch {
	case b.Term == nil:
		return nil, fault.MissingParam("search_term is missing")
	case b.Limit != nil && *b.Limit < 1:
		return nil, fault.InvalidParam("limit must be at least 1")
	case b.Limit != nil:
		limit = min(*b.Limit, 1000)
	}
	list, limited, err := h.Accounts.Search(r.Context(), r.Caller.User, *b.Term, int(limit))
	if err != nil {
		return nil, err
	}
	type result struct {
		User   mx.UserID `json:"user_id"`
		Name   string    `json:"display_name,omitempty"`
		Avatar string    `json:"avatar_url,omitempty"`
	}
	out := struct {
		Results []result `json:"results"`
		Limited bool     `json:"limited"`
	}{make([]result, len(list)), limited}
	for i, p := range list {
		out.Results[i] = result(p)
	}
	return out, nil
}
