package blackbox

import (
	"bytes"
	"fmt"
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

var signIn = regexp.MustCompile(`signs in as (@admin:localhost) with the password (\S+)`)

// What `make run` does: the administrator's sign-in is shown at the first start and never again, and works.
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
	first := start("first.log", func(url string) {
		text, _ := os.ReadFile(filepath.Join(dir, "first.log"))
		m := signIn.FindSubmatch(text)
		if m == nil {
			t.Fatalf("no sign-in is shown:\n%s", text)
		}
		body := fmt.Sprintf(`{"type":"m.login.password","identifier":{"type":"m.id.user","user":%q},"password":%q}`, m[1], m[2])
		res, err := http.Post(url+harness.API+"/login", "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the sign-in shown does not work: %s", res.Status)
		}
		// Port 0 is always free, so only the database tells that a server runs.
		if out, err := run("doctor", "--config", config); err != nil || !regexp.MustCompile(`(?m)^ok +database +sqlite, signing key`).MatchString(out) {
			t.Errorf("doctor beside a running server: %v\n%s", err, out)
		}
	})
	if n := len(signIn.FindAllString(first, -1)); n != 1 {
		t.Errorf("the sign-in is shown %d times", n)
	}
	if second := start("second.log", func(string) {}); strings.Contains(second, "password") {
		t.Errorf("the second start shows it again:\n%s", second)
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
