package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// leftRoom makes the section of a room that the user has left, was removed from, or whose invitation came to nothing. The user learns
// what happened until then, and of that what was visible.
func (b *build) leftRoom(sec *section) error {
	if err := b.viewOf(sec); err != nil {
		return err
	}
	b.found = append(b.found, sec)
	sec.end = sec.member.Pos
	sec.start = sec.end
	departed, was := sec.view.Departed()
	if departed > b.Upto { // the user came back and left again since
		departed = sec.member.Pos
	}
	archived := b.Initial || b.r.FullState
	if was && (archived || departed > b.Since) {
		after := b.Since
		if archived || sec.view.MembershipAt(b.Since) != mx.Join {
			sec.whole, after = true, 0
		}
		sec.end = departed
		if err := b.fillLeft(sec, after); err != nil {
			return err
		}
	}
	if !was || departed != sec.member.Pos {
		return b.addOwn(sec)
	}
	return nil
}

func (b *build) fillLeft(sec *section, after store.Pos) error {
	if err := b.fillTimeline(sec, after, false); err != nil {
		return err
	}
	return b.fillState(sec, after)
}

// addOwn adds the user's own last membership event, whether anything else of the room may be seen or not: it says why the room is gone.
func (b *build) addOwn(sec *section) error {
	id := sec.member.EventID
	if err := b.Load([]mx.EventID{id}); err != nil {
		return err
	}
	e := b.Event(id)
	if e == nil {
		return nil
	}
	if b.f.Room.Timeline.Match(e) {
		sec.timeline = append(sec.timeline, e)
	}
	// Who asked for state_after does not take state from the timeline: without this an invitation that was declined would stay in their list.
	if b.r.StateAfter {
		b.addState(sec, e)
	}
	return nil
}
