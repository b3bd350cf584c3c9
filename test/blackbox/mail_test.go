package blackbox

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"conclave.chat/test/harness"
	"conclave.chat/test/mailbox"
)

// Spec: cs#post_matrixclientv3accountpassword
// Spec: cs#post_matrixclientv3accountpasswordemailrequesttoken
func TestForgottenPassword(t *testing.T) {
	mail := mailbox.Start(t, false)
	env := harness.Env("SSL_CERT_FILE="+mail.CertFile, "CONCLAVE_PUBLIC_URL=https://chat.example.org",
		"CONCLAVE_SMTP_HOST="+mail.Host, "CONCLAVE_SMTP_PORT="+strconv.Itoa(mail.Port), "CONCLAVE_SMTP_SECURITY=starttls",
		"CONCLAVE_SMTP_USERNAME="+mailbox.User, "CONCLAVE_SMTP_PASSWORD="+mailbox.Password, "CONCLAVE_SMTP_FROM=Conclave <no-reply@example.org>")
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		u := s.Register("alice")
		conclave(t, s, "user", "email", "alice", "Alice@example.org")
		secret := "secret-of-this-client"
		sid := s.Must(http.MethodPost, harness.API+"/account/password/email/requestToken", "",
			harness.M{"client_secret": secret, "email": "alice@example.org", "send_attempt": 1}).Get("sid").String()
		m := mail.Next()
		if !m.TLS || !m.SignedIn || m.To != "alice@example.org" || !strings.Contains(m.Text, u.ID) {
			t.Errorf("%+v", m)
		}
		set := harness.M{"new_password": "another horse", "auth": harness.M{
			"type": "m.login.email.identity", "threepid_creds": harness.M{"sid": sid, "client_secret": secret},
		}}
		if status, a := s.Do(http.MethodPost, harness.API+"/account/password", "", set); status != http.StatusUnauthorized {
			t.Errorf("before the link was followed: %d %s", status, a.Raw)
		}
		link, err := url.Parse(regexp.MustCompile(`https://chat\.example\.org/\S+`).FindString(m.Text))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, s.URL+link.Path, strings.NewReader(link.RawQuery))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res, body, err := s.Send(req); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v %s", err, body)
		}
		s.Must(http.MethodPost, harness.API+"/account/password", "", set)
		if status, a := u.Do(http.MethodGet, harness.API+"/account/whoami", nil); status != http.StatusUnauthorized {
			t.Errorf("an old device is still signed in: %d %s", status, a.Raw)
		}
		s.Must(http.MethodPost, harness.API+"/login", "", harness.M{
			"type": "m.login.password", "password": "another horse",
			"identifier": harness.M{"type": "m.id.thirdparty", "medium": "email", "address": "alice@example.org"},
		})
		if log := s.Log(1 << 20); strings.Contains(log, "alice@") || strings.Contains(log, link.Query().Get("token")) || strings.Contains(log, secret) {
			t.Errorf("the log tells too much:\n%s", log)
		}
		if out := conclave(t, s, "doctor"); !regexp.MustCompile(`(?m)^ok +e-mail +127\.0\.0\.1 is ready`).MatchString(out) {
			t.Errorf("doctor:\n%s", out)
		}
	}, env)
}
