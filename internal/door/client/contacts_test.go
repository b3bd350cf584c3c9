package client

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
)

// outbox keeps messages instead of sending them.
type outbox struct{ to, subject, text []string }

func (o *outbox) Send(to, subject, text string) error {
	o.to, o.subject, o.text = append(o.to, to), append(o.subject, subject), append(o.text, text)
	return nil
}

// follow opens the link in the last message and presses the button.
func (h *harness) follow(o *outbox) {
	h.t.Helper()
	link, err := url.Parse(regexp.MustCompile(`https://\S+`).FindString(o.text[len(o.text)-1]))
	if err != nil || link.Host != "chat.example.org" {
		h.t.Fatalf("link %v: %v", link, err)
	}
	page := h.do("GET", link.RequestURI(), "", nil)
	if page.Status != 200 || !strings.Contains(string(page.Raw), link.Query().Get("token")) {
		h.t.Fatalf("page: %d %s", page.Status, page.Raw)
	}
	if w := h.form(link.Path, link.Query()); w.Code != 200 {
		h.t.Fatalf("button: %d %s", w.Code, w.Body)
	}
}

const (
	contactsPath  = "/_matrix/client/v3/account/3pid"
	passwordPath  = "/_matrix/client/v3/account/password"
	tokenRequest  = "/email/requestToken"
	secretOfTest  = "client-secret.1"
	addressOfTest = "alice@example.com"
)

func (h *harness) request(path, address string, attempt int) *answer {
	h.t.Helper()
	return h.ok("POST", path+tokenRequest, "", map[string]any{"client_secret": secretOfTest, "email": address, "send_attempt": attempt})
}

// Spec: cs#get_matrixclientv3account3pid
// Spec: cs#post_matrixclientv3account3pidadd
// Spec: cs#post_matrixclientv3account3piddelete
// Spec: cs#post_matrixclientv3account3pidemailrequesttoken
// Spec: appendices#e-mail
func TestAddress(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		o := &outbox{}
		h.open(o)
		a, b := h.register("alice"), h.register("bob")
		sid := h.request(contactsPath, "Alice@Example.com", 1).str("sid")
		if again := h.request(contactsPath, "alice@example.com", 1).str("sid"); again != sid || len(o.to) != 1 || o.to[0] != addressOfTest {
			t.Errorf("the same attempt: %s %s %v", sid, again, o.to)
		}
		h.request(contactsPath, addressOfTest, 2)
		if len(o.to) != 2 {
			t.Errorf("another attempt: %v", o.to)
		}
		proof := map[string]any{"sid": sid, "client_secret": secretOfTest}
		with := func(p person) map[string]any {
			return map[string]any{"sid": sid, "client_secret": secretOfTest, "auth": passwordAuth(p, testPassword)}
		}
		h.fails("POST", contactsPath+"/add", a.Token, with(a), 400, "M_THREEPID_AUTH_FAILED")
		h.follow(o)
		wrong := with(a)
		wrong["client_secret"] = "another"
		h.fails("POST", contactsPath+"/add", a.Token, wrong, 400, "M_THREEPID_AUTH_FAILED")
		h.confirmed("POST", contactsPath+"/add", a, proof)
		h.fails("POST", contactsPath+"/add", a.Token, with(a), 400, "M_THREEPID_AUTH_FAILED") // good once
		got := h.ok("GET", contactsPath, a.Token, nil)
		list, _ := got.JSON["threepids"].([]any)
		if len(list) != 1 || !strings.Contains(string(got.Raw), `"medium":"email","address":"alice@example.com","validated_at":1700000000000`) {
			t.Errorf("%s", got.Raw)
		}
		// Whoever asks for an address that is somebody else's learns nothing; its owner does.
		h.request(contactsPath, addressOfTest, 3)
		if o.subject[len(o.subject)-1] != "This address is in use" {
			t.Errorf("messages: %v", o.subject)
		}
		for _, id := range []map[string]string{
			{"type": "m.id.thirdparty", "medium": "email", "address": "ALICE@example.com"},
		} {
			in := h.ok("POST", "/_matrix/client/v3/login", "", map[string]any{"type": "m.login.password", "password": testPassword, "identifier": id})
			if in.str("user_id") != a.ID {
				t.Errorf("%s", in.Raw)
			}
		}
		h.ok("POST", "/_matrix/client/v3/login", "", map[string]any{"type": "m.login.password", "password": testPassword, "medium": "email", "address": addressOfTest})
		h.fails("POST", "/_matrix/client/v3/login", "", map[string]any{
			"type": "m.login.password", "password": testPassword, "identifier": map[string]string{"type": "m.id.thirdparty", "medium": "email", "address": "nobody@example.com"},
		}, 403, "M_FORBIDDEN")
		if err := h.accounts.SetContact(context.Background(), ident.By{}, "@bob:hs1", addressOfTest); !fault.Is(err, "M_THREEPID_IN_USE") {
			t.Errorf("an address of two: %v", err)
		}
		h.ok("POST", contactsPath+"/delete", b.Token, `{"medium":"email","address":"alice@example.com"}`) // not bob's
		h.ok("POST", contactsPath+"/unbind", a.Token, `{"medium":"email","address":"alice@example.com"}`)
		if got := h.ok("GET", contactsPath, a.Token, nil); !strings.Contains(string(got.Raw), addressOfTest) {
			t.Errorf("%s", got.Raw)
		}
		h.ok("POST", contactsPath+"/delete", a.Token, `{"medium":"email","address":"Alice@example.com"}`)
		if got := h.ok("GET", contactsPath, a.Token, nil); strings.Contains(string(got.Raw), addressOfTest) {
			t.Errorf("%s", got.Raw)
		}
		for _, body := range []string{`{}`, `{"client_secret":"x"}`, `{"client_secret":"x","email":"a@example.com"}`} {
			h.fails("POST", contactsPath+tokenRequest, "", body, 400, "M_MISSING_PARAM")
		}
		for _, body := range []string{`{"client_secret":"a b","email":"a@example.com","send_attempt":1}`, `{"client_secret":"x","email":"Al <a@example.com>","send_attempt":1}`} {
			h.fails("POST", contactsPath+tokenRequest, "", body, 400, "M_INVALID_PARAM")
		}
		h.fails("POST", contactsPath+"/add", a.Token, `{}`, 400, "M_MISSING_PARAM")
		if c := h.ok("GET", "/_matrix/client/v3/capabilities", a.Token, nil); !strings.Contains(string(c.Raw), `"m.3pid_changes":{"enabled":true}`) {
			t.Errorf("%s", c.Raw)
		}
	})
}

// Spec: cs#post_matrixclientv3accountpassword
// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
// Spec: cs#email-based-identity--homeserver
func TestForgottenPassword(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		o := &outbox{}
		h.open(o)
		a := h.register("alice")
		if err := h.accounts.SetContact(context.Background(), ident.By{}, "@alice:hs1", addressOfTest); err != nil {
			t.Fatal(err)
		}
		sid := h.request(passwordPath, addressOfTest, 1).str("sid")
		challenge := h.fails("POST", passwordPath, "", `{"new_password":"another horse"}`, 401, "")
		if !strings.Contains(string(challenge.Raw), "m.login.email.identity") {
			t.Fatalf("%s", challenge.Raw)
		}
		set := func(sid, secret string) *answer {
			return h.do("POST", passwordPath, "", map[string]any{"new_password": "another horse", "auth": map[string]any{
				"type": "m.login.email.identity", "session": challenge.str("session"), "threepid_creds": map[string]string{"sid": sid, "client_secret": secret},
			}})
		}
		set(sid, secretOfTest).expect(401, "M_THREEPID_AUTH_FAILED")
		first, _ := url.Parse(regexp.MustCompile(`https://\S+`).FindString(o.text[0]))
		if page := h.do("GET", first.RequestURI(), "", nil); !strings.Contains(string(page.Raw), "Set a new password") {
			t.Errorf("the page does not say what is confirmed: %s", page.Raw)
		}
		h.follow(o)
		set(sid, "another").expect(401, "M_THREEPID_AUTH_FAILED")
		set(sid, secretOfTest).expect(200, "")
		set(sid, secretOfTest).expect(401, "M_UNKNOWN")
		h.login("alice", "another horse")
		h.fails("GET", whoamiPath, a.Token, nil, 401, "M_UNKNOWN_TOKEN")

		// A proof for an account is none for a password, and the other way round.
		b := h.register("bob")
		other := h.request(contactsPath, "bob@example.com", 1).str("sid")
		h.follow(o)
		challenge = h.fails("POST", passwordPath, "", `{"new_password":"another horse"}`, 401, "")
		set(other, secretOfTest).expect(401, "M_THREEPID_AUTH_FAILED")
		h.confirmed("POST", contactsPath+"/add", b, map[string]any{"sid": other, "client_secret": secretOfTest})

		// Strangers get no messages, and nobody can tell.
		sent := len(o.to)
		if h.request(passwordPath, "stranger@example.com", 1).str("sid") == "" || len(o.to) != sent {
			t.Error("a stranger got a message")
		}
		late := h.request(passwordPath, "bob@example.com", 1).str("sid")
		link := regexp.MustCompile(`https://\S+`).FindString(o.text[len(o.text)-1])
		h.clock = h.clock.Add(61 * time.Minute)
		u, _ := url.Parse(link)
		if w := h.form(u.Path, u.Query()); w.Code != 404 || late == "" {
			t.Errorf("a late click: %d", w.Code)
		}
		if page := h.do("GET", u.RequestURI(), "", nil); page.Status != 404 || !strings.Contains(string(page.Raw), "expired") {
			t.Errorf("a late look: %d %s", page.Status, page.Raw)
		}
	})
}

// Spec: cs#post_matrixclientv3accountpassword
func TestForgottenPasswordKeepsDevices(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		o := &outbox{}
		h.open(o)
		a := h.register("alice")
		if err := h.accounts.SetContact(context.Background(), ident.By{}, "@alice:hs1", addressOfTest); err != nil {
			t.Fatal(err)
		}
		sid := h.request(passwordPath, addressOfTest, 1).str("sid")
		h.follow(o)
		h.ok("POST", passwordPath, "", map[string]any{"new_password": "another horse", "logout_devices": false, "auth": map[string]any{
			"type": "m.login.email.identity", "threepid_creds": map[string]string{"sid": sid, "client_secret": secretOfTest},
		}})
		h.ok("GET", whoamiPath, a.Token, nil)
		h.login("alice", "another horse")
	})
}

// Spec: cs#post_matrixclientv3accountpassword
func TestForgottenPasswordWithoutMail(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.fails("POST", passwordPath, "", `{"new_password":"another horse"}`, 401, "M_MISSING_TOKEN")
		h.fails("POST", passwordPath+tokenRequest, "", `{"client_secret":"x","email":"a@example.com","send_attempt":1}`, 403, "M_THREEPID_DENIED")
	})
}

// Spec: cs#post_matrixclientv3register
// Spec: cs#post_matrixclientv3registeremailrequesttoken
func TestRegisterWithAddress(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		o := &outbox{}
		h.open(o)
		sid := h.request(registerPath, addressOfTest, 1).str("sid")
		body := map[string]any{"username": "alice", "password": testPassword}
		challenge := h.fails("POST", registerPath, "", body, 401, "")
		if flows, _ := challenge.JSON["flows"].([]any); len(flows) != 2 {
			t.Errorf("%s", challenge.Raw)
		}
		body["auth"] = map[string]any{
			"type": "m.login.email.identity", "session": challenge.str("session"), "threepidCreds": map[string]string{"sid": sid, "client_secret": secretOfTest},
		}
		h.fails("POST", registerPath, "", body, 401, "M_THREEPID_AUTH_FAILED")
		h.follow(o)
		body["password"] = "short"
		h.fails("POST", registerPath, "", body, 400, "M_WEAK_PASSWORD")
		body["password"] = testPassword // the proof is still good
		a := h.ok("POST", registerPath, "", body)
		if got := h.ok("GET", contactsPath, a.str("access_token"), nil); !strings.Contains(string(got.Raw), addressOfTest) {
			t.Errorf("%s", got.Raw)
		}
		h.register("bob") // without an address
	})
}

// Spec: cs#post_matrixclientv3registeremailrequesttoken
func TestRegisterWithAddressWhereClosed(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.open(&outbox{})
		h.fails("POST", registerPath+tokenRequest, "", `{"client_secret":"x","email":"a@example.com","send_attempt":1}`, 403, "M_THREEPID_DENIED")
	}, func(c *ident.Config, _ *Deps) { c.Registration.Mode = "closed" })
}
