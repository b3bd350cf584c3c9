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

// build is one answer in the making.
type build struct {
	*Look
	r     *Request
	f     *filter.Sync
	found []*section

	account  []personal.Datum // global
	lists    DeviceLists
	presence []ephemeral.Presence
	toDevice []keys.Message
	next     Token
	bundles  map[mx.EventID][]byte
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

	typing    []mx.UserID
	typingSet bool
	receipts  []personal.Receipt
	data      []personal.Datum
	unread    Unread
}

// look finds out what there is for a client. What lies before done is known not to concern it.
func (s *Service) look(ctx context.Context, r *Request, done Checked) (*build, error) {
	l, err := s.Look(ctx, Reader{r.User, r.Device, r.Since}, done)
	if err != nil {
		return nil, err
	}
	b := &build{Look: l, r: r, f: r.Filter, next: Token{Pos: l.Upto, Ephemeral: l.Ephemeral, ToDevice: l.Upto}}
	for _, step := range []func() error{b.findRooms, b.findPersonal, b.findToDevice, b.findDeviceLists, b.findPresence} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *build) findDeviceLists() (err error) {
	b.lists, err = b.DeviceLists()
	return err
}

// empty reports whether there is nothing to tell.
func (b *build) empty() bool {
	return !b.Initial && !b.r.FullState && len(b.found) == 0 && len(b.account) == 0 && len(b.presence) == 0 && len(b.toDevice) == 0 &&
		!b.lists.Any() && !b.Changes.KeyCount
}

// findRooms makes the sections of all rooms that have something to tell.
func (b *build) findRooms() error {
	whole := b.Initial || b.r.FullState
	var rooms []mx.RoomID
	if whole {
		for room, m := range b.Rooms {
			if b.f.Room.MatchRoom(room) && !b.passesOver(m) {
				rooms = append(rooms, room)
			}
		}
	} else {
		for room := range b.Changes.Rooms {
			if b.f.Room.MatchRoom(room) {
				rooms = append(rooms, room)
			}
		}
	}
	return b.EachRoom(rooms, whole, b.findRoom)
}

// passesOver reports whether a whole sync says nothing of a room that the user has left.
func (b *build) passesOver(m roomstate.Membership) bool {
	return (m.Membership == mx.Leave || m.Membership == mx.Ban) && m.Pos <= b.Upto && !b.archived(m) && (b.Initial || m.Pos <= b.Since)
}

// archived reports whether the client asks for a room that the user has left, whenever that was.
func (b *build) archived(m roomstate.Membership) bool {
	return (b.Initial || b.r.FullState) && b.f.Room.IncludeLeave && !m.Forgotten
}

// findRoom makes the section of a room, if it has something to tell.
func (b *build) findRoom(room mx.RoomID) error {
	m, ok, err := b.MembershipAt(room, b.Rooms[room])
	if err != nil || !ok {
		return err
	}
	snap, err := b.Snapshot(room)
	if err != nil {
		return err
	}
	sec := &section{room: room, member: m, snap: snap, end: b.Upto}
	news := m.Pos > b.Since
	switch m.Membership {
	case mx.Join:
		err = b.joinedRoom(sec)
	case mx.Invite:
		if (news || b.r.FullState) && !b.HidesInvite(m.Sender) {
			b.found = append(b.found, sec)
		}
	case mx.Knock:
		if news || b.r.FullState {
			b.found = append(b.found, sec)
		}
	case mx.Leave, mx.Ban:
		if b.archived(m) || (news && !b.Initial) {
			err = b.leftRoom(sec)
		}
	}
	return err
}

// viewOf is what the user may see of the section's room.
func (b *build) viewOf(sec *section) (err error) {
	if sec.view == nil {
		sec.view, err = b.View(sec.snap)
	}
	return err
}
