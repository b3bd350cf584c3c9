package client

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"testing"

	"conclave.chat/internal/ident"
)

const registerPath = "/_matrix/client/v3/register"

// Spec: cs#post_matrixclientv3register
func TestRegisterOpen(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		probe := h.fails("POST", registerPath, "", `{}`, 401, "")
		session := probe.str("session")
		if session == "" || probe.JSON["flows"] == nil || probe.JSON["params"] == nil {
			t.Fatalf("challenge: %s", probe.Raw)
		}
		body := map[string]any{
			"username": "Bob", "password": testPassword, "device_id": "XYZ", "initial_device_display_name": "name",
			"auth": map[string]string{"type": "m.login.dummy", "session": session},
		}
		a := h.ok("POST", registerPath, "", body)
		if a.str("user_id") != "@bob:hs1" || a.str("device_id") != "XYZ" || a.str("access_token") == "" {
			t.Errorf("registered: %s", a.Raw)
		}
		h.fails("POST", registerPath, "", body, 400, "M_USER_IN_USE")
		body["username"] = "carol"
		h.fails("POST", registerPath, "", body, 401, "M_UNKNOWN") // the session was for one account
		body["auth"] = map[string]string{"type": "m.login.password", "session": session}
		h.fails("POST", registerPath, "", body, 401, "M_UNKNOWN")

		dummy := map[string]string{"type": "m.login.dummy"}
		quiet := h.ok("POST", registerPath, "", map[string]any{"auth": dummy, "username": "dave", "password": testPassword, "inhibit_login": true})
		if quiet.JSON["access_token"] != nil || quiet.JSON["device_id"] != nil {
			t.Errorf("inhibit_login: %s", quiet.Raw)
		}
		h.login("dave", testPassword)
		if chosen := h.ok("POST", registerPath, "", map[string]any{"auth": dummy, "password": testPassword}); !strings.HasSuffix(chosen.str("user_id"), ":hs1") {
			t.Errorf("name of the server's choice: %s", chosen.Raw)
		}
		h.fails("POST", registerPath+"?kind=guest", "", `{}`, 403, "M_FORBIDDEN")
		h.fails("POST", registerPath+"?kind=robot", "", `{}`, 400, "M_INVALID_PARAM")
		h.fails("POST", registerPath, "", map[string]any{"auth": dummy, "username": "erin"}, 400, "M_MISSING_PARAM")
		h.fails("POST", registerPath, "", map[string]any{"auth": dummy, "username": "erin", "password": "short"}, 400, "M_WEAK_PASSWORD")
		h.fails("POST", registerPath, "", map[string]any{"auth": dummy, "username": "erin", "password": strings.Repeat("x", 600)}, 400, "M_INVALID_PARAM")
		h.fails("POST", registerPath, "", `{"type":"m.login.application_service","username":"x"}`, 400, "M_APPSERVICE_LOGIN_UNSUPPORTED")
		h.fails("POST", registerPath, "", `{"auth":{"type":"m.login.password"},"username":"erin","password":"correct horse"}`, 401, "M_UNRECOGNIZED")
		h.fails("POST", registerPath, "", `{"auth":7}`, 400, "M_BAD_JSON")
		h.fails("POST", registerPath, "", "{\"test\":\"a\x81\"}", 400, "M_NOT_JSON")
		for _, c := range []string{"!", `"`, ":", "?", `\`, "@", "[", "]", "{", "|", "}", "£", "é", "\n", "'", "\x00", " ", "\u212a"} {
			h.fails("POST", registerPath, "", map[string]any{"username": "user-" + c, "password": testPassword, "auth": dummy}, 400, "M_INVALID_USERNAME")
		}
		h.fails("POST", registerPath, "", map[string]any{"username": strings.Repeat("x", 255), "password": testPassword, "auth": dummy}, 400, "M_INVALID_USERNAME")
		h.fails("POST", registerPath, "", map[string]any{"username": "_x", "password": testPassword, "auth": dummy}, 400, "M_INVALID_USERNAME")
		h.fails("POST", registerPath, "", map[string]any{"username": "", "password": testPassword, "auth": dummy}, 400, "M_INVALID_USERNAME")
		for _, c := range []string{"q", "3", ".", "_", "=", "-", "/"} {
			h.register("chrtest" + c)
		}
	})
}

// Spec: cs#post_matrixclientv3register
func TestRegisterClosed(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.fails("POST", registerPath, "", `{}`, 403, "M_FORBIDDEN")
		h.fails("GET", "/_matrix/client/v1/register/m.login.registration_token/validity?token=x", "", nil, 403, "M_FORBIDDEN")
		h.fails("GET", "/_synapse/admin/v1/register", "", nil, 404, "M_UNRECOGNIZED")
		h.fails("POST", "/_synapse/admin/v1/register", "", `{"nonce":"x","username":"x","password":"x","mac":"x"}`, 404, "M_UNRECOGNIZED")
	}, func(c *ident.Config, _ *Deps) { c.Registration.Mode = "closed" })
}

// Spec: cs#get_matrixclientv3registeravailable
func TestAvailable(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.register("alice")
		const path = registerPath + "/available"
		if a := h.ok("GET", path+"?username=bob", "", nil); a.JSON["available"] != true {
			t.Errorf("%s", a.Raw)
		}
		h.fails("GET", path+"?username=alice", "", nil, 400, "M_USER_IN_USE")
		h.fails("GET", path+"?username=ALICE", "", nil, 400, "M_USER_IN_USE")
		h.fails("GET", path+"?username=a,b", "", nil, 400, "M_INVALID_USERNAME")
		h.fails("GET", path, "", nil, 400, "M_MISSING_PARAM")
	})
}

func TestRegisterBySharedSecret(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_synapse/admin/v1/register"
		sign := func(nonce, user, role string) map[string]any {
			m := hmac.New(sha1.New, []byte("complement"))
			m.Write([]byte(nonce + "\x00" + user + "\x00" + testPassword + "\x00" + role))
			return map[string]any{
				"nonce": nonce, "username": user, "password": testPassword, "admin": role == "admin", "mac": hex.EncodeToString(m.Sum(nil)),
			}
		}
		nonce := func() string { return h.ok("GET", path, "", nil).str("nonce") }
		a := h.ok("POST", path, "", sign(nonce(), "USER-secret", "notadmin"))
		if a.str("user_id") != "@user-secret:hs1" || a.str("access_token") == "" {
			t.Errorf("%s", a.Raw)
		}
		once := nonce()
		h.ok("POST", path, "", sign(once, "boss", "admin"))
		h.fails("POST", path, "", sign(once, "boss2", "admin"), 400, "M_UNKNOWN")
		h.fails("POST", path, "", sign(nonce(), "us,er", "notadmin"), 400, "M_INVALID_USERNAME")
		h.fails("POST", path, "", sign("made up", "x", "notadmin"), 400, "M_UNKNOWN")
		forged := sign(nonce(), "mallory", "notadmin")
		forged["admin"] = true
		h.fails("POST", path, "", forged, 403, "M_FORBIDDEN")
		h.fails("POST", path, "", `{}`, 400, "M_MISSING_PARAM")
	}, func(c *ident.Config, _ *Deps) {
		c.Registration.Mode, c.Registration.SharedSecret = "closed", "complement"
	})
}
