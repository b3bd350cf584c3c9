package ephemeral

import (
	"time"

	"conclave.chat/internal/mx"
)

// State is a user's presence state.
type State string

// The states.
//
// Spec: cs#presence
const (
	Online      State = "online"
	Unavailable State = "unavailable"
	Offline     State = "offline"
)

const (
	// idleAfter is how long after the last activity an online user becomes unavailable.
	idleAfter = 5 * time.Minute
	// activeFor is how long an activity counts as current.
	activeFor = time.Minute
	// goneAfter is how long after the last connection ended a user becomes offline.
	goneAfter = 30 * time.Second
	// presenceTick is how often it is looked for users who went idle or away.
	presenceTick = 5 * time.Second
)

// Presence is what others may know of a user.
type Presence struct {
	User            mx.UserID
	State           State
	StatusMsg       string
	LastActive      time.Time // zero if the user was never active here
	CurrentlyActive bool
	N               int64
}

// presence is one user's state. A device that waits in a sync counts as connected.
type presence struct {
	Presence
	wanted    State // what the user's clients ask for: online or unavailable; offline hides the user
	connected int
	online    int       // connections that ask for online
	left      time.Time // when the last connection ended, or another node last had one
	elsewhere time.Time // when another node last had one that asks for online
	told      time.Time // when other nodes were last told
}

// SetPresence sets a user's state and status message by hand, which counts as activity.
func (h *Hub) SetPresence(user mx.UserID, state State, statusMsg string) {
	h.change(user, origin{state: state, set: true}, func(p *presence, now time.Time) {
		p.wanted, p.StatusMsg, p.left = state, statusMsg, now
		p.LastActive = now
	})
}

// Connect notes that a client of a user begins to wait for news, and asks for a state: Online, Unavailable, or Offline to leave no
// trace. A client that asks for less than another one that waits does not get it. The caller calls the result when the wait ends.
func (h *Hub) Connect(user mx.UserID, state State) (done func()) {
	if h.noPresence || state == Offline {
		return func() {}
	}
	h.change(user, origin{}, func(p *presence, now time.Time) {
		if state == Online {
			if p.wanted != Online || p.State == Offline {
				p.LastActive = now
			}
			p.online++
		}
		if state == Online || p.idle(now) {
			p.wanted = state
		}
		p.connected++
		p.left = now
	})
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if p := h.users[user]; p != nil {
			if state == Online {
				p.online--
			}
			p.connected--
			p.left = time.Now()
		}
	}
}

// Active notes that a user did something, such as sending a message.
func (h *Hub) Active(user mx.UserID) {
	h.change(user, origin{state: Online}, func(p *presence, now time.Time) {
		p.wanted, p.LastActive, p.left = Online, now, now
	})
}

// origin is where a change comes from.
type origin struct {
	heard bool  // another node
	set   bool  // the user, by hand
	state State // what the user wants to be, if the connections do not say
}

// change applies f to a user and tells readers if others would see a difference, and other nodes if it was not they who said so.
func (h *Hub) change(user mx.UserID, o origin, f func(p *presence, now time.Time)) {
	if h.noPresence {
		return
	}
	h.mu.Lock()
	p := h.users[user]
	if p == nil {
		p = &presence{Presence: Presence{User: user, State: Offline}, wanted: Offline}
		h.users[user] = p
	}
	msg := p.StatusMsg
	now := time.Now()
	f(p, now)
	c, changed := h.settle(p, now, msg != p.StatusMsg)
	if h.seenTick == nil && p.State != Offline && !h.closed {
		h.seenTick = time.AfterFunc(presenceTick, h.lookForGone)
	}
	var w *Word
	if !o.heard && (changed || o.set || h.due(p, now)) {
		w = h.word(p, now, o)
	}
	h.mu.Unlock()
	if changed {
		h.wake(c)
	}
	if w != nil {
		h.tell(*w)
	}
}

// settle works out the state that follows from what is known, and numbers the change if others see one.
func (h *Hub) settle(p *presence, now time.Time, changed bool) (Change, bool) {
	state, active := p.wanted, false
	switch {
	case p.connected == 0 && now.Sub(p.left) >= goneAfter:
		state = Offline
	case state == Online && now.Sub(p.LastActive) >= idleAfter:
		state = Unavailable
	case state == Online:
		active = now.Sub(p.LastActive) < activeFor
	}
	if state == p.State && active == p.CurrentlyActive && !changed {
		return Change{}, false
	}
	p.State, p.CurrentlyActive = state, active
	p.N = h.next()
	h.seen.add(p.N, p.User)
	h.seen.trim(len(h.users), h.lastSeen)
	return Change{N: p.N, User: p.User}, true
}

func (h *Hub) lastSeen(user mx.UserID) int64 {
	if p := h.users[user]; p != nil {
		return p.N
	}
	return 0
}

// lookForGone lets time pass for all who are not offline.
func (h *Hub) lookForGone() {
	var changes []Change
	var words []*Word
	now := time.Now()
	here := false
	h.mu.Lock()
	for _, p := range h.users {
		if p.State == Offline {
			continue
		}
		if p.connected > 0 && h.due(p, now) {
			if w := h.word(p, now, origin{}); w != nil {
				words = append(words, w)
			}
		}
		if c, changed := h.settle(p, now, false); changed {
			changes = append(changes, c)
		}
		here = here || p.State != Offline
	}
	h.seenTick = nil
	if here && !h.closed {
		h.seenTick = time.AfterFunc(presenceTick, h.lookForGone)
	}
	h.mu.Unlock()
	for _, c := range changes {
		h.wake(c)
	}
	for _, w := range words {
		h.tell(*w)
	}
}

// Presence is a user's presence; offline if nothing is known.
func (h *Hub) Presence(user mx.UserID) Presence {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.users[user]; p != nil {
		return p.Presence
	}
	return Presence{User: user, State: Offline}
}

// PresenceSince lists the presence of users for whom it changed after n.
func (h *Hub) PresenceSince(n int64) []Presence {
	h.mu.Lock()
	defer h.mu.Unlock()
	users := h.seen.since(n, h.lastSeen)
	list := make([]Presence, len(users))
	for i, u := range users {
		list[i] = h.users[u].Presence
	}
	return list
}

// PresenceOn reports whether presence is kept at all.
func (h *Hub) PresenceOn() bool { return !h.noPresence }
