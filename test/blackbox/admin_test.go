package blackbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// conclave runs a command on the server's data, beside it, and gives what it prints.
func conclave(t *testing.T, s *harness.Server, args ...string) string {
	t.Helper()
	cmd := exec.Command(harness.Program(t), append(args, "--config", harness.ConfigFile())...)
	cmd.Dir, cmd.Env, cmd.Stderr = s.Dir, s.Environ(), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("conclave %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// printedPassword is what a command says the password of an account is.
func printedPassword(t *testing.T, out string) string {
	t.Helper()
	m := regexp.MustCompile(`Password:\s+(\S+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no password in %q", out)
	}
	return m[1]
}

// await asks until the answer is as it should be. What it waits for is the server's to do soon; a loaded machine gets a minute.
func await(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !is() {
		if time.Since(start) > time.Minute {
			t.Fatalf("after a minute: not yet %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// gateway is a push gateway that says which pushkeys were notified of which event.
func gateway(t *testing.T) (url string, pushed <-chan [2]string) {
	t.Helper()
	got := make(chan [2]string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := gjson.GetBytes(body, "notification")
		for _, d := range n.Get("devices").Array() {
			if event := n.Get("event_id").Str; event != "" {
				got <- [2]string{d.Get("pushkey").Str, event}
			}
		}
		_, _ = io.WriteString(w, `{"rejected":[]}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/_matrix/push/v1/notify", got
}

func setPusher(u *harness.User, url string) {
	u.Must("POST", "/_matrix/client/v3/pushers/set", harness.M{
		"kind": "http", "app_id": "chat.example", "pushkey": u.ID, "app_display_name": "Chat", "device_display_name": "Phone", "lang": "en",
		"data": harness.M{"url": url, "format": "event_id_only"},
	})
}

func TestDeactivateBesideARunningServer(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		url, pushed := gateway(t)
		owner, stays, leaver := s.Register("owner"), s.Register("stays"), s.Register("leaver")
		room := owner.CreateRoom(harness.M{"preset": "public_chat"})
		for _, u := range []*harness.User{stays, leaver} {
			u.Join(room)
			setPusher(u, url)
		}
		// expect sends a message and waits until those pushkeys were notified of it.
		expect := func(who ...*harness.User) {
			t.Helper()
			event := owner.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "hello"})
			want := map[string]bool{}
			for _, u := range who {
				want[u.ID] = true
			}
			for len(want) > 0 {
				select {
				case p := <-pushed:
					if p[1] == event && !want[p[0]] {
						t.Errorf("%s got a push", p[0])
					}
					delete(want, p[0])
				case <-time.After(time.Minute):
					t.Fatalf("no push for %v", want)
				}
			}
		}
		expect(stays, leaver)
		since := leaver.Sync("").Get("next_batch").Str
		poll := make(chan int, 1)
		start := time.Now()
		go func() {
			status, _, err := leaver.Attempt("GET", harness.API+"/sync?timeout=600000&since="+since, nil)
			if err != nil {
				status = -1
			}
			poll <- status
		}()
		// Others keep the server busy meanwhile: the position moves on, whatever the command did in between.
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if status, a, err := stays.Attempt("PUT", harness.Path("user", stays.ID, "account_data", "x.busy"), harness.M{"i": i}); err != nil || status != http.StatusOK {
					t.Errorf("%v %d %s", err, status, a.Raw)
					return
				}
			}
		}()
		conclave(t, s, "user", "deactivate", "leaver", "--yes")
		took := await(t, "signed out", func() bool {
			status, _ := leaver.Do("GET", harness.API+"/account/whoami", nil)
			return status == http.StatusUnauthorized
		})
		t.Logf("the token ended %v after the command", took)
		close(stop)
		<-stopped
		select {
		case status := <-poll:
			if status != http.StatusOK && status != http.StatusUnauthorized {
				t.Errorf("the long poll: %d", status)
			}
			t.Logf("the long poll ended %v after it began", time.Since(start))
		case <-time.After(time.Minute):
			t.Error("the long poll goes on")
		}
		await(t, "out of the room", func() bool {
			members := owner.Must("GET", harness.Path("rooms", room, "joined_members"), nil)
			return !members.Get("joined").Get(strings.ReplaceAll(leaver.ID, ".", `\.`)).Exists()
		})
		expect(stays)
		expect(stays)
	})
}

func TestAddAndResetPasswordBesideARunningServer(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		login := func(password string) gjson.Result {
			t.Helper()
			return s.Must("POST", harness.API+"/login", "", harness.M{
				"type": "m.login.password", "password": password, "identifier": harness.M{"type": "m.id.user", "user": "dave"},
			})
		}
		in := login(printedPassword(t, conclave(t, s, "user", "add", "dave", "--display-name", "Dave")))
		token := in.Get("access_token").Str
		if name := s.Must("GET", harness.Path("profile", in.Get("user_id").Str, "displayname"), token, nil); name.Get("displayname").Str != "Dave" {
			t.Errorf("%s", name.Raw)
		}
		next := printedPassword(t, conclave(t, s, "user", "reset-password", "dave"))
		took := await(t, "signed out", func() bool {
			status, _ := s.Do("GET", harness.API+"/account/whoami", token, nil)
			return status == http.StatusUnauthorized
		})
		t.Logf("the token ended %v after the command", took)
		login(next)
	})
}
