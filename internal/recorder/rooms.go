//go:build goolm

package recorder

import (
	"context"
	"maps"
	"slices"
	"sync"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/mx"
)

// roomState is what records say of a room. It follows /sync, and the state events that are signed.
type roomState struct {
	mu      sync.Mutex
	version string
	name    string
	policy  string
	members map[string]string // memberships
}

// rooms are the rooms that this process has come across.
type rooms struct {
	client *mautrix.Client
	mu     sync.Mutex
	known  map[string]*roomState
	syncs  int // answers of /sync that were followed
}

// maxReads is how often a room is read anew because something was said of it meanwhile.
const maxReads = 3

// get gives a room, read from the homeserver the first time. One that is being made is not there yet: it is empty.
func (r *rooms) get(ctx context.Context, room string) *roomState {
	for try := 1; ; try++ {
		r.mu.Lock()
		s, syncs := r.known[room], r.syncs
		r.mu.Unlock()
		if s != nil {
			return s
		}
		s = &roomState{members: map[string]string{}}
		state, err := r.client.State(ctx, id.RoomID(room))
		if err != nil {
			return s
		}
		for typ, byKey := range state {
			for key, ev := range byKey {
				s.apply(typ.Type, key, ev.Content.Raw)
			}
		}
		r.mu.Lock()
		if known := r.known[room]; known != nil {
			s = known
		} else if r.syncs == syncs || try == maxReads {
			r.known[room] = s
		} else {
			r.mu.Unlock()
			continue
		}
		r.mu.Unlock()
		return s
	}
}

// follow takes in what /sync says of state. What is unknown is read when it is needed.
func (r *rooms) follow(resp *mautrix.RespSync) {
	r.mu.Lock()
	r.syncs++
	r.mu.Unlock()
	for room, joined := range resp.Rooms.Join {
		r.mu.Lock()
		s := r.known[room.String()]
		r.mu.Unlock()
		if s == nil {
			continue
		}
		for _, list := range [][]*event.Event{joined.State.Events, joined.Timeline.Events} {
			for _, ev := range list {
				if ev.StateKey != nil {
					s.apply(ev.Type.Type, *ev.StateKey, ev.Content.Raw)
				}
			}
		}
	}
}

func (s *roomState) apply(typ, key string, content map[string]any) {
	text := func(m map[string]any, k string) string {
		v, _ := m[k].(string)
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch typ {
	case mx.TypeMember:
		s.members[key] = text(content, "membership")
	case mx.TypeName:
		s.name = text(content, "name")
	case mx.TypeCreate:
		if s.version = text(content, "room_version"); s.version == "" {
			s.version = "1"
		}
	case "m.room.policy":
		own, _ := content["chat.conclave.recording"].(map[string]any)
		s.policy = text(own, "text")
	}
}

// look is what a record says of the room now.
func (s *roomState) look() (name, policy string, members []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for user, m := range maps.All(s.members) {
		if m == mx.Join {
			members = append(members, user)
		}
	}
	slices.Sort(members)
	return s.name, s.policy, members
}

func (s *roomState) versionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}
