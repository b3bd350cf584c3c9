package casefile

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
	"conclave.chat/internal/archive/unseal"
)

// TestMeasureSearch fills a case with made-up records and takes times: CONCLAVE_MEASURE is their number.
func TestMeasureSearch(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("CONCLAVE_MEASURE"))
	if err != nil {
		t.Skip("CONCLAVE_MEASURE says how many records to search in")
	}
	f := newFirm(t)
	f.open()
	f.close()
	dir := filepath.Join(t.TempDir(), "case")
	c := f.create(dir, unseal.Scope{})
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	// Frequencies of words fall as in a language; every 20th message is Chinese.
	zipf := rand.NewZipf(r, 1.1, 4, 50_000)
	begin := time.Now()
	known := map[string]int64{}
	base := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	sealed := strings.Repeat("A", 500) // about what is encrypted of an event
	for done := 0; done < n; {
		tx, err := c.db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		ix, err := newIndex(ctx, tx, known)
		if err != nil {
			t.Fatal(err)
		}
		for range min(50_000, n-done) {
			var b strings.Builder
			for range 4 + r.IntN(18) {
				if done%20 == 0 {
					b.WriteRune(rune(0x4e00 + zipf.Uint64()%3000))
				} else {
					fmt.Fprintf(&b, "w%d ", zipf.Uint64())
				}
			}
			room, sender := fmt.Sprintf("!room%d:example.org", r.IntN(500)), fmt.Sprintf("@user%d:example.org", r.IntN(2000))
			rec := &record.Record{
				Room: room, RoomName: room[1:8], EventID: fmt.Sprintf("$%043d", done), Sender: sender, Time: base.Add(time.Duration(done) * 30 * time.Second), Type: "m.room.message",
				Plaintext: fmt.Appendf(nil, `{"msgtype":"m.text","body":%q}`, b.String()),
				Event: fmt.Appendf(nil, `{"type":"m.room.encrypted","sender":%q,"origin_server_ts":%d,"depth":%d,"content":{"ciphertext":%q}}`, sender,
					base.Add(time.Duration(done)*30*time.Second).UnixMilli(), done, sealed),
			}
			line, err := rec.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if line, err = record.Number(uint64(done), line); err != nil {
				t.Fatal(err)
			}
			if err := ix.add(ctx, uint64(done), line, make([]byte, 140), rec); err != nil {
				t.Fatal(err)
			}
			done++
		}
		if err := ix.close(); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	filled := time.Since(begin)
	begin = time.Now()
	fill := &filling{c: c, src: Source{Progress: func(string, int64, int64) {}}}
	if err := fill.finish(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records: %v to take in (%.0f/s), %v to finish", n, filled.Round(time.Millisecond), float64(n)/filled.Seconds(), time.Since(begin).Round(time.Millisecond))
	_ = c.Close()
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, _ error) error {
		if info, err := e.Info(); err == nil && !e.IsDir() {
			size += info.Size()
		}
		return nil
	})
	c, err = Open(ctx, dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Logf("%d bytes for each record; the index of words takes %s", size/int64(n), c.sizes(t, n))
	day := base.Add(time.Duration(n) * 15 * time.Second)
	for _, x := range []struct {
		name string
		s    Search
	}{
		{"frequent word", find("w1")},
		{"rare word", find("w40000")},
		{"two frequent words", find("w1 w2")},
		{"phrase of frequent words", find(`"w1 w2"`)},
		{"prefix", find("w12*")},
		{"or", find("w1 OR w2 OR w3")},
		{"not", find("w3 NOT w1")},
		{"only not", find("NOT w1")},
		{"frequent words that never meet", find(`"w1 w2 w3 w4 w5"`)},
		{"Chinese", find("丁七")},
		{"one Chinese character", find("一")},
		{"frequent word of a person", Search{Query: query.Parse("w1"), Filter: Filter{People: []string{"@user7:example.org"}}}},
		{"frequent word in a room", Search{Query: query.Parse("w1"), Filter: Filter{Rooms: []string{"!room7:example.org"}}}},
		{"frequent word on one day", Search{Query: query.Parse("w1"), Filter: Filter{Since: day, Until: day.Add(24 * time.Hour)}}},
		{"a person's everything", Search{Filter: Filter{People: []string{"@user7:example.org"}}}},
		{"frequent word among pictures", Search{Query: query.Parse("w1"), Filter: Filter{Kinds: []transcript.Kind{transcript.Image}}}},
		{"the last page of a frequent word", Search{Query: query.Parse("w1"), Offset: n / 10}},
	} {
		x.s.Limit = 50
		var took []time.Duration
		found := 0
		for range 3 {
			begin := time.Now()
			hits, _, err := c.Search(ctx, x.s)
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begin))
			found = len(hits)
		}
		t.Logf("%-36s %3d hits: first %7v, then %7v and %7v", x.name, found, took[0].Round(100*time.Microsecond), took[1].Round(100*time.Microsecond), took[2].Round(100*time.Microsecond))
	}
}

// sizes are those of the index's tables for each record.
func (c *Case) sizes(t *testing.T, n int) string {
	var words int64
	if err := c.db.QueryRow("SELECT sum(length(block)) FROM words_data").Scan(&words); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d bytes", words/int64(n))
}
