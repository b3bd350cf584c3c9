package blackbox

import (
	"archive/zip"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"conclave.chat/test/harness"
)

// A hold that the command line places beside a running server stops a purge that is under way; what it covers goes when it is released, and not before.
func TestLegalHold(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		admin := boss(t, s)
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		bob.Join(room)
		var sent []string
		for i := range 450 {
			sent = append(sent, bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": fmt.Sprint("word ", i)}))
		}
		there := func(id string) bool {
			status, a := alice.Do("GET", harness.Path("rooms", room, "event", id), nil)
			return status == http.StatusOK && a.Get("content.body").Exists()
		}
		left := func() (n int) {
			for _, id := range sent {
				if there(id) {
					n++
				}
			}
			return n
		}
		status, a := alice.Do("POST", adminAPI+"holds", harness.M{"case": "C", "reason": "r", "room": room})
		if status != http.StatusForbidden {
			t.Errorf("who is no administrator places a hold: %d %s", status, a.Raw)
		}
		if status, a := other(t, s).Do("GET", adminAPI+"holds", nil); status != http.StatusForbidden {
			t.Errorf("an administrator without the compliance role reads holds: %d %s", status, a.Raw)
		}
		keep := harness.Path("rooms", room, "state", "m.room.retention") + "/"
		alice.Must("PUT", keep, harness.M{"max_lifetime": 1})
		await(t, "the first message is gone", func() bool { return !there(sent[0]) })
		conclave(t, s, "hold", "add", "--case", "C-7", "--reason", "a court asks", "--room", room)
		before := left()
		later := bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "later"})
		sent = append(sent, later)
		// Another room's message goes: the purge went on meanwhile, but for what is held.
		free := alice.CreateRoom(harness.M{"preset": "public_chat"})
		gone := alice.Send(free, "m.room.message", harness.M{"msgtype": "m.text", "body": "elsewhere"})
		alice.Must("PUT", harness.Path("rooms", free, "state", "m.room.retention")+"/", harness.M{"max_lifetime": 1})
		await(t, "the message of another room is gone", func() bool {
			status, _ := alice.Do("GET", harness.Path("rooms", free, "event", gone), nil)
			return status == http.StatusNotFound
		})
		if n := left(); n != before+1 {
			t.Errorf("%d messages are left, want %d", n, before+1)
		}
		holds := admin.Must("GET", "/_conclave/recording/v1/holds", nil)
		if holds.Get("holds.#").Int() != 1 || holds.Get("holds.0.room").Str != room || holds.Get("holds.0.custodian").Exists() || holds.Get("as_of").Int() < holds.Get("holds.0.created").Int() {
			t.Errorf("holds in force: %s", holds.Raw)
		}
		if status, _ := alice.Do("GET", "/_conclave/recording/v1/holds", nil); status != http.StatusForbidden {
			t.Errorf("who is no recorder reads the holds: %d", status)
		}
		id := holds.Get("holds.0.id").Str
		if list := conclave(t, s, "hold", "list"); !strings.Contains(list, id) || !strings.Contains(list, "C-7") {
			t.Errorf("listed: %s", list)
		}
		released := admin.Must("POST", adminAPI+"holds/"+id+"/release", harness.M{"case": "C-7"})
		if n := released.Get("due.messages").Int(); n != int64(before)+1 {
			t.Errorf("due: %s, want %d messages", released.Raw, before+1)
		}
		await(t, "all messages are gone", func() bool { return !there(later) && left() == 0 })
	}, harness.Env("CONCLAVE_RECORDING_ADMINISTRATORS=@boss:hs1"))
}

// other is an administrator without the compliance role.
func other(t *testing.T, s *harness.Server) *harness.User {
	t.Helper()
	u := s.Register("other")
	conclave(t, s, "user", "promote", "other")
	await(t, "an administrator", func() bool {
		status, _ := u.Do("GET", adminAPI+"audit", nil)
		return status == http.StatusOK
	})
	return u
}

// The command line copies and erases what the server has of a person, beside the running server.
func TestDataOfAPerson(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat"})
		bob.Join(room)
		uri := bob.Must("POST", "/_matrix/media/v3/upload?filename=plan.txt", "the content of a file").Get("content_uri").Str
		said := bob.Send(room, "m.room.message", harness.M{"msgtype": "m.file", "body": "plan.txt", "url": uri})
		file := filepath.Join(t.TempDir(), "bob.zip")
		conclave(t, s, "user", "export", bob.ID, "--out", file)
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		sizes := map[string]uint64{}
		for _, f := range z.File {
			sizes[f.Name] = f.UncompressedSize64
		}
		if name := "media/" + uri[strings.LastIndex(uri, "/")+1:]; sizes[name] != uint64(len("the content of a file")) || sizes["events.jsonl"] == 0 {
			t.Errorf("the archive holds %v, not %s", sizes, name)
		}
		if out := conclave(t, s, "user", "erase", "bob", "--yes"); !strings.Contains(out, "1 messages in 1 rooms go") {
			t.Errorf("%s", out)
		}
		await(t, "bob's message is gone", func() bool {
			status, _ := alice.Do("GET", harness.Path("rooms", room, "event", said), nil)
			return status == http.StatusNotFound
		})
		await(t, "bob's file is gone", func() bool {
			status, _ := alice.Do("GET", "/_matrix/client/v1/media/download/"+strings.TrimPrefix(uri, "mxc://"), nil)
			return status == http.StatusNotFound
		})
		if status, a := bob.Do("GET", "/_matrix/client/v3/account/whoami", nil); status != http.StatusUnauthorized {
			t.Errorf("bob is still there: %d %s", status, a.Raw)
		}
	})
}
