package push

import (
	"cmp"
	"slices"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// maxPruned is how many rooms are remembered in which messages were removed for their age; with more, all counts are read anew.
const maxPruned = 10_000

// pruned is up to where messages of rooms were removed, as heard since counts were loaded.
type pruned struct {
	mu   sync.Mutex
	upTo map[mx.RoomID]store.Pos
}

// note hears of a room; it reports false if that are too many rooms, and forgets all.
func (p *pruned) note(room mx.RoomID, upTo store.Pos) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.upTo) >= maxPruned {
		p.upTo = nil
		return false
	}
	if p.upTo == nil {
		p.upTo = map[mx.RoomID]store.Pos{}
	}
	p.upTo[room] = max(p.upTo[room], upTo)
	return true
}

func (p *pruned) of(room mx.RoomID) store.Pos {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upTo[room]
}

// prune forgets notifications of messages that are not there any more.
func (l *ledger) prune(upTo store.Pos) {
	if upTo <= l.pruned {
		return
	}
	l.pruned = upTo
	for thread := range l.marks {
		l.cut(thread, upTo)
	}
}

// cut removes the marks of a thread up to a position.
func (l *ledger) cut(thread mx.EventID, upTo store.Pos) {
	list := l.marks[thread]
	n, _ := slices.BinarySearchFunc(list, upTo+1, func(m mark, p store.Pos) int { return cmp.Compare(m.pos(), p) })
	l.total -= n
	if n == len(list) {
		delete(l.marks, thread)
	} else if n > 0 {
		l.marks[thread] = slices.Clone(list[n:])
	}
}
