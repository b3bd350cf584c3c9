//go:build goolm

package e2ee

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave.chat/test/harness"
)

func text(body string) harness.M { return harness.M{"msgtype": "m.text", "body": body} }

// reads fails the test unless the client got the event encrypted and reads this text in it.
func reads(st *stage, c client, room, event, body string) message {
	st.Helper()
	m := c.Wait(room, event)
	var content struct{ Body string }
	if err := json.Unmarshal(m.Content, &content); err != nil || content.Body != body || m.Type != "m.room.message" {
		st.Errorf("%s reads %s %s, not %q", c.User(), m.Type, m.Content, body)
	}
	if !m.Encrypted {
		st.Errorf("%s got %s in the clear", c.User(), event)
	}
	return m
}

// related is what m.relates_to says.
type related struct {
	Type  string `json:"rel_type"`
	Event string `json:"event_id"`
	Key   string `json:"key"`
}

// relation is the relation of a message.
func relation(st *stage, m message) related {
	st.Helper()
	var r related
	if err := json.Unmarshal(m.RelatesTo, &r); err != nil {
		st.Error(err)
	}
	return r
}

// chat puts the people into a new room of the first one's.
func chat(st *stage, direct bool, people ...client) (room string) {
	st.Helper()
	var users, invited []string
	for i, p := range people {
		users = append(users, p.User())
		if i > 0 {
			invited = append(invited, p.User())
		}
	}
	room = people[0].CreateRoom("room of "+people[0].User(), direct, invited...)
	for _, p := range people[1:] {
		p.Join(room)
	}
	for _, p := range people {
		p.Members(room, users...)
	}
	return room
}

func TestDirectChat(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob := st.lead("alice"), st.other("bob")
		room := chat(st, true, alice, bob)
		for i := range 3 {
			body := fmt.Sprintf("hello %d, Bob", i)
			reads(st, bob, room, alice.Send(room, "m.room.message", text(body)), body)
			body = fmt.Sprintf("hello %d, Alice", i)
			reads(st, alice, room, bob.Send(room, "m.room.message", text(body)), body)
		}
	})
}

func TestGroupOfFive(t *testing.T) {
	play(t, func(st *stage) {
		people := []client{st.lead("alice"), st.other("bob"), st.lead("carol"), st.other("dave"), st.lead("erin")}
		room := chat(st, false, people...)
		for _, from := range people {
			body := "from " + from.User()
			event := from.Send(room, "m.room.message", text(body))
			for _, to := range people {
				reads(st, to, room, event, body)
			}
		}
	})
}

func TestEncryptedFile(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob := st.lead("alice"), st.other("bob")
		room := chat(st, true, alice, bob)
		data := make([]byte, 300_000)
		_, _ = rand.Read(data)
		if got := bob.FetchFile(room, alice.SendFile(room, "report.pdf", data)); !bytes.Equal(got, data) {
			st.Error("the file came back changed")
		}
	})
}

func TestEditReactionThreadRedaction(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob := st.lead("alice"), st.other("bob")
		room := chat(st, true, alice, bob)
		root := alice.Send(room, "m.room.message", text("frist"))
		reads(st, bob, room, root, "frist")

		edit := alice.Send(room, "m.room.message", harness.M{
			"msgtype": "m.text", "body": "* first", "m.new_content": text("first"),
			"m.relates_to": harness.M{"rel_type": "m.replace", "event_id": root},
		})
		if r := relation(st, reads(st, bob, room, edit, "* first")); r.Type != "m.replace" || r.Event != root {
			st.Errorf("the edit relates to %+v", r)
		}

		reaction := bob.Send(room, "m.reaction", harness.M{"m.relates_to": harness.M{"rel_type": "m.annotation", "event_id": root, "key": "👍"}})
		if m := alice.Wait(room, reaction); m.Type != "m.reaction" || relation(st, m).Key != "👍" || relation(st, m).Event != root {
			st.Errorf("the reaction came as %+v", m)
		}

		reply := bob.Send(room, "m.room.message", harness.M{
			"msgtype": "m.text", "body": "in the thread",
			"m.relates_to": harness.M{
				"rel_type": "m.thread", "event_id": root, "is_falling_back": true, "m.in_reply_to": harness.M{"event_id": root},
			},
		})
		if r := relation(st, reads(st, alice, room, reply, "in the thread")); r.Type != "m.thread" || r.Event != root {
			st.Errorf("the reply relates to %+v", r)
		}

		bob.Redact(room, reply)
		alice.WaitRedacted(room, reply)
		bob.WaitRedacted(room, reply)
	})
}

func TestLeaverCannotReadOn(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob, carol := st.lead("alice"), st.other("bob"), st.other("carol")
		room := chat(st, false, alice, bob, carol)
		reads(st, carol, room, alice.Send(room, "m.room.message", text("all three")), "all three")
		carol.Leave(room)
		alice.Members(room, alice.User(), bob.User())
		bob.Members(room, alice.User(), bob.User())
		event := alice.Send(room, "m.room.message", text("without Carol"))
		reads(st, bob, room, event, "without Carol")
		last := bob.Send(room, "m.room.message", text("nor this"))
		reads(st, alice, room, last, "nor this")

		// Once Carol reads what came later elsewhere, all has come to her that will.
		elsewhere := chat(st, true, alice, carol)
		reads(st, carol, elsewhere, alice.Send(elsewhere, "m.room.message", text("later")), "later")
		carol.Unreadable(room, event)
		carol.Unreadable(room, last)
	})
}

func TestSecondDeviceReadsTheBackup(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob := st.lead("alice"), st.other("bob")
		key := alice.Bootstrap()
		room := chat(st, true, alice, bob)
		old := bob.Send(room, "m.room.message", text("before the second device"))
		reads(st, alice, room, old, "before the second device")
		own := alice.Send(room, "m.room.message", text("her own"))
		reads(st, bob, room, own, "her own")
		alice.BackedUp()

		// The second device is of the other make.
		second := st.other("alice")
		second.Scrollback(room, old)
		second.Restore(key)
		second.Scrollback(room, old)
		reads(st, second, room, old, "before the second device")
		reads(st, second, room, own, "her own")
		// The recovery key let it sign itself, so that others who trust Alice trust it.
		trusts(st, alice, alice.User(), second.Device())
		reads(st, second, room, bob.Send(room, "m.room.message", text("after it")), "after it")
	})
}

// trusts fails the test unless the client soon trusts the user or device: signatures take a round trip.
func trusts(st *stage, c client, user, device string) {
	st.Helper()
	for end := time.Now().Add(patience); !c.Verified(user, device); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			st.Errorf("%s does not trust %s %s", c.User(), user, device)
			return
		}
	}
}

func TestVerifyByEmoji(t *testing.T) {
	play(t, func(st *stage) {
		alice, bob := st.lead("alice"), st.other("bob")
		alice.Bootstrap()
		bob.Bootstrap()
		room := chat(st, true, alice, bob)
		if alice.Verified(bob.User(), "") || bob.Verified(alice.User(), "") {
			st.Fatal("they trust each other already")
		}
		reads(st, bob, room, alice.Send(room, "m.room.message", text("shall we?")), "shall we?")
		reads(st, alice, room, bob.Send(room, "m.room.message", text("now")), "now")
		compare(st, alice, bob, room)
		trusts(st, alice, bob.User(), "")
		trusts(st, bob, alice.User(), "")
		trusts(st, alice, bob.User(), bob.Device())
		trusts(st, bob, alice.User(), alice.Device())
	})
}

// compare has two clients verify each other by comparing numbers: in the room or, if that is empty,
// by to-device messages.
func compare(st *stage, a, b client, room string) {
	st.Helper()
	_, one := a.(*mau)
	if _, other := b.(*mau); one || other {
		room = "" // mautrix-go verifies by to-device messages only
	}
	// A request from a device that is not known yet is ignored.
	a.Knows(b.User(), b.Device())
	b.Knows(a.User(), a.Device())
	together(st.T, func() error { return a.Verify(b.User(), room, b.Device()) }, func() error { return b.AcceptVerification(a.User()) })
	var shown [2][3]int
	show := func(i int, c client) func() error {
		return func() (err error) {
			shown[i], err = c.SAS(i == 0)
			return err
		}
	}
	together(st.T, show(0, a), show(1, b))
	if shown[0] != shown[1] || shown[0] == [3]int{} {
		st.Fatalf("they see %v and %v", shown[0], shown[1])
	}
	together(st.T, a.Confirm, b.Confirm)
}

func TestVerifyOwnDevice(t *testing.T) {
	play(t, func(st *stage) {
		first := st.lead("alice")
		first.Bootstrap()
		second := st.other("alice")
		compare(st, first, second, "")
		trusts(st, first, first.User(), second.Device())
	})
}

// TestNothingToReadOnDisk looks for what people said and called things in all that SQLite keeps.
func TestNothingToReadOnDisk(t *testing.T) {
	s := harness.Start(t, harness.SQLite, byDefault)
	st := &stage{T: t, server: s, first: newMautrix, others: newMautrix, users: map[string]*harness.User{}}
	alice, bob := st.lead("alice-visible-name"), st.other("bob")
	room := chat(st, true, alice, bob)
	body, file := "a sentence to look for", []byte(strings.Repeat("file content to look for ", 1000))
	reads(st, bob, room, alice.Send(room, "m.room.message", text(body)), body)
	_ = bob.FetchFile(room, alice.SendFile(room, "report.pdf", file))
	s.Stop()
	needles := []string{body, "room of @alice", "alice-visible-name", "file content to look for", "m.room.encryption"}
	for _, found := range s.Grep(needles...) {
		t.Error(found)
	}
}
