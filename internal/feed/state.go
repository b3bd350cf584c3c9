package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// nearState is how many state events are taken back from the current state one by one; for more the database is asked for the whole.
const nearState = 200

// fillState finds what the client has to know of the room's state beside the timeline: how it is right before the timeline, or, with
// state_after, at its end; of a room that the client knows, only what changed after a position.
func (b *build) fillState(sec *section, after store.Pos) error {
	if !b.f.Room.State.MatchRoom(sec.room) {
		return nil
	}
	at := sec.start
	if b.r.StateAfter {
		at = sec.end
	}
	if sec.whole {
		return b.fillWhole(sec, at)
	}
	if at > after && (sec.limited || b.r.StateAfter || len(sec.timeline) == 0) {
		list, err := b.StateSince(sec.room, after, at)
		if err != nil {
			return err
		}
		for _, e := range list {
			b.addState(sec, e)
		}
	}
	if b.lazy() {
		return b.fillMembers(sec, at)
	}
	return nil
}

// fillWhole takes in the whole state at a position.
func (b *build) fillWhole(sec *section, at store.Pos) error {
	back, ok, err := b.takenBack(sec, at)
	if err != nil {
		return err
	}
	if !ok {
		list, err := eventlog.StateAt(b.ctx, b.s.db, sec.room, at)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Type != mx.TypeMember || !b.lazy() {
				b.addState(sec, e)
			}
		}
		if b.lazy() {
			return b.fillMembers(sec, at)
		}
		return nil
	}
	for typ := range sec.snap.Types() {
		if (typ == mx.TypeMember && b.lazy()) || !b.f.Room.State.MatchType(typ) {
			continue
		}
		for key, e := range sec.snap.OfType(typ) {
			if _, changed := back[mx.StateKey{Type: typ, Key: key}]; !changed {
				b.addState(sec, &eventlog.Event{Event: e, Version: sec.snap.Version()})
			}
		}
	}
	for _, e := range back {
		if e != nil && (e.Type != mx.TypeMember || !b.lazy()) {
			b.addState(sec, e)
		}
	}
	if !b.lazy() {
		return nil
	}
	return b.membersOf(sec, func(u mx.UserID) error {
		b.addMember(sec, u, back)
		return nil
	})
}

// takenBack is what the current state has to be changed in to be the state at a position: for each place the event there, nil for none.
// It reports false if that is too much.
func (b *build) takenBack(sec *section, at store.Pos) (map[mx.StateKey]*eventlog.Event, bool, error) {
	if sec.snap.Head() <= at {
		return nil, true, nil
	}
	list, ok := b.after(sec, at)
	if !ok {
		var err error
		if list, err = eventlog.StateIn(b.ctx, b.s.db, sec.room, at, sec.snap.Head(), nearState+1); err != nil {
			return nil, false, err
		}
		if len(list) > nearState {
			return nil, false, nil
		}
	}
	back := map[mx.StateKey]*eventlog.Event{}
	var ids []mx.EventID
	for _, e := range list {
		if !e.IsState() {
			continue
		}
		if _, later := back[e.Key()]; later {
			continue
		}
		back[e.Key()] = nil
		if e.Replaces != "" {
			ids = append(ids, e.Replaces)
		}
	}
	if len(ids) == 0 {
		return back, true, nil
	}
	if err := b.Load(ids); err != nil {
		return nil, false, err
	}
	for _, id := range ids {
		if e := b.Event(id); e != nil {
			back[e.Key()] = e
		}
	}
	return back, true, nil
}

// after is all events of a section's room after a position, if they are at hand.
func (b *build) after(sec *section, at store.Pos) ([]*eventlog.Event, bool) {
	if b.passAll() && at >= sec.start && sec.snap.Head() <= sec.end {
		list := sec.timeline
		for len(list) > 0 && list[0].Pos <= at {
			list = list[1:]
		}
		return list, true
	}
	return b.s.rooms.Recent(sec.room, at, sec.snap.Head())
}

// addState takes in a state event that the client wants.
func (b *build) addState(sec *section, e *eventlog.Event) {
	if b.f.Room.State.Match(e) {
		sec.state = append(sec.state, e)
	}
}

// lazy reports whether the client wants only those members that it needs. Clients say so in either part of the filter.
//
// Spec: cs#lazy-loading-room-members
func (b *build) lazy() bool {
	return b.f.Room.State.LazyLoadMembers || b.f.Room.Timeline.LazyLoadMembers
}

// fillMembers takes in the members whom the timeline needs, as they were at a position, unless they are in the section already.
func (b *build) fillMembers(sec *section, at store.Pos) error {
	var back map[mx.StateKey]*eventlog.Event
	ok := true
	var err error
	if len(sec.timeline) > 0 || sec.whole {
		if back, ok, err = b.takenBack(sec, at); err != nil {
			return err
		}
	}
	return b.membersOf(sec, func(u mx.UserID) error {
		if ok {
			b.addMember(sec, u, back)
			return nil
		}
		e, err := eventlog.StateEventAt(b.ctx, b.s.db, sec.room, mx.TypeMember, string(u), at)
		if e != nil && err == nil {
			b.addState(sec, e)
		}
		return err
	})
}

// membersOf calls f for each user whose membership the client needs and the section does not have yet: those who sent the timeline's
// events and, in a room that is new to the client, the user's own and the heroes'.
func (b *build) membersOf(sec *section, f func(mx.UserID) error) error {
	have := map[mx.UserID]bool{}
	for _, e := range sec.state {
		if e.Type == mx.TypeMember {
			have[mx.UserID(*e.StateKey)] = true
		}
	}
	need := func(u mx.UserID) error {
		if have[u] {
			return nil
		}
		have[u] = true
		return f(u)
	}
	for _, e := range sec.timeline {
		if err := need(e.Sender); err != nil {
			return err
		}
	}
	if !sec.whole {
		return nil
	}
	if err := need(b.User); err != nil {
		return err
	}
	for _, u := range Heroes(sec.snap, b.User) {
		if err := need(u); err != nil {
			return err
		}
	}
	return nil
}

// addMember takes in a user's membership in the state that takenBack describes.
func (b *build) addMember(sec *section, u mx.UserID, back map[mx.StateKey]*eventlog.Event) {
	if e, changed := back[mx.StateKey{Type: mx.TypeMember, Key: string(u)}]; changed {
		if e != nil {
			b.addState(sec, e)
		}
	} else if e := sec.snap.State(mx.TypeMember, string(u)); e != nil {
		b.addState(sec, &eventlog.Event{Event: e, Version: sec.snap.Version()})
	}
}
