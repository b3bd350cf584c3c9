//go:build goolm

package e2ee

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"conclave.chat/test/harness"
)

// node is the Node.js process that holds all matrix-js-sdk clients of one test.
type node struct {
	in      io.Writer
	mu      sync.Mutex
	next    int
	waiting map[int]chan reply
	ended   chan struct{}
}

type reply struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
}

// startNode runs the driver; the process ends with the test.
func startNode(t testing.TB) *node {
	t.Helper()
	folder := filepath.Join(harness.Root(), "test", "js")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "matrix-js-sdk")); err != nil {
		t.Fatalf("matrix-js-sdk is not installed; scripts/install-test-deps does it: %v", err)
	}
	cmd := exec.Command("node", "driver.mjs")
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "node.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatalf("node: %v", err)
	}
	n := &node{in: in, waiting: map[int]chan reply{}, ended: make(chan struct{})}
	go n.read(out)
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		_ = log.Close()
		if b, _ := os.ReadFile(log.Name()); t.Failed() && len(b) > 0 {
			t.Logf("matrix-js-sdk said:\n%s", b[max(0, len(b)-6000):])
		}
	})
	return n
}

func (n *node) read(out io.Reader) {
	defer close(n.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r reply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		n.mu.Lock()
		c := n.waiting[r.ID]
		delete(n.waiting, r.ID)
		n.mu.Unlock()
		if c != nil {
			c <- r
		}
	}
}

// call runs a command of a client and decodes its result into out, unless that is nil.
func (n *node) call(client, cmd string, args, out any) error {
	n.mu.Lock()
	n.next++
	id, c := n.next, make(chan reply, 1)
	n.waiting[id] = c
	line, err := json.Marshal(harness.M{"id": id, "client": client, "cmd": cmd, "args": args})
	if err == nil {
		_, err = n.in.Write(append(line, '\n'))
	}
	n.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case r := <-c:
		if r.Error != "" {
			return fmt.Errorf("%s: %s", client, r.Error)
		}
		if out != nil {
			return json.Unmarshal(r.Result, out)
		}
		return nil
	case <-n.ended:
		return errors.New("node ended")
	case <-time.After(3 * patience):
		return fmt.Errorf("%s: %s: no answer", client, cmd)
	}
}

// js is a matrix-js-sdk client.
type js struct {
	t      testing.TB
	n      *node
	name   string
	user   string
	device string
}

func newJS(t *testing.T, s *harness.Server, u *harness.User, sliding bool) client {
	t.Helper()
	c := &js{t: t, n: startNode(t), name: u.ID}
	var out struct {
		User   string `json:"user_id"`
		Device string `json:"device_id"`
	}
	c.must("login", harness.M{"url": s.URL, "user": u.ID, "password": u.Password, "sliding": sliding}, &out)
	c.user, c.device = out.User, out.Device
	t.Cleanup(func() { _ = c.n.call(c.name, "stop", nil, nil) })
	return c
}

func (c *js) must(cmd string, args harness.M, out any) {
	c.t.Helper()
	if err := c.n.call(c.name, cmd, args, out); err != nil {
		c.t.Fatal(err)
	}
}

func (c *js) User() string   { return c.user }
func (c *js) Device() string { return c.device }

func (c *js) CreateRoom(name string, direct bool, invite ...string) string {
	c.t.Helper()
	var out struct {
		Room string `json:"room_id"`
	}
	c.must("createRoom", harness.M{"name": name, "direct": direct, "invite": invite}, &out)
	return out.Room
}

func (c *js) Invite(room, user string) {
	c.t.Helper()
	c.must("invite", harness.M{"room": room, "user": user}, nil)
}

func (c *js) Join(room string) {
	c.t.Helper()
	c.must("join", harness.M{"room": room}, nil)
}

func (c *js) Leave(room string) {
	c.t.Helper()
	c.must("leave", harness.M{"room": room}, nil)
}

func (c *js) Members(room string, joined ...string) {
	c.t.Helper()
	c.must("members", harness.M{"room": room, "joined": joined}, nil)
}

func (c *js) sent(cmd string, args harness.M) string {
	c.t.Helper()
	var out struct {
		Event string `json:"event_id"`
	}
	c.must(cmd, args, &out)
	return out.Event
}

func (c *js) Send(room, kind string, content harness.M) string {
	c.t.Helper()
	return c.sent("send", harness.M{"room": room, "type": kind, "content": content})
}

func (c *js) Redact(room, event string) {
	c.t.Helper()
	c.must("redact", harness.M{"room": room, "event": event}, nil)
}

func (c *js) SendFile(room, name string, data []byte) string {
	c.t.Helper()
	return c.sent("sendFile", harness.M{"room": room, "name": name, "data": base64.StdEncoding.EncodeToString(data)})
}

func (c *js) FetchFile(room, event string) []byte {
	c.t.Helper()
	var out struct {
		Data []byte `json:"data"`
	}
	c.must("fetchFile", harness.M{"room": room, "event": event}, &out)
	return out.Data
}

func (c *js) Wait(room, event string) (m message) {
	c.t.Helper()
	c.must("wait", harness.M{"room": room, "event": event}, &m)
	return m
}

func (c *js) WaitRedacted(room, event string) {
	c.t.Helper()
	c.must("wait", harness.M{"room": room, "event": event, "redacted": true}, nil)
}

func (c *js) Unreadable(room, event string) {
	c.t.Helper()
	var out struct {
		Failure string `json:"failure"`
	}
	if c.must("unreadable", harness.M{"room": room, "event": event}, &out); out.Failure == "" {
		c.t.Errorf("%s can read %s", c.user, event)
	}
}

func (c *js) Scrollback(room, event string) {
	c.t.Helper()
	c.must("scrollback", harness.M{"room": room, "event": event}, nil)
}

func (c *js) Bootstrap() string {
	c.t.Helper()
	var out struct {
		Key string `json:"recovery_key"`
	}
	c.must("bootstrap", nil, &out)
	return out.Key
}

func (c *js) BackedUp() {
	c.t.Helper()
	c.must("backedUp", nil, nil)
}

func (c *js) Restore(recoveryKey string) {
	c.t.Helper()
	c.must("restore", harness.M{"recovery_key": recoveryKey}, nil)
}

func (c *js) Verified(user, device string) bool {
	c.t.Helper()
	var out struct {
		Verified bool `json:"verified"`
	}
	c.must("verified", harness.M{"user": user, "device": device}, &out)
	return out.Verified
}

func (c *js) Knows(user, device string) {
	c.t.Helper()
	c.must("knows", harness.M{"user": user, "device": device}, nil)
}

func (c *js) Verify(user, room, device string) error {
	return c.n.call(c.name, "verify", harness.M{"user": user, "room": room, "device": device}, nil)
}

func (c *js) AcceptVerification(user string) error {
	return c.n.call(c.name, "acceptVerification", harness.M{"user": user}, nil)
}

func (c *js) SAS(begin bool) (numbers [3]int, err error) {
	var out struct {
		Decimal [3]int `json:"decimal"`
	}
	err = c.n.call(c.name, "sas", harness.M{"begin": begin}, &out)
	return out.Decimal, err
}

func (c *js) Confirm() error { return c.n.call(c.name, "confirm", nil, nil) }
