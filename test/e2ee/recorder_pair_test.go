//go:build goolm

package e2ee

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"maunium.net/go/mautrix/id"

	"conclave.chat/test/harness"
)

// another makes one more recorder for the same officers and rooms. The server has to be restarted.
func (o *office) another(name string) *office {
	o.Helper()
	p := &office{T: o.T, s: o.s, admin: o.admin, dir: o.TempDir()}
	p.place = filepath.Join(p.dir, "recorder", "archive")
	p.officers()
	logKey, policyKey := filepath.Join(p.dir, "log"), filepath.Join(p.dir, "policy.key")
	p.run("", "archive", "logkey", "--origin", "localhost/archive-"+name, "--out", logKey)
	if err := os.Rename(filepath.Join(logKey, "log.public"), filepath.Join(p.dir, "officers", "log.public")); err != nil {
		o.Fatal(err)
	}
	if err := os.Rename(filepath.Join(logKey, "log.key"), filepath.Join(p.dir, "officers", "log.key")); err != nil {
		o.Fatal(err)
	}
	p.run("", "recorder", "share", o.config(), "--out", policyKey)
	account := o.s.Register(name)
	out := p.run(account.Password+"\n", "recorder", "init", "--homeserver", o.s.URL, "--user", name, "--password-stdin", "--recipient",
		filepath.Join(p.dir, "officers", "archive.recipient"), "--log-key", filepath.Join(p.dir, "officers", "log.key"), "--dir", filepath.Join(p.dir, "recorder"),
		"--listen", freeAddr(o.T), "--policy-key", policyKey)
	harness.Env(fmt.Sprintf("CONCLAVE_RECORDING_OTHERS=[{url: %q, user: %q, log_key: %q}]", p.printed(out, "url"), p.printed(out, "user"), p.printed(out, "log_key")))(o.s)
	p.furnish()
	return p
}

// Two recorders share the rooms. One is killed in the middle of load, and then the other; whoever is there goes on, and each accepted event is archived
// once, in the log that the statement names.
func TestTwoRecorders(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Postgres, byDefault)
	first := openOffice(t, s)
	boss := s.Register("alice")
	alice, bob := newMautrix(t, s, boss).(*mau), newMautrix(t, s, s.Register("bob")).(*mau)
	old := alice.CreateRoom("Old", false, bob.User())
	bob.Join(old)
	alone := alice.Send(old, "m.room.message", harness.M{"msgtype": "m.text", "body": "one recorder"})
	second := first.another("recorder-2")
	s.Restart()
	second.begin()
	offices := []*office{first, second}
	var recorders []string
	for _, name := range []string{"recorder", "recorder-2"} {
		recorders = append(recorders, id.NewUserID(name, alice.c.UserID.Homeserver()).String())
	}

	// The room of before gets its second recorder before anybody writes in it; nobody removes it.
	rooms := []string{old}
	for i := range 3 {
		rooms = append(rooms, alice.CreateRoom(fmt.Sprint("Desk ", i), false, bob.User()))
		bob.Join(rooms[i+1])
	}
	for _, room := range rooms {
		alice.Members(room, append(recorders, alice.User(), bob.User())...)
		bob.Members(room, append(recorders, alice.User(), bob.User())...)
		functional := boss.Must(http.MethodGet, harness.Path("rooms", room, "state", "io.element.functional_members", ""), nil).Get("service_members").Array()
		if len(functional) != 2 {
			t.Errorf("functional members: %v", functional)
		}
		for _, r := range recorders {
			if status, a := boss.Do(http.MethodPost, harness.Path("rooms", room, "kick"), harness.M{"user_id": r}); status != http.StatusForbidden {
				t.Errorf("%s is kicked: %d %s", r, status, a.Raw)
			}
		}
	}

	var mu sync.Mutex
	said := map[id.EventID]string{}
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for n, who := range []*mau{alice, bob, alice, bob} {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				body := fmt.Sprint(n, " says ", i)
				if sent, err := who.say(rooms[(n+i)%len(rooms)], body); err == nil {
					mu.Lock()
					said[sent] = body
					mu.Unlock()
				}
			}
		})
	}
	more := func() {
		mu.Lock()
		n := len(said) + 20
		mu.Unlock()
		alice.ok(alice.until("more messages", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(said) >= n
		}))
	}
	for _, o := range offices {
		more()
		o.end(syscall.SIGKILL)
		more() // the other one goes on alone
		states := first.admin.Must(http.MethodGet, "/_conclave/recording/v1/status", nil)
		ok := 0
		for _, r := range states.Get("recorders").Array() {
			if r.Get("state").String() == "ok" {
				ok++
			}
		}
		if ok != 1 || len(states.Get("recorders").Array()) != 2 || states.Get("recorder").String() != "ok" {
			t.Errorf("one is down: %s", states.Raw)
		}
		o.begin()
	}
	more()
	close(stop)
	senders.Wait()
	drained(t, first)
	for _, o := range offices {
		o.end(syscall.SIGTERM)
	}
	if sent, err := alice.say(old, "nobody records"); err == nil {
		t.Errorf("%s was accepted without a recorder", sent)
	}

	logs := map[string]string{} // by event
	log := ""
	for line := range strings.Lines(first.statement()) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "log "); ok {
			log = name
		}
		if strings.HasPrefix(line, "$") {
			logs[line] = log
		}
	}
	if logs[alone] != "localhost/archive" {
		t.Errorf("what was said before there were two is in %q", logs[alone])
	}
	archive := func(o *office) string { return filepath.Join(o.dir, "recorder", "archive") }
	key := func(o *office) string { return filepath.Join(o.dir, "officers", "log.public") }
	t.Log(first.run("", append([]string{"archive", "verify", archive(first), archive(second), "--key", key(first), "--key", key(second)}, first.stated()...)...))
	if out, err := first.try("", append([]string{"archive", "verify", archive(first), "--key", key(first)}, first.stated()...)...); err == nil || !strings.Contains(out, "PROBLEM log localhost/archive-recorder-2") {
		t.Errorf("one archive of two: %v %s", err, out)
	}
	count := map[string]int{}
	for name, o := range map[string]*office{"localhost/archive": first, "localhost/archive-recorder-2": second} {
		for _, a := range o.unseal("case-1") {
			body := a.Plaintext.Get("body").String()
			if want, ok := said[id.EventID(a.EventID)]; ok && logs[a.EventID] == name {
				if body != want {
					t.Errorf("%s: %q was said, %q archived", a.EventID, want, body)
				}
				count[name]++
				delete(said, id.EventID(a.EventID))
			}
		}
	}
	if len(said) > 0 {
		t.Errorf("accepted, and not in the log that the statement names: %v", said)
	}
	if count["localhost/archive"] == 0 || count["localhost/archive-recorder-2"] == 0 {
		t.Errorf("one has recorded nothing: %v", count)
	}
	t.Logf("%v", count)
}
