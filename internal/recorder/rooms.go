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
}

// get gives a room, read from the homeserver the first time.
func (r *rooms) get(ctx context.Context, room string) *roomState {
	r.mu.Lock()
	s := r.known[room]
	r.mu.Unlock()
	if s != nil {
		return s
	}
	s = &roomState{members: map[string]string{}}
	state, err := r.client.State(ctx, id.RoomID(room))
	for typ, byKey := range state {
		for key, ev := range byKey {
			s.apply(typ.Type, key, ev.Content.Raw)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.known[room]; known != nil {
		return known
	}
	if err == nil { // a room that is being made is not there yet: what is signed in it tells about it
		r.known[room] = s
	}
	return s
}

// begin makes a room of its create event.
func (r *rooms) begin(room string) *roomState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[room] == nil {
		r.known[room] = &roomState{members: map[string]string{}}
	}
	return r.known[room]
}

// follow takes in what /sync says of state. What is unknown is read when it is needed.
func (r *rooms) follow(resp *mautrix.RespSync) {
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
