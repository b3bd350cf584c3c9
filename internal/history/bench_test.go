package history_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
	"conclave.chat/test/roomlog"
)

// benchEvents is the size of the room that benchmarks read; CONCLAVE_BENCH_EVENTS sets another.
func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("CONCLAVE_BENCH_EVENTS")); err == nil {
		return n
	}
	return 2000
}

func BenchmarkReading(b *testing.B) {
	for engine, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(engine, func(b *testing.B) { benchReading(b, open(b, store.Options{})) })
	}
}

func benchReading(b *testing.B, db *store.DB) {
	l := roomlog.New(b, db)
	s := history.New(history.Deps{DB: db, Rooms: l, Views: visibility.NewViews(db), Now: time.Now})
	room := l.Room(alice, "")
	var root mx.EventID
	half := l.TS
	for i := range benchEvents() {
		switch {
		case i%50 == 0:
			root = l.Say(room, alice, fmt.Sprintf("root %d of a thread", i)).ID
		case i%5 == 0:
			l.Relate(room, alice, root, "m.thread", "")
		default:
			l.Say(room, alice, fmt.Sprintf("message number %d with some words in it", i))
		}
		if i == benchEvents()/2 {
			half = l.TS
		}
	}
	l.Flush()
	if err := s.Collect(ctx(), time.Now()); err != nil {
		b.Fatal(err)
	}
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("messages50", func() error {
		_, err := s.Messages(ctx(), who(alice), room, history.PageQuery{Dir: "b", Limit: 50})
		return err
	})
	run("event", func() error {
		_, err := s.Event(ctx(), who(alice), room, root)
		return err
	})
	run("threads20", func() error {
		_, err := s.Threads(ctx(), who(alice), room, "", 20, false)
		return err
	})
	run("relations20", func() error {
		_, err := s.Relations(ctx(), who(alice), room, root, history.RelationsQuery{Limit: 20, Recurse: true})
		return err
	})
	run("time", func() error {
		_, _, err := s.AtTime(ctx(), who(alice), room, half, "f")
		return err
	})
	run("search10", func() error {
		_, err := s.Search(ctx(), who(alice), history.SearchQuery{Term: "number 777", Recent: true})
		return err
	})
	run("searchcommon", func() error {
		_, err := s.Search(ctx(), who(alice), history.SearchQuery{Term: "words message"})
		return err
	})
}
