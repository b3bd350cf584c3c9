package ephemeral

import (
	"time"

	"conclave.chat/internal/mx"
)

// Word is what one node tells the others: that somebody types in a room, or that a user is here. It may get lost or come late: typing ends by
// itself, and presence is told again while it lasts.
type Word struct {
	User   mx.UserID `json:"user"`
	Room   mx.RoomID `json:"room,omitempty"`   // where the user types; empty: this is about presence
	Millis int64     `json:"millis,omitempty"` // typing: how long for, 0 ends it; presence: how long ago the user was last active
	State  State     `json:"state,omitempty"`  // what the user's clients ask for
	Status string    `json:"status,omitempty"` // the status message
	Set    bool      `json:"set,omitempty"`    // the user set State and Status by hand
}

// repeatAfter is how often the others are told of a user who is here; three times within goneAfter.
const repeatAfter = goneAfter / 3

// due reports whether it is time to tell others again.
func (h *Hub) due(p *presence, now time.Time) bool { return now.Sub(p.told) >= repeatAfter }

// word is what to tell others of a user; nil when there are none. The caller holds the lock.
func (h *Hub) word(p *presence, now time.Time, o origin) *Word {
	if h.tell == nil {
		return nil
	}
	p.told = now
	w := &Word{User: p.User, State: o.state, Status: p.StatusMsg, Set: o.set}
	if w.State == "" { // each node speaks for its own connections, or two would keep up by what they heard from each other
		w.State = Unavailable
		if p.online > 0 {
			w.State = p.wanted
		}
	}
	if !p.LastActive.IsZero() {
		w.Millis = max(now.Sub(p.LastActive).Milliseconds(), 0)
	}
	return w
}

// idle reports whether no client of the user asks for online, on any node.
func (p *presence) idle(now time.Time) bool {
	return p.online == 0 && now.Sub(p.elsewhere) >= goneAfter
}

// Hear takes the word of another node.
func (h *Hub) Hear(w Word) {
	if w.Room != "" {
		h.mu.Lock()
		c, changed := h.setTyping(w.Room, w.User, min(time.Duration(w.Millis)*time.Millisecond, maxTyping))
		h.mu.Unlock()
		if changed {
			h.wake(c)
		}
		return
	}
	switch w.State {
	case Online, Unavailable, Offline:
	default:
		return
	}
	h.change(w.User, origin{heard: true}, func(p *presence, now time.Time) {
		if active := now.Add(-time.Duration(max(w.Millis, 0)) * time.Millisecond); active.After(p.LastActive) {
			p.LastActive = active
		}
		if w.Set || w.State == Online || p.idle(now) {
			p.wanted = w.State
		}
		if w.Set || w.Status != "" {
			p.StatusMsg = w.Status
		}
		p.left = now
		if w.State == Online {
			p.elsewhere = now
		}
	})
}
