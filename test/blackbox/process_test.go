package blackbox

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave.chat/test/harness"
)

func TestStartsOnTheDataOfEarlierRuns(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		for _, end := range []func(){s.Stop, s.Kill9, s.Kill9, s.Stop} {
			end()
			start := time.Now()
			s.Start()
			// Half a second is the aim, measured by make bench; a loaded machine gets more.
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("ready after %v", took)
			}
		}
	})
}

func TestBindsTheGivenAddressOnly(t *testing.T) {
	s := harness.Start(t, harness.SQLite)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"127.0.0.2", "[::1]"} {
		if c, err := net.DialTimeout("tcp", other+":"+port, time.Second); err == nil {
			c.Close()
			t.Errorf("it also listens on %s", other)
		}
	}
}

func TestRefusesAWrongMasterKey(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		s.Stop()
		for name, key := range map[string]string{
			"another key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
			"no key":      "",
			"nonsense":    "0",
		} {
			cmd := exec.Command(harness.Program(t), "serve", "--config", harness.ConfigFile())
			cmd.Dir, cmd.Env = s.Dir, append(s.Environ(), "CONCLAVE_MASTER_KEY="+key)
			out, err := runFor(cmd, 10*time.Second)
			if err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%s: it ended with %v", name, err)
			}
			line := strings.TrimSpace(out)
			if strings.Contains(line, "\n") || !strings.Contains(line, "key") {
				t.Errorf("%s: want one clear line, got %q", name, line)
			}
		}
		s.Start()
	})
}

// runFor runs a command that is to end by itself.
func runFor(cmd *exec.Cmd, d time.Duration) (string, error) {
	timer := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestFolderIsPrivate(t *testing.T) {
	s := harness.Start(t, harness.SQLite)
	root := filepath.Join(s.Dir, "data")
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStopsWithALongPollOpen(t *testing.T) {
	for _, engine := range []harness.Engine{harness.SQLite, harness.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			metrics := "127.0.0.1:" + freePort(t)
			s := harness.Start(t, engine, harness.Env("CONCLAVE_METRICS_LISTEN="+metrics))
			p := poller{t, s, s.Register("alice"), s.Transport(), "http://" + metrics + "/metrics"}
			got := p.start(t.Context(), p.user.Sync("").Get("next_batch").Str)
			p.inFlight("1")
			start := time.Now()
			s.Signal(syscall.SIGTERM)
			if a := <-got; a.err != nil {
				t.Errorf("the poll was not answered: %v", a.err)
			}
			s.Stop()
			if took := time.Since(start); took > time.Minute { // the poll would wait for two
				t.Errorf("stopping took %v", took)
			}
		})
	}
}
