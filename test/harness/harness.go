// Package harness starts the real program for black-box tests: built once per test run, on a free
// port of 127.0.0.1, with a data folder (and, for PostgreSQL, a database) of its own, configured by
// conformance.yaml. It speaks to it over HTTP and by signals only.
//
// A test package calls Main from its TestMain. PostgreSQL is the server that CONCLAVE_TEST_POSTGRES
// names; without it, tests fail. CONCLAVE_TEST_RACE=1 builds the program with the race detector.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"conclave.chat/internal/mx"
)

// Engine is where the server keeps its data.
type Engine string

// The two engines that every black-box test runs on.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// MasterKey is the key of all servers of tests.
const MasterKey = "Y29uY2xhdmUgdGVzdHMgb25seTogbm8gc2VjcmV0ISE="

// Option changes how a server is started.
type Option func(*Server)

// Env sets configuration keys, each as CONCLAVE_KEY=value.
func Env(vars ...string) Option {
	return func(s *Server) { s.env = append(s.env, vars...) }
}

// Server is one running program.
type Server struct {
	URL    string
	Engine Engine
	Dir    string // holds the data folder and the log
	DSN    string // of its PostgreSQL database
	// Authority is the file of whom its clients trust, with TLS.
	Authority string

	t      testing.TB
	env    []string
	http   *http.Client
	scheme string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	port   int
}

var program struct {
	once sync.Once
	path string
	err  error
}

// Main runs a package's tests and deletes the built program.
func Main(m *testing.M) int {
	defer func() {
		if program.path != "" {
			_ = os.RemoveAll(filepath.Dir(program.path))
		}
	}()
	return m.Run()
}

// Root is the module's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Program builds the program, the first time, and gives its path.
func Program(t testing.TB) string {
	t.Helper()
	program.once.Do(func() {
		dir, err := os.MkdirTemp("", "conclave-test-program-")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(dir, "conclave")
		args := []string{"build", "-tags", "goolm", "-o", program.path}
		env := append(os.Environ(), "CGO_ENABLED=0")
		if os.Getenv("CONCLAVE_TEST_RACE") != "" {
			args = append(args, "-race")
			env = append(env, "CGO_ENABLED=1")
		}
		cmd := exec.Command("go", append(args, "./cmd/conclave")...)
		cmd.Dir, cmd.Env = Root(), env
		if out, err := cmd.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// Each runs a test against a fresh server on each engine.
func Each(t *testing.T, f func(t *testing.T, s *Server), opts ...Option) {
	t.Helper()
	for _, e := range []Engine{SQLite, Postgres} {
		t.Run(string(e), func(t *testing.T) { f(t, Start(t, e, opts...)) })
	}
}

// Start starts a server that ends with the test.
func Start(t testing.TB, e Engine, opts ...Option) *Server {
	t.Helper()
	dsn := ""
	if e == Postgres {
		dsn = createDatabase(t)
	}
	return startOn(t, e, dsn, opts)
}

// Node starts another server on the same PostgreSQL database, with options of its own.
func (s *Server) Node(opts ...Option) *Server {
	s.t.Helper()
	return startOn(s.t, s.Engine, s.DSN, opts)
}

func startOn(t testing.TB, e Engine, dsn string, opts []Option) *Server {
	t.Helper()
	s := &Server{Engine: e, Dir: t.TempDir(), DSN: dsn, t: t, scheme: "http"}
	s.http = &http.Client{
		Timeout:   2 * time.Minute,
		Transport: s.Transport(),
		// Redirects are answers to be looked at.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, o := range opts {
		o(s)
	}
	t.Cleanup(func() {
		s.Stop()
		s.http.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", s.Log(8000))
		}
	})
	s.port = freePort(t)
	s.URL = fmt.Sprintf("%s://127.0.0.1:%d", s.scheme, s.port)
	s.Start()
	return s
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Environ is what the program is started with; use it to run its other commands on the same data.
func (s *Server) Environ() []string {
	env := append(os.Environ(),
		fmt.Sprintf("CONCLAVE_LISTEN=127.0.0.1:%d", s.port),
		"CONCLAVE_DATA_DIR="+filepath.Join(s.Dir, "data"),
		"CONCLAVE_LOG_LEVEL=debug",
		// What customers get, whatever suites need.
		"CONCLAVE_ROOMS_DEFAULT_VERSION="+mx.DefaultVersion,
		"CONCLAVE_MASTER_KEY="+MasterKey,
		"CONCLAVE_DATABASE_POSTGRES="+s.DSN,
		"GORACE=halt_on_error=1",
	)
	return append(env, s.env...)
}

// ConfigFile is the configuration that all servers of tests start from.
func ConfigFile() string { return filepath.Join(Root(), "test", "harness", "conformance.yaml") }

// Start starts the program on the data that is there, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(Program(s.t)); err != nil {
		s.t.Fatalf("the server did not start: %v\n%s", err, s.Log(8000))
	}
}

func (s *Server) start(program string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, "serve", "--config", ConfigFile())
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.Dir, s.Environ(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	s.cmd, s.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return s.ready(exited)
}

// patience is how long to wait for what has to come: only a failing test waits so long.
const patience = 2 * time.Minute

// ready waits until the server answers a client.
func (s *Server) ready(exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_matrix/client/versions", nil)
		if err != nil {
			return err
		}
		if res, err := s.http.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-exited:
			return errors.New("it ended by itself")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v", patience)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Signal sends the running program a signal.
func (s *Server) Signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig)
	}
}

// PID is the process id of the running program.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Kill9 ends the program at once, as a power cut would, but for what the kernel holds.
func (s *Server) Kill9() { s.end(syscall.SIGKILL) }

// Stop asks the program to end, and fails the test if it does not.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Restart stops the program and starts it on the same data and address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Errorf("the server is still there %v after %v", patience, sig)
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	code := s.cmd.ProcessState.ExitCode()
	if sig == syscall.SIGTERM && code != 0 {
		s.t.Errorf("the server ended with code %d", code)
	}
	s.cmd = nil
}

func (s *Server) logFile() string { return filepath.Join(s.Dir, "server.log") }

// Log gives the last n bytes of what the server wrote, over all its starts.
func (s *Server) Log(n int) string {
	b, _ := os.ReadFile(s.logFile())
	if len(b) > n {
		b = b[len(b)-n:]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			b = b[i+1:]
		}
	}
	return string(b)
}

// Grep looks for texts in every file of the data folder, as they are and in UTF-16, and tells where
// they are.
func (s *Server) Grep(texts ...string) (found []string) {
	s.t.Helper()
	root := filepath.Join(s.Dir, "data")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, text := range texts {
			wide := []byte(strings.Join(strings.Split(text, ""), "\x00"))
			if bytes.Contains(b, []byte(text)) || bytes.Contains(b, wide) {
				found = append(found, fmt.Sprintf("%q is in %s", text, path))
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}
