package admin_test

import (
	"context"
	"path"
	"testing"

	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/credential"
	"conclave.chat/internal/mx"
)

func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		for _, name := range []string{"ann", "bob", "eve"} {
			h.account(name, false)
		}
		users := func(names ...string) (list []mx.UserID) {
			for _, n := range names {
				list = append(list, h.id(n))
			}
			return list
		}
		if g := h.ok("POST", "groups", M{"group_id": "trading", "name": "Händler"}); g.Get("members").Int() != 0 || g.Get("created").Int() != h.clock.UnixMilli() {
			t.Errorf("%s", g.Raw)
		}
		h.ok("POST", "groups", M{"group_id": "board"})
		h.fails("POST", "groups", M{"group_id": "trading"}, 409, "CHAT.CONCLAVE.EXISTS")
		for _, id := range []string{"", "Trading", "a b", "-x", "ä"} {
			h.fails("POST", "groups", M{"group_id": id}, 400, "M_INVALID_PARAM")
		}
		h.fails("PUT", "groups/trading", M{"name": ""}, 400, "M_INVALID_PARAM")
		h.fails("PUT", "groups/none", M{"name": "x"}, 404, "M_NOT_FOUND")
		h.fails("GET", "groups/none", nil, 404, "M_NOT_FOUND")
		h.fails("GET", "groups/none/members", nil, 404, "M_NOT_FOUND")

		if g := h.ok("POST", "groups/trading/members", M{"add": users("ann", "bob", "ann")}); g.Get("members").Int() != 2 {
			t.Errorf("%s", g.Raw)
		}
		h.ok("POST", "groups/trading/members", M{"add": users("ann")}) // she is in it already: nothing is recorded
		h.fails("POST", "groups/trading/members", M{"add": append(users("eve"), "@eve:elsewhere")}, 400, "M_INVALID_PARAM")
		h.fails("POST", "groups/trading/members", M{"add": users("eve"), "remove": users("eve")}, 400, "M_INVALID_PARAM")
		h.fails("POST", "groups/none/members", M{"add": users("eve")}, 404, "M_NOT_FOUND")
		h.ok("POST", "groups/board/members", M{"add": users("bob", "boss")})
		if g := h.ok("POST", "groups/trading/members", M{"add": users("eve"), "remove": users("ann")}); g.Get("members").Int() != 2 {
			t.Errorf("%s", g.Raw)
		}
		for path, want := range map[string]string{
			"groups":                                       `["board","trading"]`, // by name, as people read it: board, handler
			"groups?order=-members&limit=1":                `["trading"]`,
			"groups?search=HANDLER":                        `["trading"]`,
			"groups?search=trad":                           `["trading"]`,
			"groups/trading/members?order=user_id":         `["@bob:hs1","@eve:hs1"]`,
			"groups/trading/members?search=ev":             `["@eve:hs1"]`,
			"groups/board/members?order=-name":             `["@boss:hs1","@bob:hs1"]`,
			"groups/trading/members?order=user_id&limit=1": `["@bob:hs1"]`,
		} {
			field := "items.#.user_id"
			if got := h.ok("GET", path, nil); got.Get(field).Raw != want && got.Get("items.#.group_id").Raw != want {
				t.Errorf("%s: %s, want %s", path, got.Raw, want)
			}
		}
		if p := h.ok("GET", one("bob"), nil); p.Get("groups.#.name").Raw != `["board","Händler"]` {
			t.Errorf("%s", p.Get("groups").Raw)
		}
		h.ok("PUT", "groups/trading", M{"name": "Trading"})

		// Who leaves the organisation leaves its groups.
		h.ok("POST", one("bob")+"/deactivate", M{})
		if got := h.ok("GET", "groups", nil).Get("items.#.members").Raw; got != "[1,1]" {
			t.Errorf("members %s", got)
		}
		h.fails("POST", "groups/board/members", M{"add": users("bob")}, 400, "M_INVALID_PARAM")
		h.ok("DELETE", "groups/trading", nil)
		h.fails("DELETE", "groups/trading", nil, 404, "M_NOT_FOUND")
		if p := h.ok("GET", one("eve"), nil); p.Get("groups").Raw != "[]" {
			t.Errorf("%s", p.Get("groups").Raw)
		}
		entries := h.ok("GET", "audit?order=seq&target=trading", nil).Get("items")
		for i, want := range []struct{ action, before, after string }{
			{"group.create", "", `{"name":"Händler"}`},
			{"group.members", `{"members":0}`, `{"joined":["@ann:hs1","@bob:hs1"],"left":[],"members":2}`},
			{"group.members", `{"members":2}`, `{"joined":["@eve:hs1"],"left":["@ann:hs1"],"members":2}`},
			{"group.rename", `{"name":"Händler"}`, `{"name":"Trading"}`},
			{"group.delete", `{"members":["@eve:hs1"],"name":"Trading"}`, ""},
		} {
			e := entries.Array()[i]
			before, after := e.Get("before"), e.Get("after")
			if e.Get("action").Str != want.action || want.before != "" && before.Raw != want.before || want.after != "" && after.Raw != want.after || (want.before == "") != (before.Type == 0) || (want.after == "") != (after.Type == 0) {
				t.Errorf("%d: %s", i, e.Raw)
			}
		}
		if n := len(entries.Array()); n != 5 {
			t.Errorf("%d entries", n)
		}
	})
}

// A table, an invitation and a new account say which groups somebody is in.
func TestPeopleEnterGroups(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		for _, id := range []string{"desk", "board"} {
			h.ok("POST", "groups", M{"group_id": id})
		}
		rows := h.ok("POST", "people/import?as=accounts", "user_name,groups\nann,desk board\nbob,\"desk, none\"\neve,\n").Get("rows")
		if rows.Get("#.outcome").Raw != `["done","error","done"]` || rows.Get("1.problem").Str != `There is no group "none"` || rows.Get("0.groups").Raw != `["desk","board"]` {
			t.Errorf("%s", rows.Raw)
		}
		h.fails("POST", "people", M{"user_name": "bob", "groups": []string{"none"}}, 400, "M_INVALID_PARAM")
		h.ok("POST", "people", M{"user_name": "bob", "groups": []string{"desk"}})
		for who, want := range map[string]string{"ann": `["board","desk"]`, "bob": `["desk"]`, "eve": "[]"} {
			if got := h.ok("GET", one(who), nil).Get("groups.#.group_id").Raw; got != want {
				t.Errorf("%s is in %s, want %s", who, got, want)
			}
		}
		// A group that ends before the invitation is accepted keeps nobody out.
		made := h.ok("POST", "invitations", M{"user_name": "guest", "groups": []string{"desk", "board"}})
		if made.Get("groups").Raw != `["desk","board"]` {
			t.Errorf("%s", made.Raw)
		}
		h.ok("DELETE", "groups/desk", nil)
		_, err := h.accounts.Register(context.Background(), ident.NewAccount{Password: password, Invitation: credential.Hash(path.Base(made.Get("link").Str))})
		h.must(err)
		if got := h.ok("GET", one("guest"), nil).Get("groups.#.group_id").Raw; got != `["board"]` {
			t.Errorf("the guest is in %s", got)
		}
	})
}
