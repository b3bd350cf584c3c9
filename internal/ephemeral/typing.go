package ephemeral

import (
	"slices"
	"time"

	"conclave.chat/internal/mx"
)

// typing is who types in a room. A room stays for readers to learn that its list became empty.
type typing struct {
	n     int64
	until map[mx.UserID]time.Time
}

// typingTick is how often it is looked for users who stopped typing without saying so.
const typingTick = 500 * time.Millisecond

// maxTyping bounds what another node may say.
const maxTyping = 10 * time.Minute

// SetTyping notes that a user types in a room for a while; 0 or less ends it.
func (h *Hub) SetTyping(room mx.RoomID, user mx.UserID, d time.Duration) {
	h.mu.Lock()
	c, changed := h.setTyping(room, user, d)
	h.mu.Unlock()
	if changed {
		h.wake(c)
	}
	if h.tell != nil && (changed || d > 0) {
		h.tell(Word{User: user, Room: room, Millis: max(d.Milliseconds(), 0)})
	}
}

func (h *Hub) setTyping(room mx.RoomID, user mx.UserID, d time.Duration) (Change, bool) {
	t := h.rooms[room]
	if d <= 0 {
		if t == nil || t.until[user].IsZero() {
			return Change{}, false
		}
		delete(t.until, user)
		if len(t.until) == 0 {
			delete(h.active, room)
		}
		return h.typingChanged(room, t), true
	}
	if t == nil {
		t = &typing{until: map[mx.UserID]time.Time{}}
		h.rooms[room] = t
	}
	was := !t.until[user].IsZero()
	t.until[user] = time.Now().Add(d)
	h.active[room] = struct{}{}
	if h.typeTick == nil && !h.closed {
		h.typeTick = time.AfterFunc(typingTick, h.endTyping)
	}
	if was {
		return Change{}, false
	}
	return h.typingChanged(room, t), true
}

func (h *Hub) typingChanged(room mx.RoomID, t *typing) Change {
	t.n = h.next()
	h.typed.add(t.n, room)
	if len(h.rooms) > MaxRooms {
		h.forgetQuiet()
	}
	h.typed.trim(len(h.rooms), h.lastTyping)
	return Change{N: t.n, Room: room}
}

// forgetQuiet drops rooms until a quarter of the room is free: those that were quiet longest, the ones where nobody types first.
func (h *Hub) forgetQuiet() {
	for _, all := range []bool{false, true} {
		for _, e := range h.typed.entries {
			if len(h.rooms) <= MaxRooms*3/4 {
				return
			}
			if t := h.rooms[e.key]; t != nil && t.n == e.n && (all || len(t.until) == 0) {
				delete(h.rooms, e.key)
				delete(h.active, e.key)
			}
		}
	}
}

func (h *Hub) lastTyping(room mx.RoomID) int64 {
	if t := h.rooms[room]; t != nil {
		return t.n
	}
	return 0
}

// endTyping ends the typing of those whose time is over.
func (h *Hub) endTyping() {
	var changes []Change
	now := time.Now()
	h.mu.Lock()
	for room := range h.active {
		t, ended := h.rooms[room], false
		for user, at := range t.until {
			if !now.Before(at) {
				delete(t.until, user)
				ended = true
			}
		}
		if len(t.until) == 0 {
			delete(h.active, room)
		}
		if ended {
			changes = append(changes, h.typingChanged(room, t))
		}
	}
	h.typeTick = nil
	if len(h.active) > 0 && !h.closed {
		h.typeTick = time.AfterFunc(typingTick, h.endTyping)
	}
	h.mu.Unlock()
	for _, c := range changes {
		h.wake(c)
	}
}

// Typing lists who types in a room, sorted, and the number of the last change of that list; 0 if it is not known to have changed.
func (h *Hub) Typing(room mx.RoomID) (users []mx.UserID, n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.rooms[room]
	if t == nil {
		return nil, 0
	}
	now := time.Now()
	for user, at := range t.until {
		if now.Before(at) {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users, t.n
}

// TypingSince names the rooms whose list of typing users changed after n. A reader that has n of an earlier process gets every room
// known here.
func (h *Hub) TypingSince(n int64) []mx.RoomID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.typed.since(n, h.lastTyping)
}
