package app

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"conclave.chat/internal/config"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/group"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/auditlog"
)

// recordedSite is a site with a recorder that does not answer, an administrator with the compliance role, and one without it.
func recordedSite(t *testing.T) (s *site, boss, officer, recorder member) {
	t.Helper()
	s = newSiteWith(t, func(c *config.Config) {
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		r := &c.Recording
		r.URL, r.PublicKey, r.User, r.Scope, r.Admins = "http://127.0.0.1:1", mx.EncodeBase64(public), "recorder", "none", []string{"@officer:hs1"}
	})
	command := ident.By{Name: auditlog.CommandLine}
	for _, n := range []ident.NewAccount{{Name: "recorder"}, {Name: "officer", Admin: true}} {
		n.Password = "a good long password"
		if _, _, err := s.accounts.Add(context.Background(), command, n); err != nil {
			t.Fatal(err)
		}
	}
	return s, s.admin(), s.login("officer"), s.login("recorder")
}

func (s *site) login(name string) member {
	s.t.Helper()
	r := s.must("POST", "/_matrix/client/v3/login", "", fmt.Sprintf(`{"type":"m.login.password","identifier":{"type":"m.id.user","user":%q},"password":"a good long password"}`, name))
	return member{r.JSON["user_id"].(string), r.JSON["access_token"].(string), r.JSON["device_id"].(string)}
}

// What recording rests on is not in the hands of administrators without the compliance role: each way to act on an account is tried on a recorder's and on
// that of somebody with the role. A way that is new fails the test until it is tried as well.
func TestAccountsThatRecordingRestsOnAreProtected(t *testing.T) {
	s, boss, officer, recorder := recordedSite(t)
	bodies := map[string]string{
		"PUT /_conclave/admin/v1/people/{userId}":                       `{"display_name":"Somebody","admin":true}`,
		"POST /_conclave/admin/v1/people/{userId}/lock":                 `{}`,
		"POST /_conclave/admin/v1/people/{userId}/unlock":               `{}`,
		"POST /_conclave/admin/v1/people/{userId}/suspend":              `{}`,
		"POST /_conclave/admin/v1/people/{userId}/unsuspend":            `{}`,
		"POST /_conclave/admin/v1/people/{userId}/deactivate":           `{}`,
		"POST /_conclave/admin/v1/people/{userId}/erase":                `{}`,
		"POST /_conclave/admin/v1/people/{userId}/reset-password":       `{"sign_out":false}`,
		"POST /_conclave/admin/v1/people/{userId}/sign-out":             `{}`,
		"DELETE /_conclave/admin/v1/people/{userId}/devices/{deviceId}": `{}`,
		"POST /_conclave/admin/v1/people/{userId}/emails":               `{"email":"boss@example.org"}`,
		"POST /_conclave/admin/v1/people/{userId}/emails/remove":        `{"email":"boss@example.org"}`,
		"PUT /_matrix/client/v1/admin/lock/{userId}":                    `{"locked":true}`,
		"PUT /_matrix/client/v1/admin/suspend/{userId}":                 `{"suspended":true}`,
	}
	tried := 0
	for _, list := range s.routes {
		for _, route := range list {
			if route.Access != gate.Admin || route.Method == http.MethodGet || !strings.Contains(route.Path, "{userId}") {
				continue
			}
			name := route.Method + " " + route.Path
			body, ok := bodies[name]
			if !ok {
				t.Errorf("%s acts on an account, and nobody has tried whether it spares those of recorders", name)
				continue
			}
			tried++
			for _, target := range []member{recorder, officer} {
				path := strings.NewReplacer("{userId}", url.PathEscape(target.id), "{deviceId}", url.PathEscape(target.device)).Replace(route.Path)
				r := s.do(route.Method, path, boss.token, []byte(body))
				said, _ := r.JSON["error"].(string)
				locks := strings.HasPrefix(route.Path, "/_matrix") || strings.HasSuffix(route.Path, "lock") || strings.HasSuffix(route.Path, "suspend")
				if target == officer && locks { // what is done to no administrator
					said += " compliance role"
				}
				if r.Status != http.StatusForbidden || !strings.Contains(said, "compliance role") {
					t.Errorf("%s on %s: %d %s", name, target.id, r.Status, r.Raw)
				}
			}
		}
	}
	if tried != len(bodies) {
		t.Errorf("%d ways were tried, and %d are known", tried, len(bodies))
	}
	for _, m := range []member{recorder, officer} { // all is as it was
		s.must("GET", "/_matrix/client/v3/account/whoami", m.token, "")
		s.login(m.id)
	}
	s.must("POST", "/_conclave/admin/v1/people/"+url.PathEscape(recorder.id)+"/emails", officer.token, `{"email":"recorder@example.org"}`)
	s.must("POST", "/_conclave/admin/v1/people/"+url.PathEscape(recorder.id)+"/reset-password", officer.token, `{"password":"another good password"}`)
	if _, err := s.accounts.ResetPassword(context.Background(), ident.By{Name: auditlog.CommandLine}, mx.UserID(recorder.id), "a good long password", true); err != nil {
		t.Errorf("the command line: %v", err)
	}
}

// A recorder is a member of all recorded rooms: in a group, it would bring them all into that group's retention class.
func TestRecordersAreInGroupsByComplianceAlone(t *testing.T) {
	s, boss, officer, recorder := recordedSite(t)
	s.must("POST", "/_conclave/admin/v1/groups", boss.token, `{"group_id":"desk"}`)
	body := fmt.Sprintf(`{"add":[%q]}`, recorder.id)
	if r := s.do("POST", "/_conclave/admin/v1/groups/desk/members", boss.token, []byte(body)); r.Status != http.StatusForbidden {
		t.Errorf("put in: %d %s", r.Status, r.Raw)
	}
	s.must("POST", "/_conclave/admin/v1/groups/desk/members", officer.token, body)
	if r := s.do("POST", "/_conclave/admin/v1/groups/desk/members", boss.token, []byte(strings.Replace(body, "add", "remove", 1))); r.Status != http.StatusForbidden {
		t.Errorf("taken out: %d %s", r.Status, r.Raw)
	}
	if _, err := s.groups.Change(context.Background(), group.By{Name: auditlog.CommandLine}, "desk", nil, []mx.UserID{mx.UserID(recorder.id)}); err != nil {
		t.Errorf("the command line: %v", err)
	}
}

// The names that the configuration gives recorders and those with the compliance role are nobody else's to take, before there is such an account.
func TestNamesOfProtectedAccountsAreTakenByComplianceAlone(t *testing.T) {
	s := newSiteWith(t, func(c *config.Config) {
		public, _, _ := ed25519.GenerateKey(nil)
		r := &c.Recording
		r.URL, r.PublicKey, r.User, r.Scope, r.Admins = "http://127.0.0.1:1", mx.EncodeBase64(public), "recorder", "none", []string{"@officer:hs1"}
	})
	boss := s.admin()
	for _, name := range []string{"recorder", "officer"} {
		for _, r := range []reply{
			s.do("POST", "/_matrix/client/v3/register", "", fmt.Appendf(nil, `{"auth":{"type":"m.login.dummy"},"username":%q,"password":"a good long password"}`, name)),
			s.do("POST", "/_conclave/admin/v1/people", boss.token, fmt.Appendf(nil, `{"user_name":%q,"admin":true}`, name)),
			s.do("POST", "/_conclave/admin/v1/invitations", boss.token, fmt.Appendf(nil, `{"user_name":%q,"admin":true}`, name)),
		} {
			if r.Status != http.StatusBadRequest || r.Code != "M_USER_IN_USE" {
				t.Errorf("%s: %d %s", name, r.Status, r.Raw)
			}
		}
		table := "user_name,display_name,email,admin,groups\n" + name + ",Somebody,,true,\n"
		if r := s.do("POST", "/_conclave/admin/v1/people/import?as=accounts", boss.token, []byte(table)); !strings.Contains(r.Raw, `"error":1`) {
			t.Errorf("a table with %s: %d %s", name, r.Status, r.Raw)
		}
	}
}
