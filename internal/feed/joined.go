package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// joinedRoom makes the section of a room that the user is in.
func (b *build) joinedRoom(sec *section) error {
	came := false // into the room, since the client last heard of it
	if !b.initial && sec.member.Pos > b.since {
		if err := b.viewOf(sec); err != nil {
			return err
		}
		came = sec.view.MembershipAt(b.since) != mx.Join
	}
	sec.whole = b.initial || b.r.FullState || came
	what := b.ch.rooms[sec.room]
	if sec.whole {
		what = roomEvents | roomReceipts | roomData | roomTyping
	}
	if what&roomEvents != 0 {
		after := b.since
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
	if what&roomTyping != 0 && b.f.Room.Ephemeral.MatchType("m.typing") && b.f.Room.Ephemeral.MatchRoom(sec.room) {
		b.fillTyping(sec)
	}
	b.joined++
	b.found = append(b.found, sec)
	return nil
}

func (b *build) memberChanged(room mx.RoomID) bool {
	for i := range b.ch.members {
		if b.ch.members[i].room == room {
			return true
		}
	}
	return b.rooms[room].Pos > b.since
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

// maxScan is how many events are looked at for one timeline through a filter that lets few pass.
const maxScan = 2000

// newest finds the last events of a room in (after, upto] that the filter lets pass, at most limit, and whether there are more.
func (b *build) newest(room mx.RoomID, after, upto store.Pos, limit int) (list []*eventlog.Event, more bool, err error) {
	if recent, ok := b.s.rooms.Recent(room, after, upto); ok {
		list, more = b.pick(nil, recent, limit)
		return reversed(list), more, nil
	}
	page := limit + 1
	if !b.passAll() {
		page = max(page, 64)
	}
	for scanned := 0; ; {
		got, err := eventlog.Before(b.ctx, b.s.db, room, upto, page)
		if err != nil {
			return nil, false, err
		}
		scanned += len(got)
		end := len(got) < page
		for i, e := range got {
			if e.Pos <= after {
				got, end = got[:i], true
				break
			}
		}
		if list, more = b.pick(list, reversed(got), limit); more || end {
			return reversed(list), more, nil
		}
		if scanned >= maxScan {
			return reversed(list), true, nil
		}
		upto = got[0].Pos - 1
		page = min(4*page, 512)
	}
}

// passAll reports whether the client wants every event.
func (b *build) passAll() bool { return b.f.Room.Timeline.All() && len(b.facts.ignored) == 0 }

// pick adds those of some events, oldest first, that the client wants to a list that is newest first, until there are limit.
func (b *build) pick(list, from []*eventlog.Event, limit int) ([]*eventlog.Event, bool) {
	t := &b.f.Room.Timeline
	for i := len(from) - 1; i >= 0; i-- {
		e := from[i]
		if (!e.IsState() && b.facts.ignores(e.Sender)) || !t.Match(e) {
			continue
		}
		if len(list) == limit {
			return list, true
		}
		list = append(list, e)
	}
	return list, false
}

// reversed turns a list round in place.
func reversed(list []*eventlog.Event) []*eventlog.Event {
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}
