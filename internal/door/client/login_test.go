package client

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"conclave.chat/internal/ident"
)

// testLog writes to the test's output.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// Spec: cs#get_matrixclientversions
func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.ok("GET", "/_matrix/client/versions", "", nil)
		list, _ := a.JSON["versions"].([]any)
		for _, v := range []any{"r0.6.1", "v1.1", "v1.11", "v1.19"} {
			if !slices.Contains(list, v) {
				t.Errorf("versions lack %s", v)
			}
		}
		if _, ok := a.JSON["unstable_features"].(map[string]any); !ok {
			t.Error("no unstable_features")
		}
	})
}

// Spec: cs#get_matrixclientv3login
// Spec: cs#post_matrixclientv3login
// Spec: cs#identifier-types
func TestLogin(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.register("alice")
		flows := h.ok("GET", "/_matrix/client/v3/login", "", nil)
		if list, _ := flows.JSON["flows"].([]any); len(list) != 2 {
			t.Errorf("flows: %s", flows.Raw)
		}
		for _, name := range []string{"alice", "@alice:hs1", "ALICE", "@Alice:hs1"} {
			if p := h.login(name, testPassword); p.ID != "@alice:hs1" || p.Token == "" || p.Device == "" {
				t.Errorf("login as %s: %+v", name, p)
			}
		}
		const path = "/_matrix/client/v3/login"
		h.ok("POST", path, "", map[string]any{"type": "m.login.password", "user": "alice", "password": testPassword})
		h.ok("POST", "/_matrix/client/r0/login", "", passwordLogin("alice", testPassword))
		body := passwordLogin("alice", testPassword)
		body["device_id"], body["initial_device_display_name"] = "PHONE", "Alice's phone"
		a := h.ok("POST", path, "", body)
		if a.str("device_id") != "PHONE" {
			t.Errorf("device: %s", a.Raw)
		}
		h.ok("POST", path, "", body)
		h.fails("GET", "/_matrix/client/v3/account/whoami", a.str("access_token"), nil, 401, "M_UNKNOWN_TOKEN")

		h.fails("POST", path, "", passwordLogin("alice", "wrong"), 403, "M_FORBIDDEN")
		h.fails("POST", path, "", passwordLogin("nobody", testPassword), 403, "M_FORBIDDEN")
		h.fails("POST", path, "", passwordLogin("@alice:elsewhere", testPassword), 403, "M_FORBIDDEN")
		h.fails("POST", path, "", passwordLogin("@:::", testPassword), 403, "M_FORBIDDEN")
		h.fails("POST", path, "", `{"type":"m.login.application_service"}`, 400, "M_APPSERVICE_LOGIN_UNSUPPORTED")
		h.fails("POST", path, "", `{"type":"m.login.sso"}`, 400, "M_UNKNOWN")
		h.fails("POST", path, "", `{}`, 400, "M_MISSING_PARAM")
		h.fails("POST", path, "", `{"type":"m.login.password","password":"x"}`, 400, "M_MISSING_PARAM")
		h.fails("POST", path, "", `{"type":"m.login.password","user":"alice"}`, 400, "M_MISSING_PARAM")
		h.fails("POST", path, "", `{"type":"m.login.password","password":"x","identifier":{"type":"m.id.phone","phone":"1"}}`, 403, "M_FORBIDDEN")
		h.fails("POST", path, "", `{"type":"m.login.password","password":7,"user":"alice"}`, 400, "M_BAD_JSON")
		h.fails("POST", path, "", `{"type":`, 400, "M_NOT_JSON")
		h.fails("POST", path, "", `{"type":"m.login.token","token":"made up"}`, 403, "M_FORBIDDEN")
		h.fails("POST", path, "", "{\"type\":\"m.login.password\",\"password\":\"x\",\"user\":\"a\\u0000b\"}", 403, "M_FORBIDDEN")
	})
}

// Spec: cs#post_matrixclientv3refresh
func TestRefresh(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.register("alice")
		body := passwordLogin("alice", testPassword)
		body["refresh_token"] = true
		const path, whoami = "/_matrix/client/v3/refresh", "/_matrix/client/v3/account/whoami"
		first := h.ok("POST", "/_matrix/client/v3/login", "", body)
		if first.JSON["expires_in_ms"] != 3_600_000.0 || first.str("refresh_token") == "" {
			t.Fatalf("login: %s", first.Raw)
		}
		use := func(a *answer) map[string]string { return map[string]string{"refresh_token": a.str("refresh_token")} }
		lost := h.ok("POST", path, "", use(first))
		second := h.ok("POST", path, "", use(first)) // as if the answer had got lost
		h.ok("GET", whoami, first.str("access_token"), nil)
		h.ok("GET", whoami, second.str("access_token"), nil)
		h.fails("GET", whoami, first.str("access_token"), nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("GET", whoami, lost.str("access_token"), nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("POST", path, "", use(first), 401, "M_UNKNOWN_TOKEN")

		h.clock = h.clock.Add(61 * time.Minute)
		expired := h.fails("GET", whoami, second.str("access_token"), nil, 401, "M_UNKNOWN_TOKEN")
		if expired.JSON["soft_logout"] != true {
			t.Errorf("an expired token: %s", expired.Raw)
		}
		third := h.ok("POST", path, "", use(second))
		fourth := h.ok("POST", path, "", use(third)) // using the refresh token confirms it too
		h.fails("POST", path, "", use(second), 401, "M_UNKNOWN_TOKEN")
		h.ok("GET", whoami, fourth.str("access_token"), nil)
		h.fails("POST", path, "", `{}`, 400, "M_MISSING_PARAM")
		h.fails("POST", path, "", `{"refresh_token":"made up"}`, 401, "M_UNKNOWN_TOKEN")
	})
}

// Spec: cs#post_matrixclientv3logout
// Spec: cs#post_matrixclientv3logoutall
// Spec: cs#get_matrixclientv3accountwhoami
func TestLogout(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const whoami = "/_matrix/client/v3/account/whoami"
		a, b := h.register("alice"), h.login("alice", testPassword)
		me := h.ok("GET", whoami, a.Token, nil)
		if me.str("user_id") != a.ID || me.str("device_id") != a.Device {
			t.Errorf("whoami: %s", me.Raw)
		}
		h.ok("POST", "/_matrix/client/v3/logout", b.Token, nil)
		h.fails("GET", whoami, b.Token, nil, 401, "M_UNKNOWN_TOKEN")
		h.ok("GET", whoami, a.Token, nil)
		h.ok("POST", "/_matrix/client/v3/logout/all", a.Token, `{}`)
		h.fails("GET", whoami, a.Token, nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("POST", "/_matrix/client/v3/logout", "", nil, 401, "M_MISSING_TOKEN")
		h.fails("POST", "/_matrix/client/v3/logout", "made up", nil, 401, "M_UNKNOWN_TOKEN")
	})
}

// Spec: cs#post_matrixclientv3login
func TestLoginByDefaultExpiry(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.register("alice")
		p := h.login("alice", testPassword)
		h.clock = h.clock.Add(25 * time.Hour)
		a := h.fails("GET", "/_matrix/client/v3/account/whoami", p.Token, nil, 401, "M_UNKNOWN_TOKEN")
		if a.JSON["soft_logout"] != true {
			t.Errorf("an expired token: %s", a.Raw)
		}
		body := passwordLogin("alice", testPassword)
		body["device_id"] = p.Device
		h.ok("POST", "/_matrix/client/v3/login", "", body)
	}, func(c *ident.Config, _ *Deps) { c.Sessions.MaxLifetime = 24 * time.Hour })
}
