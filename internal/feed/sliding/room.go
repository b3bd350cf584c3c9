package sliding

import (
	"maps"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// result is what an answer tells of one room.
type result struct {
	*matched
	was     *sent // what the client knows; nil: nothing
	initial bool  // all there is, instead of what the client had
	outside bool  // the user was never in it: stripped state only
	view    *visibility.View

	timeline []*eventlog.Event
	expanded bool
	limited  bool // events were left out that the client can ask for
	more     bool // there are more right before the timeline
	live     int
	start    store.Pos
	state    []*eventlog.Event

	name, avatar, heroes, members bool // changed
	directSame                    bool
	bump                          store.Pos
	unread                        feed.Unread
}

// findRooms finds out what there is to tell of the rooms that are matched.
func (a *answer) findRooms() error {
	for _, m := range a.matched {
		a.next.window[m.room] = struct{}{}
		r, err := a.findRoom(m)
		if err != nil {
			return err
		}
		if r != nil {
			a.rooms = append(a.rooms, r)
		}
	}
	// Rooms that have left the window will be told of from where they are now.
	for room := range a.base.window {
		if _, still := a.next.window[room]; still {
			continue
		}
		if s := a.sent(room); s != nil {
			frozen := *s
			frozen.beside = a.base.upto
			a.next.changed[room] = &frozen
		}
	}
	return nil
}

// sent is what the client knows of a room.
func (a *answer) sent(room mx.RoomID) *sent { return a.conn.rooms[room] }

// findRoom finds out what there is to tell of a room; nil for nothing.
func (a *answer) findRoom(m *matched) (*result, error) {
	was := a.sent(m.room)
	if was != nil && a.upToDate(m, was) {
		if was.config.key != m.config.key { // fewer wishes: what is outside of them gets old from now on
			s := *was
			s.config = m.config
			a.next.changed[m.room] = &s
		}
		return nil, nil
	}
	r := &result{matched: m, was: was, initial: was == nil, directSame: was != nil && was.direct == a.look.Direct(m.room)}
	var err error
	switch m.member.Membership {
	case mx.Join:
		err = a.joined(r)
	case mx.Invite, mx.Knock:
		r.initial, r.outside = true, true
		r.bump = m.member.Pos
	default:
		err = a.left(r)
	}
	if err != nil || r.empty() {
		return nil, err
	}
	a.remember(r)
	return r, nil
}

// empty reports whether there is nothing to tell after all: what is new came after the answer's position, or is not for this user.
func (r *result) empty() bool {
	return !r.initial && len(r.timeline) == 0 && !r.limited && len(r.state) == 0 && !r.members && !r.name && !r.avatar &&
		r.was.membership == r.member.Membership && r.directSame
}

// upToDate reports whether a client knows all of a room that it wants to.
func (a *answer) upToDate(m *matched, was *sent) bool {
	if was.membership != m.member.Membership || was.direct != a.look.Direct(m.room) || m.last > was.upto {
		return false
	}
	if m.member.Membership != mx.Join {
		return true
	}
	if m.config.Limit > was.have {
		return false
	}
	return was.config.key == m.config.key || !a.expands(m, was)
}

// expands reports whether a client has come to want state of a room that it does not have.
func (a *answer) expands(m *matched, was *sent) bool {
	found := false
	m.config.each(m.snap, was.config, func(*mx.Event) { found = true })
	return found
}

// joined finds out what there is to tell of a room that the user is in.
func (a *answer) joined(r *result) error {
	var err error
	if r.view, err = a.look.View(r.snap); err != nil {
		return err
	}
	after := store.Pos(0)
	if r.was == nil || r.was.membership != mx.Join {
		r.initial = true
	} else {
		after = r.was.upto
	}
	if err := a.fillTimeline(r, after, a.look.Upto); err != nil {
		return err
	}
	if r.initial {
		r.name, r.avatar, r.heroes, r.members = true, true, true, true
		r.config.each(r.snap, nil, func(e *mx.Event) { r.state = append(r.state, &eventlog.Event{Event: e, Version: r.snap.Version()}) })
	} else if err := a.fillState(r, after, a.look.Upto); err != nil {
		return err
	}
	a.fillMembers(r)
	r.bump, err = a.s.bumps.of(a.look, r.snap)
	return err
}

// fillTimeline finds the newest events of (after, upto], and older ones too if the client has come to want more of them.
func (a *answer) fillTimeline(r *result, after, upto store.Pos) error {
	r.start = upto
	spans := r.view.Within(after+1, upto)
	if len(spans) > 0 {
		last := spans[len(spans)-1]
		list, more, err := a.newest(r, last.From-1, last.To)
		if err != nil {
			return err
		}
		r.timeline, r.more, r.limited, r.start = list, more, more || len(spans) > 1, last.To
	}
	r.live = len(r.timeline)
	if r.initial {
		r.live = 0
		for _, e := range r.timeline {
			if a.base.token != "" && e.Pos > a.base.upto {
				r.live++
			}
		}
	} else if !r.limited && r.config.Limit > len(r.timeline) && r.was.have < allEvents && r.config.Limit > r.was.have+len(r.timeline) {
		if err := a.expand(r, upto); err != nil {
			return err
		}
	}
	if len(r.timeline) > 0 {
		r.start = r.timeline[0].Pos - 1
	}
	return nil
}

// expand replaces the timeline by one that begins earlier, if there are earlier events.
func (a *answer) expand(r *result, upto store.Pos) error {
	spans := r.view.Within(1, upto)
	if len(spans) == 0 {
		return nil
	}
	last := spans[len(spans)-1]
	list, more, err := a.newest(r, last.From-1, last.To)
	if err != nil || len(list) <= r.live {
		return err
	}
	r.timeline, r.more, r.limited, r.expanded = list, more, more || len(spans) > 1, true
	return nil
}

func (a *answer) newest(r *result, after, upto store.Pos) ([]*eventlog.Event, bool, error) {
	return a.look.Newest(r.room, after, upto, r.config.Limit, false, func(e *eventlog.Event) bool {
		return e.IsState() || !a.look.Ignores(e.Sender)
	})
}

// fillState finds out what changed in the state, and what the client has come to want of it.
func (a *answer) fillState(r *result, after, upto store.Pos) error {
	delta, err := a.look.StateSince(r.room, after, upto)
	if err != nil {
		return err
	}
	have := map[mx.EventID]bool{}
	for _, e := range delta {
		switch e.Type {
		case mx.TypeName:
			r.name, r.heroes = true, true
		case mx.TypeAvatar:
			r.avatar = true
		case mx.TypeMember:
			r.members, r.heroes = true, true
		}
		// Of lazy members those that changed are told, unless the client must forget them all in any case.
		lazy := e.Type == mx.TypeMember && r.config.lazy() && !r.limited
		if lazy || r.config.Matches(e.Type, *e.StateKey) {
			have[e.ID] = true
			r.state = append(r.state, e)
		}
	}
	if r.was.config.key != r.config.key {
		r.config.each(r.snap, r.was.config, func(e *mx.Event) {
			if !have[e.ID] {
				r.state = append(r.state, &eventlog.Event{Event: e, Version: r.snap.Version()})
			}
		})
	}
	return nil
}

// fillMembers adds the members that the timeline needs: who sent its events, and whom they are about.
func (a *answer) fillMembers(r *result) {
	if !r.config.lazy() {
		return
	}
	have := map[mx.UserID]bool{}
	for _, e := range r.state {
		if e.Type == mx.TypeMember {
			have[mx.UserID(*e.StateKey)] = true
		}
	}
	need := func(u mx.UserID) {
		if have[u] || (r.was != nil && !r.initial && !r.limited && r.was.members[u]) {
			return
		}
		have[u] = true
		if e := r.snap.State(mx.TypeMember, string(u)); e != nil {
			r.state = append(r.state, &eventlog.Event{Event: e, Version: r.snap.Version()})
		}
	}
	for _, e := range r.timeline {
		need(e.Sender)
		if e.Type == mx.TypeMember && e.IsState() {
			need(mx.UserID(*e.StateKey))
		}
	}
}

// left finds out what there is to tell of a room that the user is not in any more.
func (a *answer) left(r *result) error {
	var err error
	if r.view, err = a.look.View(r.snap); err != nil {
		return err
	}
	r.bump = r.member.Pos
	departed, was := r.view.Departed()
	if departed > a.look.Upto {
		departed = r.member.Pos
	}
	r.start = r.member.Pos
	after := store.Pos(0)
	if r.was != nil {
		after = r.was.upto
	}
	if was && departed > after {
		if err := a.fillTimeline(r, after, departed); err != nil {
			return err
		}
		if err := a.fillLeftState(r, after, departed); err != nil {
			return err
		}
	}
	if !was || departed != r.member.Pos {
		return a.addOwn(r)
	}
	return nil
}

// fillLeftState finds the state that the user saw last.
func (a *answer) fillLeftState(r *result, after, departed store.Pos) error {
	if !r.initial && after > 0 {
		return a.fillState(r, after, departed)
	}
	r.name, r.avatar, r.heroes, r.members = true, true, true, true
	state, err := a.look.StateSince(r.room, 0, departed)
	for _, e := range state {
		if r.config.Matches(e.Type, *e.StateKey) {
			r.state = append(r.state, e)
		}
	}
	return err
}

// addOwn adds the user's own membership event, which says why the room is gone.
func (a *answer) addOwn(r *result) error {
	id := r.member.EventID
	if err := a.look.Load([]mx.EventID{id}); err != nil {
		return err
	}
	if e := a.look.Event(id); e != nil {
		r.timeline = append(r.timeline, e)
		r.live = len(r.timeline)
		r.state = append(r.state, e)
	}
	return nil
}

// maxMembers bounds how many members a connection remembers to have sent of a room.
const maxMembers = 512

// remember notes what the client knows of a room once it has the answer.
func (a *answer) remember(r *result) {
	s := &sent{
		upto: a.look.Upto, config: r.config, membership: r.member.Membership, direct: a.look.Direct(r.room), bump: r.bump,
	}
	switch {
	case r.initial || r.limited || r.expanded:
		s.have = len(r.timeline)
		if !r.more {
			s.have = allEvents
		}
	case r.was.have == allEvents:
		s.have = allEvents
	default:
		s.have = r.was.have + len(r.timeline)
		if s.have < r.config.Limit { // there are no more
			s.have = allEvents
		}
	}
	if r.config.lazy() {
		s.members = map[mx.UserID]bool{}
		if r.was != nil && !r.initial && !r.limited && len(r.was.members) < maxMembers {
			maps.Copy(s.members, r.was.members)
		}
		for _, e := range r.state {
			if e.Type == mx.TypeMember {
				s.members[mx.UserID(*e.StateKey)] = true
			}
		}
	}
	a.next.changed[r.room] = s
}
