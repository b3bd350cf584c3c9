package ledger

import (
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// cell is one room in memory.
type cell struct {
	room mx.RoomID

	// turn is held while events are built on the room's tip and handed to the committer.
	turn sync.Mutex
	// load is held while the room is read from the database.
	load sync.Mutex

	mu     sync.Mutex          // guards what follows and is never held for long
	now    *roomstate.Snapshot // what is committed; nil until it is read
	stale  bool                // another node has, or may have, written since now
	marks  uint64              // counts how often it became stale
	chain  []*Part             // what is on its way to disk, each built on the one before; the first on now
	recent ring
	pins   int // users that need this very cell
}

// part of a write: the events that it appends to one room.
func (c *cell) inChain(p *Part) int {
	for i, q := range c.chain {
		if q == p {
			return i
		}
	}
	return -1
}

// cells are the rooms in memory.
type cells struct {
	mu  sync.Mutex
	lru *lru[mx.RoomID, *cell]
}

// cellWeight is what a room costs beside its events, counted in events.
const cellWeight = 4

func newCells(limit int) *cells {
	c := &cells{lru: newLRU[mx.RoomID, *cell](limit)}
	c.lru.keep = func(c *cell) bool { return c.pins > 0 }
	return c
}

// pin finds a room's cell, or makes an empty one, and keeps it until unpin.
func (cs *cells) pin(room mx.RoomID) *cell {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, ok := cs.lru.get(room)
	if !ok {
		c = &cell{room: room}
		c.pins++
		cs.lru.put(room, c, cellWeight)
		return c
	}
	c.pins++
	return c
}

// unpin lets a cell be forgotten again. One that turned out to stand for no room is forgotten at once.
func (cs *cells) unpin(c *cell) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c.pins--
	if c.pins > 0 {
		return
	}
	c.mu.Lock()
	now, n := c.now, c.recent.len()
	c.mu.Unlock()
	if now == nil {
		if known, ok := cs.lru.peek(c.room); ok && known == c {
			cs.lru.drop(c.room)
		}
		return
	}
	cs.weigh(c, now, n)
}

// weigh takes account of a cell's size.
func (cs *cells) weigh(c *cell, now *roomstate.Snapshot, recent int) {
	el := cs.lru.index[c.room]
	if el == nil || cs.lru.entry(el).value != c {
		return
	}
	e := cs.lru.entry(el)
	weight := cellWeight + now.Len() + recent
	cs.lru.weight += weight - e.weight
	e.weight = weight
	cs.lru.shrink()
}

// add brings the cell of a new room in.
func (cs *cells) add(c *cell) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.lru.put(c.room, c, cellWeight)
}

// use gives a room's cell if it is in memory, and counts that as use.
func (cs *cells) use(room mx.RoomID) *cell {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, _ := cs.lru.get(room)
	return c
}

// find gives a room's cell if it is in memory.
func (cs *cells) find(room mx.RoomID) *cell {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, _ := cs.lru.peek(room)
	return c
}

// forget drops a room that nobody uses at the moment: it is read anew.
func (cs *cells) forget(room mx.RoomID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c, ok := cs.lru.peek(room); ok && c.pins == 0 {
		cs.lru.drop(room)
	}
}

// touched says that a room has an event at a position.
func (cs *cells) touched(room mx.RoomID, pos store.Pos) {
	if c := cs.find(room); c != nil {
		c.touched(pos)
	}
}

func (c *cell) touched(pos store.Pos) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil || c.now.Head() < pos {
		c.stale = true
		c.marks++
	}
}
