package ledger

// committed brings a durable write into the caches. The committer calls it before it tells anybody.
func (w *Write) committed() {
	for _, p := range w.parts {
		if len(p.events) == 0 {
			continue
		}
		w.ledger.recent.add(p.events)
		for _, ev := range p.applied {
			w.ledger.recent.replace(ev)
		}
		p.cell.promote(p)
		if p.creates != nil {
			w.ledger.cells.add(p.cell)
		}
		w.ledger.members.apply(p.events)
	}
}

// promote makes the state after a part the committed one.
func (c *cell) promote(p *Part) {
	last := p.events[len(p.events)-1]
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.inChain(p); i >= 0 {
		c.chain = c.chain[i+1:]
	}
	if c.now != nil && c.now.Head() >= last.Pos {
		return // a reader was faster
	}
	was := c.now
	if was == nil && p.creates != nil {
		was = p.base
	}
	c.recent.extend(was, p.events, last.Pos)
	for _, ev := range p.applied {
		c.recent.replace(ev)
	}
	c.now = p.tip.At(last.Pos)
}

// abandon gives up a part that was not committed, and all that was built on it.
func (c *cell) abandon(p *Part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.inChain(p); i >= 0 {
		c.chain = c.chain[:i:i]
		c.stale = true
		c.marks++
	}
}
