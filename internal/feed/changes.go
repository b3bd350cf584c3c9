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
	RoomEvents uint8 = 1 << iota
	RoomReceipts
	RoomData
	RoomTyping
)

// Changes is what may concern a client, by name.
type Changes struct {
	Rooms    map[mx.RoomID]uint8
	Members  []MemberOf  // others whose membership was set in rooms of the user
	Lists    []mx.UserID // whose device lists changed
	OwnLists bool        // the user signed keys
	Account  bool        // global account data changed
	ToDevice bool        // there are messages for the device
	KeyCount bool        // the device's one-time keys were used or uploaded
	Threads  bool        // thread subscriptions changed
}

// Add adds what an earlier look has found out.
func (c *Changes) Add(d *Changes) {
	for room, what := range d.Rooms {
		c.Rooms[room] |= what
	}
	c.Members = append(c.Members, d.Members...)
	c.Lists = append(c.Lists, d.Lists...)
	c.OwnLists, c.Account, c.ToDevice = c.OwnLists || d.OwnLists, c.Account || d.Account, c.ToDevice || d.ToDevice
	c.KeyCount, c.Threads = c.KeyCount || d.KeyCount, c.Threads || d.Threads
}

// MemberOf is a user in a room.
type MemberOf struct {
	Room mx.RoomID
	User mx.UserID
}

// findChanges finds out what changed after since, or after done, which comes later.
func (l *Look) findChanges(done Checked) error {
	l.Changes.Rooms = map[mx.RoomID]uint8{}
	if l.Initial {
		return nil
	}
	after, number := max(l.Since, done.Pos), max(l.Number, done.Ephemeral)
	for _, room := range l.s.ephemeral.TypingSince(number) {
		if l.Rooms[room].Membership == mx.Join {
			l.Changes.Rooms[room] |= RoomTyping
		}
	}
	if l.s.window.Since(after, l.Upto, l.note) {
		return nil
	}
	return l.askChanges(after)
}

// note takes in one change of the window.
func (l *Look) note(c *store.Change) {
	me := l.User
	switch c.Kind { //nolint:exhaustive // the others do not come down /sync
	case store.KindEvent:
		m, ok := l.Rooms[c.Room]
		if !ok {
			return
		}
		switch {
		case c.User == me:
			l.Changes.Rooms[c.Room] |= RoomEvents
		case m.Membership == mx.Join || m.Pos >= c.Pos:
			l.Changes.Rooms[c.Room] |= RoomEvents
			if c.User != "" {
				l.Changes.Members = append(l.Changes.Members, MemberOf{c.Room, c.User})
			}
		}
	case store.KindReceipt:
		if l.Rooms[c.Room].Membership == mx.Join && (!c.Private || c.User == me) {
			l.Changes.Rooms[c.Room] |= RoomReceipts
		}
	case store.KindAccountData:
		if c.User == me && c.Room != "" {
			l.Changes.Rooms[c.Room] |= RoomData
		} else if c.User == me {
			l.Changes.Account = true
		}
	case store.KindToDevice:
		l.Changes.ToDevice = l.Changes.ToDevice || (c.User == me && c.Device == l.Device)
	case store.KindDeviceList:
		if !c.Private {
			l.Changes.Lists = append(l.Changes.Lists, c.User)
		} else if c.User == me {
			l.Changes.OwnLists = true
		}
	case store.KindKeyCount:
		l.Changes.KeyCount = l.Changes.KeyCount || (c.User == me && c.Device == l.Device)
	case store.KindThread:
		l.Changes.Threads = l.Changes.Threads || c.User == me
	case store.KindSession, store.KindProfile, store.KindRoom:
	}
}

// askChanges finds out by the database.
func (l *Look) askChanges(after store.Pos) error {
	l.Changes.Account, l.Changes.ToDevice, l.Changes.OwnLists, l.Changes.Threads = true, true, true, true
	var joined []mx.RoomID
	for room, m := range l.Rooms {
		if m.Membership == mx.Join {
			joined = append(joined, room)
		}
		if m.Pos > after {
			l.Changes.Rooms[room] |= RoomEvents
		}
	}
	changed, err := eventlog.ChangedRooms(l.ctx, l.s.db, joined, after)
	if err != nil {
		return err
	}
	for _, room := range changed {
		l.Changes.Rooms[room] |= RoomEvents
	}
	for room, what := range l.Changes.Rooms {
		if what&RoomEvents == 0 {
			continue
		}
		users, err := eventlog.MembersIn(l.ctx, l.s.db, room, after, l.Upto)
		if err != nil {
			return err
		}
		for _, u := range users {
			if u != l.User {
				l.Changes.Members = append(l.Changes.Members, MemberOf{room, u})
			}
		}
	}
	receipts, err := personal.Receipts(l.ctx, l.s.db, l.User, joined, after, l.Upto)
	if err != nil {
		return err
	}
	for i := range receipts {
		l.Changes.Rooms[receipts[i].Room] |= RoomReceipts
	}
	data, err := personal.AccountData(l.ctx, l.s.db, l.User, after, l.Upto)
	if err != nil {
		return err
	}
	for i := range data {
		if data[i].Room != "" {
			l.Changes.Rooms[data[i].Room] |= RoomData
		}
	}
	l.Changes.Lists, err = keys.ChangedLists(l.ctx, l.s.db, after, l.Upto)
	return err
}
