package blackbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// killRounds is how often the server is killed on each engine.
const killRounds = 20

// ledger is what one sender was promised.
type ledger struct {
	*harness.User
	t       *testing.T
	n       int               // messages begun; the last one may not have been acknowledged
	acked   map[string]string // transaction id -> event id
	pending string            // transaction id whose answer never came
	device  map[string]bool   // to-device messages acknowledged
	receipt string            // event id of the last receipt acknowledged
}

// What was acknowledged is there after kill -9: every message exactly once and in order, every to-device message, every receipt; and a
// request sent again after the crash changes nothing.
func TestAcknowledgedIsDurable(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		observer := s.Register("observer")
		room := observer.CreateRoom(harness.M{"preset": "public_chat"})
		var senders []*ledger
		for i := range 4 {
			u := s.Register(fmt.Sprintf("sender%d", i))
			u.Join(room)
			senders = append(senders, &ledger{User: u, t: t, acked: map[string]string{}, device: map[string]bool{}})
		}
		since := observer.Sync("").Get("next_batch").Str
		delivered := map[string]int{}
		for range killRounds {
			var working sync.WaitGroup
			for _, l := range senders {
				working.Go(func() { l.work(room, observer) })
			}
			time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
			s.Kill9()
			working.Wait()
			s.Start()
			for _, l := range senders {
				l.again(t, room)
			}
			for more := true; more; {
				answer := observer.Must("GET", "/_matrix/client/v3/sync?timeout=0&since="+since, nil)
				since = answer.Get("next_batch").Str
				messages := answer.Get("to_device.events").Array()
				for _, m := range messages {
					delivered[m.Get("content.n").Str]++
				}
				more = len(messages) > 0
			}
		}
		checkMessages(t, room, observer, senders)
		for _, l := range senders {
			for n := range l.device {
				if delivered[n] != 1 {
					t.Errorf("to-device message %s was delivered %d times", n, delivered[n])
				}
			}
			l.checkReceipt(t, room)
		}
	})
}

// work sends until the server is gone.
func (l *ledger) work(room string, to *harness.User) {
	for {
		l.n++
		txn := fmt.Sprintf("%s-%d", l.ID, l.n)
		l.pending = txn
		id, ok := l.send(room, txn)
		if !ok {
			return
		}
		l.acked[txn], l.pending = id, ""
		if ok, _ := l.try("PUT", harness.Path("sendToDevice", "m.test", txn), harness.M{
			"messages": harness.M{to.ID: harness.M{to.Device: harness.M{"n": txn}}},
		}); !ok {
			return
		}
		l.device[txn] = true
		if ok, _ := l.try("POST", harness.Path("rooms", room, "receipt", "m.read", id), harness.M{}); !ok {
			return
		}
		l.receipt = id
	}
}

// try makes a request; a server that was killed under way is no error here, a refusal is.
func (l *ledger) try(method, path string, body any) (ok bool, answer gjson.Result) {
	status, answer, err := l.Attempt(method, path, body)
	if err == nil && status != http.StatusOK {
		l.t.Errorf("%s %s: %d %s", method, path, status, answer.Raw)
	}
	return err == nil && status == http.StatusOK, answer
}

func (l *ledger) send(room, txn string) (id string, ok bool) {
	ok, answer := l.try("PUT", harness.Path("rooms", room, "send", "m.room.encrypted", txn),
		harness.M{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "", "body": txn})
	return answer.Get("event_id").Str, ok
}

// again repeats the request that got no answer, and one that did.
func (l *ledger) again(t *testing.T, room string) {
	t.Helper()
	if txn := l.pending; txn != "" {
		id, ok := l.send(room, txn)
		if !ok {
			t.Fatalf("%s cannot be sent after a restart", txn)
		}
		l.acked[txn], l.pending = id, ""
	}
	for txn, id := range l.acked { // any
		if got, ok := l.send(room, txn); !ok || got != id {
			t.Errorf("%s sent again is %s, was %s", txn, got, id)
		}
		break
	}
}

// checkMessages reads the room back to its beginning.
func checkMessages(t *testing.T, room string, observer *harness.User, senders []*ledger) {
	t.Helper()
	found := map[string][]string{} // body -> event ids
	last := map[string]int{}       // sender -> number of the message seen last, going back
	from := ""
	for {
		page := observer.Must("GET", harness.Path("rooms", room, "messages")+"?dir=b&limit=500"+from, nil)
		for _, e := range page.Get("chunk").Array() {
			if e.Get("type").Str != "m.room.encrypted" {
				continue
			}
			body, sender := e.Get("content.body").Str, e.Get("sender").Str
			found[body] = append(found[body], e.Get("event_id").Str)
			var n int
			if _, err := fmt.Sscanf(body[len(sender):], "-%d", &n); err != nil {
				t.Errorf("strange message %q", body)
			}
			if before, ok := last[sender]; ok && n >= before {
				t.Errorf("%s: message %d stands before %d", sender, before, n)
			}
			last[sender] = n
		}
		if !page.Get("end").Exists() {
			break
		}
		from = "&from=" + page.Get("end").Str
	}
	total := 0
	for _, l := range senders {
		total += len(l.acked)
		for txn, id := range l.acked {
			if got := found[txn]; len(got) != 1 || got[0] != id {
				t.Errorf("%s was acknowledged as %s; the room has %v", txn, id, got)
			}
		}
	}
	if len(found) != total {
		t.Errorf("the room has %d messages, %d were acknowledged", len(found), total)
	}
	if total < killRounds {
		t.Errorf("only %d messages in %d rounds: the test did not load the server", total, killRounds)
	}
	t.Logf("%d messages in %d rounds", total, killRounds)
}

func (l *ledger) checkReceipt(t *testing.T, room string) {
	t.Helper()
	if l.receipt == "" {
		return
	}
	got := ""
	for _, e := range l.Sync("").Get("rooms.join." + gjson.Escape(room) + ".ephemeral.events").Array() {
		if e.Get("type").Str != "m.receipt" {
			continue
		}
		e.Get("content").ForEach(func(event, of gjson.Result) bool {
			if of.Get("m\\.read." + gjson.Escape(l.ID)).Exists() {
				got = event.Str
			}
			return true
		})
	}
	// A receipt that was written and not acknowledged may stand further on, never further back.
	if got == "" || l.position(t, room, got) < l.position(t, room, l.receipt) {
		t.Errorf("%s: receipt at %q, acknowledged at %s", l.ID, got, l.receipt)
	}
}

// position orders the sender's events by their timestamps and, for one event, by identity.
func (l *ledger) position(t *testing.T, room, event string) int {
	t.Helper()
	for txn, id := range l.acked {
		if id == event {
			var n int
			if _, err := fmt.Sscanf(txn[len(l.ID):], "-%d", &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s is no event of %s in %s", event, l.ID, room)
	return 0
}
