package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
)

// message is a record as long as one of a chat: an encrypted event with its hashes and signatures, a sentence, and twenty members.
func message(t testing.TB, rng *rand.Rand, i int) archive.Draft {
	t.Helper()
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rng.IntN(64)]
		}
		return b
	}
	words := []string{"the", "price", "of", "power", "for", "March", "is", "up", "again", "we", "should", "call", "them", "today", "please", "confirm"}
	var text bytes.Buffer
	for range 12 {
		text.WriteString(words[rng.IntN(len(words))] + " ")
	}
	event := "$" + string(noise(43))
	r := record.Record{
		Time: time.Unix(int64(i), 0), Room: "!room:example.org", RoomName: "Power desk", EventID: event, Sender: "@alice:example.org",
		Event: fmt.Appendf(nil, `{"auth_events":["$%s","$%s"],"content":{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"%s","session_id":"%s"},"hashes":{"sha256":"%s"},`+
			`"sender":"@alice:example.org","signatures":{"example.org":{"ed25519:1":"%s"}},"type":"m.room.encrypted"}`,
			noise(43), noise(43), noise(400), noise(43), noise(43), noise(86)),
		Type: "m.room.message", Plaintext: fmt.Appendf(nil, `{"body":%q,"msgtype":"m.text"}`, text.String()),
		Device: &record.Device{ID: "ABCDEFGHIJ", Verification: "verified"}, Policy: "Everything is recorded.",
	}
	for m := range 20 {
		r.Members = append(r.Members, fmt.Sprintf("@member%d:example.org", m))
	}
	line, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return archive.Draft{Class: "7y", Kind: segment.Record, Subject: segment.Subject(r.Room, event), Line: line}
}

// BenchmarkAppend measures writers who wait for each record, so a commit holds at most as many records as there are writers.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(writers, " writers"), func(b *testing.B) {
			m := lives(b, 3)
			c := m.config
			c.Dir, c.SegmentBytes = b.TempDir(), 64<<20
			l, err := archive.Open(c)
			if err != nil {
				b.Fatal(err)
			}
			drafts := make([]archive.Draft, b.N)
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range drafts {
				drafts[i] = message(b, rng, i)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := w; i < len(drafts); i += writers {
						if _, err := l.Append(context.Background(), drafts[i]); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(size(b, c.Dir))/float64(b.N), "bytes/record")
		})
	}
}

func size(b *testing.B, dir string) (n int64) {
	b.Helper()
	var walk func(string)
	walk = func(path string) {
		list, err := os.ReadDir(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range list {
			if e.IsDir() {
				walk(path + "/" + e.Name())
			} else if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
	}
	walk(dir)
	return n
}

// BenchmarkVerify verifies an archive with one worker, as one core does.
func BenchmarkVerify(b *testing.B) {
	m := lives(b, 3)
	c := m.config
	c.Dir, c.SegmentBytes = b.TempDir(), 64<<20
	l, err := archive.Open(c)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		var drafts []archive.Draft
		for j := range 100 {
			drafts = append(drafts, message(b, rng, i*100+j))
		}
		if _, err := l.Append(context.Background(), drafts...); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size(b, c.Dir))
	b.ReportAllocs()
	for b.Loop() {
		if r := m.verify(b, c.Dir, verify.Options{Workers: 1}); len(r.Problems) > 0 || r.Records != 50000 {
			b.Fatalf("%+v", r)
		}
	}
}
