//go:build goolm

package e2ee

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	prepare := func(room string) *event.EncryptedEventContent {
		sealed, err := alice.Encrypt(alice.ctx, id.RoomID(room), event.EventMessage, &event.Content{Raw: harness.M{"msgtype": "m.text", "body": rand.Text() + " twenty words of text that somebody might write"}})
		alice.ok(err)
		return sealed
	}
	post := func(room string, sealed *event.EncryptedEventContent) time.Duration {
		begun := time.Now()
		_, err := alice.c.SendMessageEvent(alice.ctx, id.RoomID(room), event.EventEncrypted, sealed)
		alice.ok(err)
		return time.Since(begun)
	}
	send := func(room string) time.Duration { return post(room, prepare(room)) }
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
		ready := make(chan *event.EncryptedEventContent, 10*n)
		for range cap(ready) {
			ready <- prepare(room)
		}
		close(ready)
		before, server, keeper := size(), cpu(t, s.PID()), cpu(t, o.cmd.Process.Pid)
		begun := time.Now()
		var senders sync.WaitGroup
		for range 32 {
			senders.Go(func() {
				for sealed := range ready {
					post(room, sealed)
				}
			})
		}
		senders.Wait()
		took, each := time.Since(begun), time.Duration(cap(ready))
		server, keeper = (cpu(t, s.PID())-server)/each, (cpu(t, o.cmd.Process.Pid)-keeper)/each
		t.Logf("32 at a time: recorded %v, %.0f messages/s; CPU for each: server %v, recorder %v; %d bytes of archive for each (without tiles of the next checkpoint)", room == recorded,
			float64(each)/took.Seconds(), server, keeper, (size()-before)/int64(each))
	}
	o.end(syscall.SIGTERM)
	t.Logf("the archive has %d bytes", size())
}

// cpu is how much of it a process has used.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	// After the name in parentheses; times are in hundredths of a second (proc_pid_stat(5), fields 14 and 15).
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var total time.Duration
	for _, f := range fields[11:13] {
		ticks, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total
}
