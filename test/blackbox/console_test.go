package blackbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

const adminAPI = "/_conclave/admin/v1/"

// boss is a user whom the command line makes an administrator.
func boss(t *testing.T, s *harness.Server) *harness.User {
	t.Helper()
	// Configuration may give it the compliance role: then nobody can register it.
	u := s.Login("boss", printedPassword(t, conclave(t, s, "user", "add", "boss", "--admin")))
	await(t, "an administrator", func() bool {
		status, _ := u.Do("GET", adminAPI+"audit", nil)
		return status == http.StatusOK
	})
	return u
}

// An invited person gets the account that the invitation says, though registration is closed to everybody else.
func TestInvitedPeopleRegister(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin := boss(t, s)
		settings := admin.Must("GET", adminAPI+"settings", nil)
		if settings.Get("values.registration").Str != "open" {
			t.Errorf("%s", settings.Raw)
		}
		put := func(version, body string) {
			t.Helper()
			req, _ := http.NewRequest("PUT", s.URL+adminAPI+"settings", strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+admin.Token)
			req.Header.Set("If-Match", version)
			if res, a, err := s.Send(req); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%v %s", err, a)
			}
		}
		put(`"0"`, `{"registration":"closed","name":"Acme","upload_limit":4}`)
		register := func(body harness.M) (int, gjson.Result) { return s.Do("POST", harness.API+"/register", "", body) }
		if status, a := register(harness.M{"username": "carol"}); status != http.StatusForbidden {
			t.Errorf("%d %s", status, a.Raw)
		}
		made := admin.Must("POST", adminAPI+"invitations", harness.M{"user_name": "carol", "display_name": "Carol C."})
		link := made.Get("link").Str
		token := link[strings.LastIndexByte(link, '/')+1:]
		about := s.Must("GET", "/_conclave/client/v1/invitations/"+token, "", nil)
		if about.Get("user_name").Str != "carol" || about.Get("organisation").Str != "Acme" {
			t.Errorf("%s", about.Raw)
		}
		status, ask := register(harness.M{"username": "carol", "password": "a good long password"})
		if status != http.StatusUnauthorized || ask.Get("flows.0.stages.0").Str != "m.login.registration_token" {
			t.Fatalf("%d %s", status, ask.Raw)
		}
		auth := harness.M{"type": "m.login.registration_token", "token": token, "session": ask.Get("session").Str}
		status, in := register(harness.M{"username": "carol", "password": "a good long password", "auth": auth})
		if status != http.StatusOK || !strings.HasPrefix(in.Get("user_id").Str, "@carol:") {
			t.Fatalf("%d %s", status, in.Raw)
		}
		if p := s.Must("GET", harness.Path("profile", in.Get("user_id").Str), in.Get("access_token").Str, nil); p.Get("displayname").Str != "Carol C." {
			t.Errorf("%s", p.Raw)
		}
		if status, a := register(harness.M{"username": "dave"}); status != http.StatusForbidden {
			t.Errorf("after the last invitation was accepted: %d %s", status, a.Raw)
		}
		if status, a := s.Do("POST", "/_matrix/media/v3/upload", in.Get("access_token").Str, "12345"); status != http.StatusRequestEntityTooLarge {
			t.Errorf("an upload over the limit that was set: %d %s", status, a.Raw)
		}
	})
}

// A device that was signed out hears that it has to erase, and its user's other devices go on.
func TestSignedOutDevicesErase(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin, alice := boss(t, s), s.Register("alice")
		phone := alice.Login()
		person := adminAPI + "people/" + url.PathEscape(alice.ID)
		admin.Must("DELETE", person+"/devices/"+phone.Device, nil)
		status, a := phone.Do("GET", harness.API+"/account/whoami", nil)
		if status != http.StatusUnauthorized || a.Get("errcode").Str != "M_UNKNOWN_TOKEN" || a.Get("soft_logout").Bool() || !a.Get(`chat\.conclave\.wipe`).Bool() {
			t.Errorf("%d %s", status, a.Raw)
		}
		alice.Must("GET", harness.API+"/account/whoami", nil)
		s.Restart()
		if _, a := phone.Do("GET", harness.API+"/account/whoami", nil); !a.Get(`chat\.conclave\.wipe`).Bool() {
			t.Errorf("after a restart: %s", a.Raw)
		}
	})
}

// What the console, the command line and Matrix's own endpoints do is in one log, which the command line verifies and exports.
func TestAuditLog(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin, alice := boss(t, s), s.Register("alice")
		admin.Must("POST", adminAPI+"people/"+url.PathEscape(alice.ID)+"/suspend", nil)
		admin.Must("PUT", "/_matrix/client/v1/admin/lock/"+url.PathEscape(alice.ID), harness.M{"locked": true})
		conclave(t, s, "user", "unlock", "alice")
		log := admin.Must("GET", adminAPI+"audit?order=seq", nil)
		if got := log.Get("items.#.action").Raw; got != `["account.create","account.suspend","account.lock","account.unlock"]` {
			t.Errorf("%s", got)
		}
		if got := log.Get("items.#.actor").Raw; got != `["command line","`+admin.ID+`","`+admin.ID+`","command line"]` {
			t.Errorf("%s", got)
		}
		if v := admin.Must("GET", adminAPI+"audit/verify", nil); !v.Get("ok").Bool() || v.Get("entries").Int() != 4 {
			t.Errorf("%s", v.Raw)
		}
		if out := conclave(t, s, "audit", "verify"); !strings.Contains(out, "4 entries are right") || !strings.Contains(out, log.Get("items.3.hash").Str) {
			t.Errorf("%s", out)
		}
		lines := strings.Split(strings.TrimSpace(conclave(t, s, "audit", "export")), "\n")
		if len(lines) != 4 || gjson.Get(lines[3], "hash").Str != log.Get("items.3.hash").Str || gjson.Get(lines[1], "became").Str == "" {
			t.Errorf("%q", lines)
		}
		if out := conclave(t, s, "audit", "export", "--format", "csv"); strings.Count(out, "\r\n") != 5 {
			t.Errorf("%q", out)
		}
	})
}

// A room is deleted while the server is killed and started again: it ends up deleted, and its members learn that they left.
func TestDeletingARoomSurvivesARestart(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin, alice, bob := boss(t, s), s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat", "name": "Doomed"})
		bob.Join(room)
		for range 5 {
			bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "words"})
		}
		since := bob.Sync("").Get("next_batch").Str
		path := adminAPI + "rooms/" + url.PathEscape(room)
		if r := admin.Must("GET", path, nil); r.Get("name").Str != "Doomed" || r.Get("joined_members").Int() != 2 {
			t.Errorf("%s", r.Raw)
		}
		job := admin.Must("POST", path+"/delete", nil)
		s.Kill9()
		s.Start()
		await(t, "deleted", func() bool {
			return admin.Must("GET", adminAPI+"jobs/"+job.Get("job_id").Str, nil).Get("phase").Str == "done"
		})
		left := bob.Sync(since).Get("rooms.leave." + gjson.Escape(room))
		if !left.Exists() {
			t.Error("who was away is not told that they left")
		}
		if status, a := bob.Do("POST", harness.Path("join", room), harness.M{}); status != http.StatusForbidden {
			t.Errorf("joining it: %d %s", status, a.Raw)
		}
		if _, msgs := bob.Do("GET", harness.Path("rooms", room, "messages")+"?dir=b&limit=100", nil); strings.Contains(msgs.Raw, "words") {
			t.Errorf("what was said is still there: %s", msgs.Raw)
		}
		if list := admin.Must("GET", adminAPI+"rooms?search=doomed", nil); list.Get("total").Int() != 0 {
			t.Errorf("%s", list.Raw)
		}
	})
}

func TestDashboardAndHealth(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin := boss(t, s)
		room := admin.CreateRoom(harness.M{"preset": "private_chat"})
		for range 3 {
			admin.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "hello"})
		}
		d := admin.Must("GET", adminAPI+"dashboard", nil)
		if d.Get("people.total").Int() != 1 || d.Get("messages.29.messages").Int() != 3 || d.Get("node.database").Str != string(s.Engine) || d.Get("storage.event_bytes").Int() == 0 {
			t.Errorf("%s", d.Raw)
		}
		health := admin.Must("GET", adminAPI+"health", nil)
		for _, check := range []string{"database", "media", "listener"} {
			if f := health.Get(`checks.#(check=="` + check + `")`); f.Get("level").Str != "ok" {
				t.Errorf("%s: %s", check, health.Raw)
			}
		}
	})
}
