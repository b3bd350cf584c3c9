package admin_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
)

// The document is OpenAPI 3.1 by somebody else's validator, and describes the routes that are served, no more and no less.
func TestDocument(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		if ok, errs := h.validator().ValidateDocument(); !ok {
			for _, err := range errs {
				t.Errorf("%s %s %v", err.Message, err.Reason, err.SchemaValidationErrors)
			}
		}
		doc := gjson.ParseBytes(h.document())
		if v := doc.Get("openapi").Str; v != "3.1.0" {
			t.Errorf("version %q", v)
		}
		var said, served []string
		ids := map[string]bool{}
		doc.Get("paths").ForEach(func(path, item gjson.Result) bool {
			item.ForEach(func(method, op gjson.Result) bool {
				said = append(said, strings.ToUpper(method.Str)+" "+path.Str)
				if id := op.Get("operationId").Str; id == "" || ids[id] || op.Get("summary").Str == "" {
					t.Errorf("%s %s: operation %q, summary %q", method.Str, path.Str, id, op.Get("summary").Str)
				} else {
					ids[id] = true
				}
				op.Get("parameters").ForEach(func(_, p gjson.Result) bool {
					if p.Get("description").Str == "" {
						t.Errorf("%s %s: %s is not described", method.Str, path.Str, p.Get("name").Str)
					}
					return true
				})
				return true
			})
			return true
		})
		for _, rt := range h.api.Routes() {
			served = append(served, rt.Method+" "+rt.Path)
			if rt.Access != gate.Admin {
				t.Errorf("%s %s is for %s", rt.Method, rt.Path, rt.Access)
			}
		}
		slices.Sort(said)
		slices.Sort(served)
		if !slices.Equal(said, served) {
			t.Errorf("the document describes %v, served are %v", said, served)
		}
	})
}

func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		for i := range 3 {
			h.must(h.db.Write(func(tx *store.Tx) error {
				by := auditlog.Actor{Name: "@boss:hs1", Device: "D", Addr: "192.0.2.1"}
				return auditlog.Record(tx, int64(1_700_000_000_000+i), by, auditlog.Act{Action: "account.lock", Target: fmt.Sprintf("=cmd%d", i), Was: M{"locked": false}, Became: M{"locked": true}})
			}))
		}
		first := h.ok("GET", "audit?limit=2", nil)
		if first.Get("total").Int() != 3 || first.Get("items.0.seq").Int() != 3 || first.Get("items.#").Int() != 2 || !first.Get("items.0.after.locked").Bool() {
			t.Errorf("%s", first.Raw)
		}
		second := h.ok("GET", "audit?limit=2&from="+first.Get("next").Str, nil)
		if second.Get("items.#").Int() != 1 || second.Get("items.0.seq").Int() != 1 || second.Get("next").Exists() {
			t.Errorf("%s", second.Raw)
		}
		if a := h.ok("GET", "audit?since=1700000000001&until=1700000000002&order=seq", nil); a.Get("items.#.seq").Raw != "[2]" {
			t.Errorf("%s", a.Raw)
		}
		h.fails("GET", "audit?order=hash", nil, 400, "M_INVALID_PARAM")
		h.fails("GET", "audit?from=x", nil, 400, "M_INVALID_PARAM")
		h.fails("GET", "audit?since=x", nil, 400, "M_INVALID_PARAM")
		rows, err := csv.NewReader(strings.NewReader(h.csv("audit?order=seq"))).ReadAll()
		if err != nil || len(rows) != 4 || strings.Join(rows[0], " ") != "seq time actor device address action target before after prev hash" {
			t.Fatalf("%v %v", err, rows)
		}
		if got := rows[1][:9]; strings.Join(got, "|") != `1|2023-11-14T22:13:20Z|@boss:hs1|D|192.0.2.1|account.lock|'=cmd0|{"locked":false}|{"locked":true}` {
			t.Errorf("%q", got)
		}
		v := h.ok("GET", "audit/verify", nil)
		if !v.Get("ok").Bool() || v.Get("entries").Int() != 3 || v.Get("seq").Int() != 3 {
			t.Errorf("%s", v.Raw)
		}
		anchored := "audit/verify?seq=3&hash=" + v.Get("hash").Str
		h.must(h.db.Write(func(tx *store.Tx) error {
			_, err := tx.Exec("UPDATE audit SET target = '@x:hs1' WHERE seq = 2")
			return err
		}))
		if v := h.ok("GET", anchored, nil); v.Get("ok").Bool() || v.Get("bad_seq").Int() != 2 || v.Get("reason").Str == "" {
			t.Errorf("%s", v.Raw)
		}
		h.fails("GET", "audit/verify?seq=1&hash=zz", nil, 400, "M_INVALID_PARAM")
	})
}

// What administrators do to accounts is recorded with what was before and after, and what people do with their own is not.
func TestActsOnAccountsAreRecorded(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		by := ident.By{Name: auditlog.CommandLine, Addr: "root@host"}
		_, _, err := h.accounts.Add(ctx, by, ident.NewAccount{Name: "alice", Password: password, Display: "Alice"})
		h.must(err)
		alice := h.id("alice")
		h.must(h.accounts.Moderate(ctx, by, alice, new(true), nil))
		h.must(h.accounts.Moderate(ctx, by, alice, new(false), nil))
		h.must(h.accounts.Moderate(ctx, by, alice, nil, new(true)))
		h.must(h.accounts.SetAdmin(ctx, by, alice, true))
		h.must(h.accounts.SetAdmin(ctx, by, alice, false))
		h.must(h.accounts.SetContact(ctx, by, alice, "alice@example.org"))
		_, err = h.accounts.ResetPassword(ctx, by, alice, "", true)
		h.must(err)
		h.must(h.accounts.SetPassword(ctx, alice, password, "", false))
		h.must(h.accounts.Deactivate(ctx, by, alice, true))
		_, err = h.accounts.Invite(by, "", 1, 0)
		h.must(err)
		want := []string{
			"account.create", "account.lock", "account.unlock", "account.suspend", "account.promote", "account.demote", "account.add_email",
			"account.reset_password", "account.deactivate", "registration_token.create",
		}
		a := h.ok("GET", "audit?order=seq", nil)
		var got []string
		for _, e := range a.Get("items").Array() {
			got = append(got, e.Get("action").Str)
			if e.Get("actor").Str != "command line" || e.Get("address").Str != "root@host" {
				t.Errorf("%s", e.Raw)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("recorded %v", got)
		}
		if e := a.Get("items.1"); e.Get("before.locked").Bool() || !e.Get("after.locked").Bool() || e.Get("target").Str != string(alice) {
			t.Errorf("%s", e.Raw)
		}
		if strings.Contains(a.Raw, "$argon2id$") || strings.Contains(a.Raw, password) {
			t.Errorf("a secret is in the log: %s", a.Raw)
		}
	})
}
