package blackbox

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"conclave.chat/test/harness"
)

var welcome = regexp.MustCompile(`http://localhost:9/welcome/(\S+)`)

// What `make run` does: each start prints a link by which the first administrator begins, until somebody has.
func TestFirstStart(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "data", "conclave.yaml")
	run := func(args ...string) (string, error) {
		cmd := exec.Command(harness.Program(t), args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	start := func(name string, while func(url string)) string {
		t.Helper()
		if out, err := run("init", "--if-missing", "--data-dir", "data", "--server-name", "localhost", "--public-url", "http://localhost:9", "--listen", "127.0.0.1:0"); err != nil {
			t.Fatalf("init: %v\n%s", err, out)
		}
		path := filepath.Join(dir, name)
		log, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd := exec.Command(harness.Program(t), "serve", "--config", config)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
		cmd.Env = append(os.Environ(), "CONCLAVE_RECORDING_ADMINISTRATORS=@admin:localhost") // whom the configuration gives the compliance role begins, too
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		serving := regexp.MustCompile(`msg=serving .*listen=(\S+)`)
		var text []byte
		await(t, "serving", func() bool {
			text, _ = os.ReadFile(path)
			return serving.Match(text)
		})
		while("http://" + string(serving.FindSubmatch(text)[1]))
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve: %v", err)
		}
		text, _ = os.ReadFile(path)
		return string(text)
	}

	if out, err := run("doctor"); err == nil || !strings.Contains(out, "--config") {
		t.Errorf("doctor without a configuration: %v\n%s", err, out)
	}
	m := welcome.FindStringSubmatch(start("first.log", func(string) {}))
	if m == nil {
		t.Fatal("the first start shows no link")
	}
	old := m[1]
	second := start("second.log", func(url string) {
		text, _ := os.ReadFile(filepath.Join(dir, "second.log"))
		m := welcome.FindSubmatch(text)
		if m == nil {
			t.Fatalf("no link is shown:\n%s", text)
		}
		post := func(path, body string) (int, string) {
			res, err := http.Post(url+path, "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			answer, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(answer)
		}
		begin := "/_conclave/client/v1/welcome/"
		if status, _ := post(begin+old, `{"password":"a good long password"}`); status != http.StatusNotFound {
			t.Errorf("the link of an earlier start: %d", status)
		}
		if status, a := post(begin+string(m[1]), `{"password":"a good long password","organisation":"Acme"}`); status != http.StatusOK || !strings.Contains(a, `"@admin:localhost"`) {
			t.Errorf("the link does not work: %d %s", status, a)
		}
		// Other clients sign in by password from now on.
		body := `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"admin"},"password":"a good long password"}`
		if status, a := post(harness.API+"/login", body); status != http.StatusOK {
			t.Errorf("signing in afterwards: %d %s", status, a)
		}
		if res, err := http.Get(url + "/_conclave/client/v1/organisation"); err != nil {
			t.Error(err)
		} else if answer, _ := io.ReadAll(res.Body); !strings.Contains(string(answer), `"name":"Acme"`) {
			t.Errorf("the organisation: %s", answer)
		}
		// Port 0 is always free, so only the database tells that a server runs.
		if out, err := run("doctor", "--config", config); err != nil || !regexp.MustCompile(`(?m)^ok +database +sqlite, signing key`).MatchString(out) {
			t.Errorf("doctor beside a running server: %v\n%s", err, out)
		}
	})
	if n := len(welcome.FindAllString(second, -1)); n != 1 {
		t.Errorf("the link is shown %d times", n)
	}
	if third := start("third.log", func(string) {}); welcome.MatchString(third) {
		t.Errorf("there is an administrator, and the third start shows a link:\n%s", third)
	}
}

func TestDoctorBesideARunningServer(t *testing.T) {
	s := harness.Start(t, harness.SQLite)
	out := conclave(t, s, "doctor")
	for _, want := range []string{`(?m)^ok +listener +127\.0\.0\.1:\d+ is served by a Matrix server$`, `(?m)^ok +master key +from CONCLAVE_MASTER_KEY$`, `(?m)^ok +database `, `(?m)^ok +media `} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}
