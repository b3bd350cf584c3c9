package history

import (
	"context"
	"slices"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// stateAt is the state of a room at a position.
func (s *Service) stateAt(ctx context.Context, p *place, at store.Pos) ([]*eventlog.Event, error) {
	if at < p.snap.Head() {
		return eventlog.StateAt(ctx, s.DB, p.room(), at)
	}
	redacted, err := eventlog.RedactedState(ctx, s.DB, p.room())
	if err != nil {
		return nil, err
	}
	list := make([]*eventlog.Event, 0, 64)
	for e := range p.snap.All() {
		list = append(list, &eventlog.Event{Event: e, Version: p.snap.Version(), RedactedBy: redacted[e.ID]})
	}
	return list, nil
}

// stateEventAt is one event of the state of a room at a position, or nil.
func (s *Service) stateEventAt(ctx context.Context, p *place, typ, key string, at store.Pos) (*eventlog.Event, error) {
	if at >= p.snap.Head() && p.snap.State(typ, key) == nil {
		return nil, nil
	}
	return eventlog.StateEventAt(ctx, s.DB, p.room(), typ, key, at)
}

// State is the state of a room.
//
// Spec: cs#get_matrixclientv3roomsroomidstate
func (s *Service) State(ctx context.Context, who Who, room mx.RoomID) ([][]byte, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	list, err := s.stateAt(ctx, p, p.at)
	if err != nil {
		return nil, err
	}
	return s.render(ctx, p, list, false)
}

// StateEvent is one event of the state of a room: its content, or all of it.
//
// Spec: cs#get_matrixclientv3roomsroomidstateeventtypestatekey
func (s *Service) StateEvent(ctx context.Context, who Who, room mx.RoomID, typ, key string, whole bool) ([]byte, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	if !whole && p.at == p.snap.Head() { // nothing but memory is needed for what is asked most
		if e := p.snap.State(typ, key); e != nil {
			return e.Content, nil
		}
	}
	e, err := s.stateEventAt(ctx, p, typ, key, p.at)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fault.Missing("The room has no state of this type and key")
	}
	if !whole {
		return e.Content, nil
	}
	return s.renderOne(ctx, p, e)
}

// MembersQuery says which members are asked for.
type MembersQuery struct {
	At                        string // token
	Membership, NotMembership string
}

func (q *MembersQuery) check() error {
	for _, m := range [...]string{q.Membership, q.NotMembership} {
		switch m {
		case "", mx.Join, mx.Invite, mx.Knock, mx.Leave, mx.Ban:
		default:
			return fault.InvalidParam("There is no such membership")
		}
	}
	return nil
}

// takes reports whether the query asks for members with a membership. Two conditions are joined by or.
func (q *MembersQuery) takes(membership string) bool {
	if q.Membership == "" && q.NotMembership == "" {
		return true
	}
	return (q.Membership != "" && membership == q.Membership) || (q.NotMembership != "" && membership != q.NotMembership)
}

// Members is the membership events of a room.
//
// Spec: cs#get_matrixclientv3roomsroomidmembers
func (s *Service) Members(ctx context.Context, who Who, room mx.RoomID, q MembersQuery) ([][]byte, error) {
	p, err := s.enter(ctx, who, room)
	if err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	at := p.at
	if q.At != "" {
		if at, err = parseToken(q.At); err != nil {
			return nil, err
		}
		at = visibleFrom(p.view, at, p.at)
	}
	list, err := s.membersAt(ctx, p, at)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 { // the prev_batch of a timeline that begins with the room: its first member counts
		if list, err = s.firstMember(ctx, p, at); err != nil {
			return nil, err
		}
	}
	list = slices.DeleteFunc(list, func(e *eventlog.Event) bool { return !q.takes(e.Membership()) })
	return s.render(ctx, p, list, false)
}

func (s *Service) membersAt(ctx context.Context, p *place, at store.Pos) ([]*eventlog.Event, error) {
	if at < p.snap.Head() {
		return eventlog.MembersAt(ctx, s.DB, p.room(), at)
	}
	redacted, err := eventlog.RedactedState(ctx, s.DB, p.room())
	if err != nil {
		return nil, err
	}
	list := make([]*eventlog.Event, 0, p.snap.JoinedCount())
	for _, e := range p.snap.Members("") {
		list = append(list, &eventlog.Event{Event: e, Version: p.snap.Version(), RedactedBy: redacted[e.ID]})
	}
	return list, nil
}

// firstMember is the first membership event after a position, which lies before all of them.
func (s *Service) firstMember(ctx context.Context, p *place, at store.Pos) ([]*eventlog.Event, error) {
	first, err := eventlog.Range(ctx, s.DB, p.room(), at+1, p.at, false, minBatch)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(first, func(e *eventlog.Event) bool { return e.Type == mx.TypeMember && e.IsState() })
	if i < 0 {
		return nil, nil
	}
	return first[i : i+1], nil
}

// visibleFrom is the first position from at on, but not after last, that the reader may see: who the members were before that is not
// for the reader to know.
func visibleFrom(v *visibility.View, at, last store.Pos) store.Pos {
	if spans := v.Within(at, last); len(spans) > 0 {
		return spans[0].From
	}
	return last
}

// Profile is how a member of a room is called there. A client may count on both keys to be there.
type Profile struct {
	DisplayName *string `json:"display_name"`
	AvatarURL   *string `json:"avatar_url"`
}

// JoinedMembers is who is in a room, for those who are in it too.
//
// Spec: cs#get_matrixclientv3roomsroomidjoined_members
func (s *Service) JoinedMembers(ctx context.Context, who Who, room mx.RoomID) (map[mx.UserID]Profile, error) {
	p, err := s.look(ctx, who, room)
	if err != nil {
		return nil, err
	}
	if !p.view.Joined() {
		return nil, errNoRoom
	}
	out := make(map[mx.UserID]Profile, p.snap.JoinedCount())
	for user, e := range p.snap.Members(mx.Join) {
		out[user] = profileOf(e)
	}
	return out, nil
}

func profileOf(member *mx.Event) Profile {
	var p Profile
	if name := member.Str("displayname"); name != "" {
		p.DisplayName = &name
	}
	if url := member.Str("avatar_url"); url != "" {
		p.AvatarURL = &url
	}
	return p
}
