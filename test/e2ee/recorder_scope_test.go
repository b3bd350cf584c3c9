//go:build goolm

package e2ee

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave.chat/test/harness"
)

// is waits until a room is recorded, or is not.
func (o *office) is(u *harness.User, room string, recorded bool) {
	o.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		members := u.Must(http.MethodGet, harness.Path("rooms", room, "joined_members"), nil).Get("joined")
		_, policy := u.Do(http.MethodGet, harness.Path("rooms", room, "state", "m.room.policy", ""), nil)
		in := false
		for user := range members.Map() {
			in = in || strings.HasPrefix(user, "@recorder:")
		}
		if in == recorded && (policy.Get("via").String() != "") == recorded {
			return
		}
		if time.Now().After(end) {
			o.Fatalf("recorded should be %v: the recorder is in: %v, policy: %s", recorded, in, policy.Raw)
		}
	}
}

func TestWhatIsRecordedIsChosen(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.SQLite, harness.Env("CONCLAVE_ROOMS_ENCRYPT=false"))
	o := openOffice(t, s, "CONCLAVE_RECORDING_SCOPE=none", "CONCLAVE_RECORDING_RECEIPTS=true", `CONCLAVE_RECORDING_CLASSES=[{class: broker-dealer, groups: [desk]}]`)
	o.end(syscall.SIGTERM)
	text0, err := os.ReadFile(o.config())
	if err == nil {
		err = os.WriteFile(o.config(), bytes.Replace(text0, []byte("log_level: info"), []byte("receipts: true\nlog_level: debug"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.begin()
	ann, bob := s.Register("ann"), s.Register("bob")
	o.run("", "user", "promote", "ann")
	text := func(body string) harness.M { return harness.M{"msgtype": "m.text", "body": body} }
	first := ann.CreateRoom(harness.M{"name": "First", "preset": "public_chat"})
	bob.Join(first)
	ann.Send(first, "m.room.message", text("off the record"))
	o.is(ann, first, false)

	// All rooms, also those that were there before.
	o.set(harness.M{"recording_scope": "all"})
	o.is(ann, first, true)
	bob.Send(first, "m.room.message", text("on the record"))
	second := bob.CreateRoom(harness.M{"name": "Second"})
	o.is(bob, second, true)
	third := ann.Must(http.MethodPost, harness.Path("rooms", first, "upgrade"), harness.M{"new_version": "12"}).Get("replacement_room").String()
	o.is(ann, third, true)
	bob.Join(third)

	// All but one.
	o.set(harness.M{"recording_scope": "except", "recording_rooms": []string{second}})
	o.is(bob, second, false)
	bob.Send(second, "m.room.message", text("between us"))
	o.is(ann, third, true)

	// Those with a person in them: before that person can read or say anything.
	o.set(harness.M{"recording_scope": "people", "recording_people": []string{ann.ID}})
	fourth := bob.CreateRoom(harness.M{"name": "Fourth"})
	o.is(bob, fourth, false)
	bob.Must(http.MethodPost, harness.Path("rooms", fourth, "invite"), harness.M{"user_id": ann.ID})
	o.is(bob, fourth, true)
	ann.Join(fourth)
	ann.Send(fourth, "m.room.message", text("all ears"))

	// Those with anybody of a group in them: whoever joins the group brings the room with them, before anybody writes in it again.
	groups := "/_conclave/admin/v1/groups"
	o.admin.Must(http.MethodPost, groups, harness.M{"group_id": "desk", "name": "Trading desk"})
	o.set(harness.M{"recording_scope": "groups", "recording_groups": []string{"desk"}})
	cat := s.Register("cat")
	fifth := cat.CreateRoom(harness.M{"name": "Fifth", "preset": "public_chat"})
	bob.Join(fifth)
	cat.Send(fifth, "m.room.message", text("nobody of the desk"))
	o.is(cat, fifth, false)
	o.admin.Must(http.MethodPost, groups+"/desk/members", harness.M{"add": []string{cat.ID}})
	bob.Send(fifth, "m.room.message", text("the desk listens"))
	o.is(cat, fifth, true)
	class := func(room string) string {
		return bob.Must(http.MethodGet, harness.Path("rooms", room, "state", "m.room.policy", ""), nil).Get(`chat\.conclave\.retention_class`).String()
	}
	if got := class(fifth); got != "broker-dealer" {
		t.Errorf("the room of the desk is in the class %q", got)
	}
	if got := class(fourth); got != "" {
		t.Errorf("another room is in the class %q", got)
	}
	// An administrator without the compliance role takes nobody of it out, and nobody ends it; whoever is out of it leaves the room recorded.
	if status, a := ann.Do(http.MethodPost, groups+"/desk/members", harness.M{"remove": []string{cat.ID}}); status != http.StatusForbidden {
		t.Errorf("taken out without the role: %d %s", status, a.Raw)
	}
	if status, a := o.admin.Do(http.MethodDelete, groups+"/desk", nil); status != http.StatusConflict {
		t.Errorf("a group that is recorded was deleted: %d %s", status, a.Raw)
	}
	o.run("", "group", "leave", "desk", "cat")
	if got := o.run("", "group", "members", "desk"); strings.Contains(got, "cat") {
		t.Errorf("cat has not left: %s", got)
	}
	bob.Send(fifth, "m.room.message", text("still"))
	o.is(cat, fifth, true)
	if got := class(fifth); got != "broker-dealer" {
		t.Errorf("the room has lost its class: %q", got)
	}

	// The console's classes go before those of the file, and a room moves with them.
	desk := harness.M{"recording_scope": "groups", "recording_groups": []string{"desk"}}
	with := func(classes ...harness.M) harness.M {
		next := maps.Clone(desk)
		next["recording_classes"] = classes
		return next
	}
	o.set(with(harness.M{"class": "board", "groups": []string{}, "rooms": []string{fifth}}, harness.M{"class": "desk", "groups": []string{"desk"}, "rooms": []string{}}))
	last := bob.Send(fifth, "m.room.message", text("of the board now"))
	if got := class(fifth); got != "board" {
		t.Errorf("the room that the console puts into another class is in %q", got)
	}
	change := o.admin.Must(http.MethodGet, "/_conclave/admin/v1/audit?action=settings.change&limit=1", nil).Get("items.0.after.recording_classes.0")
	if change.Get("class").String() != "board" {
		t.Errorf("the audit log has %s", change.Raw)
	}

	// Who is an administrator without the compliance role changes nothing of it.
	version := ann.Must(http.MethodGet, "/_conclave/admin/v1/settings", nil).Get("version").String()
	for _, c := range []struct {
		who    *harness.User
		next   harness.M
		status int
	}{
		{ann, harness.M{"recording_scope": "none"}, http.StatusForbidden},
		{ann, with(), http.StatusForbidden},
		{o.admin, with(harness.M{"class": "x", "groups": []string{"nobody"}, "rooms": []string{}}), http.StatusBadRequest},
		{o.admin, with(harness.M{"class": "Not A Class", "groups": []string{}, "rooms": []string{}}), http.StatusBadRequest},
	} {
		body, _ := json.Marshal(c.next)
		req, err := http.NewRequest(http.MethodPut, s.URL+"/_conclave/admin/v1/settings", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.who.Token)
		req.Header.Set("If-Match", `"`+version+`"`)
		if res, answer, err := s.Send(req); err != nil || res.StatusCode != c.status {
			t.Errorf("%s by %s: %v %s", body, c.who.ID, err, answer)
		}
	}

	// Who has read what is recorded, as the room says, but for what readers keep to themselves; a restart makes nothing of it twice.
	if said := bob.Must(http.MethodGet, harness.Path("rooms", fifth, "state", "m.room.policy", ""), nil); !said.Get(`chat\.conclave\.recording.receipts`).Bool() {
		t.Errorf("the room does not say that receipts are recorded: %s", said.Raw)
	}
	reads := func(u *harness.User, kind string) {
		u.Must(http.MethodPost, harness.Path("rooms", fifth, "receipt", kind, last), harness.M{})
	}
	reads(bob, "m.read.private")
	reads(cat, "m.read")
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if log, err := os.ReadFile(o.log.Name()); err != nil || bytes.Contains(log, []byte("receipts archived")) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the receipt is not archived")
		}
	}

	// Members go while the recorder is down, and a room is deleted with its recorder.
	o.end(syscall.SIGTERM)
	bob.Must(http.MethodPost, harness.Path("rooms", third, "leave"), harness.M{})
	bob.Must(http.MethodPost, harness.Path("rooms", fourth, "leave"), harness.M{})
	o.begin()
	drained(t, o)
	job := o.admin.Must(http.MethodPost, "/_conclave/admin/v1/rooms/"+url.PathEscape(third)+"/delete", harness.M{})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		at := o.admin.Must(http.MethodGet, "/_conclave/admin/v1/jobs/"+job.Get("job_id").String(), nil)
		if at.Get("phase").String() == "done" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the room was not deleted: %s", at.Raw)
		}
	}
	drained(t, o)
	o.end(syscall.SIGTERM)
	o.verify()
	var said, read []string
	for _, a := range o.unseal("case-1") {
		if a.Type == "m.receipt" {
			read = append(read, a.Sender+" "+a.Plaintext.Get("event_id").String())
		}
		if body := a.Event.Get("content.body").String(); a.Type == "m.room.message" {
			said = append(said, body)
		}
	}
	if got := strings.Join(said, ", "); got != "on the record, all ears, the desk listens, still, of the board now" {
		t.Errorf("the archive has: %s", got)
	}
	if len(read) != 1 || read[0] != cat.ID+" "+last {
		t.Errorf("receipts in the archive: %q", read)
	}
}

func TestServerAndRecorderInOneProcess(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.SQLite, harness.Env("CONCLAVE_ROOMS_ENCRYPT=false"))
	o := openOffice(t, s)
	ann := s.Register("ann")
	o.end(syscall.SIGTERM)
	s.Stop()
	var out bytes.Buffer
	cmd := exec.Command(harness.Program(t), "--config", harness.ConfigFile(), "serve", "--with-recorder", o.config())
	cmd.Dir, cmd.Env, cmd.Stderr = s.Dir, s.Environ(), &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	room := ""
	for end := time.Now().Add(patience); room == ""; time.Sleep(20 * time.Millisecond) {
		if _, a, err := ann.Attempt(http.MethodPost, harness.API+"/createRoom", harness.M{}); err == nil {
			room = a.Get("room_id").String()
		}
		if time.Now().After(end) {
			t.Fatalf("no room can be made:\n%s", out.String())
		}
	}
	sent := ann.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "on trial"})
	drained(t, o)
	statement := o.statement()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(out.String(), "WARNING: server and recorder run in one process") {
		t.Errorf("it has not warned:\n%s", out.String())
	}
	if !strings.Contains(statement, sent) {
		t.Errorf("the statement lacks %s:\n%s", sent, statement)
	}
	s.Start()
	o.verify()
}
