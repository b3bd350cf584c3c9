package room

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
)

// Tags marks rooms for users.
type Tags interface {
	// SetTag puts a room of a user under a tag.
	SetTag(ctx context.Context, user mx.UserID, room mx.RoomID, tag string) error
}

// noticeTag is how clients know the room for notices.
const noticeTag = "m.server_notice"

// noticeRoom reports whether a room is one in which the server sends notices to a user.
func (e *Engine) noticeRoom(s *roomstate.Snapshot) bool {
	create := s.State(mx.TypeCreate, "")
	return create != nil && create.Sender == e.notices
}

// Notice sends a message of the server to a user, in the one room that they have for that. content is an m.room.message's; its
// msgtype is set. txn is the request, if it may come again.
//
// Spec: cs#server-notices
func (e *Engine) Notice(ctx context.Context, by auditlog.Actor, user mx.UserID, content []byte, txn eventlog.Txn) (mx.EventID, error) {
	message, err := parseObject(content)
	if err != nil {
		return "", err
	}
	message.set("msgtype", "m.server_notice")
	room, err := e.roomForNotices(ctx, user)
	if err != nil {
		return "", err
	}
	ids, err := e.Append(ctx, ledger.Draft{Room: room, Sender: e.notices, Type: mx.TypeMessage, Content: message.bytes(), Txn: txn, Also: func(tx *store.Tx) error {
		return auditlog.Record(tx, e.now().UnixMilli(), by, auditlog.Act{Action: "notice.send", Target: string(user)})
	}})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// roomForNotices finds or makes the room, and invites the user if they are not in it.
func (e *Engine) roomForNotices(ctx context.Context, user mx.UserID) (mx.RoomID, error) {
	room, err := eventlog.NoticeRoom(ctx, e.db, user)
	if err != nil {
		return "", err
	}
	if room != "" {
		s, err := e.Snapshot(ctx, room)
		if err != nil {
			return "", err
		}
		switch s.Membership(user) {
		case mx.Join, mx.Invite:
			return room, nil
		}
		_, err = e.member(ctx, memberChange{by: e.notices, target: user, room: room, membership: mx.Invite})
		return room, err
	}
	if room, err = e.makeNoticeRoom(ctx, user); err != nil || e.tags == nil {
		return room, err
	}
	return room, e.tags.SetTag(ctx, user, room, noticeTag)
}

func (e *Engine) makeNoticeRoom(ctx context.Context, user mx.UserID) (mx.RoomID, error) {
	v, _ := mx.Version(e.config.DefaultVersion)
	m := &creation{by: e.notices, version: v, invites: []mx.UserID{user}}
	if !v.HashRoomID {
		m.id = e.newRoomID()
	}
	content := object{}
	if err := m.creator(content, false); err != nil {
		return "", err
	}
	m.content = content.bytes()
	// Nobody but the server may speak here.
	power, err := m.power(Create{Preset: privateChat, Power: []byte(`{"events_default":50}`)})
	if err != nil {
		return "", err
	}
	m.state = e.firstState(m, Create{Preset: privateChat, Name: "Server notices"}, power)
	m.state = withoutType(m.state, mx.TypeEncryption) // the server has no keys: what it says is no secret to it
	drafts, err := e.firstDrafts(ctx, m)
	if err != nil {
		return "", err
	}
	var room mx.RoomID
	err = e.Change(ctx, nil, func(w *ledger.Write) error {
		p, err := e.create(ctx, w, m, drafts)
		if err != nil {
			return err
		}
		room = p.Room()
		w.Check(func(tx *store.Tx) error {
			other, err := eventlog.NoticeRoom(ctx, tx, user)
			if err == nil && other != "" {
				return errNoticeRaced
			}
			return err
		})
		w.Extra(func(tx *store.Tx) error { return eventlog.SetNoticeRoom(tx, user, room) })
		return nil
	})
	if fault.Of(err) == errNoticeRaced {
		return eventlog.NoticeRoom(ctx, e.db, user)
	}
	return room, err
}

var errNoticeRaced = fault.New(fault.Internal, "M_UNKNOWN", "another notice made the room")

func withoutType(list []InitialState, typ string) []InitialState {
	var kept []InitialState
	for _, s := range list {
		if s.Type != typ {
			kept = append(kept, s)
		}
	}
	return kept
}
