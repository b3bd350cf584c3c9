package ident

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// The stages of user-interactive authentication that this server knows.
//
// Spec: cs#authentication-types
const (
	StagePassword     = "m.login.password"
	StageDummy        = "m.login.dummy"
	StageRegistration = "m.login.registration_token"
	StageEmail        = "m.login.email.identity"
)

// uiaLife is how long an authentication may take.
const uiaLife = 15 * time.Minute

// Actions that have no user yet, or do not know the user yet.
const (
	ActionRegister      = "register"       // make an account; clients change its parameters on the way
	ActionResetPassword = "reset password" // set a forgotten password
)

// Challenge is a request that needs the user's confirmation.
type Challenge struct {
	User   mx.UserID // who must confirm; empty when registering
	Action string    // what is to be confirmed: a confirmation is good for nothing else
	Body   []byte    // the whole request
}

// authData is the auth member of such a request.
type authData struct {
	Type       string `json:"type"`
	Session    string `json:"session"`
	Identifier struct {
		Type string `json:"type"`
		User string `json:"user"`
	} `json:"identifier"`
	User     string `json:"user"`
	Password string `json:"password"`
	Token    string `json:"token"`
	Proof    Proof  `json:"threepid_creds"`
	OldProof Proof  `json:"threepidCreds"` // as older clients spell it
}

// Confirmation is what a completed authentication proved.
type Confirmation struct {
	Invitation []byte    // hash of the registration token shown, if any
	User       mx.UserID // whose password may be set, when resetting
	Address    string    // that of the new account, if it was proven
}

// flows lists the ways to authenticate an action. All stages of one must be completed, in order.
func (s *Service) flows(action string) [][]string {
	switch {
	case action == ActionResetPassword:
		return [][]string{{StageEmail}}
	case action != ActionRegister:
		return [][]string{{StagePassword}}
	case s.Mode() != "open":
		return [][]string{{StageRegistration}}
	}
	ways := [][]string{{StageDummy}}
	if s.HasMail() {
		ways = append(ways, []string{StageEmail})
	}
	if invited, err := account.AnyPersonal(context.Background(), s.DB, s.now()); err == nil && invited {
		ways = append(ways, []string{StageRegistration})
	}
	return ways
}

// isNext reports whether a stage may follow those that are done.
func (s *Service) isNext(action, stage string, done []string) bool {
	return slices.ContainsFunc(s.flows(action), func(flow []string) bool {
		return len(flow) > len(done) && slices.Equal(flow[:len(done)], done) && flow[len(done)] == stage
	})
}

// isComplete reports whether the stages that are done are a whole flow.
func (s *Service) isComplete(action string, done []string) bool {
	return slices.ContainsFunc(s.flows(action), func(flow []string) bool { return slices.Equal(flow, done) })
}

// Confirm lets a request pass if its auth member completes the authentication that its action needs. Otherwise the error is the
// challenge to answer with.
//
// Spec: cs#user-interactive-authentication-api
func (s *Service) Confirm(ctx context.Context, c Challenge) (*Confirmation, error) {
	auth, bound, err := splitAuth(c.Body)
	if err != nil {
		return nil, err
	}
	if c.Action == ActionRegister {
		bound = []byte{}
	}
	u := &account.UIA{User: c.User, Action: c.Action, Body: bound}
	if auth == nil {
		return nil, s.challenge(u, "", nil)
	}
	if auth.Session != "" {
		if u, err = s.resume(ctx, auth.Session, u); err != nil {
			return nil, err
		}
	}
	done := strings.Fields(u.Done)
	if auth.Type != "" && !slices.Contains(done, auth.Type) {
		if !s.isNext(c.Action, auth.Type, done) {
			return nil, s.challenge(u, auth.Session, fault.New(fault.Unauthorized, "M_UNRECOGNIZED", "This stage is not the next one"))
		}
		if err := s.stage(ctx, u, auth); err != nil {
			if f := fault.Of(err); f != nil && f.Kind == fault.Unauthorized {
				return nil, s.challenge(u, auth.Session, f)
			}
			return nil, err
		}
		done = append(done, auth.Type)
		u.Done = strings.Join(done, " ")
	}
	if !s.isComplete(c.Action, done) {
		return nil, s.challenge(u, auth.Session, nil)
	}
	if auth.Session != "" {
		if err := s.consume(u); err != nil {
			return nil, err
		}
	}
	return &Confirmation{Invitation: u.Invitation, User: u.User, Address: u.Address}, nil
}

// consume ends an authentication, so that it serves one request only.
func (s *Service) consume(u *account.UIA) error {
	return s.DB.Write(func(tx *store.Tx) error {
		ok, err := account.DeleteUIA(tx, u.Token)
		if err == nil && !ok {
			err = fault.Denied("This authentication was used before")
		}
		return err
	})
}

// resume finds the authentication that a session id names. An unknown one starts again; one of another request is refused.
func (s *Service) resume(ctx context.Context, session string, want *account.UIA) (*account.UIA, error) {
	u, err := account.FindUIA(ctx, s.DB, credential.Hash(session), s.now())
	switch {
	case err != nil:
		return nil, err
	case u == nil:
		return nil, s.challenge(want, "", fault.New(fault.Unauthorized, "M_UNKNOWN", "The authentication session is not known or has expired"))
	case u.User != want.User || u.Action != want.Action || !slices.Equal(u.Body, want.Body):
		return nil, fault.Denied("The request changed while it was being authenticated")
	}
	return u, nil
}

// stage checks one stage. An Unauthorized fault lets the user try again.
func (s *Service) stage(ctx context.Context, u *account.UIA, auth *authData) error {
	switch auth.Type {
	case StagePassword:
		return s.passwordStage(ctx, u.User, auth)
	case StageRegistration:
		inv, err := account.FindInvitation(ctx, s.DB, credential.Hash(auth.Token))
		if err != nil {
			return err
		}
		if !s.Opens(inv) {
			return fault.New(fault.Unauthorized, "M_FORBIDDEN", "The registration token is not valid")
		}
		u.Invitation = inv.Token
	case StageEmail:
		return s.emailStage(ctx, u, auth)
	}
	return nil
}

// emailStage takes the proof that somebody reads an address: that of an account whose password is to be set, or that of nobody yet.
//
// Spec: cs#email-based-identity--homeserver
func (s *Service) emailStage(ctx context.Context, u *account.UIA, auth *authData) error {
	proof, purpose := auth.Proof, ForPassword
	if proof.SID == "" {
		proof = auth.OldProof
	}
	if u.Action == ActionRegister {
		purpose = ForRegistration
	}
	return s.DB.Write(func(tx *store.Tx) error {
		v, err := s.proven(ctx, tx, purpose, proof)
		if err != nil {
			return err
		}
		if v == nil {
			return fault.New(fault.Unauthorized, "M_THREEPID_AUTH_FAILED", "The address has not been confirmed: follow the link in the message")
		}
		c, err := account.FindContact(ctx, tx, v.Address)
		switch {
		case err != nil:
			return err
		case (c == nil) != (purpose == ForRegistration):
			return fault.New(fault.Unauthorized, "M_THREEPID_AUTH_FAILED", "This cannot be done with this address")
		case c != nil && s.Protected(c.User):
			return errNotByMail
		case c != nil:
			u.User = c.User
		}
		u.Address = v.Address
		_, err = account.DeleteValidation(tx, v.SID)
		return err
	})
}

// errNotByMail: who looks after mail must not get at what only those with the compliance role may.
var errNotByMail = fault.New(fault.Unauthorized, "M_THREEPID_AUTH_FAILED", "The password of this account is not set by e-mail: ask an administrator with the compliance role")

// passwordStage checks the password of the user who must confirm.
//
// Spec: cs#password-based
func (s *Service) passwordStage(ctx context.Context, user mx.UserID, auth *authData) error {
	name := auth.Identifier.User
	if auth.Identifier.Type == "" {
		name = auth.User
	} else if auth.Identifier.Type != "m.id.user" {
		return fault.New(fault.Unauthorized, "M_FORBIDDEN", "This type of user identifier is not known here")
	}
	if name != "" && s.UserID(name) != user {
		return fault.Denied("Only the user whose request it is can confirm it")
	}
	if auth.Password == "" {
		return fault.MissingParam("The password is missing")
	}
	if err := s.Attempt(string(user)); err != nil {
		return err
	}
	a, err := s.verify(ctx, user, auth.Password)
	if err != nil {
		return err
	}
	if a == nil {
		return fault.New(fault.Unauthorized, "M_FORBIDDEN", "Wrong user name or password")
	}
	return nil
}

// StageAnswer is what somebody typed into the page for a stage.
type StageAnswer struct {
	Stage    string
	Password string
	Token    string
}

// StageDone reports whether a stage of an authentication is completed, of those that a page can complete.
//
// Spec: cs#fallback
func (s *Service) StageDone(ctx context.Context, session, stage string) (bool, error) {
	u, err := s.stageOf(ctx, session, stage)
	if err != nil {
		return false, err
	}
	return slices.Contains(strings.Fields(u.Done), stage), nil
}

// CompleteStage completes a stage outside of the request that it belongs to. An Unauthorized fault lets the user try again.
func (s *Service) CompleteStage(ctx context.Context, session string, a StageAnswer) error {
	u, err := s.stageOf(ctx, session, a.Stage)
	if err != nil || slices.Contains(strings.Fields(u.Done), a.Stage) {
		return err
	}
	if err := s.stage(ctx, u, &authData{Type: a.Stage, Password: a.Password, Token: a.Token}); err != nil {
		return err
	}
	u.Done = strings.TrimSpace(u.Done + " " + a.Stage)
	return s.DB.Write(func(tx *store.Tx) error { return account.PutUIA(tx, *u) })
}

// stageOf finds an authentication whose next stage, or a completed one, is the given.
func (s *Service) stageOf(ctx context.Context, session, stage string) (*account.UIA, error) {
	u, err := account.FindUIA(ctx, s.DB, credential.Hash(session), s.now())
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, fault.Missing("This authentication is not known or has expired")
	}
	done := strings.Fields(u.Done)
	if !slices.Contains(done, stage) && !s.isNext(u.Action, stage, done) {
		return nil, fault.Missing("This authentication has no such stage now")
	}
	return u, nil
}

// challenge stores the authentication as far as it has come and makes the error that asks for more.
func (s *Service) challenge(u *account.UIA, session string, because *fault.Error) error {
	if session == "" {
		session = credential.Text(24)
		u.Token = credential.Hash(session)
		u.Expires = s.now() + uiaLife.Milliseconds()
	}
	if u.Invitation == nil {
		u.Invitation = []byte{}
	}
	if err := s.DB.Write(func(tx *store.Tx) error { return account.PutUIA(tx, *u) }); err != nil {
		return err
	}
	f := because
	if f == nil {
		f = fault.New(fault.Unauthorized, "", "")
	}
	var flows []map[string][]string
	for _, stages := range s.flows(u.Action) {
		flows = append(flows, map[string][]string{"stages": stages})
	}
	f = f.With("session", session).With("params", map[string]any{}).With("flows", flows)
	if done := strings.Fields(u.Done); len(done) > 0 {
		f = f.With("completed", done)
	}
	return f
}

// splitAuth takes the auth member out of a request and hashes the rest, in canonical form.
func splitAuth(body []byte) (*authData, []byte, error) {
	members := map[string]jsontext.Value{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &members); err != nil {
			return nil, nil, fault.BadJSON("The body must be a JSON object").Because(err)
		}
	}
	raw := members["auth"]
	delete(members, "auth")
	rest, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, nil, err
	}
	canonical := jsontext.Value(rest)
	if err := canonical.Canonicalize(); err != nil {
		return nil, nil, fault.BadJSON("The body cannot be read").Because(err)
	}
	sum := sha256.Sum256(canonical)
	if raw == nil || raw.Kind() == 'n' {
		return nil, sum[:], nil
	}
	var auth authData
	if err := json.Unmarshal(raw, &auth); err != nil {
		return nil, nil, fault.BadJSON("The auth member has the wrong shape").Because(err)
	}
	return &auth, sum[:], nil
}
