package client

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"conclave.chat/internal/ident"
)

// form posts a form as a browser does.
func (h *harness) form(path string, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return w
}

// Spec: cs#fallback
func TestPasswordPage(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		const path, page = "/_matrix/client/v3/delete_devices", "/_matrix/client/v3/auth/m.login.password/fallback/web"
		body := map[string]any{"devices": []string{"X"}}
		session := h.fails("POST", path, a.Token, body, 401, "").str("session")
		got := h.do("GET", page+"?session="+session, "", nil)
		if got.Status != 200 || !strings.Contains(string(got.Raw), `name="password"`) || !strings.Contains(got.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("%d %s", got.Status, got.Raw)
		}
		if w := h.form(page, url.Values{"session": {session}, "password": {"wrong"}}); w.Code != 401 || !strings.Contains(w.Body.String(), "Wrong") {
			t.Errorf("a wrong password: %d %s", w.Code, w.Body)
		}
		body["auth"] = map[string]string{"session": session}
		h.fails("POST", path, a.Token, body, 401, "")
		if w := h.form(page, url.Values{"session": {session}, "password": {testPassword}}); w.Code != 200 || !strings.Contains(w.Body.String(), "onAuthDone") {
			t.Errorf("the password: %d %s", w.Code, w.Body)
		}
		h.ok("POST", path, a.Token, body)
		h.fails("GET", page+"?session="+session, "", nil, 404, "M_NOT_FOUND")
		h.fails("GET", page, "", nil, 400, "M_MISSING_PARAM")
		other := h.fails("POST", path, a.Token, map[string]any{"devices": []string{}}, 401, "").str("session")
		h.fails("GET", "/_matrix/client/v3/auth/m.login.dummy/fallback/web?session="+other, "", nil, 404, "M_NOT_FOUND")
		if w := h.form("/_matrix/client/v3/auth/m.login.dummy/fallback/web", url.Values{"session": {other}}); w.Code != 404 {
			t.Errorf("a stage that is not asked for: %d", w.Code)
		}
	})
}

// Spec: cs#fallback
func TestRegistrationTokenPage(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		token, err := h.accounts.Invite(ident.By{}, "", 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		const page = "/_matrix/client/v3/auth/m.login.registration_token/fallback/web"
		session := h.fails("POST", registerPath, "", `{}`, 401, "").str("session")
		if w := h.form(page, url.Values{"session": {session}, "token": {"made-up"}}); w.Code != 401 {
			t.Errorf("a wrong token: %d", w.Code)
		}
		if w := h.form(page, url.Values{"session": {session}, "token": {token}}); w.Code != 200 {
			t.Errorf("the token: %d", w.Code)
		}
		h.ok("POST", registerPath, "", map[string]any{"username": "alice", "password": testPassword, "auth": map[string]string{"session": session}})
		session = h.fails("POST", registerPath, "", `{}`, 401, "").str("session")
		if w := h.form(page, url.Values{"session": {session}, "token": {token}}); w.Code != 401 {
			t.Errorf("a token that is used up: %d", w.Code)
		}
	}, func(c *ident.Config, _ *Deps) { c.Registration.Mode = "token" })
}

// Spec: cs#login-fallback
func TestLoginPage(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		got := h.do("GET", "/_matrix/static/client/login/?device_id=X", "", nil)
		if got.Status != 200 || !strings.Contains(string(got.Raw), "onLogin") || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%d %s", got.Status, got.Raw)
		}
	})
}
