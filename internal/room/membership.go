package room

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
)

// Join lets a user join a room by its id. content is what the client wants in the member event besides what the server puts there.
// Who is in the room already is left as they are.
//
// Spec: cs#post_matrixclientv3joinroomidoralias
func (e *Engine) Join(ctx context.Context, user mx.UserID, room mx.RoomID, content []byte) error {
	extra, err := parseObject(content)
	if err != nil {
		return err
	}
	delete(extra, "third_party_signed")
	joined, err := e.joinedRooms(ctx, user)
	if err != nil {
		return err
	}
	_, err = e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Join, extra: extra, check: func(s *roomstate.Snapshot) error {
		if s.Joined(user) {
			return errDone
		}
		delete(extra, viaKey)
		if via := vouch(s, user, joined); via != "" {
			extra.set(viaKey, via)
		}
		return nil
	}})
	if err == nil {
		e.followed(ctx, user, room)
	}
	return e.forStrangers(ctx, user, room, err, errCannotJoin)
}

// Knock asks for an invite to a room.
//
// Spec: cs#post_matrixclientv3knockroomidoralias
// Spec: cs#knocking-on-rooms
func (e *Engine) Knock(ctx context.Context, user mx.UserID, room mx.RoomID, reason string) error {
	_, err := e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Knock, extra: because(reason)})
	return e.forStrangers(ctx, user, room, err, errCannotKnock)
}

var (
	errCannotJoin  = fault.Denied("you cannot join this room")
	errCannotKnock = fault.Denied("this room takes no knocks of yours")
)

// forStrangers gives users who have nothing to do with a room one and the same refusal, whether the room exists or not.
func (e *Engine) forStrangers(ctx context.Context, user mx.UserID, room mx.RoomID, err, refusal error) error {
	if !fault.Is(err, "M_FORBIDDEN") {
		return err
	}
	rooms, rerr := e.Rooms(ctx, user)
	if rerr != nil {
		return rerr
	}
	if m := rooms[room]; m.Membership == "" || m.Forgotten {
		return refusal
	}
	return err
}

// Invite invites a user of this server to a room.
//
// Spec: cs#post_matrixclientv3roomsroomidinvite
// Spec: cs#room-membership
func (e *Engine) Invite(ctx context.Context, by mx.UserID, room mx.RoomID, user mx.UserID, reason string) error {
	_, err := e.member(ctx, memberChange{by: by, target: user, room: room, membership: mx.Invite, extra: because(reason)})
	return err
}

// Kick makes a user leave a room, takes an invite back or turns a knock down.
//
// Spec: cs#post_matrixclientv3roomsroomidkick
func (e *Engine) Kick(ctx context.Context, by mx.UserID, room mx.RoomID, user mx.UserID, reason string) error {
	_, err := e.member(ctx, memberChange{by: by, target: user, room: room, membership: mx.Leave, extra: because(reason), check: func(s *roomstate.Snapshot) error {
		switch s.Membership(user) {
		case mx.Join, mx.Invite, mx.Knock:
			return nil
		}
		return insider(s, by, fault.Denied("%s is not in the room", user))
	}})
	return err
}

// Ban bans a user from a room.
//
// Spec: cs#post_matrixclientv3roomsroomidban
func (e *Engine) Ban(ctx context.Context, by mx.UserID, room mx.RoomID, user mx.UserID, reason string) error {
	_, err := e.member(ctx, memberChange{by: by, target: user, room: room, membership: mx.Ban, extra: because(reason)})
	return err
}

// Unban lifts a ban.
//
// Spec: cs#post_matrixclientv3roomsroomidunban
func (e *Engine) Unban(ctx context.Context, by mx.UserID, room mx.RoomID, user mx.UserID, reason string) error {
	_, err := e.member(ctx, memberChange{by: by, target: user, room: room, membership: mx.Leave, extra: because(reason), check: func(s *roomstate.Snapshot) error {
		if s.Membership(user) != mx.Ban {
			return insider(s, by, fault.New(fault.Forbidden, "M_BAD_STATE", "%s is not banned from the room", user))
		}
		return nil
	}})
	return err
}

// Leave makes a user leave a room, reject an invite or take a knock back. Who is out already is done: clients ask again when an answer
// got lost.
//
// Spec: cs#post_matrixclientv3roomsroomidleave
func (e *Engine) Leave(ctx context.Context, user mx.UserID, room mx.RoomID, reason string) error {
	_, err := e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Leave, extra: because(reason), check: func(s *roomstate.Snapshot) error {
		if e.noticeRoom(s) && s.Membership(user) == mx.Invite {
			return fault.New(fault.Forbidden, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", "The invite to the server notices cannot be rejected")
		}
		if s.Membership(user) == mx.Leave {
			return errDone
		}
		return nil
	}})
	return err
}

// insider gives an error to who is in the room, and to others one that says nothing of it.
func insider(s *roomstate.Snapshot, user mx.UserID, err error) error {
	if !s.Joined(user) {
		return ledger.ErrNotIn
	}
	return err
}

func because(reason string) object {
	extra := object{}
	if reason != "" {
		extra.set("reason", reason)
	}
	return extra
}

// memberChange is one change of one user's membership.
type memberChange struct {
	by, target mx.UserID
	room       mx.RoomID
	membership string
	extra      object
	plain      bool                            // the client says how the user appears: no profile
	former     *Profile                        // set if the profile has changed: what it was
	check      func(*roomstate.Snapshot) error // may be nil; may change extra
}

// errDone stops a change that is not needed.
var errDone = fault.New(fault.Internal, "M_UNKNOWN", "done")

// member sends a member event with the target's profile in it.
func (e *Engine) member(ctx context.Context, c memberChange) (mx.EventID, error) {
	if c.membership == mx.Invite {
		if err := e.mayInvite(ctx, c.by, c.target); err != nil {
			return "", e.forInsiders(ctx, c.by, c.room, err)
		}
	}
	var profile Profile
	if !c.plain {
		var err error
		if profile, err = e.profile(ctx, c.target); err != nil {
			return "", err
		}
	}
	var id mx.EventID
	err := e.Change(ctx, []mx.RoomID{c.room}, func(w *ledger.Write) error {
		p := w.Part(c.room)
		if c.check != nil {
			if err := c.check(p.Tip()); err != nil {
				return err
			}
		}
		shown := profile
		if c.former != nil {
			shown = profile.inRoom(p.Tip().State(mx.TypeMember, string(c.target)), *c.former)
		}
		d, err := e.Prepare(ctx, ledger.Draft{
			Room: c.room, Sender: c.by, Type: mx.TypeMember, StateKey: ledger.Key(string(c.target)),
			Content: memberContent(shown, c.membership, c.extra),
		})
		if err != nil {
			return err
		}
		ev, err := p.Add(d)
		if err != nil {
			return err
		}
		id = ev.ID
		return nil
	})
	if fault.Of(err) == errDone {
		return "", nil
	}
	return id, ledger.Hide(err)
}

// inRoom is what a room shows of a user once the profile is no longer the former one: what the room's member event says differently from
// that was set for the room alone.
func (p Profile) inRoom(member *mx.Event, former Profile) Profile {
	if member == nil {
		return p
	}
	if own := member.Str("displayname"); own != former.DisplayName {
		p.DisplayName = own
	}
	if own := member.Str("avatar_url"); own != former.AvatarURL {
		p.AvatarURL = own
	}
	return p
}

// forInsiders keeps an error from who is not in the room.
func (e *Engine) forInsiders(ctx context.Context, user mx.UserID, room mx.RoomID, err error) error {
	s, serr := e.Snapshot(ctx, room)
	if serr != nil {
		return ledger.Hide(serr)
	}
	return insider(s, user, err)
}

// joinedRooms are the rooms that a user is in.
func (e *Engine) joinedRooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]bool, error) {
	rooms, err := e.Rooms(ctx, user)
	if err != nil {
		return nil, err
	}
	in := map[mx.RoomID]bool{}
	for id, m := range rooms {
		if m.Membership == mx.Join {
			in[id] = true
		}
	}
	return in, nil
}

const viaKey = "join_authorised_via_users_server"

// vouch names a member through whom a user may join a restricted room without an invite, or nobody.
//
// Spec: cs#restricted-rooms
func vouch(s *roomstate.Snapshot, user mx.UserID, joined map[mx.RoomID]bool) mx.UserID {
	rules := s.State(mx.TypeJoinRules, "")
	if rules == nil || s.Membership(user) == mx.Invite {
		return ""
	}
	switch rules.Str("join_rule") {
	case mx.JoinRestricted, mx.JoinKnockRestricted:
	default:
		return ""
	}
	if !allowed(rules, joined) {
		return ""
	}
	power := s.Power()
	for u, level := range power.Users() {
		if level >= power.Invite && s.Joined(u) {
			return u
		}
	}
	if power.UsersDefault < power.Invite {
		return ""
	}
	for u := range s.Members(mx.Join) {
		if power.User(u) >= power.Invite {
			return u
		}
	}
	return ""
}

// allowed reports whether being in some rooms meets one of the conditions of restricted join rules. Conditions of the wrong shape are met by nobody.
func allowed(rules *mx.Event, joined map[mx.RoomID]bool) bool {
	var conditions []jsontext.Value
	if decode(rules.Get("allow"), &conditions) != nil {
		return false
	}
	for _, raw := range conditions {
		var c struct {
			Type string    `json:"type"`
			Room mx.RoomID `json:"room_id"`
		}
		if decode(raw, &c) == nil && c.Type == "m.room_membership" && joined[c.Room] {
			return true
		}
	}
	return false
}
