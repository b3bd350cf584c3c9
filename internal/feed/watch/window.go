package watch

import (
	"cmp"
	"slices"
	"sync"

	"conclave.chat/internal/store"
)

const (
	// WindowSize is how many changes are kept in memory. It bridges the pause between two requests of a client that is connected.
	WindowSize = 16384
	// maxHoles is how many stretches may be missing while other nodes' batches are on their way.
	maxHoles = 16
)

// Window is what changed last, names only, in the order of positions. A reader whose position lies within learns without the database
// what it has to look at; anybody else asks the database.
type Window struct {
	mu      sync.RWMutex
	changes []store.Change // a ring
	first   int            // index of the oldest change
	n       int
	start   store.Pos // all changes after start are here
	end     store.Pos // up to here
	holes   []hole    // but for these, which other nodes have yet to tell
}

// hole is the positions after one up to and including another.
type hole struct{ after, upto store.Pos }

// NewWindow makes a window that knows what happens from a position on.
func NewWindow(at store.Pos, size int) *Window {
	return &Window{changes: make([]store.Change, size), start: at, end: at}
}

// Add takes in a batch. It reports false if it is unknown what changed.
func (w *Window) Add(b store.Batch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.Lost {
		w.forget(max(w.end, b.To))
		return false
	}
	if b.To <= w.end {
		w.fill(b)
		return true
	}
	known := true
	if b.From > w.end {
		w.holes = append(w.holes, hole{w.end, b.From})
		if len(w.holes) > maxHoles {
			w.forget(b.From)
			known = false
		}
	}
	w.end = b.To
	for _, c := range sorted(b) {
		w.push(c)
	}
	return known
}

// forget empties the Window.
func (w *Window) forget(at store.Pos) {
	w.first, w.n, w.start, w.end, w.holes = 0, 0, at, at, nil
}

// sorted is a batch's changes in the order of positions. A change without one counts at the end.
func sorted(b store.Batch) []store.Change {
	inOrder := slices.IsSortedFunc(b.Changes, func(a, b store.Change) int { return cmp.Compare(a.Pos, b.Pos) })
	if inOrder && (len(b.Changes) == 0 || b.Changes[0].Pos > b.From) {
		return b.Changes
	}
	list := slices.Clone(b.Changes)
	for i := range list {
		if list[i].Pos == 0 {
			list[i].Pos = b.To
		}
	}
	slices.SortStableFunc(list, func(a, b store.Change) int { return cmp.Compare(a.Pos, b.Pos) })
	return list
}

// push appends a change, and drops the oldest position where there is no room for it.
func (w *Window) push(c store.Change) {
	if w.n == len(w.changes) {
		w.start = max(w.start, w.at(0).Pos)
		for w.n > 0 && w.at(0).Pos <= w.start {
			w.first = (w.first + 1) % len(w.changes)
			w.n--
		}
	}
	if c.Pos <= w.start {
		return
	}
	w.n++
	*w.at(w.n - 1) = c
	for j := w.n - 1; j > 0 && w.at(j-1).Pos > c.Pos; j-- { // one that came late
		*w.at(j), *w.at(j - 1) = *w.at(j - 1), *w.at(j)
	}
}

// fill takes in a batch of another node that came late.
func (w *Window) fill(b store.Batch) {
	i := slices.IndexFunc(w.holes, func(h hole) bool { return h.after <= b.From && b.To <= h.upto })
	if i < 0 || b.From == b.To {
		return
	}
	h := w.holes[i]
	w.holes = slices.Delete(w.holes, i, i+1)
	for _, rest := range []hole{{h.after, b.From}, {b.To, h.upto}} {
		if rest.after < rest.upto {
			w.holes = append(w.holes, rest)
		}
	}
	for _, c := range sorted(b) {
		w.push(c)
	}
}

// Since calls f for each change in (after, upto]. It reports false, having called nothing, if the Window does not know them all.
func (w *Window) Since(after, upto store.Pos, f func(*store.Change)) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if after < w.start || upto > w.end {
		return false
	}
	for _, h := range w.holes {
		if after < h.upto && upto > h.after {
			return false
		}
	}
	lo, hi := 0, w.n // the first change after the position
	for lo < hi {
		if mid := (lo + hi) / 2; w.at(mid).Pos > after {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	for ; lo < w.n && w.at(lo).Pos <= upto; lo++ {
		f(w.at(lo))
	}
	return true
}

func (w *Window) at(i int) *store.Change { return &w.changes[(w.first+i)%len(w.changes)] }
