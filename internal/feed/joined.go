package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// joinedRoom makes the section of a room that the user is in.
func (b *build) joinedRoom(sec *section) error {
	came := false // into the room, since the client last heard of it
	if !b.Initial && sec.member.Pos > b.Since {
		if err := b.viewOf(sec); err != nil {
			return err
		}
		came = sec.view.MembershipAt(b.Since) != mx.Join
	}
	sec.whole = b.Initial || b.r.FullState || came
	what := b.Changes.Rooms[sec.room]
	if sec.whole {
		what = RoomEvents | RoomReceipts | RoomData | RoomTyping
	}
	if what&RoomEvents != 0 {
		// What was looked at in vain is not looked at again, as a busy room would be from the beginning of the wait on with each event. It
		// may count after all when the user's settings have changed, such as whom they ignore.
		after := b.Done
		if b.Changes.Account || sec.whole {
			after = b.Since
		}
		if came {
			after = 0
		}
		if err := b.fillTimeline(sec, after, came); err != nil {
			return err
		}
		if err := b.fillState(sec, after); err != nil {
			return err
		}
		sec.changed = sec.whole || b.memberChanged(sec.room)
	} else {
		sec.start = sec.end
	}
	if what&RoomTyping != 0 && b.f.Room.Ephemeral.MatchType("m.typing") && b.f.Room.Ephemeral.MatchRoom(sec.room) {
		b.fillTyping(sec)
	}
	b.found = append(b.found, sec)
	return nil
}

func (b *build) memberChanged(room mx.RoomID) bool {
	for i := range b.Changes.Members {
		if b.Changes.Members[i].Room == room {
			return true
		}
	}
	return b.Rooms[room].Pos > b.Since
}

// fillTimeline finds the newest visible events of (after, upto], as many as the client wants. They are without a gap: if something in
// between is not visible, the timeline begins after it.
func (b *build) fillTimeline(sec *section, after store.Pos, came bool) error {
	low, more := after, false
	if sec.whole || sec.member.Pos > after || sec.member.Membership != mx.Join {
		if err := b.viewOf(sec); err != nil {
			return err
		}
		spans := sec.view.Within(after+1, sec.end)
		if len(spans) == 0 {
			sec.start = sec.end
			return nil
		}
		last := spans[len(spans)-1]
		low, more = last.From-1, len(spans) > 1
		sec.end = last.To
	}
	t := &b.f.Room.Timeline
	limit := t.Max(defaultTimeline, maxTimeline)
	sec.start = sec.end
	if !t.MatchRoom(sec.room) {
		return nil
	}
	list, limited, err := b.newest(sec.room, low, sec.end, limit)
	if err != nil {
		return err
	}
	sec.timeline, sec.limited = list, limited || more
	if len(list) > 0 {
		sec.start = list[0].Pos - 1
	}
	// A client that is new in a room has all of it only if it has the beginning.
	if came && !t.All() && (len(list) == 0 || list[0].Type != mx.TypeCreate) {
		sec.limited = true
	}
	return nil
}

// newest finds the last events in (after, upto] that the client wants.
func (b *build) newest(room mx.RoomID, after, upto store.Pos, limit int) ([]*eventlog.Event, bool, error) {
	return b.Newest(room, after, upto, limit, b.passAll(), func(e *eventlog.Event) bool {
		return (e.IsState() || !b.Ignores(e.Sender)) && b.f.Room.Timeline.Match(e)
	})
}

// passAll reports whether the client wants every event.
func (b *build) passAll() bool { return b.f.Room.Timeline.All() && len(b.facts.ignored) == 0 }
