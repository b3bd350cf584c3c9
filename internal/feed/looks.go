package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/personal"
)

// AccountData is what changed of the user's account data after a position; after 0, all there is. The push rules are those in force:
// what is stored lacks the server's own for a user who never changed them.
func (l *Look) AccountData(since store.Pos) ([]personal.Datum, error) {
	list, err := personal.AccountData(l.ctx, l.s.db, l.User, since, l.Upto)
	if err != nil || l.s.pushRules == nil {
		return list, err
	}
	at := -1
	for i := range list {
		if list[i].Room == "" && list[i].Type == personal.TypePushRules {
			at = i
		}
	}
	if at < 0 && since > 0 {
		return list, nil
	}
	rules := personal.Datum{Type: personal.TypePushRules}
	if rules.Content, err = l.s.pushRules.PushRules(l.ctx, l.User); err != nil {
		return nil, err
	}
	if at < 0 {
		return append(list, rules), nil
	}
	list[at] = rules
	return list, nil
}

// RoomAccountData is all of the user's account data for a room.
func (l *Look) RoomAccountData(room mx.RoomID) ([]personal.Datum, error) {
	return personal.RoomAccountData(l.ctx, l.s.db, l.User, room)
}

// Receipts are the receipts of rooms that changed after a position and that the user is to see.
func (l *Look) Receipts(rooms []mx.RoomID, since store.Pos) ([]personal.Receipt, error) {
	list, err := personal.Receipts(l.ctx, l.s.db, l.User, rooms, since, l.Upto)
	if len(l.facts.ignored) == 0 {
		return list, err
	}
	kept := list[:0]
	for i := range list {
		if !l.Ignores(list[i].User) {
			kept = append(kept, list[i])
		}
	}
	return kept, err
}

// Typing is who types in a room, as far as the user is to know.
func (l *Look) Typing(room mx.RoomID) []mx.UserID {
	users, _ := l.s.ephemeral.Typing(room)
	kept := users[:0]
	for _, u := range users {
		if !l.Ignores(u) {
			kept = append(kept, u)
		}
	}
	return kept
}

// ToDevice is at most limit messages for the device after a position, and up to which position these are all.
func (l *Look) ToDevice(after store.Pos, limit int) ([]keys.Message, store.Pos, error) {
	list, err := keys.ToDevice(l.ctx, l.s.db, l.User, l.Device, after, l.Upto, limit+1)
	if err != nil {
		return nil, after, err
	}
	upto := l.Upto
	if len(list) > limit {
		list = list[:limit]
		upto = list[limit-1].Pos
	}
	if len(list) > 0 {
		l.s.given.gave(deviceOf{l.User, l.Device}, list[len(list)-1].Pos)
	}
	return list, upto, nil
}
