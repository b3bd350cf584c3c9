package retention_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"conclave.chat/internal/room"
)

// BenchmarkSweep removes the messages of a room: ns/op are for one message, with the pauses between jobs.
func BenchmarkSweep(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			w := open(b, engine)
			id := w.room()
			w.must(w.keep(id, `{"max_lifetime":1000}`))
			for done := 0; done < b.N; done += 100 {
				drafts := make([]room.Draft, min(100, b.N-done))
				for i := range drafts {
					drafts[i] = room.Draft{Room: id, Sender: bob, Type: "m.room.message", Content: fmt.Appendf(nil, `{"msgtype":"m.text","body":"%d"}`, done+i)}
				}
				_, err := w.rooms.Append(context.Background(), drafts...)
				w.must(err)
			}
			w.clock = w.clock.Add(time.Second)
			b.ResetTimer()
			w.sweep()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
