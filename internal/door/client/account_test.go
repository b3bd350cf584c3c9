package client

import (
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
)

const whoamiPath = "/_matrix/client/v3/account/whoami"

// passwordAuth is the auth member that confirms a request in one go.
func passwordAuth(p person, password string) map[string]any {
	return map[string]any{
		"type": "m.login.password", "password": password, "identifier": map[string]string{"type": "m.id.user", "user": p.ID},
	}
}

// confirmed makes a request in two steps, as clients do, and expects success.
func (h *harness) confirmed(method, path string, p person, body map[string]any) *answer {
	h.t.Helper()
	challenge := h.fails(method, path, p.Token, body, 401, "")
	auth := passwordAuth(p, testPassword)
	auth["session"] = challenge.str("session")
	with := map[string]any{"auth": auth}
	for k, v := range body {
		with[k] = v
	}
	return h.ok(method, path, p.Token, with)
}

// Spec: cs#user-interactive-authentication-api
// Spec: cs#authentication-types
// Spec: cs#password-based
func TestConfirmation(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/delete_devices"
		a, b := h.register("alice"), h.register("bob")
		body := map[string]any{"devices": []string{"X"}}
		challenge := h.fails("POST", path, a.Token, body, 401, "")
		session := challenge.str("session")
		flows, _ := challenge.JSON["flows"].([]any)
		if len(flows) != 1 || session == "" || challenge.JSON["params"] == nil {
			t.Fatalf("challenge: %s", challenge.Raw)
		}
		try := func(p person, auth map[string]any, devices ...string) *answer {
			auth["session"] = session
			return h.do("POST", path, p.Token, map[string]any{"devices": devices, "auth": auth})
		}
		wrong := try(a, passwordAuth(a, "wrong"), "X").expect(401, "M_FORBIDDEN")
		if wrong.str("session") != session || wrong.JSON["flows"] == nil {
			t.Errorf("a wrong password: %s", wrong.Raw)
		}
		try(a, passwordAuth(a, testPassword), "X", "Y").expect(403, "M_FORBIDDEN") // another request
		try(b, passwordAuth(b, testPassword), "X").expect(403, "M_FORBIDDEN")      // another user
		try(a, passwordAuth(b, testPassword), "X").expect(403, "M_FORBIDDEN")      // somebody else's password
		try(a, map[string]any{"type": "m.login.dummy"}, "X").expect(401, "M_UNRECOGNIZED")
		try(a, map[string]any{"type": "m.login.password"}, "X").expect(400, "M_MISSING_PARAM")
		try(a, map[string]any{}, "X").expect(401, "")
		try(a, passwordAuth(a, testPassword), "X").expect(200, "")
		again := try(a, passwordAuth(a, testPassword), "X").expect(401, "M_UNKNOWN") // good once
		if again.str("session") == session || again.str("session") == "" {
			t.Errorf("after use: %s", again.Raw)
		}
		old := h.fails("POST", path, a.Token, body, 401, "")
		session = old.str("session")
		h.clock = h.clock.Add(16 * time.Minute)
		try(a, passwordAuth(a, testPassword), "X").expect(401, "M_UNKNOWN")
		// Older clients name the user beside the identifier's place.
		h.ok("POST", path, a.Token, map[string]any{
			"devices": []string{}, "auth": map[string]string{"type": "m.login.password", "user": "alice", "password": testPassword},
		})
	})
}

// Spec: cs#post_matrixclientv3accountpassword
func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/account/password"
		a := h.register("alice")
		other := h.login("alice", testPassword)
		h.confirmed("POST", path, a, map[string]any{"new_password": "another horse"})
		h.ok("GET", whoamiPath, a.Token, nil)
		h.fails("GET", whoamiPath, other.Token, nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("POST", "/_matrix/client/v3/login", "", passwordLogin("alice", testPassword), 403, "M_FORBIDDEN")
		other = h.login("alice", "another horse")
		h.ok("POST", path, a.Token, map[string]any{"new_password": testPassword, "logout_devices": false, "auth": passwordAuth(a, "another horse")})
		h.ok("GET", whoamiPath, other.Token, nil)
		h.fails("POST", path, a.Token, map[string]any{"new_password": "short"}, 400, "M_WEAK_PASSWORD")
		h.fails("POST", path, a.Token, map[string]any{"new_password": 5}, 400, "M_BAD_JSON")
		h.fails("POST", path, a.Token, map[string]any{"auth": passwordAuth(a, testPassword)}, 400, "M_MISSING_PARAM")
		h.fails("POST", path, "", map[string]any{"new_password": testPassword}, 401, "M_MISSING_TOKEN")
	})
}

// Spec: cs#post_matrixclientv3accountdeactivate
func TestDeactivate(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/account/deactivate"
		a, b := h.register("alice"), h.register("bob")
		h.fails("POST", path, a.Token, nil, 401, "")
		h.fails("POST", path, a.Token, map[string]any{"auth": passwordAuth(a, "wrong")}, 401, "M_FORBIDDEN")
		done := h.ok("POST", path, a.Token, map[string]any{"auth": passwordAuth(a, testPassword), "erase": true})
		if done.str("id_server_unbind_result") != "success" {
			t.Errorf("%s", done.Raw)
		}
		h.fails("GET", whoamiPath, a.Token, nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("POST", "/_matrix/client/v3/login", "", passwordLogin("alice", testPassword), 403, "M_FORBIDDEN")
		h.fails("GET", "/_matrix/client/v3/profile/@alice:hs1", b.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", registerPath+"/available?username=alice", "", nil, 400, "M_USER_IN_USE")
		found := h.ok("POST", "/_matrix/client/v3/user_directory/search", b.Token, `{"search_term":"alice"}`)
		if list, _ := found.JSON["results"].([]any); len(list) != 0 {
			t.Errorf("still in the directory: %s", found.Raw)
		}
	})
}

// Spec: cs#get_matrixclientv3devices
// Spec: cs#get_matrixclientv3devicesdeviceid
// Spec: cs#put_matrixclientv3devicesdeviceid
// Spec: cs#delete_matrixclientv3devicesdeviceid
// Spec: cs#post_matrixclientv3delete_devices
func TestDevices(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/devices"
		a, b := h.register("alice"), h.register("bob")
		second, third := h.login("alice", testPassword), h.login("alice", testPassword)
		count := func() int {
			list, _ := h.ok("GET", path, a.Token, nil).JSON["devices"].([]any)
			return len(list)
		}
		if count() != 3 {
			t.Errorf("%d devices", count())
		}
		h.ok("PUT", path+"/"+second.Device, a.Token, `{"display_name":"Phone"}`)
		h.ok("PUT", path+"/"+second.Device, a.Token, `{}`)
		d := h.ok("GET", path+"/"+second.Device, a.Token, nil)
		if d.str("device_id") != second.Device || d.str("display_name") != "Phone" || d.str("last_seen_ip") == "" || d.JSON["last_seen_ts"] == nil {
			t.Errorf("device: %s", d.Raw)
		}
		h.fails("GET", path+"/NONE", a.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", path+"/"+second.Device, b.Token, nil, 404, "M_NOT_FOUND")
		h.fails("PUT", path+"/NONE", a.Token, `{"display_name":"x"}`, 404, "M_NOT_FOUND")
		h.fails("PUT", path+"/"+second.Device, a.Token, `{"display_name":7}`, 400, "M_BAD_JSON")
		h.fails("PUT", path+"/"+second.Device, a.Token, map[string]string{"display_name": string(make([]rune, 300))}, 400, "M_TOO_LARGE")
		h.fails("PUT", path+"/NONE", b.Token, `{"display_name":"x\u0000"}`, 400, "M_INVALID_PARAM")

		h.confirmed("DELETE", path+"/"+second.Device, a, map[string]any{})
		h.confirmed("DELETE", path+"/"+second.Device, a, map[string]any{}) // gone already
		h.fails("GET", whoamiPath, second.Token, nil, 401, "M_UNKNOWN_TOKEN")
		h.confirmed("POST", "/_matrix/client/v3/delete_devices", a, map[string]any{"devices": []string{third.Device, "NONE"}})
		h.fails("GET", whoamiPath, third.Token, nil, 401, "M_UNKNOWN_TOKEN")
		if count() != 1 {
			t.Errorf("%d devices are left", count())
		}
		h.fails("POST", "/_matrix/client/v3/delete_devices", a.Token, `{}`, 400, "M_MISSING_PARAM")
		h.fails("POST", "/_matrix/client/v3/delete_devices", a.Token, `{"devices":"X"}`, 400, "M_BAD_JSON")
	})
}

// Spec: cs#post_matrixclientv1loginget_token
func TestLoginToken(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		got := h.confirmed("POST", "/_matrix/client/v1/login/get_token", a, map[string]any{})
		if got.JSON["expires_in_ms"] != 120_000.0 {
			t.Errorf("%s", got.Raw)
		}
		use := map[string]any{"type": "m.login.token", "token": got.str("login_token")}
		in := h.ok("POST", "/_matrix/client/v3/login", "", use)
		if in.str("user_id") != a.ID || in.str("device_id") == a.Device {
			t.Errorf("%s", in.Raw)
		}
		h.fails("POST", "/_matrix/client/v3/login", "", use, 403, "M_FORBIDDEN")
		late := h.confirmed("POST", "/_matrix/client/v1/login/get_token", a, map[string]any{})
		h.clock = h.clock.Add(121 * time.Second)
		h.fails("POST", "/_matrix/client/v3/login", "", map[string]any{"type": "m.login.token", "token": late.str("login_token")}, 403, "M_FORBIDDEN")
	})
}

// Spec: cs#post_matrixclientv3useruseridopenidrequest_token
// Spec: ss#get_matrixfederationv1openiduserinfo
func TestOpenID(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const userinfo = "/_matrix/federation/v1/openid/userinfo"
		a, b := h.register("alice"), h.register("bob")
		path := "/_matrix/client/v3/user/" + a.ID + "/openid/request_token"
		got := h.ok("POST", path, a.Token, `{}`)
		if got.str("token_type") != "Bearer" || got.str("matrix_server_name") != testServer || got.JSON["expires_in"] != 3600.0 {
			t.Errorf("%s", got.Raw)
		}
		if who := h.ok("GET", userinfo+"?access_token="+got.str("access_token"), "", nil); who.str("sub") != a.ID {
			t.Errorf("%s", who.Raw)
		}
		h.fails("GET", whoamiPath, got.str("access_token"), nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("GET", userinfo, "", nil, 401, "M_MISSING_TOKEN")
		h.fails("GET", userinfo+"?access_token=x", "", nil, 401, "M_UNKNOWN_TOKEN")
		h.fails("POST", path, b.Token, `{}`, 403, "M_FORBIDDEN")
		h.fails("POST", path, a.Token, `[]`, 400, "M_BAD_JSON")
		h.clock = h.clock.Add(61 * time.Minute)
		h.fails("GET", userinfo+"?access_token="+got.str("access_token"), "", nil, 401, "M_UNKNOWN_TOKEN")
	})
}

// Spec: cs#get_matrixclientv1registermloginregistration_tokenvalidity
// Spec: cs#token-authenticated-registration
func TestRegisterByToken(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const validity = "/_matrix/client/v1/register/m.login.registration_token/validity?token="
		token, err := h.accounts.Invite(ident.By{}, "", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		valid := func(token string) any { return h.ok("GET", validity+token, "", nil).JSON["valid"] }
		if valid(token) != true || valid("made-up") != false {
			t.Error("validity")
		}
		h.fails("GET", validity, "", nil, 400, "M_MISSING_PARAM")
		challenge := h.fails("POST", registerPath, "", map[string]any{"username": "alice", "password": testPassword}, 401, "")
		auth := map[string]any{"type": "m.login.registration_token", "token": "made-up", "session": challenge.str("session")}
		body := map[string]any{"username": "alice", "password": testPassword, "auth": auth}
		h.fails("POST", registerPath, "", body, 401, "M_FORBIDDEN")
		h.fails("POST", registerPath, "", map[string]any{
			"username": "alice", "password": testPassword, "auth": map[string]any{"type": "m.login.dummy"},
		}, 401, "M_UNRECOGNIZED")
		auth["token"] = token
		h.ok("POST", registerPath, "", body)
		if valid(token) != false {
			t.Error("a used token is still valid")
		}
		body["username"], auth["session"] = "bob", nil
		h.fails("POST", registerPath, "", body, 401, "M_FORBIDDEN")
		if _, err := h.accounts.Invite(ident.By{}, "a b", 0, 0); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("a bad token: %v", err)
		}
	}, func(c *ident.Config, _ *Deps) { c.Registration.Mode = "token" })
}

// Spec: cs#get_matrixclientv3account3pid
// Spec: cs#post_matrixclientv3account3piddelete
// Spec: cs#post_matrixclientv3account3pidadd
// Spec: cs#post_matrixclientv3account3pidemailrequesttoken
// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
// Spec: cs#post_matrixclientv3registeremailrequesttoken
func TestContacts(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		const base = "/_matrix/client/v3/account/3pid"
		got := h.ok("GET", base, a.Token, nil)
		if list, ok := got.JSON["threepids"].([]any); !ok || len(list) != 0 {
			t.Errorf("%s", got.Raw)
		}
		for _, path := range []string{base, base + "/add", base + "/bind"} {
			h.fails("POST", path, a.Token, `{}`, 403, "M_THREEPID_DENIED")
			h.fails("POST", path, "", `{}`, 401, "M_MISSING_TOKEN")
		}
		for _, path := range []string{
			base, "/_matrix/client/v3/account/password", registerPath,
		} {
			h.fails("POST", path+"/email/requestToken", "", `{"email":"a@example.org"}`, 403, "M_THREEPID_DENIED")
			h.fails("POST", path+"/msisdn/requestToken", "", `{"phone_number":"1"}`, 403, "M_THREEPID_DENIED")
			h.fails("POST", path+"/email/requestToken", "", `{`, 400, "M_NOT_JSON")
		}
		for _, path := range []string{base + "/delete", base + "/unbind"} {
			h.ok("POST", path, a.Token, `{"medium":"email","address":"a@example.org"}`)
			h.fails("POST", path, a.Token, `{}`, 400, "M_MISSING_PARAM")
		}
	})
}
