package feed

import (
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
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
			list, err := personal.RoomAccountData(b.ctx, b.s.db, b.User, sec.room)
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
	list, err := personal.AccountData(b.ctx, b.s.db, b.User, b.Since, b.Upto)
	if err != nil {
		return err
	}
	rules := false
	for _, d := range list {
		if d.Room != "" {
			if sec := byRoom[d.Room]; sec != nil {
				b.addRoomData(sec, d)
			}
			continue
		}
		rules = rules || d.Type == personal.TypePushRules
		if d.Type != personal.TypePushRules && b.f.AccountData.MatchType(d.Type) && b.f.AccountData.MatchSender(b.User) {
			b.account = append(b.account, d)
		}
	}
	if rules || b.Initial {
		return b.addPushRules()
	}
	return nil
}

// addPushRules adds the push rules as they are in force: what is stored lacks the server's own for a user who never changed them.
func (b *build) addPushRules() error {
	if b.s.pushRules == nil || !b.f.AccountData.MatchType(personal.TypePushRules) || !b.f.AccountData.MatchSender(b.User) {
		return nil
	}
	content, err := b.s.pushRules.PushRules(b.ctx, b.User)
	if err == nil {
		b.account = append(b.account, personal.Datum{Type: personal.TypePushRules, Content: content})
	}
	return err
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
		list, err := personal.Receipts(b.ctx, b.s.db, b.User, part.rooms, part.since, b.Upto)
		if err != nil {
			return err
		}
		for i := range list {
			if c := &list[i]; b.f.Room.Ephemeral.MatchSender(c.User) && (c.User == b.User || !b.Ignores(c.User)) {
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
	users, _ := b.s.ephemeral.Typing(sec.room)
	for _, u := range users {
		if !b.Ignores(u) {
			sec.typing = append(sec.typing, u)
		}
	}
	sec.typingSet = len(sec.typing) > 0 || b.Changes.Rooms[sec.room]&RoomTyping != 0
}

// findToDevice finds the messages for the device. What does not fit waits for the next request.
func (b *build) findToDevice() error {
	after := store.Pos(0)
	if !b.Initial {
		if !b.Changes.ToDevice && b.r.Since.ToDevice == b.r.Since.Pos {
			return nil
		}
		after = b.r.Since.ToDevice
	}
	list, err := keys.ToDevice(b.ctx, b.s.db, b.User, b.Device, after, b.Upto, maxToDevice+1)
	if err != nil {
		return err
	}
	if len(list) > maxToDevice {
		list = list[:maxToDevice]
		b.next.ToDevice = list[maxToDevice-1].Pos
	}
	b.toDevice = list
	return nil
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
