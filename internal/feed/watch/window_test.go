package watch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// The Window knows exactly what it was told, or says that it does not know: whatever the order in which batches come.
func TestWindowKnowsAllOrSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := store.Pos(rapid.IntRange(0, 3).Draw(t, "start"))
		w := NewWindow(start, rapid.SampledFrom([]int{4, 16, 1000}).Draw(t, "size"))
		var batches []store.Batch
		var all []store.Change
		pos := start
		for range rapid.IntRange(1, 30).Draw(t, "batches") {
			b := store.Batch{From: pos}
			for range rapid.IntRange(0, 3).Draw(t, "positions") {
				pos++
				for range rapid.IntRange(0, 2).Draw(t, "changes") {
					b.Changes = append(b.Changes, store.Change{Pos: pos, Kind: store.KindEvent, User: mx.UserID(rune('a' + len(all)%26))})
					all = append(all, b.Changes[len(b.Changes)-1])
				}
			}
			b.To = pos
			batches = append(batches, b)
		}
		// Batches of other nodes come late or not at all.
		told := map[store.Pos]bool{}
		for len(batches) > 0 {
			i := 0
			if len(batches) > 1 && rapid.IntRange(0, 3).Draw(t, "late") == 0 {
				i = 1
			}
			b := batches[i]
			batches = slices.Delete(batches, i, i+1)
			if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
				continue
			}
			for p := b.From + 1; p <= b.To; p++ {
				told[p] = true
			}
			w.Add(b)
			checkWindow(t, w, all, told, start, pos)
		}
		w.Add(store.Batch{From: pos, To: pos + 1, Lost: true})
		if w.Since(pos, pos+1, func(*store.Change) {}) {
			t.Fatal("it knows what is lost")
		}
	})
}

func checkWindow(t *rapid.T, w *Window, all []store.Change, told map[store.Pos]bool, start, end store.Pos) {
	for after := start; after <= end; after++ {
		for upto := after; upto <= end; upto++ {
			var got []store.Change
			if !w.Since(after, upto, func(c *store.Change) { got = append(got, *c) }) {
				if len(got) > 0 {
					t.Fatal("it tells something and says that it does not know")
				}
				continue
			}
			var want []store.Change
			for _, c := range all {
				if c.Pos > after && c.Pos <= upto {
					want = append(want, c)
					if !told[c.Pos] {
						t.Fatalf("it knows all of (%d, %d] without having been told of %d", after, upto, c.Pos)
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("(%d, %d]: got %v, want %v", after, upto, got, want)
			}
		}
	}
}

func TestWindowRemembersWithinItsSize(t *testing.T) {
	w := NewWindow(0, 100)
	for i := range store.Pos(1000) {
		w.Add(store.Batch{From: i, To: i + 1, Changes: []store.Change{{Pos: i + 1}}})
	}
	n := 0
	if !w.Since(901, 1000, func(*store.Change) { n++ }) || n != 99 {
		t.Errorf("of the last 99 changes %d are known", n)
	}
	if w.Since(500, 1000, func(*store.Change) {}) {
		t.Error("it knows changes that it cannot hold")
	}
	if len(w.changes) != 100 {
		t.Errorf("it holds %d changes", len(w.changes))
	}
}

// A change without a position counts at the end of its batch.
func TestWindowTakesChangesWithoutPosition(t *testing.T) {
	w := NewWindow(0, 10)
	w.Add(store.Batch{From: 0, To: 3, Changes: []store.Change{{User: "@a:x"}, {Pos: 2, User: "@b:x"}}})
	var got []mx.UserID
	w.Since(1, 3, func(c *store.Change) { got = append(got, c.User) })
	if !slices.Equal(got, []mx.UserID{"@b:x", "@a:x"}) {
		t.Errorf("got %v", got)
	}
}

func BenchmarkWindowSince(b *testing.B) {
	w := NewWindow(0, WindowSize)
	for i := range store.Pos(WindowSize) {
		w.Add(store.Batch{From: i, To: i + 1, Changes: []store.Change{{Pos: i + 1}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Since(WindowSize-1, WindowSize, func(*store.Change) {})
	}
}
