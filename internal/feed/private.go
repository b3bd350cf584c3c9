package feed

import (
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// findPersonal adds account data, receipts and unread counts to the rooms found, and global account data. Rooms that then have nothing
// to tell are left out.
func (b *build) findPersonal() error {
	if err := b.findAccountData(); err != nil {
		return err
	}
	if err := b.findReceipts(); err != nil {
		return err
	}
	kept := b.found[:0]
	for _, sec := range b.found {
		if sec.member.Membership != mx.Join || sec.whole || sec.tells() {
			kept = append(kept, sec)
		}
	}
	clear(b.found[len(kept):])
	b.found = kept
	return b.findUnread()
}

// tells reports whether a joined room's section has anything in it.
func (sec *section) tells() bool {
	return len(sec.timeline) > 0 || sec.limited || len(sec.state) > 0 || sec.typingSet || len(sec.receipts) > 0 || len(sec.data) > 0
}

func (b *build) findAccountData() error {
	byRoom := map[mx.RoomID]*section{}
	wanted := b.Initial || b.Changes.Account
	for _, sec := range b.found {
		if sec.member.Membership == mx.Invite || sec.member.Membership == mx.Knock || !b.f.Room.AccountData.MatchRoom(sec.room) {
			continue
		}
		if sec.whole && !b.Initial { // a room that the client has to learn from the beginning
			list, err := b.RoomAccountData(sec.room)
			if err != nil {
				return err
			}
			for _, d := range list {
				b.addRoomData(sec, d)
			}
			continue
		}
		byRoom[sec.room] = sec
		wanted = wanted || b.Changes.Rooms[sec.room]&RoomData != 0
	}
	if !wanted {
		return nil
	}
	list, err := b.AccountData(b.Since)
	if err != nil {
		return err
	}
	for _, d := range list {
		switch sec := byRoom[d.Room]; {
		case sec != nil:
			b.addRoomData(sec, d)
		case d.Room == "" && b.f.AccountData.MatchType(d.Type) && b.f.AccountData.MatchSender(b.User):
			b.account = append(b.account, d)
		}
	}
	return nil
}

func (b *build) addRoomData(sec *section, d personal.Datum) {
	if b.f.Room.AccountData.MatchType(d.Type) && b.f.Room.AccountData.MatchSender(b.User) {
		sec.data = append(sec.data, d)
	}
}

func (b *build) findReceipts() error {
	if !b.f.Room.Ephemeral.MatchType("m.receipt") {
		return nil
	}
	var all, some []mx.RoomID
	byRoom := map[mx.RoomID]*section{}
	for _, sec := range b.found {
		if sec.member.Membership != mx.Join || !b.f.Room.Ephemeral.MatchRoom(sec.room) {
			continue
		}
		if sec.whole {
			all = append(all, sec.room)
		} else if b.Changes.Rooms[sec.room]&RoomReceipts != 0 {
			some = append(some, sec.room)
		} else {
			continue
		}
		byRoom[sec.room] = sec
	}
	for _, part := range []struct {
		rooms []mx.RoomID
		since store.Pos
	}{{all, 0}, {some, b.Since}} {
		if len(part.rooms) == 0 {
			continue
		}
		list, err := b.Receipts(part.rooms, part.since)
		if err != nil {
			return err
		}
		for i := range list {
			if c := &list[i]; b.f.Room.Ephemeral.MatchSender(c.User) {
				sec := byRoom[c.Room]
				sec.receipts = append(sec.receipts, *c)
			}
		}
	}
	return nil
}

func (b *build) findUnread() error {
	var rooms []mx.RoomID
	for _, sec := range b.found {
		if sec.member.Membership == mx.Join {
			rooms = append(rooms, sec.room)
		}
	}
	counts, err := b.Unread(rooms)
	if err != nil || counts == nil {
		return err
	}
	for _, sec := range b.found {
		sec.unread = counts[sec.room]
	}
	return nil
}

// fillTyping finds who types in a room.
func (b *build) fillTyping(sec *section) {
	sec.typing = b.Typing(sec.room)
	sec.typingSet = len(sec.typing) > 0 || b.Changes.Rooms[sec.room]&RoomTyping != 0
}

// findToDevice finds the messages for the device. What does not fit waits for the next request.
func (b *build) findToDevice() error {
	after := store.Pos(0)
	if !b.Initial {
		if after = b.r.Since.ToDevice; !b.Changes.ToDevice && after == b.Since {
			return nil
		}
	}
	list, upto, err := b.ToDevice(after, maxToDevice)
	b.toDevice, b.next.ToDevice = list, upto
	return err
}

// findPresence finds the presence of those who share a room with the user.
func (b *build) findPresence() error {
	if !b.s.ephemeral.PresenceOn() {
		return nil
	}
	seen := map[mx.UserID]bool{}
	for _, p := range b.s.ephemeral.PresenceSince(b.Number) {
		if b.Initial && p.State == ephemeral.Offline {
			continue
		}
		shares, err := b.Shares(p.User)
		if err != nil {
			return err
		}
		if shares {
			seen[p.User] = true
			b.addPresence(p)
		}
	}
	for _, u := range b.Met { // who is new in a room of the user, or where the user is new
		if p := b.s.ephemeral.Presence(u); !seen[u] && p.N != 0 {
			seen[u] = true
			b.addPresence(p)
		}
	}
	return nil
}

func (b *build) addPresence(p ephemeral.Presence) {
	if b.f.Presence.MatchType("m.presence") && b.f.Presence.MatchSender(p.User) && !b.Ignores(p.User) {
		b.presence = append(b.presence, p)
	}
}
