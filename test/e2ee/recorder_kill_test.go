//go:build goolm

package e2ee

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"conclave.chat/test/harness"
)

// TestRecorderKilled kills the recorder, the server and both in the middle of load, CONCLAVE_KILLS times.
func TestRecorderKilled(t *testing.T) {
	t.Parallel()
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("CONCLAVE_KILLS")); err == nil {
		kills = n
	}
	s := harness.Start(t, harness.SQLite, byDefault)
	o := openOffice(t, s)
	alice, bob := newMautrix(t, s, s.Register("alice")).(*mau), newMautrix(t, s, s.Register("bob")).(*mau)
	room := alice.CreateRoom("Desk", false, bob.User())
	bob.Join(room)
	recorder := id.NewUserID("recorder", alice.c.UserID.Homeserver()).String()
	alice.Members(room, alice.User(), bob.User(), recorder)
	bob.Members(room, alice.User(), bob.User(), recorder)

	var mu sync.Mutex
	said := map[id.EventID]string{} // what was answered with success
	var count atomic.Int64
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for _, who := range []*mau{alice, bob, alice, bob} {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				body := who.User() + " " + strconv.FormatInt(count.Add(1), 10)
				if sent, err := who.say(room, body); err == nil {
					mu.Lock()
					said[sent] = body
					mu.Unlock()
				}
			}
		})
	}
	more := func() {
		mu.Lock()
		n := len(said) + 15
		mu.Unlock()
		alice.ok(alice.until("more messages", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(said) >= n
		}))
	}
	for i := range kills {
		more()
		switch i % 3 {
		case 0:
			o.end(syscall.SIGKILL)
			o.begin()
		case 1:
			s.Kill9()
			s.Start()
		case 2:
			o.end(syscall.SIGKILL)
			s.Kill9()
			s.Start()
			o.begin()
		}
	}
	more()
	close(stop)
	senders.Wait()
	drained(t, o)

	inRoom := map[id.EventID]bool{}
	for from := ""; ; {
		page, err := alice.c.Messages(alice.ctx, id.RoomID(room), from, "", mautrix.DirectionBackward, nil, 100)
		alice.ok(err)
		for _, ev := range page.Chunk {
			inRoom[ev.ID] = true
			if ev.Type == event.EventMessage {
				t.Errorf("%s is not encrypted", ev.ID)
			}
		}
		if from = page.End; from == "" {
			break
		}
	}
	o.end(syscall.SIGTERM)
	t.Log(o.verify())
	archive := map[id.EventID]string{}
	for _, a := range o.unseal("case-1") {
		if _, twice := archive[id.EventID(a.EventID)]; twice {
			t.Errorf("%s is in the archive twice", a.EventID)
		}
		archive[id.EventID(a.EventID)] = a.Plaintext.Get("body").String()
	}
	for ev := range inRoom {
		if _, there := archive[ev]; !there {
			t.Errorf("%s is in the room, and not in the archive", ev)
		}
	}
	for ev, body := range said {
		if !inRoom[ev] || archive[ev] != body {
			t.Errorf("%q was accepted; in the room: %v, in the archive: %q", body, inRoom[ev], archive[ev])
		}
	}
	t.Logf("%d kills: %d messages answered, %d events in the room, %d in the archive", kills, len(said), len(inRoom), len(archive))
}
