package client

import (
	"bytes"

	"conclave.chat/internal/door"
	"conclave.chat/internal/ident"
)

// confirmable reads a request that needs confirmation: into v, and whole for confirm. An empty body is an empty object, as clients
// send it for the first question.
func (h *Handlers) confirmable(r *door.Request, v any) ([]byte, error) {
	raw, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	return raw, door.Decode(raw, v)
}

// confirm lets the request pass if its auth member confirms the action by the caller's password; otherwise the error is the
// challenge to answer with. raw is the whole body: a confirmation is good for that request only.
//
// Spec: cs#user-interactive-authentication-api
func (h *Handlers) confirm(r *door.Request, raw []byte, action string) error {
	_, err := h.Accounts.Confirm(r.Context(), ident.Challenge{User: r.Caller.User, Action: action, Body: raw})
	return err
}
