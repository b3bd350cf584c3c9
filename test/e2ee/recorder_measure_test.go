//go:build goolm

package e2ee

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"conclave.chat/test/harness"
)

// TestMeasureRecording takes the figures of docs/performance.md where CONCLAVE_MEASURE is set: to how many messages.
func TestMeasureRecording(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("CONCLAVE_MEASURE"))
	if err != nil {
		t.Skip("CONCLAVE_MEASURE is not set")
	}
	s := harness.Start(t, harness.SQLite, byDefault, harness.Env("CONCLAVE_LOG_LEVEL=info"))
	o := openOffice(t, s)
	alice := newMautrix(t, s, s.Register("alice")).(*mau)
	recorder := id.NewUserID("recorder", alice.c.UserID.Homeserver())
	recorded, free := alice.CreateRoom("Recorded", false), alice.CreateRoom("Free", false)
	o.set(harness.M{"recording_scope": "except", "recording_rooms": []string{free}})
	alice.Members(recorded, alice.User(), recorder.String())

	// What encryption costs the client is not counted.
	send := func(room string) time.Duration {
		sealed, err := alice.Encrypt(alice.ctx, id.RoomID(room), event.EventMessage, &event.Content{Raw: harness.M{"msgtype": "m.text", "body": rand.Text() + " twenty words of text that somebody might write"}})
		alice.ok(err)
		begun := time.Now()
		_, err = alice.c.SendMessageEvent(alice.ctx, id.RoomID(room), event.EventEncrypted, sealed)
		alice.ok(err)
		return time.Since(begun)
	}
	var with, without []time.Duration
	for range n {
		without = append(without, send(free))
		with = append(with, send(recorded))
	}
	slices.Sort(with)
	slices.Sort(without)
	t.Logf("send, one after the other: unrecorded p50 %v p95 %v; recorded p50 %v p95 %v; p50 %.2f x", without[n/2], without[n*95/100], with[n/2], with[n*95/100],
		float64(with[n/2])/float64(without[n/2]))

	size := func() (total int64) {
		_ = filepath.WalkDir(filepath.Join(o.dir, "recorder", "archive"), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if i, err := d.Info(); err == nil {
					total += i.Size()
				}
			}
			return nil
		})
		return total
	}
	for _, room := range []string{free, recorded} {
		before := size()
		var left atomic.Int64
		left.Store(int64(4 * n))
		begun := time.Now()
		var senders sync.WaitGroup
		for range 32 {
			senders.Go(func() {
				for left.Add(-1) >= 0 {
					send(room)
				}
			})
		}
		senders.Wait()
		took := time.Since(begun)
		t.Logf("32 at a time: recorded %v, %.0f messages/s, %d bytes of archive for each (without tiles of the next checkpoint)", room == recorded,
			float64(4*n)/took.Seconds(), (size()-before)/int64(4*n))
	}
	o.end(syscall.SIGTERM)
	t.Logf("the archive has %d bytes", size())
}
