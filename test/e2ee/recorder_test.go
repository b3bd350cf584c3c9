//go:build goolm

package e2ee

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive/casefile"
	"conclave.chat/test/bucket"
	"conclave.chat/test/harness"
)

// office is a recorder beside a server, and the officers who open what it has archived.
type office struct {
	*testing.T
	s     *harness.Server
	admin *harness.User
	dir   string
	place string // where officers find the archive
	cmd   *exec.Cmd
	ended chan struct{}
	log   *os.File
}

const passphrases = "first passphrase\nsecond passphrase\nthird passphrase\n"

// openOffice makes officers' keys and a recorder, and restarts the server with it. Where the server speaks TLS, so does the recorder.
func openOffice(t *testing.T, s *harness.Server, settings ...string) *office {
	t.Helper()
	o := &office{T: t, s: s, dir: t.TempDir()}
	o.admin = s.Register("officer")
	o.run("", "user", "promote", "officer")
	account := s.Register("recorder")
	o.officers()
	o.place = filepath.Join(o.dir, "recorder", "archive")
	args := []string{
		"recorder", "init", "--homeserver", s.URL, "--password-stdin", "--recipient", filepath.Join(o.dir, "officers", "archive.recipient"),
		"--log-key", filepath.Join(o.dir, "officers", "log.key"), "--dir", filepath.Join(o.dir, "recorder"), "--listen", freeAddr(t),
	}
	if s.Authority != "" {
		var own []string
		own, settings = o.certified(settings, args)
		args = append(args, own...)
	}
	out := o.run(account.Password+"\n", args...)
	value := func(key string) string { return o.printed(out, key) }
	harness.Env(append([]string{
		"CONCLAVE_RECORDING_URL=" + value("url"), "CONCLAVE_RECORDING_PUBLIC_KEY=" + value("public_key"), "CONCLAVE_RECORDING_LOG_KEY=" + value("log_key"),
		"CONCLAVE_RECORDING_ADMINISTRATORS=" + o.admin.ID,
	}, settings...)...)(s)
	o.furnish()
	s.Restart()
	o.begin()
	return o
}

// printed is a setting that recorder init prints for the homeserver.
func (o *office) printed(out, key string) string {
	o.Helper()
	m := regexp.MustCompile(`(?m)^ +(?:- )?` + key + `: "(.*)"$`).FindStringSubmatch(out)
	if m == nil {
		o.Fatalf("recorder init gives no %s:\n%s", key, out)
	}
	return m[1]
}

// furnish opens the recorder's log, and sees to the recorder's end.
func (o *office) furnish() {
	o.Helper()
	var err error
	if o.log, err = os.Create(filepath.Join(o.dir, "recorder.log")); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		o.end(syscall.SIGTERM)
		if o.Failed() {
			text, _ := os.ReadFile(o.log.Name())
			o.Logf("the recorder's log ends with:\n%s", text[max(0, len(text)-8000):])
		}
		_ = o.log.Close()
	})
	// Who withholds a key is not waited for so long here.
	text, err := os.ReadFile(o.config())
	if err == nil {
		err = os.WriteFile(o.config(), bytes.Replace(text, []byte("wait: 15s"), []byte("wait: 5s"), 1), 0o600)
	}
	if err != nil {
		o.Fatal(err)
	}
}

// keygen is the officers' keys, made once: it takes time on purpose.
var keygen struct {
	once  sync.Once
	files map[string][]byte
}

// officers gives the office its officers' keys.
func (o *office) officers() {
	o.Helper()
	dir := filepath.Join(o.dir, "officers")
	keygen.once.Do(func() {
		out := filepath.Join(o.TempDir(), "officers")
		o.run(passphrases, "archive", "keygen", "--origin", "localhost/archive", "--officers", "2-of-3", "--out", out)
		list, err := os.ReadDir(out)
		if err != nil {
			o.Fatal(err)
		}
		keygen.files = map[string][]byte{}
		for _, f := range list {
			if keygen.files[f.Name()], err = os.ReadFile(filepath.Join(out, f.Name())); err != nil {
				o.Fatal(err)
			}
		}
	})
	if err := os.Mkdir(dir, 0o700); err != nil {
		o.Fatal(err)
	}
	for name, text := range keygen.files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			o.Fatal(err)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (o *office) config() string { return filepath.Join(o.dir, "recorder", "recorder.yaml") }

// run runs a command of the program on the server's data.
func (o *office) run(stdin string, args ...string) string {
	o.Helper()
	out, err := o.try(stdin, args...)
	if err != nil {
		o.Fatalf("conclave %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (o *office) try(stdin string, args ...string) (string, error) {
	cmd := exec.Command(harness.Program(o), append([]string{"--config", harness.ConfigFile()}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = o.s.Dir, o.s.Environ(), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// begin starts the recorder and waits until it answers.
func (o *office) begin() {
	o.Helper()
	o.cmd = exec.Command(harness.Program(o), "recorder", "run", o.config())
	o.cmd.Stdout, o.cmd.Stderr = o.log, o.log
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := o.cmd.Start(); err != nil {
		o.Fatal(err)
	}
	cmd, ended := o.cmd, make(chan struct{})
	o.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	text, err := os.ReadFile(o.config())
	if err != nil {
		o.Fatal(err)
	}
	scheme, asks := "http://", &http.Client{}
	if strings.Contains(string(text), "\ncertificate: ") {
		scheme, asks.Transport = "https://", &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		defer asks.CloseIdleConnections()
	}
	addr := regexp.MustCompile(`(?m)^listen: (.*)$`).FindStringSubmatch(string(text))[1]
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if res, err := asks.Get(scheme + strings.Trim(addr, `"`) + "/_conclave/recorder/v1/health"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			log, _ := os.ReadFile(o.log.Name())
			o.Fatalf("the recorder ended:\n%s", log)
		default:
		}
		if time.Now().After(end) {
			o.Fatal("the recorder does not answer")
		}
	}
}

func (o *office) end(sig syscall.Signal) {
	if o.cmd == nil {
		return
	}
	_ = o.cmd.Process.Signal(sig)
	<-o.ended
	o.cmd = nil
}

// archived is a record as officers read it.
type archived struct {
	EventID, Sender, Type string
	Event, Plaintext      gjson.Result
	Line                  gjson.Result
}

const casePassphrase = "the case's passphrase"

// unseal has two officers open everything, into a case.
func (o *office) unseal(name string) (list []archived) {
	o.Helper()
	o.run("first passphrase\nthird passphrase\n"+casePassphrase+"\n", "archive", "unseal", o.place,
		"--share", filepath.Join(o.dir, "officers", "officer-1.share"), "--share", filepath.Join(o.dir, "officers", "officer-3.share"),
		"--key", filepath.Join(o.dir, "officers", "log.public"), "--access", filepath.Join(o.dir, "access"),
		"--access-key", filepath.Join(o.dir, "officers", "access.public"), "--case", name, "--reason", "test", "--out", filepath.Join(o.dir, name))
	c := o.readCase(name)
	for r, err := range c.Records(context.Background(), casefile.Filter{}) {
		if err != nil {
			o.Fatal(err)
		}
		l := gjson.ParseBytes(r.Line)
		typ := l.Get("type").String()
		if typ == "" {
			typ = l.Get("event.type").String()
		}
		list = append(list, archived{l.Get("event_id").String(), l.Get("sender").String(), typ, l.Get("event"), l.Get("plaintext"), l})
	}
	return list
}

func (o *office) readCase(name string) *casefile.Case {
	o.Helper()
	c, err := casefile.Open(context.Background(), filepath.Join(o.dir, name), casePassphrase)
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { _ = c.Close() })
	return c
}

// verify compares the archive with the server's statement.
func (o *office) verify() string {
	o.Helper()
	return o.run("", append([]string{"archive", "verify", o.place, "--key", filepath.Join(o.dir, "officers", "log.public")}, o.stated()...)...)
}

// witnessed verifies that the server has signed the last checkpoint of a recorder that was stopped.
func (o *office) witnessed() {
	o.Helper()
	path := filepath.Join(o.dir, "witness.public")
	if err := os.WriteFile(path, []byte(o.s.Must(http.MethodGet, "/_conclave/recording/v1/keys", "", nil).Get("witness").String()+"\n"), 0o600); err != nil {
		o.Fatal(err)
	}
	o.run("", "archive", "verify", o.place, "--key", filepath.Join(o.dir, "officers", "log.public"), "--witness", path)
}

// stated saves the server's statement and its key, and gives what verify has to be told of them.
func (o *office) stated() []string {
	o.Helper()
	keys := o.s.Must(http.MethodGet, "/_conclave/recording/v1/keys", "", nil)
	server := filepath.Join(o.dir, "server.public")
	statement := filepath.Join(o.dir, "statement")
	for path, text := range map[string]string{server: keys.Get("statement").String() + "\n", statement: o.statement()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			o.Fatal(err)
		}
	}
	return []string{"--statement", statement, "--server-key", server}
}

func (o *office) statement() string {
	o.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, o.s.URL+"/_conclave/recording/v1/statement", nil)
	if err != nil {
		o.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.admin.Token)
	res, body, err := o.s.Send(req)
	if err != nil || res.StatusCode != http.StatusOK {
		o.Fatalf("statement: %v %s", err, body)
	}
	return string(body)
}

// Spec: ss#asking-for-a-policy-server-signature-on-an-event
// Spec: ss#post_matrixpolicyv1sign
// Spec: ss#request-authentication
// Spec: ss#validating-policy-server-signatures
func TestRecordedConversation(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.SQLite, byDefault, harness.TLS())
	s3 := bucket.Start(t)
	o := openOffice(t, s)
	shipped := o.ship(s3)
	aliceUser, bobUser := s.Register("alice"), s.Register("bob")
	alice, bob := newMautrix(t, s, aliceUser), newMautrix(t, s, bobUser)
	room := alice.CreateRoom("Desk", false, bob.User())
	bob.Join(room)
	recorder := strings.Replace(alice.User(), "alice", "recorder", 1)
	alice.Members(room, alice.User(), bob.User(), recorder)
	bob.Members(room, alice.User(), bob.User(), recorder)

	hello := alice.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "buy at 41"})
	bob.Wait(room, hello)
	answer := bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "done"})
	edit := alice.Send(room, "m.room.message", harness.M{
		"msgtype": "m.text", "body": "* buy at 42", "m.new_content": harness.M{"msgtype": "m.text", "body": "buy at 42"},
		"m.relates_to": harness.M{"rel_type": "m.replace", "event_id": hello},
	})
	alice.Wait(room, answer)
	alice.Redact(room, hello)
	o.end(syscall.SIGTERM)
	o.begin()
	data := bytes.Repeat([]byte("a secret prospectus "), 10_000)
	doc := bob.SendFile(room, "prospectus.pdf", data)

	// What they see is in each client's state, too.
	policy := aliceUser.Must(http.MethodGet, harness.Path("rooms", room, "state", "m.room.policy", ""), nil)
	if policy.Get("public_keys.ed25519").String() == "" || policy.Get("via").String() == "" {
		t.Errorf("m.room.policy says %s", policy.Raw)
	}
	members := aliceUser.Must(http.MethodGet, harness.Path("rooms", room, "state", "io.element.functional_members", ""), nil)
	if members.Get("service_members.0").String() != recorder {
		t.Errorf("functional members are %s", members.Raw)
	}
	// Nobody removes the recorder, however much power they have.
	for what, call := range map[string]func() (int, gjson.Result){
		"kick": func() (int, gjson.Result) {
			return aliceUser.Do(http.MethodPost, harness.Path("rooms", room, "kick"), harness.M{"user_id": recorder})
		},
		"ban": func() (int, gjson.Result) {
			return aliceUser.Do(http.MethodPost, harness.Path("rooms", room, "ban"), harness.M{"user_id": recorder})
		},
		"policy": func() (int, gjson.Result) {
			return aliceUser.Do(http.MethodPut, harness.Path("rooms", room, "state", "m.room.policy", ""), harness.M{})
		},
		"functional members": func() (int, gjson.Result) {
			return aliceUser.Do(http.MethodPut, harness.Path("rooms", room, "state", "io.element.functional_members", ""), harness.M{"service_members": []string{}})
		},
	} {
		if status, a := call(); status != http.StatusForbidden || a.Get("errcode").String() != "M_FORBIDDEN" {
			t.Errorf("%s: %d %s", what, status, a.Raw)
		}
	}
	drained(t, o)
	checked(t, o)
	o.end(syscall.SIGTERM)
	shipped.verified()
	report := o.verify()
	o.witnessed()
	t.Log(report)
	byID := map[string]archived{}
	for _, a := range o.unseal("case-1") {
		if _, twice := byID[a.EventID]; twice {
			t.Errorf("%s is in the archive twice", a.EventID)
		}
		byID[a.EventID] = a
	}
	for _, want := range []struct{ id, sender, path, value string }{
		{hello, alice.User(), "plaintext.body", "buy at 41"},
		{answer, bob.User(), "plaintext.body", "done"},
		{edit, alice.User(), `plaintext.m\.new_content.body`, "buy at 42"},
		{doc, bob.User(), "attachments.0.name", "prospectus.pdf"},
		{doc, bob.User(), "attachments.0.size", fmt.Sprint(len(data))},
		{hello, alice.User(), "room_name", "Desk"},
	} {
		got := byID[want.id]
		if got.Sender != want.sender || got.Line.Get(want.path).String() != want.value {
			t.Errorf("%s: %s is %q in %s", want.id, want.path, got.Line.Get(want.path), got.Line.Raw)
		}
	}
	sum := sha256.Sum256(data)
	if got := byID[doc].Line.Get("attachments.0.sha256").String(); got != hex.EncodeToString(sum[:]) {
		t.Errorf("the attachment's hash is %q", got)
	}
	c := o.readCase("case-1")
	in, err := c.OpenFile(byID[doc].Line.Get("attachments.0.blob").String())
	if err != nil {
		t.Fatalf("the attachment was not archived: %v", err)
	}
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the attachment was not archived: %v", err)
	}
	_ = in.Close()
	shown := o.run(casePassphrase+"\n", "archive", "show", filepath.Join(o.dir, "case-1"), "--room", "Desk")
	for _, want := range []string{"          buy at 42\n", "[edited; first, ", "            | buy at 41\n", "[deleted ", "          done\n", "file: prospectus.pdf (", "(" + recorder + "), a program"} {
		if !strings.Contains(shown, want) {
			t.Errorf("show does not say %q:\n%s", want, shown)
		}
	}
	found := o.run(casePassphrase+"\n", "archive", "search", filepath.Join(o.dir, "case-1"), `"buy at 41"`, "--person", alice.User())
	if !strings.Contains(found, "[buy at 41]") || !strings.Contains(found, "[edited later; deleted later]") || !strings.Contains(found, "Results 1 to 1;") {
		t.Errorf("search finds:\n%s", found)
	}
	redactions := 0
	for _, a := range byID {
		if a.Event.Get("type").String() == "m.room.redaction" && a.Event.Get("content.redacts").String() == hello {
			redactions++
		}
	}
	if redactions != 1 {
		t.Errorf("the archive has %d redactions of the message", redactions)
	}
	var seen []string
	if err := json.Unmarshal([]byte(byID[hello].Line.Get("members").Raw), &seen); err != nil || !slices.Equal(seen, sorted(alice.User(), bob.User(), recorder)) {
		t.Errorf("members who saw it: %v %v", seen, err)
	}
	comesOut(t, o, "case-1", hello, answer, doc, data)
	distrusted(t, o, aliceUser, room)
}

func sorted(list ...string) []string {
	slices.Sort(list)
	return list
}

// drained waits until the recorder has what was accepted without its signature.
func drained(t *testing.T, o *office) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		status := o.s.Must(http.MethodGet, "/_conclave/recording/v1/status", o.admin.Token, nil)
		if status.Get("unrecorded").Int() == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the recorder has not got everything: %s", status.Raw)
		}
	}
}

// checked has the recorder verify its archive against what the server accepted, and looks at what administrators are shown of that.
func checked(t *testing.T, o *office) {
	t.Helper()
	if out := o.run("", "recorder", "check", o.config()); !strings.Contains(out, "The archive is right") {
		t.Errorf("the self-check says %s", out)
	}
	status := o.s.Must(http.MethodGet, "/_conclave/recording/v1/status", o.admin.Token, nil)
	check := status.Get("archive.check")
	if check.Get("stated").Int() == 0 || check.Get("records").Int()+check.Get("newer").Int() < check.Get("stated").Int() || check.Get("problems").Int() != 0 || status.Get("alarm").String() != "" || check.Get("error").String() != "" {
		t.Errorf("administrators see %s", status.Raw)
	}
	health := func() gjson.Result {
		return o.s.Must(http.MethodGet, "/_conclave/admin/v1/health", o.admin.Token, nil).Get(`checks.#(check=="archive")`)
	}
	if f := health(); f.Get("level").String() != "ok" || !strings.Contains(f.Get("found").String(), "verified") {
		t.Errorf("the health page says %s", f.Raw)
	}
	// Somebody changes a byte.
	list, err := filepath.Glob(filepath.Join(o.dir, "recorder", "archive", "segment", "standard", "*"))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	f, err := os.OpenFile(list[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flip := func() {
		b := make([]byte, 1)
		if _, err := f.ReadAt(b, 300); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1
		if _, err := f.WriteAt(b, 300); err != nil {
			t.Fatal(err)
		}
	}
	flip()
	if out, err := o.try("", "recorder", "check", o.config()); err == nil || !strings.Contains(out, "PROBLEM segment/standard") {
		t.Errorf("a byte was changed, and the self-check says %s", out)
	}
	status = o.s.Must(http.MethodGet, "/_conclave/recording/v1/status", o.admin.Token, nil)
	if status.Get("alarm").String() != "problems" || !strings.Contains(status.Get("archive.check.first.0").String(), "segment/standard") || status.Get("recorder").String() != "ok" {
		t.Errorf("administrators see %s", status.Raw)
	}
	if f := health(); f.Get("level").String() != "problem" || !strings.Contains(f.Get("found").String(), "segment/standard") {
		t.Errorf("the health page says %s", f.Raw)
	}
	if !strings.Contains(o.s.Log(1<<20), `"alarm: the archive's self-check" recorder=@recorder:hs1 reason=problems`) {
		t.Error("the server's log raises no alarm")
	}
	flip()
}

// refusal is what a client says of a message that was refused.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var said mautrix.HTTPError
	if !errors.As(err, &said) || said.RespError == nil {
		t.Fatalf("the message was not refused: %v", err)
	}
	return said.RespError.ErrCode + ": " + said.RespError.Err
}

func (m *mau) say(room, body string) (id.EventID, error) {
	sent, err := m.c.SendMessageEvent(m.ctx, id.RoomID(room), event.EventMessage, &event.Content{Raw: harness.M{"msgtype": "m.text", "body": body}})
	if err != nil {
		return "", err
	}
	return sent.EventID, nil
}

func TestKeysOfRecordedMessages(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.SQLite, byDefault)
	o := openOffice(t, s)
	alice := newMautrix(t, s, s.Register("alice")).(*mau)
	recorder := id.UserID(strings.Replace(alice.User(), "alice", "recorder", 1))
	room := alice.CreateRoom("Desk", false)
	alice.Members(room, alice.User(), recorder.String())

	// A client that keeps its room key from the recorder.
	alice.ok(alice.mach.ShareGroupSession(alice.ctx, id.RoomID(room), []id.UserID{alice.c.UserID}))
	_, err := alice.say(room, "between us")
	if why := refusal(t, err); !strings.HasPrefix(why, "M_FORBIDDEN: ") || !strings.Contains(why, "recorder") {
		t.Errorf("it was refused for: %s", why)
	}
	for _, ev := range alice.timeline(room) {
		if ev.Type == event.EventEncrypted {
			t.Errorf("%s is in the room", ev.ID)
		}
	}

	// One whose key is late.
	out, err := alice.mach.CryptoStore.GetOutboundGroupSession(alice.ctx, id.RoomID(room))
	alice.ok(err)
	key := out.ShareContent()
	sent := make(chan error, 1)
	go func() {
		_, err := alice.say(room, "later")
		sent <- err
	}()
	select {
	case err := <-sent:
		t.Fatalf("the recorder has not waited for the key: %v", err)
	case <-time.After(time.Second):
	}
	devices, err := alice.mach.FetchKeys(alice.ctx, []id.UserID{recorder}, true)
	alice.ok(err)
	for _, d := range devices[recorder] {
		alice.ok(alice.mach.SendEncryptedToDevice(alice.ctx, d, event.ToDeviceRoomKey, key))
	}
	if err := <-sent; err != nil {
		t.Fatalf("the message whose key came late: %v", err)
	}

	// The recorder is down: nothing gets in, and who sends reads why.
	o.end(syscall.SIGTERM)
	_, err = alice.say(room, "unheard")
	if why := refusal(t, err); !strings.HasPrefix(why, "M_FORBIDDEN: ") || !strings.Contains(why, "does not answer") {
		t.Errorf("it was refused for: %s", why)
	}
	if status, a := o.admin.Do(http.MethodPost, harness.API+"/createRoom", harness.M{}); status == http.StatusOK {
		t.Errorf("a room was made without its recorder: %s", a.Raw)
	}
	// Unless the organisation has chosen to be warned only. What got in is archived later.
	o.set(harness.M{"recording_mode": "warn"})
	loose, err := alice.say(room, "nobody listens")
	alice.ok(err)
	if log := s.Log(1 << 20); !strings.Contains(log, "without the recorder's signature") {
		t.Error("the server's log says nothing of a message without signature")
	}
	o.set(harness.M{})
	_, err = alice.say(room, "unheard again")
	refusal(t, err)
	o.begin()
	_, err = alice.say(room, "heard")
	alice.ok(err)

	// Files that a client names in its own way: what an app forgives, an edit from text to file, one so short that the server takes it for a text.
	hide := func(body string, content func(url string, file harness.M) harness.M) {
		t.Helper()
		file := attachment.NewEncryptedFile()
		sealed := []byte("secret of " + body)
		file.EncryptInPlace(sealed)
		up, err := alice.c.UploadBytes(alice.ctx, sealed, "application/octet-stream")
		alice.ok(err)
		url := up.ContentURI.String()
		got, err := alice.Encrypt(alice.ctx, id.RoomID(room), event.EventMessage, &event.Content{Raw: content(url, harness.M{
			"url": url, "v": "v2", "iv": file.InitVector, "hashes": harness.M{"sha256": file.Hashes.SHA256}, "key": harness.M{"alg": "A256CTR", "k": file.Key.Key},
		})})
		alice.ok(err)
		_, err = alice.c.SendMessageEvent(alice.ctx, id.RoomID(room), event.EventEncrypted, got)
		alice.ok(err)
	}
	hide("short", func(_ string, file harness.M) harness.M {
		return harness.M{"msgtype": "m.file", "body": "short", "file": file}
	})
	hide("loose", func(_ string, file harness.M) harness.M {
		return harness.M{"msgtype": "m.file", "body": "loose", "file": file, "info": "none"}
	})
	hide("edited", func(_ string, file harness.M) harness.M {
		return harness.M{"msgtype": "m.text", "body": "edited", "m.new_content": harness.M{"msgtype": "m.file", "body": "edited", "file": file}}
	})
	drained(t, o)
	copied := filepath.Join(o.dir, "copy") // while it is written
	o.run("", "archive", "copy", filepath.Join(o.dir, "recorder", "archive"), copied)
	if out := o.run("", "archive", "verify", copied, "--key", filepath.Join(o.dir, "officers", "log.public")); !strings.Contains(out, "The archive is right") {
		t.Errorf("a copy: %s", out)
	}
	o.end(syscall.SIGTERM)
	o.verify()
	said, files := map[string]string{}, []string(nil)
	for _, a := range o.unseal("case-1") {
		if body := a.Plaintext.Get("body").String(); body != "" {
			said[body] = a.EventID + " " + a.Line.Get("verdict.action").String()
		}
		for _, f := range a.Line.Get("attachments").Array() {
			sum := sha256.Sum256([]byte("secret of " + f.Get("name").String()))
			if f.Get("sha256").String() == hex.EncodeToString(sum[:]) {
				files = append(files, f.Get("name").String())
			}
		}
	}
	if slices.Sort(files); !slices.Equal(files, []string{"edited", "loose", "short"}) {
		t.Errorf("the archive has the files %v", files)
	}
	if len(said) != 6 || said["nobody listens"] != loose.String()+" unsigned" || said["later"] == "" || said["heard"] == "" {
		t.Errorf("the archive has %v", said)
	}
}

func (m *mau) timeline(room string) []*event.Event {
	page, err := m.c.Messages(m.ctx, id.RoomID(room), "", "", mautrix.DirectionBackward, nil, 100)
	m.ok(err)
	return page.Chunk
}

// set replaces the organisation's settings.
func (o *office) set(settings harness.M) {
	o.Helper()
	version := o.admin.Must(http.MethodGet, "/_conclave/admin/v1/settings", nil).Get("version").String()
	text, _ := json.Marshal(settings)
	req, err := http.NewRequest(http.MethodPut, o.s.URL+"/_conclave/admin/v1/settings", bytes.NewReader(text))
	if err != nil {
		o.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.admin.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", `"`+version+`"`)
	if res, body, err := o.s.Send(req); err != nil || res.StatusCode != http.StatusOK {
		o.Fatalf("settings: %v %s", err, body)
	}
}
