package room

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// carried lists the state that an upgrade takes along, besides power levels, bans and the children of a space.
func carried() []string {
	return []string{
		mx.TypeServerACL, mx.TypeRetention, mx.TypeEncryption, mx.TypeName, mx.TypeAvatar, mx.TypeTopic, mx.TypeGuestAccess, mx.TypeHistoryVisibility,
		mx.TypeJoinRules,
	}
}

// Upgrade replaces a room by a new one of some version: all of it in one write, or nothing. creators are more users to be creators
// of the new room, where its version has that.
//
// Spec: cs#post_matrixclientv3roomsroomidupgrade
func (e *Engine) Upgrade(ctx context.Context, by mx.UserID, room mx.RoomID, version string, creators []string) (mx.RoomID, error) {
	v, ok := mx.Version(version)
	if !ok {
		return "", errUnsupportedVersion
	}
	if !v.Creators {
		creators = nil
	}
	for _, u := range creators {
		if _, err := mx.ParseUserID(u); err != nil {
			return "", err
		}
	}
	join, err := e.memberDraft(ctx, by, by, mx.Join, nil)
	if err != nil {
		return "", err
	}
	row, err := eventlog.RoomByID(ctx, e.db, room)
	if err != nil {
		return "", ledger.Hide(err)
	}
	var replacement mx.RoomID
	err = e.Change(ctx, []mx.RoomID{room}, func(w *ledger.Write) error {
		u := &upgrade{e: e, w: w, old: w.Part(room), by: by, version: v, creators: creators, published: row.Published}
		if err := u.plan(ctx, join); err != nil {
			return err
		}
		replacement = u.room
		return nil
	})
	if err == nil {
		e.followed(ctx, by, replacement)
	}
	return replacement, ledger.Hide(err)
}

// upgrade is one in the making.
type upgrade struct {
	e         *Engine
	w         *ledger.Write
	old       *ledger.Part
	by        mx.UserID
	version   *mx.RoomVersion
	creators  []string
	published bool
	room      mx.RoomID // the new one
}

func (u *upgrade) plan(ctx context.Context, join *ledger.Prepared) error {
	e := u.e
	was := u.old.Tip()
	if !was.Joined(u.by) {
		return ledger.ErrNotIn
	}
	power := was.Power()
	if need := power.Event(mx.TypeTombstone, true); power.User(u.by) < need {
		return fault.Denied("upgrading this room needs power level %d", need)
	}
	m := &creation{by: u.by, version: u.version, publish: u.published, policy: was.Policy()}
	var predecessor mx.EventID
	if !u.version.HashRoomID {
		m.id = e.newRoomID()
		tombstone, err := u.tombstone(ctx, m.id)
		if err != nil {
			return err
		}
		predecessor = tombstone
	}
	m.content = u.createContent(was, predecessor)
	drafts, err := u.drafts(ctx, was, join)
	if err != nil {
		return err
	}
	made, err := e.create(ctx, u.w, m, drafts)
	if err != nil {
		return err
	}
	u.room = made.Room()
	if u.version.HashRoomID {
		if _, err := u.tombstone(ctx, u.room); err != nil {
			return err
		}
	}
	if err := u.closeOld(ctx); err != nil {
		return err
	}
	u.w.Extra(u.move)
	return nil
}

// tombstone ends the old room.
func (u *upgrade) tombstone(ctx context.Context, replacement mx.RoomID) (mx.EventID, error) {
	content := map[string]any{"body": "This room has been replaced", "replacement_room": replacement}
	d, err := u.e.Prepare(ctx, ledger.Draft{
		Room: u.old.Room(), Sender: u.by, Type: mx.TypeTombstone, StateKey: ledger.Key(""), Content: encode(content),
	})
	if err != nil {
		return "", err
	}
	ev, err := u.old.Add(d)
	if err != nil {
		return "", err
	}
	return ev.ID, nil
}

// createContent is the content of the new room's m.room.create.
func (u *upgrade) createContent(was *roomstate.Snapshot, last mx.EventID) []byte {
	content := object{}
	content.set("room_version", u.version.ID)
	predecessor := map[string]any{"room_id": was.Room()}
	if last != "" {
		predecessor["event_id"] = last
	}
	content.set("predecessor", predecessor)
	if u.version.CreatorInContent {
		content.set("creator", u.by)
	}
	others := slices.DeleteFunc(slices.Clone(u.creators), func(s string) bool { return s == string(u.by) })
	if len(others) > 0 {
		content.set("additional_creators", others)
	}
	create := was.State(mx.TypeCreate, "")
	for _, key := range []string{"type", "m.federate"} {
		if raw := create.Get(key); raw != nil {
			content[key] = raw
		}
	}
	return content.bytes()
}

// drafts are the new room's events after its creation.
func (u *upgrade) drafts(ctx context.Context, was *roomstate.Snapshot, join *ledger.Prepared) ([]*ledger.Prepared, error) {
	e := u.e
	first, final := u.power(was)
	list := []*ledger.Prepared{join}
	put := func(typ, key string, content []byte) error {
		d, err := e.Prepare(ctx, ledger.Draft{Sender: u.by, Type: typ, StateKey: &key, Content: content})
		list = append(list, d)
		return err
	}
	if err := put(mx.TypePowerLevels, "", first); err != nil {
		return nil, err
	}
	for _, typ := range carried() {
		content := []byte(`{"algorithm":"` + megolm + `"}`)
		if ev := was.State(typ, ""); ev != nil {
			content = ev.Content
		} else if typ != mx.TypeEncryption || !e.encrypt() || e.noticeRoom(was) {
			continue
		}
		if err := put(typ, "", content); err != nil {
			return nil, err
		}
	}
	for key, ev := range was.OfType(mx.TypeSpaceChild) {
		if err := put(mx.TypeSpaceChild, key, ev.Content); err != nil {
			return nil, err
		}
	}
	for user, ev := range was.Members(mx.Ban) {
		if user == u.by {
			continue
		}
		if err := put(mx.TypeMember, string(user), ev.Content); err != nil {
			return nil, err
		}
	}
	if final != nil {
		return list, put(mx.TypePowerLevels, "", final)
	}
	return list, nil
}

// closeOld keeps people from going on in the old room, if the user has the power to do that.
func (u *upgrade) closeOld(ctx context.Context) error {
	s := u.old.Tip()
	power := s.Power()
	if power.User(u.by) < power.Event(mx.TypePowerLevels, true) {
		return nil
	}
	content := object{}
	if ev := s.State(mx.TypePowerLevels, ""); ev != nil {
		var err error
		if content, err = parseObject(ev.Content); err != nil {
			return err
		}
	}
	level := max(50, power.UsersDefault+1)
	if level > power.User(u.by) {
		return nil
	}
	for key, is := range map[string]mx.Level{"events_default": power.EventsDefault, "invite": power.Invite} {
		if is < level {
			content.set(key, level)
		}
	}
	d, err := u.e.Prepare(ctx, ledger.Draft{
		Room: s.Room(), Sender: u.by, Type: mx.TypePowerLevels, StateKey: ledger.Key(""), Content: content.bytes(),
	})
	if err != nil {
		return err
	}
	if _, err := u.old.Add(d); err != nil && fault.Of(err) == nil {
		return err
	}
	return nil
}

// move gives the new room the old one's aliases and its place in the directory.
func (u *upgrade) move(tx *store.Tx) error {
	old := u.old.Room()
	if err := eventlog.MoveAliases(tx, old, u.room); err != nil {
		return err
	}
	if u.e.replaced != nil {
		if err := u.e.replaced(tx, u.by, old, u.room); err != nil {
			return err
		}
	}
	if u.published {
		if err := eventlog.Publish(tx, old, false); err != nil {
			return err
		}
	}
	tx.Emit(store.Change{Kind: store.KindRoom, Room: old})
	return nil
}

// power translates the old room's power levels for the new room. The user who upgrades needs power to set the state; where that is
// more than they are to have, final takes it back at the end.
func (u *upgrade) power(was *roomstate.Snapshot) (first, final []byte) {
	content := object{}
	if ev := was.State(mx.TypePowerLevels, ""); ev != nil {
		content, _ = parseObject(ev.Content) // it is an object: it was accepted
	}
	users := map[string]int64{}
	_ = decode(integers(content["users"]), &users)
	events := map[string]int64{}
	_ = decode(integers(content["events"]), &events)
	for key, raw := range content {
		content[key] = integers(raw)
	}
	top := int64(100)
	for _, l := range events {
		top = max(top, l)
	}
	if u.version.Creators {
		delete(users, string(u.by))
		for _, c := range u.creators {
			delete(users, c)
		}
		if !was.Version().Creators {
			events[mx.TypeTombstone] = max(events[mx.TypeTombstone], 150)
		}
		content.set("users", users)
		content.set("events", events)
		raiseTombstone(content)
		return content.bytes(), nil
	}
	if was.Version().Creators {
		for _, c := range mx.RoomCreators(was.Version(), was.State(mx.TypeCreate, "")) {
			users[string(c)] = top
		}
	}
	content.set("users", users)
	content.set("events", events)
	end := content.bytes()
	if users[string(u.by)] >= top {
		return end, nil
	}
	users[string(u.by)] = top
	content.set("users", users)
	return content.bytes(), end
}

// integers turns the strings that older room versions allow as power levels into integers, one level deep.
func integers(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	switch raw[0] {
	case '"':
		var s string
		if decode(raw, &s) != nil {
			return raw
		}
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return raw
		}
		return strconv.AppendInt(nil, n, 10)
	case '{':
		o, err := parseObject(raw)
		if err != nil {
			return raw
		}
		for key, v := range o {
			if len(v) > 0 && v[0] != '{' {
				o[key] = integers(v)
			}
		}
		return o.bytes()
	}
	return raw
}
