//go:build goolm

package recorder

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/tag"
	"conclave.chat/internal/mx"
)

// roomState is what records say of a room. It follows /sync, and the state events that are signed.
type roomState struct {
	mu      sync.Mutex
	room    string
	version string
	name    string
	policy  string
	class   string            // of retention, as the policy names it
	reads   bool              // it is recorded who reads what
	members map[string]string // memberships
	old     []string          // the rooms whose place it has taken, the last first
	unread  bool              // the homeserver did not say what the state is
	seen    *facts            // until something of it changes

	expected map[string]time.Time // state events that were signed and have not come by /sync yet
}

// expectedFor is how long a state event that was signed may take to come by /sync. One that does not come was not accepted after all.
const expectedFor = 10 * time.Second

// facts are what records say of a room. They do not change.
type facts struct {
	name, policy, class string
	members, old        []string
	receipts            bool
	parties             *archive.Parties
	unread              bool
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
		if s != nil && !s.doubtful() {
			return s
		}
		s = &roomState{room: room, members: map[string]string{}}
		state, err := r.client.State(ctx, id.RoomID(room))
		if err != nil {
			// In a room that is being made, there is nobody but those whom its events name.
			s.unread = !errors.Is(err, mautrix.MForbidden) && !errors.Is(err, mautrix.MNotFound)
			return s
		}
		for typ, byKey := range state {
			for key, ev := range byKey {
				s.apply(typ.Type, key, ev.Content.Raw)
			}
		}
		s.old = r.replaced(ctx, state[event.StateCreate][""])
		r.mu.Lock()
		if known := r.known[room]; known != nil && !known.doubtful() {
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

// maxOld is how many rooms one may have taken the place of, one after the other.
const maxOld = 32

// replaced lists the rooms whose place one has taken, by its create event. Where the homeserver does not tell of one, the list ends.
func (r *rooms) replaced(ctx context.Context, create *event.Event) (list []string) {
	if create == nil {
		return nil
	}
	for content := create.Content.Raw; len(list) < maxOld; {
		before, _ := content["predecessor"].(map[string]any)
		old, _ := before["room_id"].(string)
		if old == "" || slices.Contains(list, old) {
			break
		}
		list, content = append(list, old), nil
		if err := r.client.StateEvent(ctx, id.RoomID(old), event.StateCreate, "", &content); err != nil {
			break
		}
	}
	return list
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
		if joined.Timeline.Limited { // what lies between is read when it is needed
			r.mu.Lock()
			delete(r.known, room.String())
			r.mu.Unlock()
			continue
		}
		for _, list := range [][]*event.Event{joined.State.Events, joined.Timeline.Events} {
			for _, ev := range list {
				if ev.StateKey != nil {
					s.apply(ev.Type.Type, *ev.StateKey, ev.Content.Raw)
					s.met(ev.ID.String())
				}
			}
		}
	}
}

// expect takes in a state event that was signed: the next event may come before /sync has it.
func (s *roomState) expect(typ, key, event string, content map[string]any) {
	if !s.apply(typ, key, content) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expected == nil {
		s.expected = map[string]time.Time{}
	}
	s.expected[event] = time.Now()
}

func (s *roomState) met(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.expected, event)
}

// doubtful reports whether something was signed that has not happened.
func (s *roomState) doubtful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, since := range s.expected {
		if time.Since(since) > expectedFor {
			return true
		}
	}
	return false
}

// apply takes in a state event, if records say something of its kind.
func (s *roomState) apply(typ, key string, content map[string]any) bool {
	text := func(m map[string]any, k string) string {
		v, _ := m[k].(string)
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
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
		s.policy, s.class = text(own, "text"), text(content, "chat.conclave.retention_class")
		s.reads, _ = own["receipts"].(bool)
	default:
		return false
	}
	return true
}

// look is what a record says of the room now.
func (s *roomState) look() *facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != nil {
		return s.seen
	}
	f := &facts{name: s.name, policy: s.policy, class: s.class, receipts: s.reads, old: s.old, unread: s.unread}
	var invited []string // a hold on somebody covers rooms that they are invited to, too
	for user, m := range maps.All(s.members) {
		switch m {
		case mx.Join:
			f.members = append(f.members, user)
		case mx.Invite:
			invited = append(invited, user)
		}
	}
	slices.Sort(f.members)
	f.parties = &archive.Parties{Room: s.room, Users: slices.Sorted(slices.Values(append(invited, f.members...)))}
	if s.unread {
		f.parties = &archive.Parties{Room: s.room, Users: []string{tag.Everybody}}
	}
	s.seen = f
	return f
}

// about is whom an event is about: members and those who are invited, and its sender and the one whose membership it is where they are none.
func (f *facts) about(users ...string) []*archive.Parties {
	list := []*archive.Parties{f.parties}
	for _, room := range f.old { // a hold on a room is one on what has taken its place
		list = append(list, &archive.Parties{Room: room})
	}
	var more []string
	for _, u := range users {
		if _, ok := slices.BinarySearch(f.parties.Users, u); !ok && u != "" {
			more = append(more, u)
		}
	}
	if more != nil {
		list = append(list, &archive.Parties{Room: f.parties.Room, Users: more})
	}
	return list
}

func (s *roomState) versionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}
