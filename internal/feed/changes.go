package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/personal"
)

// What changed in a room.
const (
	roomEvents uint8 = 1 << iota
	roomReceipts
	roomData
	roomTyping
)

// changes is what may concern a client, by name.
type changes struct {
	rooms    map[mx.RoomID]uint8
	members  []memberOf // others whose membership was set in rooms of the user
	lists    []mx.UserID
	ownLists bool // keys that the user signed
	account  bool
	toDevice bool
	keyCount bool
}

type memberOf struct {
	room mx.RoomID
	user mx.UserID
}

// findChanges finds out what changed after since, or after done, which comes later.
func (b *build) findChanges(done checked) error {
	b.ch.rooms = map[mx.RoomID]uint8{}
	if b.initial {
		return nil
	}
	after, number := max(b.since, done.pos), max(b.r.Since.Ephemeral, done.ephemeral)
	for _, room := range b.s.ephemeral.TypingSince(number) {
		if b.rooms[room].Membership == mx.Join {
			b.ch.rooms[room] |= roomTyping
		}
	}
	// To-device messages may lie before since: those that did not fit.
	b.ch.toDevice = b.r.Since.ToDevice < b.r.Since.Pos
	if b.s.window.since(after, b.upto, b.note) {
		return nil
	}
	return b.askChanges(after)
}

// note takes in one change of the window.
func (b *build) note(c *store.Change) {
	me := b.r.User
	switch c.Kind {
	case store.KindEvent:
		m, ok := b.rooms[c.Room]
		if !ok {
			return
		}
		switch {
		case c.User == me:
			b.ch.rooms[c.Room] |= roomEvents
		case m.Membership == mx.Join || m.Pos >= c.Pos:
			b.ch.rooms[c.Room] |= roomEvents
			if c.User != "" {
				b.ch.members = append(b.ch.members, memberOf{c.Room, c.User})
			}
		}
	case store.KindReceipt:
		if b.rooms[c.Room].Membership == mx.Join && (!c.Private || c.User == me) {
			b.ch.rooms[c.Room] |= roomReceipts
		}
	case store.KindAccountData:
		if c.User == me && c.Room != "" {
			b.ch.rooms[c.Room] |= roomData
		} else if c.User == me {
			b.ch.account = true
		}
	case store.KindToDevice:
		b.ch.toDevice = b.ch.toDevice || (c.User == me && c.Device == b.r.Device)
	case store.KindDeviceList:
		if !c.Private {
			b.ch.lists = append(b.ch.lists, c.User)
		} else if c.User == me {
			b.ch.ownLists = true
		}
	case store.KindKeyCount:
		b.ch.keyCount = b.ch.keyCount || (c.User == me && c.Device == b.r.Device)
	case store.KindSession, store.KindProfile, store.KindRoom, store.KindThread:
	}
}

// askChanges finds out by the database.
func (b *build) askChanges(after store.Pos) error {
	b.ch.account, b.ch.toDevice, b.ch.ownLists = true, true, true
	var joined []mx.RoomID
	for room, m := range b.rooms {
		if m.Membership == mx.Join {
			joined = append(joined, room)
		}
		if m.Pos > after {
			b.ch.rooms[room] |= roomEvents
		}
	}
	changed, err := eventlog.ChangedRooms(b.ctx, b.s.db, joined, after)
	if err != nil {
		return err
	}
	for _, room := range changed {
		b.ch.rooms[room] |= roomEvents
	}
	for room, what := range b.ch.rooms {
		if what&roomEvents == 0 {
			continue
		}
		users, err := eventlog.MembersIn(b.ctx, b.s.db, room, after, b.upto)
		if err != nil {
			return err
		}
		for _, u := range users {
			if u != b.r.User {
				b.ch.members = append(b.ch.members, memberOf{room, u})
			}
		}
	}
	receipts, err := personal.Receipts(b.ctx, b.s.db, b.r.User, joined, after, b.upto)
	if err != nil {
		return err
	}
	for i := range receipts {
		b.ch.rooms[receipts[i].Room] |= roomReceipts
	}
	data, err := personal.AccountData(b.ctx, b.s.db, b.r.User, after, b.upto)
	if err != nil {
		return err
	}
	for i := range data {
		if data[i].Room != "" {
			b.ch.rooms[data[i].Room] |= roomData
		}
	}
	b.ch.lists, err = keys.ChangedLists(b.ctx, b.s.db, after, b.upto)
	return err
}
