package room_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

// cpu is the processor time that the process has used, in microseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Sec*1e6 + u.Utime.Usec + u.Stime.Sec*1e6 + u.Stime.Usec
}

// BenchmarkAppend sends messages durably. cpu-µs/op is the processor time of the process for one, that of SQLite
// included; writes/commit is how many share a transaction.
func BenchmarkAppend(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, senders := range []int{1, 64} {
			for _, rooms := range []int{1, 64} {
				if rooms > senders {
					continue
				}
				b.Run(fmt.Sprintf("%s/senders=%d/rooms=%d", engine, senders, rooms), func(b *testing.B) {
					n := open(b, engine)
					ids := make([]mx.RoomID, rooms)
					for i := range ids {
						ids[i] = n.create(b, alice, room.Create{Preset: "public_chat"})
					}
					benchmarkAppend(b, n, ids, senders)
				})
			}
		}
	}
}

func benchmarkAppend(b *testing.B, n *node, rooms []mx.RoomID, senders int) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	stats := n.db.Stats()
	jobs, batches := stats.Jobs.Load(), stats.Batches.Load()
	before := cpu(b)
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			d := message(rooms[i%len(rooms)], alice, "The quick brown fox jumps over the lazy dog, and then some more words follow.")
			for next.Add(1) <= int64(b.N) {
				if _, err := n.Append(context.Background(), d); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(stats.Jobs.Load()-jobs)/float64(stats.Batches.Load()-batches), "writes/commit")
}

func BenchmarkSnapshot(b *testing.B) {
	n := open(b, "sqlite")
	r := n.create(b, alice, room.Create{Preset: "public_chat"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Snapshot(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRooms(b *testing.B) {
	n := open(b, "sqlite")
	for range 100 {
		n.create(b, alice, room.Create{Preset: "public_chat"})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Rooms(context.Background(), alice); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad reads the state of a room with 1,000 members.
func BenchmarkLoad(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			n := open(b, engine)
			r := n.create(b, alice, room.Create{Preset: "public_chat"})
			for i := range 1000 {
				if err := n.Join(context.Background(), mx.UserID(fmt.Sprintf("@u%d:test.example", i)), r, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire(b, n.db, n.bus).Snapshot(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCreateRoom makes rooms with three invites.
func BenchmarkCreateRoom(b *testing.B) {
	n := open(b, "sqlite")
	b.ReportAllocs()
	for b.Loop() {
		n.create(b, alice, room.Create{Name: "x", Invite: []string{string(bob), string(carol), "@dan:test.example"}})
	}
}
