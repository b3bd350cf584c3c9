package feed

import (
	"context"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/visibility"
)

// Limits of timelines.
const (
	defaultTimeline = 10
	maxTimeline     = 500
)

// maxToDevice is how many messages for a device one answer carries at most.
//
// Spec: cs#send-to-device-messaging
const maxToDevice = 100

// build is one answer in the making: everything in (since, upto].
type build struct {
	s   *Service
	ctx context.Context
	r   *Request
	f   *filter.Sync

	initial   bool // there is no since
	since     store.Pos
	upto      store.Pos
	ephemeral int64 // number of the last change of typing and presence that is in the answer
	now       int64

	rooms  map[mx.RoomID]roomstate.Membership
	facts  *facts
	ch     changes
	found  []*section
	joined int // of them, rooms that the user is in

	account  []personal.Datum // global
	lists    deviceLists
	met      []mx.UserID // who has come to share a room with the user
	presence []ephemeral.Presence
	toDevice []keys.Message
	next     Token

	events  map[mx.EventID]*eventlog.Event // what events refer to
	bundles map[mx.EventID][]byte
}

// section is one room of an answer.
type section struct {
	room    mx.RoomID
	member  roomstate.Membership // at upto
	snap    *roomstate.Snapshot
	view    *visibility.View // nil: in the room since before the timeline
	whole   bool             // the client gets the whole state: it knows nothing of the room, or asks for it
	changed bool             // somebody's membership changed

	timeline []*eventlog.Event
	limited  bool
	start    store.Pos // right before the timeline
	end      store.Pos // right after it
	state    []*eventlog.Event

	typing     []mx.UserID
	typingSet  bool
	receipts   []personal.Receipt
	data       []personal.Datum
	unread     Unread
	hasSummary bool
}

// look finds out what there is for a client. What lies before done is known not to concern it.
func (s *Service) look(ctx context.Context, r *Request, done checked) (*build, error) {
	b := &build{s: s, ctx: ctx, r: r, f: r.Filter, initial: r.Since == nil, now: s.now().UnixMilli()}
	if !b.initial {
		b.since = r.Since.Pos
	}
	b.ephemeral = s.ephemeral.Current() // before the rest: what comes meanwhile is told twice rather than never
	var err error
	if b.upto, err = s.position(ctx, b.since); err != nil {
		return nil, err
	}
	b.next = Token{Pos: b.upto, Ephemeral: b.ephemeral, ToDevice: b.upto}
	if b.rooms, err = s.rooms.Rooms(ctx, r.User); err != nil {
		return nil, err
	}
	if b.facts, err = s.factsOf(ctx, r.User); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return b.findChanges(done) }, b.findRooms, b.findPersonal, b.findToDevice, b.findDeviceLists, b.findPresence,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// empty reports whether there is nothing to tell.
func (b *build) empty() bool {
	return !b.initial && !b.r.FullState && len(b.found) == 0 && len(b.account) == 0 && len(b.presence) == 0 && len(b.toDevice) == 0 &&
		len(b.lists.changed) == 0 && len(b.lists.left) == 0 && !b.ch.keyCount
}

// findRooms makes the sections of all rooms that have something to tell.
func (b *build) findRooms() error {
	if b.initial || b.r.FullState {
		for room, m := range b.rooms {
			if err := b.findRoom(room, m); err != nil {
				return err
			}
		}
		return nil
	}
	for room := range b.ch.rooms {
		if err := b.findRoom(room, b.rooms[room]); err != nil {
			return err
		}
	}
	return nil
}

// findRoom makes the section of a room, if it has something to tell.
func (b *build) findRoom(room mx.RoomID, m roomstate.Membership) error {
	if !b.f.Room.MatchRoom(room) {
		return nil
	}
	if m.Pos > b.upto { // the membership changed meanwhile: what counts is how it was
		e, err := eventlog.StateEventAt(b.ctx, b.s.db, room, mx.TypeMember, string(b.r.User), b.upto)
		if err != nil || e == nil {
			return err
		}
		m = roomstate.Membership{Membership: e.Membership(), Pos: e.Pos, EventID: e.ID, Sender: e.Sender}
	}
	snap, err := b.s.rooms.Snapshot(b.ctx, room)
	if err != nil {
		return err
	}
	sec := &section{room: room, member: m, snap: snap, end: b.upto}
	news := m.Pos > b.since
	switch m.Membership {
	case mx.Join:
		err = b.joinedRoom(sec)
	case mx.Invite:
		if (news || b.r.FullState) && !b.facts.ignores(m.Sender) {
			b.found = append(b.found, sec)
		}
	case mx.Knock:
		if news || b.r.FullState {
			b.found = append(b.found, sec)
		}
	case mx.Leave, mx.Ban:
		archived := (b.initial || b.r.FullState) && b.f.Room.IncludeLeave && !m.Forgotten
		if archived || (news && !b.initial) {
			err = b.leftRoom(sec)
		}
	}
	return err
}

// viewOf is what the user may see of the section's room.
func (b *build) viewOf(sec *section) (err error) {
	if sec.view == nil {
		sec.view, err = b.s.views.Of(b.ctx, sec.snap, b.r.User)
	}
	return err
}
