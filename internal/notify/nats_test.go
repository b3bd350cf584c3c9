package notify_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/test/natsserver"
)

func node(t *testing.T, url, name string) (*notify.Bus, *notify.Cluster, <-chan store.Batch) {
	t.Helper()
	bus := notify.New()
	got := make(chan store.Batch, 16)
	bus.Listen(func(b store.Batch) { got <- b })
	c, err := notify.Connect(url, "example.org", name, bus, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return bus, c, got
}

func receive(t *testing.T, from <-chan store.Batch) store.Batch {
	t.Helper()
	select {
	case b := <-from:
		return b
	case <-time.After(time.Minute):
		t.Fatal("nothing arrived")
		return store.Batch{}
	}
}

func TestOtherNodesHearOfCommits(t *testing.T) {
	url := natsserver.Start(t).ClientURL()
	a, ca, gotA := node(t, url, "a")
	_, cb, gotB := node(t, url, "b")
	for !ca.Connected() || !cb.Connected() {
		time.Sleep(time.Millisecond)
	}
	sent := store.Batch{From: 3, To: 4, Changes: []store.Change{{Pos: 4, Kind: store.KindEvent, Room: "!r:example.org"}}}
	a.Publish(sent)
	for name, from := range map[string]<-chan store.Batch{"the writer": gotA, "the other": gotB} {
		if b := receive(t, from); b.To != 4 || len(b.Changes) != 1 || b.Changes[0] != sent.Changes[0] {
			t.Errorf("%s got %+v", name, b)
		}
	}
	if len(gotA) > 0 {
		t.Errorf("the writer heard of its own batch twice")
	}
}

func TestCommitsThatNobodyAnnouncedAreReportedAsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := notify.New()
		bus.Start(5)
		var got []store.Batch
		bus.Listen(func(b store.Batch) { got = append(got, b) })
		ctx, cancel := context.WithCancel(t.Context())
		go bus.CatchUp(ctx, func(context.Context) (store.Pos, error) { return 9, nil }, slog.New(slog.DiscardHandler))
		time.Sleep(10 * time.Second)
		cancel()
		synctest.Wait()
		if len(got) != 1 || !got[0].Lost || got[0].From != 5 || got[0].To != 9 || bus.Last() != 9 {
			t.Errorf("last is %d, got %+v", bus.Last(), got)
		}
	})
}

func TestNodesShareWhatNobodyKeeps(t *testing.T) {
	url := natsserver.Start(t).ClientURL()
	type word struct{ Text string }
	_, ca, _ := node(t, url, "a")
	_, cb, _ := node(t, url, "b")
	heard := map[string]chan word{"a": make(chan word, 16), "b": make(chan word, 16)}
	tell := map[string]func(word){}
	for name, c := range map[string]*notify.Cluster{"a": ca, "b": cb} {
		var err error
		if tell[name], err = notify.Share(c, "words", func(w word) { heard[name] <- w }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := notify.Share(cb, "others", func(w word) { t.Errorf("%v is of another kind", w) }); err != nil {
		t.Fatal(err)
	}
	for !ca.Connected() || !cb.Connected() {
		time.Sleep(time.Millisecond)
	}
	// A subscription takes effect a moment after the call: what is told until then is lost, which is allowed.
	for i := 0; len(heard["b"]) == 0 && i < 10_000; i++ {
		tell["a"](word{"hello"})
		time.Sleep(time.Millisecond)
	}
	if len(heard["b"]) == 0 {
		t.Fatal("b heard nothing")
	}
	if got := <-heard["b"]; got.Text != "hello" || len(heard["a"]) > 0 {
		t.Errorf("b heard %v; a heard %d of its own", got, len(heard["a"]))
	}
}
