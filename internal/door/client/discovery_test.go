package client

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/ident"
)

// Spec: cs#getwell-knownmatrixclient
// Spec: cs#getwell-knownmatrixsupport
// Spec: cs#getwell-knownmatrixpolicy_server
// Spec: cs#get_matrixclientv3voipturnserver
// Spec: MSC4143
func TestDiscoveryOfLittle(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		if got := h.ok("GET", "/.well-known/matrix/client", "", nil); string(got.Raw) != `{"m.homeserver":{"base_url":"https://chat.example.org"}}` {
			t.Errorf("%s", got.Raw)
		} else if got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Error("web clients cannot read it")
		}
		h.fails("GET", "/.well-known/matrix/support", "", nil, 404, "M_NOT_FOUND")
		h.fails("GET", "/.well-known/matrix/policy_server", "", nil, 404, "M_NOT_FOUND")
		if got := h.ok("GET", "/_matrix/client/v3/voip/turnServer", a.Token, nil); string(got.Raw) != `{}` {
			t.Errorf("%s", got.Raw)
		}
		if got := h.ok("GET", "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports", a.Token, nil); string(got.Raw) != `{"rtc_transports":[]}` {
			t.Errorf("%s", got.Raw)
		}
	})
}

// Spec: cs#getwell-knownmatrixclient
// Spec: cs#getwell-knownmatrixsupport
// Spec: cs#get_matrixclientv3voipturnserver
// Spec: MSC4143
func TestDiscoveryOfMuch(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		if got := h.ok("GET", "/.well-known/matrix/client", "", nil); !strings.Contains(string(got.Raw), "https://rtc.example.org") {
			t.Errorf("%s", got.Raw)
		}
		if got := h.ok("GET", "/.well-known/matrix/support", "", nil); string(got.Raw) !=
			`{"contacts":[{"role":"m.role.admin","email_address":"it@example.org"}],"support_page":"https://example.org/help"}` {
			t.Errorf("%s", got.Raw)
		}
		got := h.ok("GET", "/_matrix/client/v3/voip/turnServer", a.Token, nil)
		m := hmac.New(sha1.New, []byte("secret"))
		m.Write([]byte(got.str("username")))
		if got.str("password") != base64.StdEncoding.EncodeToString(m.Sum(nil)) || !strings.HasSuffix(got.str("username"), ":"+a.ID) || got.JSON["ttl"] != 3600.0 {
			t.Errorf("%s", got.Raw)
		}
		got = h.ok("GET", "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports", a.Token, nil)
		if string(got.Raw) != `{"rtc_transports":[{"type":"livekit","livekit_service_url":"https://rtc.example.org"}]}` {
			t.Errorf("%s", got.Raw)
		}
	}, func(_ *ident.Config, d *Deps) {
		d.Discovery.TURN = TURN{URIs: []string{"turn:turn.example.org"}, SharedSecret: "secret", Lifetime: time.Hour}
		d.Discovery.Calls.LiveKitURL = "https://rtc.example.org"
		d.Discovery.Support = Support{Page: "https://example.org/help", Contacts: []Contact{{Role: "m.role.admin", Email: "it@example.org"}}}
	})
}

// Spec: cs#get_matrixclientv3capabilities
func TestCapabilities(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		boss, a := h.admin("boss"), h.register("alice")
		of := func(p person) map[string]any {
			c, _ := h.ok("GET", "/_matrix/client/v3/capabilities", p.Token, nil).JSON["capabilities"].(map[string]any)
			return c
		}
		versions, _ := of(a)["m.room_versions"].(map[string]any)
		available, _ := versions["available"].(map[string]any)
		if versions["default"] != "12" || len(available) != 7 || available["6"] != "stable" || available["12"] != "stable" {
			t.Errorf("room versions: %v", versions)
		}
		for _, name := range []string{"m.change_password", "m.profile_fields", "m.set_displayname", "m.set_avatar_url", "m.get_login_token"} {
			if c, _ := of(a)[name].(map[string]any); c["enabled"] != true {
				t.Errorf("%s: %v", name, c)
			}
		}
		if c, _ := of(a)["m.3pid_changes"].(map[string]any); c["enabled"] != false {
			t.Errorf("m.3pid_changes: %v", c)
		}
		if of(a)["m.account_moderation"] != nil {
			t.Error("a user may moderate")
		}
		if c, _ := of(boss)["m.account_moderation"].(map[string]any); c["lock"] != true || c["suspend"] != true {
			t.Errorf("an administrator: %v", c)
		}
		h.fails("GET", "/_matrix/client/v3/capabilities", "", nil, 401, "M_MISSING_TOKEN")
	})
}

// Spec: cs#get_matrixclientv1auth_metadata
// Spec: cs#get_matrixclientv3loginssoredirect
// Spec: cs#get_matrixclientv3loginssoredirectidpid
// Spec: cs#get_matrixclientv3thirdpartyprotocols
// Spec: cs#get_matrixclientv3thirdpartyprotocolprotocol
// Spec: cs#get_matrixclientv3thirdpartylocationprotocol
// Spec: cs#get_matrixclientv3thirdpartyuserprotocol
// Spec: cs#get_matrixclientv3thirdpartylocation
// Spec: cs#get_matrixclientv3thirdpartyuser
// Spec: cs#post_matrixclientv1appserviceappserviceidping
// Spec: cs#put_matrixclientv3directorylistappservicenetworkidroomid
func TestAbsent(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		h.fails("GET", "/_matrix/client/v1/auth_metadata", "", nil, 404, "M_UNRECOGNIZED")
		h.fails("GET", "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", "", nil, 404, "M_UNRECOGNIZED")
		h.fails("GET", "/_matrix/client/v3/login/sso/redirect?redirectUrl=x", "", nil, 404, "M_UNRECOGNIZED")
		h.fails("GET", "/_matrix/client/v3/login/sso/redirect/x?redirectUrl=x", "", nil, 404, "M_NOT_FOUND")
		const third = "/_matrix/client/v3/thirdparty/"
		if got := h.ok("GET", third+"protocols", a.Token, nil); string(got.Raw) != "{}" {
			t.Errorf("%s", got.Raw)
		}
		for _, path := range []string{"protocol/irc", "location/irc", "user/irc", "location?alias=%23a:hs1", "user?userid=@a:hs1"} {
			h.fails("GET", third+path, a.Token, nil, 404, "M_NOT_FOUND")
			h.fails("GET", third+path, "", nil, 401, "M_MISSING_TOKEN")
		}
		h.fails("POST", "/_matrix/client/v1/appservice/irc/ping", a.Token, `{}`, 403, "M_FORBIDDEN")
		h.fails("PUT", "/_matrix/client/v3/directory/list/appservice/x/!room:hs1", a.Token, `{"visibility":"public"}`, 403, "M_FORBIDDEN")
	})
}

// Spec: cs#get_matrixclientversions
func TestFeatures(t *testing.T) {
	for name, on := range unstableFeatures(true) {
		if !on {
			t.Errorf("%s is listed and off", name)
		}
	}
	for _, encrypted := range []bool{false, true} {
		if unstableFeatures(encrypted)["io.element.e2ee_forced.private"] != encrypted {
			t.Errorf("rooms are encrypted by default: %v, but clients are not told so", encrypted)
		}
	}
	list := specVersions()
	if !slices.Contains(list, "v1.19") || slices.Contains(list, "v1.20") {
		t.Errorf("versions: %v", list)
	}
}
