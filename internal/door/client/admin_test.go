package client

import (
	"context"
	"testing"

	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
)

// admin makes an administrator.
func (h *harness) admin(name string) person {
	h.t.Helper()
	p := h.register(name)
	if err := h.accounts.SetAdmin(context.Background(), ident.By{}, mx.UserID(p.ID), true); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// Spec: cs#get_matrixclientv1adminlockuserid
// Spec: cs#put_matrixclientv1adminlockuserid
func TestLock(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v1/admin/lock/"
		boss, peer, a := h.admin("boss"), h.admin("peer"), h.register("alice")
		if got := h.ok("GET", path+a.ID, boss.Token, nil); got.JSON["locked"] != false {
			t.Errorf("%s", got.Raw)
		}
		if got := h.ok("PUT", path+a.ID, boss.Token, `{"locked":true}`); got.JSON["locked"] != true {
			t.Errorf("%s", got.Raw)
		}
		if got := h.ok("GET", path+a.ID, boss.Token, nil); got.JSON["locked"] != true {
			t.Errorf("%s", got.Raw)
		}
		locked := h.fails("GET", whoamiPath, a.Token, nil, 401, "M_USER_LOCKED")
		if locked.JSON["soft_logout"] != true {
			t.Errorf("%s", locked.Raw)
		}
		locked = h.fails("POST", "/_matrix/client/v3/login", "", passwordLogin("alice", testPassword), 401, "M_USER_LOCKED")
		if locked.JSON["soft_logout"] != true {
			t.Errorf("%s", locked.Raw)
		}
		h.fails("POST", "/_matrix/client/v3/login", "", passwordLogin("alice", "wrong"), 403, "M_FORBIDDEN")
		h.ok("PUT", path+a.ID, boss.Token, `{"locked":false}`)
		h.ok("GET", whoamiPath, a.Token, nil)
		h.ok("PUT", path+a.ID, boss.Token, `{"locked":true}`)
		h.ok("POST", "/_matrix/client/v3/logout", a.Token, nil)

		for _, method := range []string{"GET", "PUT"} {
			h.fails(method, path+a.ID, h.register("eve"+lowerOf(method)).Token, `{"locked":true}`, 403, "M_FORBIDDEN")
			h.fails(method, path+"@nobody:hs1", a.Token, `{"locked":true}`, 401, "M_UNKNOWN_TOKEN")
			h.fails(method, path+"@nobody:hs1", boss.Token, `{"locked":true}`, 404, "M_NOT_FOUND")
			h.fails(method, path+"@alice:elsewhere", boss.Token, `{"locked":true}`, 400, "M_INVALID_PARAM")
			h.fails(method, path+peer.ID, boss.Token, `{"locked":true}`, 403, "M_FORBIDDEN")
			h.fails(method, path+boss.ID, boss.Token, `{"locked":true}`, 403, "M_FORBIDDEN")
		}
		h.fails("PUT", path+a.ID, boss.Token, `{}`, 400, "M_MISSING_PARAM")
		h.fails("PUT", path+a.ID, boss.Token, `{"locked":"yes"}`, 400, "M_BAD_JSON")
	})
}

func lowerOf(method string) string { return map[string]string{"GET": "get", "PUT": "put"}[method] }

// Spec: cs#get_matrixclientv1adminsuspenduserid
// Spec: cs#put_matrixclientv1adminsuspenduserid
func TestSuspend(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v1/admin/suspend/"
		boss, a := h.admin("boss"), h.register("alice")
		if got := h.ok("PUT", path+a.ID, boss.Token, `{"suspended":true}`); got.JSON["suspended"] != true {
			t.Errorf("%s", got.Raw)
		}
		if got := h.ok("GET", path+a.ID, boss.Token, nil); got.JSON["suspended"] != true {
			t.Errorf("%s", got.Raw)
		}
		h.ok("GET", whoamiPath, a.Token, nil)
		h.login("alice", testPassword)
		h.fails("PUT", profileBase+a.ID+"/displayname", a.Token, `{"displayname":"x"}`, 403, "M_USER_SUSPENDED")
		h.ok("PUT", path+a.ID, boss.Token, `{"suspended":false}`)
		h.ok("PUT", profileBase+a.ID+"/displayname", a.Token, `{"displayname":"x"}`)
		h.fails("PUT", path+boss.ID, boss.Token, `{"suspended":true}`, 403, "M_FORBIDDEN")
		h.fails("PUT", path+a.ID, a.Token, `{"suspended":true}`, 403, "M_FORBIDDEN")
		h.fails("PUT", path+a.ID, boss.Token, `{}`, 400, "M_MISSING_PARAM")
		h.fails("GET", path+"@nobody:hs1", boss.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", path+"@nobody:hs1", a.Token, nil, 403, "M_FORBIDDEN")
	})
}

// Spec: cs#get_matrixclientv3adminwhoisuserid
func TestWhois(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const path = "/_matrix/client/v3/admin/whois/"
		boss, a, b := h.admin("boss"), h.register("alice"), h.register("bob")
		for _, token := range []string{a.Token, boss.Token} {
			got := h.ok("GET", path+a.ID, token, nil)
			devices, _ := got.JSON["devices"].(map[string]any)
			if got.str("user_id") != a.ID || devices[a.Device] == nil {
				t.Errorf("%s", got.Raw)
			}
		}
		h.fails("GET", path+a.ID, b.Token, nil, 403, "M_FORBIDDEN")
		h.fails("GET", path+"@nobody:hs1", b.Token, nil, 403, "M_FORBIDDEN")
		h.fails("GET", path+"@nobody:hs1", boss.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", path+"nobody", boss.Token, nil, 400, "M_INVALID_PARAM")
	})
}
