package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"conclave.chat/internal/config"
	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/keyring"
)

// site is the whole server without a listener.
type site struct {
	*App
	t       *testing.T
	handler http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteWith(t, func(*config.Config) {})
}

// newSiteWith is a site with another configuration.
func newSiteWith(t *testing.T, configure func(*config.Config)) *site {
	t.Helper()
	keys, err := keyring.Open(keyring.Source{Env: "Y29uY2xhdmUgdGVzdHMgb25seTogbm8gc2VjcmV0ISE="})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load("../../test/harness/conformance.yaml", []string{"CONCLAVE_DATA_DIR=" + t.TempDir(), "CONCLAVE_LOG_LEVEL=error"})
	if err != nil {
		t.Fatal(err)
	}
	configure(cfg)
	a, err := Build(context.Background(), cfg, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{a, t, a.Handler()}
}

// reply is an answer in the parts that the tests look at.
type reply struct {
	Status int
	Code   string
	Raw    string
	JSON   map[string]any
}

func (s *site) do(method, path, token string, body []byte) reply {
	s.t.Helper()
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	r := reply{Status: w.Code, Raw: w.Body.String()}
	if json.Unmarshal(w.Body.Bytes(), &r.JSON) == nil {
		r.Code, _ = r.JSON["errcode"].(string)
	}
	return r
}

func (s *site) must(method, path, token, body string) reply {
	s.t.Helper()
	r := s.do(method, path, token, []byte(body))
	if r.Status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Raw)
	}
	return r
}

// member is an account with a token.
type member struct{ id, token, device string }

func (s *site) register(name string) member {
	s.t.Helper()
	r := s.must("POST", "/_matrix/client/v3/register", "", fmt.Sprintf(`{"auth":{"type":"m.login.dummy"},"username":%q,"password":"a good long password"}`, name))
	id, _ := r.JSON["user_id"].(string)
	token, _ := r.JSON["access_token"].(string)
	device, _ := r.JSON["device_id"].(string)
	return member{id, token, device}
}

// admin is the administrator that shared-secret registration or the command line would make.
func (s *site) admin() member {
	s.t.Helper()
	m := s.register("boss")
	if err := s.accounts.SetAdmin(context.Background(), ident.By{}, "@boss:hs1", true); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *site) room(by member) string {
	s.t.Helper()
	id, _ := s.must("POST", "/_matrix/client/v3/createRoom", by.token, `{"preset":"private_chat"}`).JSON["room_id"].(string)
	return id
}

func (s *site) send(by member, room string) string {
	s.t.Helper()
	path := "/_matrix/client/v3/rooms/" + url.PathEscape(room) + "/send/m.room.encrypted/t1"
	id, _ := s.must("PUT", path, by.token, `{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"x"}`).JSON["event_id"].(string)
	return id
}

var wildcard = regexp.MustCompile(`\{(\w+)(\.\.\.|\$)?\}`)

// fill puts values into a route's path.
func fill(path string, values map[string]string) string {
	return wildcard.ReplaceAllStringFunc(path, func(w string) string {
		name := wildcard.FindStringSubmatch(w)[1]
		v, ok := values[name]
		if !ok {
			v = "x"
		}
		return url.PathEscape(v)
	})
}

// each goes over all routes once.
func (s *site) each(f func(rt *door.Route, name string)) {
	for _, list := range s.routes {
		for i := range list {
			f(&list[i], list[i].Method+" "+list[i].Path)
		}
	}
}

// open lists every route that may be called without a token, and why. A new route needs a token unless it is added here.
var openRoutes = map[string]string{
	"GET /.well-known/matrix/client":                                                     "discovery",
	"GET /.well-known/matrix/support":                                                    "discovery",
	"GET /.well-known/matrix/policy_server":                                              "discovery",
	"GET /_matrix/client/versions":                                                       "discovery; a token is looked at if there is one",
	"GET /_matrix/client/v1/auth_metadata":                                               "discovery",
	"GET /_matrix/client/v3/login":                                                       "signing in",
	"POST /_matrix/client/v3/login":                                                      "signing in",
	"GET /_matrix/client/v3/login/sso/redirect":                                          "signing in",
	"GET /_matrix/client/v3/login/sso/redirect/{idpId}":                                  "signing in",
	"POST /_matrix/client/v3/refresh":                                                    "the refresh token is the credential",
	"POST /_matrix/client/v3/register":                                                   "registration, as configured",
	"GET /_matrix/client/v3/register/available":                                          "registration, as configured",
	"POST /_matrix/client/v3/register/email/requestToken":                                "registration",
	"POST /_matrix/client/v3/register/msisdn/requestToken":                               "registration",
	"GET /_matrix/client/v1/register/m.login.registration_token/validity":                "registration",
	"GET /_synapse/admin/v1/register":                                                    "the shared secret is the credential",
	"POST /_synapse/admin/v1/register":                                                   "the shared secret is the credential",
	"POST /_matrix/client/v3/account/password/email/requestToken":                        "forgotten password",
	"POST /_matrix/client/v3/account/password/msisdn/requestToken":                       "forgotten password",
	"POST /_matrix/client/v3/account/3pid/email/requestToken":                            "as the specification says",
	"POST /_matrix/client/v3/account/3pid/msisdn/requestToken":                           "as the specification says",
	"GET /_matrix/client/v3/auth/{stage}/fallback/web":                                   "a page in user-interactive authentication",
	"POST /_matrix/client/v3/auth/{stage}/fallback/web":                                  "a page in user-interactive authentication",
	"GET /_conclave/client/v1/invitations/{token}":                                       "the token is the credential",
	"GET /_conclave/client/v1/welcome/{token}":                                           "the token is the credential",
	"POST /_conclave/client/v1/welcome/{token}":                                          "the token is the credential",
	"GET /_conclave/recording/v1/keys":                                                   "public keys",
	"POST /_conclave/recording/v1/add-checkpoint":                                        "the log's signature under the checkpoint is the credential",
	"GET /_conclave/email":                                                               "the link in a message is the credential",
	"POST /_conclave/email":                                                              "the link in a message is the credential",
	"GET /_matrix/static/client/login/":                                                  "signing in",
	"GET /_matrix/client/v3/directory/room/{roomAlias}":                                  "as the specification says",
	"POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}":          "the delay id is the credential (MSC4140)",
	"POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}": "the delay id is the credential (MSC4140)",
	"GET /_matrix/federation/v1/openid/userinfo":                                         "the OpenID token is the credential",
	"GET /_matrix/media/v3/download/{serverName}/{mediaId}":                              "frozen unauthenticated media, off by default",
	"GET /_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}":                   "frozen unauthenticated media, off by default",
	"GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId}":                             "frozen unauthenticated media, off by default",
}

// mayBeOpen says whether a route may be called without a token by its specification.
func mayBeOpen(name string) bool { return openRoutes[name] != "" }

// One test goes over all routes and all who may not call them.
func TestWhoMayCallWhat(t *testing.T) {
	s := newSite(t)
	boss, alice, bob := s.admin(), s.register("alice"), s.register("bob")
	locked, suspended := s.register("locked"), s.register("suspended")
	s.must("PUT", "/_matrix/client/v1/admin/lock/"+url.PathEscape(locked.id), boss.token, `{"locked":true}`)
	s.must("PUT", "/_matrix/client/v1/admin/suspend/"+url.PathEscape(suspended.id), boss.token, `{"suspended":true}`)
	room := s.room(alice)
	event := s.send(alice, room)
	values := map[string]string{"userId": alice.id, "roomId": room, "eventId": event, "deviceId": alice.device, "roomIdOrAlias": room}

	s.each(func(rt *door.Route, name string) {
		path := fill(rt.Path, values)
		try := func(who, token string) reply { return s.do(rt.Method, path, token, []byte(`{}`)) }
		expect := func(who, token string, status int, code string) {
			t.Helper()
			if r := try(who, token); r.Status != status || r.Code != code {
				t.Errorf("%s by %s: %d %s, want %d %s", name, who, r.Status, r.Code, status, code)
			}
		}
		switch rt.Access {
		case gate.Open:
			if !mayBeOpen(name) {
				t.Errorf("%s can be called without a token", name)
			}
			return
		case gate.Optional:
		default:
			expect("nobody", "", http.StatusUnauthorized, "M_MISSING_TOKEN")
		}
		expect("a forged token", "not-a-token", http.StatusUnauthorized, "M_UNKNOWN_TOKEN")
		if rt.Access != gate.Leaving {
			expect("a locked account", locked.token, http.StatusUnauthorized, "M_USER_LOCKED")
		}
		if rt.Access == gate.Active {
			expect("a suspended account", suspended.token, http.StatusForbidden, "M_USER_SUSPENDED")
		} else if rt.Access != gate.Leaving { // suspended accounts may redact, though only what they sent themselves
			if r := try("a suspended account", suspended.token); r.Code == "M_USER_SUSPENDED" && rt.Access != gate.Admin && !strings.Contains(name, "/redact/") {
				t.Errorf("%s refuses suspended accounts though it is of class %s", name, rt.Access)
			}
		}
		if rt.Access == gate.Admin {
			expect("no administrator", bob.token, http.StatusForbidden, "M_FORBIDDEN")
		}
	})
}

// A user in somebody else's path, or in a room that they have left or never seen, gets nothing, and the same nothing as for a room that
// does not exist.
func TestStrangersGetNothing(t *testing.T) {
	s := newSite(t)
	alice, bob := s.register("alice"), s.register("bob")
	room := s.room(alice)
	event := s.send(alice, room)
	missing := "!" + strings.Repeat("A", 43)
	common := map[string]string{"userId": alice.id, "deviceId": alice.device, "eventId": event, "eventType": "m.room.encrypted", "type": "com.example.x"}
	with := func(room string) map[string]string {
		v := map[string]string{"roomId": room, "roomIdOrAlias": room}
		for k, x := range common {
			v[k] = x
		}
		return v
	}
	s.each(func(rt *door.Route, name string) {
		if rt.Access == gate.Open || rt.Access == gate.Admin {
			return
		}
		body := []byte(strangersBody(rt.Path, alice.id))
		if strings.Contains(rt.Path, "{userId}") && !publicAboutUsers(name) {
			if r := s.do(rt.Method, fill(rt.Path, with(room)), bob.token, body); r.Status != http.StatusForbidden && r.Status != http.StatusNotFound {
				t.Errorf("%s for another user: %d %s", name, r.Status, r.Raw)
			}
		}
		if strings.Contains(rt.Path, "{roomId") && !strings.Contains(rt.Path, "{userId}") && !ownAboutRooms(name) {
			there := s.do(rt.Method, fill(rt.Path, with(room)), bob.token, body)
			nowhere := s.do(rt.Method, fill(rt.Path, with(missing)), bob.token, body)
			if there.Status < 400 && !strings.HasSuffix(name, "/{roomId}/report") { // reports answer the same for every room
				t.Errorf("%s in a room of others: %d %s", name, there.Status, there.Raw)
			}
			if there.Status != nowhere.Status || there.Code != nowhere.Code {
				t.Errorf("%s tells rooms of others (%d %s) from no rooms (%d %s)", name, there.Status, there.Code, nowhere.Status, nowhere.Code)
			}
		}
	})
}

// strangersBody is a body that would do for members.
func strangersBody(path, user string) string {
	switch {
	case strings.HasSuffix(path, "/invite"), strings.HasSuffix(path, "/kick"), strings.HasSuffix(path, "/ban"), strings.HasSuffix(path, "/unban"):
		return fmt.Sprintf(`{"user_id":%q}`, user)
	case strings.HasSuffix(path, "/upgrade"):
		return `{"new_version":"12"}`
	case strings.HasSuffix(path, "/read_markers"):
		return `{}`
	case strings.Contains(path, "/report"):
		return `{"reason":"x"}`
	case strings.Contains(path, "/directory/list/"):
		return `{"visibility":"public"}`
	case strings.Contains(path, "room_keys"):
		return `{}`
	}
	return `{}`
}

// publicAboutUsers are the routes about a user that others may call.
func publicAboutUsers(name string) bool {
	return strings.Contains(name, "/report") || name == "GET /_matrix/client/v3/profile/{userId}" || strings.HasPrefix(name, "GET /_matrix/client/v3/profile/")
}

// ownAboutRooms are the routes with a room in their path that concern the caller's own data alone, or answer the same for any room.
func ownAboutRooms(name string) bool {
	return strings.Contains(name, "/room_keys/") || strings.HasSuffix(name, "/forget") || strings.Contains(name, "directory/list/appservice") ||
		name == "GET /_matrix/client/v3/directory/list/room/{roomId}"
}
