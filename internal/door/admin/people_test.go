package admin_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
)

func one(user string) string { return "people/" + url.PathEscape("@"+user+":hs1") }

func TestPeople(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		made := h.ok("POST", "people", M{"user_name": "Alice", "display_name": "Älice Ärmel", "email": "Alice@Example.org"})
		if made.Get("user_id").Str != "@alice:hs1" || len(made.Get("password").Str) < 20 || made.Get("emails.0").Str != "alice@example.org" {
			t.Errorf("%s", made.Raw)
		}
		h.fails("POST", "people", M{"user_name": "alice"}, 400, "M_USER_IN_USE")
		h.fails("POST", "people", M{"user_name": "al ice"}, 400, "M_INVALID_USERNAME")
		h.fails("POST", "people", M{"user_name": "other", "email": "alice@example.org"}, 400, "M_THREEPID_IN_USE")
		if b := h.ok("POST", "people", M{"user_name": "bob", "display_name": "=cmd()", "password": password}); b.Get("password").Exists() {
			t.Errorf("%s", b.Raw)
		}
		h.clock = h.clock.Add(time.Hour)
		h.signIn("bob")
		ids := func(query string) string { return h.ok("GET", "people?"+query, nil).Get("items.#.user_id").Raw }
		for query, want := range map[string]string{
			"order=user_id":                       `["@alice:hs1","@bob:hs1","@boss:hs1"]`,
			"order=-user_id":                      `["@boss:hs1","@bob:hs1","@alice:hs1"]`,
			"order=-last_seen&limit=1":            `["@bob:hs1"]`,
			"order=-devices&limit=2":              `["@boss:hs1","@bob:hs1"]`,
			"search=alice":                        `["@alice:hs1"]`,
			"search=" + url.QueryEscape("ÄRM al"): `["@alice:hs1"]`,
			"search=example.org":                  `["@alice:hs1"]`,
			"search=" + url.QueryEscape("%"):      `[]`,
			"state=admin":                         `["@boss:hs1"]`,
			"state=locked":                        `[]`,
		} {
			if got := ids(query); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		h.fails("GET", "people?state=odd", nil, 400, "M_INVALID_PARAM")
		rows, err := csv.NewReader(strings.NewReader(h.csv("people?order=user_id&search=b"))).ReadAll()
		if err != nil || len(rows) != 3 || rows[1][0] != "@bob:hs1" || rows[1][1] != "'=cmd()" || rows[1][10] != "2023-11-14T23:13:20Z" {
			t.Errorf("%v %q", err, rows)
		}
		bob := h.ok("GET", one("bob"), nil)
		if d := bob.Get("devices.0"); d.Get("address").Str != "192.0.2.7" || d.Get("user_agent").Str != "Test/1" || bob.Get("device_count").Int() != 1 {
			t.Errorf("%s", bob.Raw)
		}
		h.fails("GET", one("nobody"), nil, 404, "M_NOT_FOUND")
	})
}

// Pages of any size show each account once, in order.
func TestPagesOfPeople(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		for i := range 7 {
			h.ok("POST", "people", M{"user_name": fmt.Sprintf("p%d", i), "display_name": fmt.Sprintf("Same %d", i%2), "password": password})
		}
		for _, order := range []string{"name", "-name", "created", "-last_seen", "devices", "-bytes"} {
			whole := h.ok("GET", "people?limit=500&order="+order, nil)
			for _, limit := range []int{1, 2, 3, 8} {
				var got []string
				for from := ""; ; {
					page := h.ok("GET", fmt.Sprintf("people?order=%s&limit=%d&from=%s", order, limit, from), nil)
					if page.Get("total").Int() != 8 {
						t.Fatalf("%s", page.Raw)
					}
					for _, p := range page.Get("items.#.user_id").Array() {
						got = append(got, p.Str)
					}
					if from = page.Get("next").Str; from == "" {
						break
					}
				}
				var want []string
				for _, p := range whole.Get("items.#.user_id").Array() {
					want = append(want, p.Str)
				}
				if strings.Join(got, " ") != strings.Join(want, " ") || len(got) != 8 {
					t.Errorf("%s by %d: %v, want %v", order, limit, got, want)
				}
			}
		}
	})
}

// An administrator reads of an account what its person reads, page by page; nobody else does.
func TestSecurityOfPeople(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.account("alice", false)
		h.signIn("alice")
		h.ok("POST", one("alice")+"/lock", nil)
		h.ok("POST", one("alice")+"/unlock", nil)
		path := one("alice") + "/security"
		all := h.ok("GET", path, nil)
		if got := all.Get("items.#.action").Raw; got != `["account.unlock","account.lock","device.signed_in","device.signed_in"]` || all.Get("total").Int() != 4 {
			t.Errorf("%s", all.Raw)
		}
		// By the administrator, whose address is not here; by the person, whose is.
		if e := all.Get("items.0"); e.Get("actor").Str != "@boss:hs1" || e.Get("address").Str != "" || e.Get("time").Int() != h.clock.UnixMilli() {
			t.Errorf("%s", e.Raw)
		}
		if first := h.ok("GET", path+"?order=seq&limit=1", nil); first.Get("items.0.action").Str != "device.signed_in" || first.Get("items.0.subject").Str == "" {
			t.Errorf("%s", first.Raw)
		}
		page := h.ok("GET", path+"?limit=3", nil)
		rest := h.ok("GET", path+"?limit=3&from="+page.Get("next").Str, nil)
		if page.Get("items.#").Int() != 3 || rest.Get("items.#.seq").Raw != "[1]" || rest.Get("next").Exists() {
			t.Errorf("%s %s", page.Raw, rest.Raw)
		}
		_, own := h.client("GET", "security_history", alice, nil)
		if got, want := own.Get("items.#.action").Raw, all.Get("items.#.action").Raw; got != want {
			t.Errorf("the person reads %s, the administrator %s", got, want)
		}
		rows, err := csv.NewReader(strings.NewReader(h.csv(path))).ReadAll()
		if err != nil || len(rows) != 5 || rows[1][2] != "account.unlock" || rows[1][3] != "@boss:hs1" {
			t.Errorf("%v %q", err, rows)
		}
		h.fails("GET", one("nobody")+"/security", nil, 404, "M_NOT_FOUND")
		h.fails("GET", path+"?order=time", nil, 400, "M_INVALID_PARAM")
		for token, want := range map[string]string{alice: "M_FORBIDDEN", "": "M_MISSING_TOKEN", "nonsense": "M_UNKNOWN_TOKEN"} {
			w := h.serve(h.request("GET", "/_conclave/admin/v1/"+path, token, nil))
			if got := gjson.GetBytes(w.Body.Bytes(), "errcode").Str; got != want {
				t.Errorf("%q: %d %s, want %s", token, w.Code, w.Body, want)
			}
		}
	})
}

func TestActsOnPeople(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		token := h.account("alice", false)
		whose := func(token string) error { _, err := h.accounts.Resolve(context.Background(), token); return err }
		state := func(verb, want string) {
			t.Helper()
			if a := h.ok("POST", one("alice")+"/"+verb, nil); a.Get("state").Str != want {
				t.Errorf("after %s: %s", verb, a.Raw)
			}
		}
		state("lock", "locked")
		state("suspend", "locked")
		state("unlock", "suspended")
		state("unsuspend", "active")
		if a := h.ok("PUT", one("alice"), M{"display_name": "Alice Liddell", "admin": true}); a.Get("display_name").Str != "Alice Liddell" || !a.Get("admin").Bool() {
			t.Errorf("%s", a.Raw)
		}
		h.fails("POST", one("alice")+"/lock", nil, 403, "M_FORBIDDEN") // an administrator
		h.ok("PUT", one("alice"), M{"admin": false})
		for _, path := range []string{"/lock", "/suspend", "/deactivate"} {
			h.fails("POST", one("boss")+path, M{}, 403, "M_FORBIDDEN") // oneself
		}
		h.fails("PUT", one("boss"), M{"admin": false}, 403, "M_FORBIDDEN")

		h.ok("POST", one("alice")+"/emails", M{"email": "a@example.org"})
		h.fails("POST", one("alice")+"/emails", M{"email": "nonsense"}, 400, "M_INVALID_PARAM")
		if a := h.ok("GET", "people?search=a@example.org", nil); a.Get("total").Int() != 1 {
			t.Errorf("%s", a.Raw)
		}
		if a := h.ok("POST", one("alice")+"/emails/remove", M{"email": "a@example.org"}); a.Get("emails.#").Int() != 0 {
			t.Errorf("%s", a.Raw)
		}

		second := h.signIn("alice")
		device := h.ok("GET", one("alice"), nil).Get("devices.0.device_id").Str
		if a := h.ok("DELETE", one("alice")+"/devices/"+device, nil); a.Get("device_count").Int() != 1 {
			t.Errorf("%s", a.Raw)
		}
		h.fails("DELETE", one("alice")+"/devices/"+device, nil, 404, "M_NOT_FOUND")
		if (whose(token) == nil) == (whose(second) == nil) {
			t.Error("not one of the two devices was signed out")
		}
		reset := h.ok("POST", one("alice")+"/reset-password", M{"sign_out": false})
		if whose(token) != nil && whose(second) != nil || len(reset.Get("password").Str) < 20 {
			t.Errorf("%s", reset.Raw)
		}
		if a := h.ok("POST", one("alice")+"/reset-password", M{"password": password}); a.Get("password").Exists() {
			t.Errorf("%s", a.Raw)
		}
		third := h.signIn("alice")
		h.ok("POST", one("alice")+"/sign-out", nil)
		for _, tok := range []string{token, second, third} {
			f := fault.Of(whose(tok))
			if f == nil || f.Code != "M_UNKNOWN_TOKEN" || f.Body["soft_logout"] != false || f.Body["chat.conclave.wipe"] != true {
				t.Errorf("a device that was signed out hears %+v", f)
			}
		}
		if f := fault.Of(whose("conclave_at_never")); f == nil || f.Body["chat.conclave.wipe"] != nil {
			t.Errorf("a token that never was is told to erase: %+v", f)
		}
		if a := h.ok("POST", one("alice")+"/deactivate", M{"erase": true}); a.Get("state").Str != "deactivated" || !a.Get("erased").Bool() {
			t.Errorf("%s", a.Raw)
		}
		h.fails("POST", one("alice")+"/unlock", nil, 404, "M_NOT_FOUND")
		if v := h.ok("GET", "audit/verify", nil); !v.Get("ok").Bool() {
			t.Errorf("%s", v.Raw)
		}
		log := h.ok("GET", "audit?target="+url.QueryEscape("@alice:hs1")+"&order=seq", nil)
		if got := log.Get("items.#.action").Raw; got != `["account.lock","account.suspend","account.unlock","account.unsuspend","account.rename","account.promote",`+
			`"account.demote","account.add_email","account.remove_email","account.sign_out","account.reset_password","account.reset_password","account.sign_out","account.deactivate"]` {
			t.Errorf("recorded %s", got)
		}
		if e := log.Get("items.4"); e.Get("actor").Str != "@boss:hs1" || e.Get("before").Str != "alice" || e.Get("after").Str != "Alice Liddell" || e.Get("device").Str == "" {
			t.Errorf("%s", e.Raw)
		}
	})
}

// The tombstones of tokens go after their time.
func TestRevokedTokensAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		token := h.account("alice", false)
		h.ok("POST", one("alice")+"/sign-out", nil)
		wiped := func() bool {
			_, err := h.accounts.Resolve(context.Background(), token)
			return fault.Of(err).Body["chat.conclave.wipe"] == true
		}
		h.must(h.accounts.Collect(context.Background(), h.clock.Add(399*24*time.Hour)))
		if !wiped() {
			t.Error("forgotten too early")
		}
		h.must(h.accounts.Collect(context.Background(), h.clock.Add(401*24*time.Hour)))
		if wiped() {
			t.Error("never forgotten")
		}
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		if err := h.accounts.RegistrationOpen(ctx); !fault.Is(err, "M_FORBIDDEN") {
			t.Errorf("nobody was invited: %v", err)
		}
		made := h.ok("POST", "invitations", M{"user_name": "Carol", "display_name": "Carol C.", "email": "carol@example.org", "admin": true, "send": true})
		token, ok := strings.CutPrefix(made.Get("link").Str, "https://chat.example.org/invite/")
		if !ok || made.Get("state").Str != "open" || !made.Get("sent").Bool() || len(h.mails) != 1 || !strings.Contains(h.mails[0], made.Get("link").Str) {
			t.Errorf("%s %q", made.Raw, h.mails)
		}
		if days := (made.Get("expires").Int() - made.Get("created").Int()) / (24 * time.Hour).Milliseconds(); days != 7 {
			t.Errorf("it lasts %d days", days)
		}
		h.fails("POST", "invitations", M{"user_name": "carol"}, 409, "CHAT.CONCLAVE.INVITED")
		h.fails("POST", "invitations", M{"email": "CAROL@example.org"}, 409, "CHAT.CONCLAVE.INVITED")
		h.fails("POST", "invitations", M{"user_name": "boss"}, 400, "M_USER_IN_USE")
		h.fails("POST", "invitations", M{"send": true}, 400, "M_MISSING_PARAM")
		h.fails("POST", "invitations", M{"days": 91}, 400, "M_INVALID_PARAM")
		if status, a := h.client("GET", "invitations/"+token, "", nil); status != 200 || a.Get("user_name").Str != "carol" || a.Get("organisation").Str != "Example" {
			t.Errorf("%d %s", status, a.Raw)
		}
		if status, a := h.client("GET", "invitations/x", "", nil); status != 404 || a.Get("errcode").Str != "M_NOT_FOUND" {
			t.Errorf("%d %s", status, a.Raw)
		}

		h.must(h.accounts.RegistrationOpen(ctx))
		register := func(name, token string) (*ident.Grant, error) {
			done, err := h.accounts.Confirm(ctx, ident.Challenge{Action: ident.ActionRegister, Body: []byte(`{"auth":{"type":"m.login.registration_token","token":"` + token + `"}}`)})
			if err != nil {
				return nil, err
			}
			return h.accounts.Register(ctx, ident.NewAccount{Name: name, Password: password, Invitation: done.Invitation})
		}
		if _, err := register("mallory", token); !fault.Is(err, "M_FORBIDDEN") {
			t.Errorf("another name than the invitation's: %v", err)
		}
		plain, err := h.accounts.Invite(ident.By{}, "", 1, 0)
		h.must(err)
		if _, err := register("mallory", plain); !fault.Is(err, "M_FORBIDDEN") {
			t.Errorf("a registration token that is nobody's, while registration is closed: %v", err)
		}
		g, err := register("", token)
		h.must(err)
		carol := h.ok("GET", one("carol"), nil)
		if g.User != "@carol:hs1" || !carol.Get("admin").Bool() || carol.Get("display_name").Str != "Carol C." || carol.Get("emails.0").Str != "carol@example.org" {
			t.Errorf("%s", carol.Raw)
		}
		if _, err := register("", token); err == nil {
			t.Error("it was accepted twice")
		}
		second := h.ok("POST", "invitations", M{"days": 1})
		third := h.ok("POST", "invitations", M{})
		h.clock = h.clock.Add(25 * time.Hour)
		h.boss = h.signIn("boss")
		for _, state := range []string{"open", "accepted", "expired"} {
			if a := h.ok("GET", "invitations?state="+state, nil); a.Get("items.#.state").Raw != `["`+state+`"]` {
				t.Errorf("%s: %s", state, a.Raw)
			}
		}
		if a := h.ok("GET", "invitations?state=accepted", nil); a.Get("total").Int() != 1 || a.Get("items.0.accepted_by").Str != "@carol:hs1" {
			t.Errorf("%s", a.Raw)
		}
		if a := h.ok("GET", "invitations?search=CAROL", nil); a.Get("total").Int() != 1 {
			t.Errorf("%s", a.Raw)
		}
		h.ok("DELETE", "invitations/"+third.Get("invitation_id").Str, nil)
		h.fails("DELETE", "invitations/"+third.Get("invitation_id").Str, nil, 404, "M_NOT_FOUND")
		if err := h.accounts.RegistrationOpen(ctx); !fault.Is(err, "M_FORBIDDEN") {
			t.Errorf("nobody is invited any more: %v", err)
		}
		h.must(h.accounts.Collect(ctx, h.clock.Add(40*24*time.Hour)))
		if a := h.ok("GET", "invitations", nil); a.Get("total").Int() != 0 {
			t.Errorf("%s is still there: %s", second.Get("invitation_id").Str, a.Raw)
		}
		log := h.ok("GET", "audit?action=invitation&order=seq", nil).Raw
		if strings.Contains(log, token) || !strings.Contains(log, "invitation.accept") || !strings.Contains(log, "invitation.revoke") {
			t.Errorf("%s", log)
		}
	})
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.account("dave", false)
		table := "\xef\xbb\xbfUser name;Display name;E-mail"
		h.fails("POST", "people/import", table, 400, "M_INVALID_PARAM")
		h.fails("POST", "people/import", "", 400, "M_INVALID_PARAM")
		table = "\xef\xbb\xbfuser_name;display name;email;admin\r\n" +
			"erin;Erin E.;erin@example.org;yes\r\n" + // 2
			"dave;Dave;;\r\n" + // 3: is there
			"fr ank;Frank;;\r\n" + // 4: no user name
			";\"Grace; H.\";grace@example.org;no\r\n" + // 5: chooses the name
			"erin;Other;;\r\n" + // 6: twice
			"heidi;Heidi;nonsense;\r\n" + // 7
			"ivan;'=Ivan;;maybe\r\n" + // 8
			"judy\r\n" + // 9
			";;;\r\n" // 10
		want := func(report gjson.Result, outcomes string) {
			t.Helper()
			if got := report.Get("rows.#.outcome").Raw; got != outcomes {
				t.Errorf("%s, want %s: %s", got, outcomes, report.Raw)
			}
		}
		dry := h.ok("POST", "people/import?dry_run=true", table)
		want(dry, `["ready","exists","error","ready","error","error","error","error","error"]`)
		if dry.Get("counts.ready").Int() != 2 || dry.Get("rows.0.line").Int() != 2 || dry.Get("rows.3.display_name").Str != "Grace; H." || !dry.Get("rows.0.admin").Bool() {
			t.Errorf("%s", dry.Raw)
		}
		if a := h.ok("GET", "invitations", nil); a.Get("total").Int() != 0 {
			t.Errorf("the dry run did something: %s", a.Raw)
		}
		done := h.ok("POST", "people/import?send=true", table)
		want(done, `["done","exists","error","done","error","error","error","error","error"]`)
		if len(h.mails) != 2 || !strings.HasPrefix(done.Get("rows.0.link").Str, "https://chat.example.org/invite/") || !done.Get("rows.0.sent").Bool() {
			t.Errorf("%s %q", done.Raw, h.mails)
		}
		want(h.ok("POST", "people/import", table), `["pending","exists","error","pending","error","error","error","error","error"]`)
		if a := h.ok("GET", "invitations", nil); a.Get("total").Int() != 2 {
			t.Errorf("importing again did something: %s", a.Raw)
		}
		accounts := h.ok("POST", "people/import?as=accounts", "user_name,admin\nken,no\nerin,no\n")
		want(accounts, `["done","pending"]`)
		if _, err := h.accounts.Login(context.Background(), "ken", accounts.Get("rows.0.password").Str, ident.Client{}); err != nil {
			t.Error(err)
		}
		want(h.ok("POST", "people/import?as=accounts", "user_name\nken\n"), `["exists"]`)
	})
}

func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		status, a, header := h.do("GET", "settings", nil)
		if status != 200 || header.Get("ETag") != `"0"` || a.Get("values.name").Str != "Example" || a.Get("sources.name").Str != "file" || a.Get("sources.idle_lock_minutes").Str != "default" {
			t.Errorf("%d %v %s", status, header, a.Raw)
		}
		h.fails("PUT", "settings", M{"name": "x"}, 400, "M_MISSING_PARAM")
		put := func(tag string, body M) (int, gjson.Result) {
			status, a, _ := h.do("PUT", "settings", body, "If-Match", tag)
			return status, a
		}
		if status, a := put(`"0"`, M{"name": "Umbrella", "registration": "token", "upload_limit": 77, "idle_lock_minutes": 15, "forwarding_allowed": false}); status != 200 || a.Get("version").Int() != 1 || a.Get("sources.name").Str != "console" {
			t.Errorf("%d %s", status, a.Raw)
		}
		if status, a := put(`"0"`, M{"name": "Late"}); status != 412 || a.Get("errcode").Str != "CHAT.CONCLAVE.CHANGED" {
			t.Errorf("%d %s", status, a.Raw)
		}
		for _, bad := range []M{
			{"registration": "open"},
			{"upload_limit": 0},
			{"user_quota": -1},
			{"idle_lock_minutes": 100000},
			{"name": ""},
			{"retention_days": -1},
			{"retention_min_days": 8, "retention_max_days": 7},
			{"retention_days": 5, "retention_min_days": 6},
			{"retention_days": 8, "retention_max_days": 7},
		} {
			if status, a := put(`"1"`, bad); status != 400 || a.Get("errcode").Str != "M_INVALID_PARAM" {
				t.Errorf("%v: %d %s", bad, status, a.Raw)
			}
		}
		h.must(h.accounts.RegistrationOpen(context.Background())) // by token, from now on
		status, pub := h.client("GET", "organisation", "", nil)
		if status != 200 || pub.Get("name").Str != "Umbrella" || pub.Get("policy").Exists() || pub.Get("registration").Str != "token" {
			t.Errorf("%d %s", status, pub.Raw)
		}
		if _, own := h.client("GET", "organisation", h.boss, nil); own.Get("policy.idle_lock_minutes").Int() != 15 || own.Get("policy.forwarding_allowed").Bool() ||
			!own.Get("policy.exclude_unsigned_devices").Bool() || own.Get("policy.upload_limit").Int() != 77 || !own.Get("admin").Bool() || own.Get("policy.retention_days").Raw != "null" || own.Get("policy.retention_min_days").Raw != "null" {
			t.Errorf("%s", own.Raw)
		}
		if status, a := put(`"1"`, M{}); status != 200 || a.Get("values.name").Str != "Example" || a.Get("values.upload_limit").Int() != 1000 {
			t.Errorf("%d %s", status, a.Raw)
		}
		if status, a := put(`"2"`, M{"retention_days": 30, "retention_min_days": 1, "retention_max_days": 365}); status != 200 || a.Get("values.retention_days").Int() != 30 {
			t.Errorf("%d %s", status, a.Raw)
		}
		if _, own := h.client("GET", "organisation", h.boss, nil); own.Get("policy.retention_days").Int() != 30 || own.Get("policy.retention_max_days").Int() != 365 {
			t.Errorf("%s", own.Raw)
		}
		h.ok("POST", "retention/estimate", M{"retention_days": 7, "retention_min_days": 0, "retention_max_days": 0})
		h.fails("POST", "retention/estimate", M{"retention_days": 7, "retention_min_days": 8, "retention_max_days": 0}, 400, "M_INVALID_PARAM")
		e := h.ok("GET", "audit?action=settings&order=seq", nil)
		if e.Get("total").Int() != 3 || e.Get("items.2.after.retention_days").Int() != 30 || e.Get("items.1.before.name").Str != "Umbrella" || e.Get("items.1.after").Raw != "{}" {
			t.Errorf("%s", e.Raw)
		}
	})
}

func TestWelcome(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		if link, err := h.enrol.WelcomeLink(ctx); link != "" || err != nil {
			t.Fatalf("there is an administrator: %q %v", link, err)
		}
		h.must(h.accounts.SetAdmin(ctx, ident.By{}, "@boss:hs1", false))
		token := func() string {
			link, err := h.enrol.WelcomeLink(ctx)
			h.must(err)
			return strings.TrimPrefix(link, "https://chat.example.org/welcome/")
		}
		old, now := token(), token()
		if status, _ := h.client("GET", "welcome/"+old, "", nil); status != 404 {
			t.Errorf("a link of an earlier start is good: %d", status)
		}
		status, a := h.client("GET", "welcome/"+now, "", nil)
		if status != 200 || a.Get("user_name").Str != "admin" || a.Get("organisation").Str != "Example" {
			t.Errorf("%d %s", status, a.Raw)
		}
		begin := func(body M) (int, gjson.Result) { return h.client("POST", "welcome/"+now, "", body) }
		if status, a := begin(M{"password": "short"}); status != 400 || a.Get("errcode").Str != "M_WEAK_PASSWORD" {
			t.Errorf("%d %s", status, a.Raw)
		}
		if status, a := begin(M{"password": password, "user_name": "boss"}); status != 400 || a.Get("errcode").Str != "M_USER_IN_USE" {
			t.Errorf("%d %s", status, a.Raw)
		}
		status, a = begin(M{"password": password, "user_name": "chief", "organisation": "Acme", "initial_device_display_name": "Web"})
		if status != 200 || a.Get("user_id").Str != "@chief:hs1" || a.Get("device_id").Str == "" {
			t.Fatalf("%d %s", status, a.Raw)
		}
		h.boss = a.Get("access_token").Str
		if v := h.ok("GET", "settings", nil); v.Get("values.name").Str != "Acme" {
			t.Errorf("%s", v.Raw)
		}
		for _, method := range []string{"GET", "POST"} {
			if status, a := h.client(method, "welcome/"+now, "", M{"password": password, "user_name": "second"}); status != 404 || a.Get("errcode").Str != "M_NOT_FOUND" {
				t.Errorf("it was used twice: %d %s", status, a.Raw)
			}
		}
		if e := h.ok("GET", "audit?actor="+url.QueryEscape("@chief:hs1")+"&order=seq", nil); e.Get("items.#.action").Raw != `["settings.change","account.create"]` {
			t.Errorf("%s", e.Raw)
		}
	})
}
