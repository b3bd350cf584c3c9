package blackbox

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// Messages go at their room's age, with their files, also where the server is killed amid; state and younger messages stay.
//
// Spec: MSC1763
// Spec: MSC3911
func TestMessagesGoAtTheirAge(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat", "topic": "It stays"})
		bob.Join(room)
		other := alice.CreateRoom(harness.M{"preset": "public_chat"})
		kept := alice.Send(other, "m.room.message", harness.M{"msgtype": "m.text", "body": "kept"})
		file := alice.Must("POST", "/_matrix/media/v3/upload?filename=x.bin", "the content of a file").Get("content_uri").Str
		blobs := func() int {
			files, err := filepath.Glob(filepath.Join(s.Dir, "data", "media", "*", "*"))
			if err != nil {
				t.Fatal(err)
			}
			return len(files)
		}
		if file == "" || blobs() == 0 {
			t.Fatalf("nothing was uploaded: %q", file)
		}
		alice.Must("PUT", harness.Path("rooms", room, "send", "m.room.encrypted", "file")+"?org.matrix.msc3911.attach_media="+url.QueryEscape(file),
			harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"})
		if status, a := alice.Do("PUT", harness.Path("rooms", room, "send", "m.room.encrypted", "bad")+"?org.matrix.msc3911.attach_media=mxc://elsewhere/x",
			harness.M{"ciphertext": "x"}); status != http.StatusBadRequest || a.Get("errcode").Str != "M_INVALID_PARAM" {
			t.Errorf("a file of another server: %d %s", status, a.Raw)
		}
		var sent []string
		for i := range 350 {
			sent = append(sent, bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": fmt.Sprint("old word ", i)}))
		}
		state := func() string {
			var ids []string
			for _, e := range alice.Must("GET", harness.Path("rooms", room, "state"), nil).Array() {
				ids = append(ids, e.Get("event_id").Str)
			}
			slices.Sort(ids)
			return strings.Join(ids, " ")
		}
		members := func() string {
			var who []string
			for user, m := range alice.Must("GET", harness.Path("rooms", room, "joined_members"), nil).Get("joined").Map() {
				who = append(who, user+" "+m.Raw)
			}
			slices.Sort(who)
			return strings.Join(who, " ")
		}
		if status, a := alice.Do("PUT", harness.Path("rooms", room, "state", "m.room.retention")+"/", harness.M{"min_lifetime": 2, "max_lifetime": 1}); status != http.StatusBadRequest {
			t.Errorf("min over max: %d %s", status, a.Raw)
		}
		alice.Must("PUT", harness.Path("rooms", room, "state", "m.room.retention")+"/", harness.M{"max_lifetime": 1})
		was, who := state(), members()
		gone := func(id string) bool {
			status, _ := bob.Do("GET", harness.Path("rooms", room, "event", id), nil)
			return status == http.StatusNotFound
		}
		await(t, "the first message is gone", func() bool { return gone(sent[0]) })
		s.Kill9()
		s.Start()
		await(t, "the last message is gone", func() bool { return gone(sent[len(sent)-1]) })
		await(t, "the file is gone", func() bool { return blobs() == 0 })
		for _, id := range sent {
			if !gone(id) {
				t.Fatalf("%s is there", id)
			}
		}
		for _, answer := range []gjson.Result{
			alice.Must("GET", harness.Path("rooms", room, "messages")+"?dir=b&limit=1000", nil),
			bob.Sync(""),
			bob.Must("POST", "/_matrix/client/v3/search", harness.M{"search_categories": harness.M{"room_events": harness.M{"search_term": "old"}}}),
			bob.Must("GET", "/_matrix/client/v3/notifications", nil),
		} {
			if strings.Contains(answer.Raw, "old word") {
				t.Errorf("an answer has what is gone: %.300s", answer.Raw)
			}
		}
		if state() != was || members() != who {
			t.Errorf("the state has changed from\n%s to\n%s", was, state())
		}
		if status, _ := alice.Do("GET", "/_matrix/client/v1/media/download/"+strings.TrimPrefix(file, "mxc://"), nil); status != http.StatusNotFound {
			t.Errorf("the file is given: %d", status)
		}
		if a := alice.Must("GET", harness.Path("rooms", other, "event", kept), nil); a.Get("content.body").Str != "kept" {
			t.Errorf("a message of another room: %s", a.Raw)
		}
		alice.Must("PUT", harness.Path("rooms", room, "state", "m.room.retention")+"/", harness.M{})
		id := bob.Send(room, "m.room.message", harness.M{"msgtype": "m.text", "body": "the room goes on"})
		if gone(id) {
			t.Error("a message is gone from a room that keeps them")
		}
	})
}
