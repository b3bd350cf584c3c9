package client

import (
	"net/url"
	"strings"
	"testing"

	"conclave.chat/internal/ident"
)

const profileBase = "/_matrix/client/v3/profile/"

// Spec: cs#get_matrixclientv3profileuserid
// Spec: cs#get_matrixclientv3profileuseridkeyname
// Spec: cs#put_matrixclientv3profileuseridkeyname
// Spec: cs#delete_matrixclientv3profileuseridkeyname
// Spec: appendices#common-namespaced-identifier-grammar
func TestProfile(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a, b := h.register("alice"), h.register("bob")
		path := profileBase + a.ID
		if p := h.ok("GET", path, b.Token, nil); p.str("displayname") != "alice" {
			t.Errorf("a new profile: %s", p.Raw)
		}
		h.ok("PUT", path+"/displayname", a.Token, `{"displayname":"Alice \"A\" Ä"}`)
		h.ok("PUT", path+"/avatar_url", a.Token, `{"avatar_url":"mxc://example.org/abc"}`)
		h.ok("PUT", path+"/m.tz", a.Token, `{"m.tz":"Europe/Zurich"}`)
		h.ok("PUT", path+"/org.example.job-title", a.Token, `{"org.example.job-title": {"en" : ["Trader", 1.5, null]}, "other": 1}`)
		h.ok("PUT", path+"/org.example.nothing", a.Token, `{"org.example.nothing":null}`)
		p := h.ok("GET", path, b.Token, nil)
		const want = `{"avatar_url":"mxc://example.org/abc","displayname":"Alice \"A\" Ä","m.tz":"Europe/Zurich",` +
			`"org.example.job-title":{"en":["Trader",1.5,null]},"org.example.nothing":null}`
		if string(p.Raw) != want {
			t.Errorf("profile:\n%s\nwant\n%s", p.Raw, want)
		}
		if f := h.ok("GET", path+"/displayname", b.Token, nil); f.str("displayname") != `Alice "A" Ä` || len(f.JSON) != 1 {
			t.Errorf("field: %s", f.Raw)
		}
		h.ok("DELETE", path+"/m.tz", a.Token, nil)
		h.ok("DELETE", path+"/m.tz", a.Token, nil)
		h.fails("GET", path+"/m.tz", b.Token, nil, 404, "M_NOT_FOUND")
		h.ok("PUT", path+"/avatar_url", a.Token, `{"avatar_url":""}`)
		h.fails("GET", path+"/avatar_url", b.Token, nil, 404, "M_NOT_FOUND")

		h.fails("GET", path, "", nil, 403, "M_FORBIDDEN")
		h.fails("GET", profileBase+"@nobody:hs1", b.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", profileBase+"@alice:elsewhere", b.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", profileBase+"alice", b.Token, nil, 400, "M_INVALID_PARAM")
		h.fails("GET", path+"/org.example.none", b.Token, nil, 404, "M_NOT_FOUND")
		h.fails("PUT", path+"/displayname", b.Token, `{"displayname":"x"}`, 403, "M_FORBIDDEN")
		h.fails("DELETE", path+"/displayname", b.Token, nil, 403, "M_FORBIDDEN")
		h.fails("PUT", path+"/displayname", a.Token, `{"name":"x"}`, 400, "M_MISSING_PARAM")
		h.fails("PUT", path+"/displayname", a.Token, `{"displayname":7}`, 400, "M_BAD_JSON")
		h.fails("PUT", path+"/displayname", a.Token, `{"displayname":null}`, 400, "M_BAD_JSON")
		h.fails("PUT", path+"/displayname", a.Token, `"x"`, 400, "M_BAD_JSON")
		h.fails("PUT", path+"/avatar_url", a.Token, map[string]string{"avatar_url": strings.Repeat("x", 10_000)}, 400, "M_INVALID_PARAM")
		for _, name := range []string{"Displayname", "job", ".x", "org..x", "org.Example", "org.ex mple", "1.x"} {
			h.fails("PUT", path+"/"+url.PathEscape(name), a.Token, map[string]string{name: "x"}, 400, "M_INVALID_PARAM")
		}
		long := "a." + strings.Repeat("b", 254)
		h.fails("PUT", path+"/"+long, a.Token, map[string]string{long: "x"}, 400, "M_KEY_TOO_LARGE")
		big := map[string]string{"org.example.big": strings.Repeat("x", 40<<10)}
		h.ok("PUT", path+"/org.example.big", a.Token, big)
		h.ok("PUT", path+"/org.example.big", a.Token, big)
		h.fails("PUT", path+"/org.example.big2", a.Token, map[string]string{"org.example.big2": strings.Repeat("x", 30<<10)}, 400, "M_PROFILE_TOO_LARGE")
	})
}

// Spec: cs#get_matrixclientv3profileuserid
func TestProfilePolicies(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		a := h.register("alice")
		h.ok("GET", profileBase+a.ID, "", nil)
		h.fails("GET", profileBase+"@nobody:hs1", "", nil, 404, "M_NOT_FOUND")
		h.fails("PUT", profileBase+a.ID+"/displayname", a.Token, `{"displayname":"x"}`, 403, "M_FORBIDDEN")
		c := h.ok("GET", "/_matrix/client/v3/capabilities", a.Token, nil)
		if !strings.Contains(string(c.Raw), `"m.profile_fields":{"enabled":false}`) || !strings.Contains(string(c.Raw), `"m.set_displayname":{"enabled":false}`) {
			t.Errorf("capabilities: %s", c.Raw)
		}
	}, func(c *ident.Config, _ *Deps) { c.Profiles, c.ProfileEdits = "public", false })
}

// Spec: cs#post_matrixclientv3user_directorysearch
func TestUserDirectory(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/user_directory/search"
		a, b := h.register("alice"), h.register("bob.smith-7")
		h.ok("PUT", profileBase+b.ID+"/displayname", b.Token, `{"displayname":"Björn O'Strößer"}`)
		h.ok("PUT", profileBase+b.ID+"/avatar_url", b.Token, `{"avatar_url":"mxc://example.org/abc"}`)
		find := func(term string) []any {
			t.Helper()
			got := h.ok("POST", path, a.Token, map[string]string{"search_term": term})
			list, _ := got.JSON["results"].([]any)
			return list
		}
		for _, term := range []string{
			"bob", "BOB", "@bob.smith-7:hs1", "@bob", "smith", "7", "björn", "BJORN o'strosser", "strösser", "bj o'str", "o'STR bjö", "bob.smith-7",
		} {
			if list := find(term); len(list) != 1 {
				t.Errorf("%q finds %v", term, list)
			} else if m, _ := list[0].(map[string]any); m["user_id"] != b.ID || m["display_name"] != "Björn O'Strößer" || m["avatar_url"] != "mxc://example.org/abc" {
				t.Errorf("%q finds %v", term, m)
			}
		}
		for _, term := range []string{"", " ", "ob", "bob alice", "alice", "hs1", "%", "_", "bob\u0000x"} {
			if list := find(term); len(list) != 0 {
				t.Errorf("%q finds %v", term, list)
			}
		}
		h.ok("PUT", profileBase+b.ID+"/displayname", b.Token, `{"displayname":"Robert"}`)
		if len(find("björn")) != 0 || len(find("robert")) != 1 {
			t.Error("a new display name is not found, or the old one is")
		}
		for range 12 {
			h.ok("POST", registerPath, "", map[string]any{"auth": map[string]string{"type": "m.login.dummy"}, "password": testPassword})
		}
		got := h.ok("POST", path, a.Token, `{"search_term":"u"}`)
		if list, _ := got.JSON["results"].([]any); len(list) != 10 || got.JSON["limited"] != true {
			t.Errorf("more than fit: %s", got.Raw)
		}
		got = h.ok("POST", path, a.Token, `{"search_term":"u","limit":50}`)
		if list, _ := got.JSON["results"].([]any); len(list) != 12 || got.JSON["limited"] != false {
			t.Errorf("all fit: %s", got.Raw)
		}
		h.fails("POST", path, a.Token, `{}`, 400, "M_MISSING_PARAM")
		h.fails("POST", path, a.Token, `{"search_term":"u","limit":0}`, 400, "M_INVALID_PARAM")
		h.fails("POST", path, a.Token, `{"search_term":"u","limit":"x"}`, 400, "M_BAD_JSON")
		h.fails("POST", path, "", `{"search_term":"u"}`, 401, "M_MISSING_TOKEN")
	})
}
