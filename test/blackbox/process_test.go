package blackbox

import (
	"fmt"
	"net"
	"net/http"
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
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		u := s.Register("alice")
		since := u.Sync("").Get("next_batch").String()
		answered := make(chan error, 1)
		go func() {
			req, _ := http.NewRequest(http.MethodGet, s.URL+harness.API+"/sync?timeout=60000&since="+since, nil)
			req.Header.Set("Authorization", "Bearer "+u.Token)
			res, body, err := s.Send(req)
			if err == nil && res.StatusCode != http.StatusOK {
				err = fmt.Errorf("%d %s", res.StatusCode, body)
			}
			answered <- err
		}()
		time.Sleep(300 * time.Millisecond)
		start := time.Now()
		s.Signal(syscall.SIGTERM)
		if err := <-answered; err != nil {
			t.Errorf("the poll was not answered: %v", err)
		}
		s.Stop()
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}
