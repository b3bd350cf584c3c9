// Package gate decides who may call what: it turns an access token into a Caller, holds the meaning of each access class that
// routes are marked with, and limits how often.
//
// It refuses before a handler sees a byte of the body. It owns no accounts: an Authenticator resolves tokens.
package gate

import (
	"context"
	"net/http"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// Caller is who makes a request.
type Caller struct {
	User      mx.UserID
	Device    mx.DeviceID
	Session   int64 // names the session in the accounts store; transaction ids belong to it
	Admin     bool
	Locked    bool
	Suspended bool
}

// Access is who may call a route.
type Access uint8

// The access classes, from the widest to the narrowest.
const (
	// Open needs no token and looks at none.
	Open Access = iota
	// Optional takes a token if there is one (a bad one is refused) and serves without.
	Optional
	// Leaving needs a token and lets locked accounts in too: they may log out.
	Leaving
	// User needs the token of an account that is not locked. Suspended accounts may read.
	User
	// Active needs the token of an account that is neither locked nor suspended: routes that others see the effect of.
	Active
	// Admin needs the token of an administrator.
	Admin
)

// String names the class as docs and tests do.
func (a Access) String() string {
	return [...]string{"open", "optional", "leaving", "user", "active", "admin"}[a]
}

// Authenticator resolves access tokens.
type Authenticator interface {
	// Authenticate gives the token's owner, or M_UNKNOWN_TOKEN (with soft_logout where it only expired).
	Authenticate(ctx context.Context, token string) (Caller, error)
}

// Errors that Admit gives.
var (
	errNoToken   = fault.New(fault.Unauthorized, "M_MISSING_TOKEN", "This request needs an access token")
	errLocked    = fault.New(fault.Unauthorized, "M_USER_LOCKED", "This account is locked").With("soft_logout", true)
	errSuspended = fault.New(fault.Forbidden, "M_USER_SUSPENDED", "This account is suspended: it may read but not act")
	errNoAdmin   = fault.Denied("This needs an administrator")
)

// Admit lets a request in or says why not.
func Admit(auth Authenticator, r *http.Request, access Access) (Caller, error) {
	if access == Open {
		return Caller{}, nil
	}
	token := Token(r)
	if token == "" {
		if access == Optional {
			return Caller{}, nil
		}
		return Caller{}, errNoToken
	}
	c, err := auth.Authenticate(r.Context(), token)
	if err != nil {
		return Caller{}, err
	}
	switch {
	case c.Locked && access != Leaving:
		return Caller{}, errLocked
	case c.Suspended && access == Active:
		return Caller{}, errSuspended
	case access == Admin && !c.Admin:
		return Caller{}, errNoAdmin
	}
	return c, nil
}

// Token finds the access token of a request: the Authorization header, or the deprecated query parameter of older clients.
//
// Spec: cs#using-access-tokens
func Token(r *http.Request) string {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, ok := strings.Cut(h, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimSpace(token)
	}
	if !strings.Contains(r.URL.RawQuery, "access_token=") {
		return ""
	}
	return r.URL.Query().Get("access_token")
}
