package directory

import (
	"context"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// PublicRoom is what the directory of published rooms says of a room.
type PublicRoom struct {
	ID            mx.RoomID `json:"room_id"`
	Alias         string    `json:"canonical_alias,omitempty"`
	Name          string    `json:"name,omitempty"`
	Topic         string    `json:"topic,omitempty"`
	AvatarURL     string    `json:"avatar_url,omitempty"`
	Members       int       `json:"num_joined_members"`
	WorldReadable bool      `json:"world_readable"`
	GuestsJoin    bool      `json:"guest_can_join"`
	JoinRule      string    `json:"join_rule,omitempty"`
	Type          string    `json:"room_type,omitempty"`
}

// Summary is a room for who thinks of joining it.
type Summary struct {
	PublicRoom
	Allowed    []mx.RoomID `json:"allowed_room_ids,omitempty"`
	Encryption string      `json:"encryption,omitempty"`
	Version    string      `json:"room_version"`
	Membership string      `json:"membership,omitempty"`
}

// publicRoom reads what is told of a room out of its state.
func publicRoom(s *roomstate.Snapshot) PublicRoom {
	of := func(typ, key string) string {
		if e := s.State(typ, ""); e != nil {
			return e.Str(key)
		}
		return ""
	}
	return PublicRoom{
		ID: s.Room(), Alias: of(mx.TypeCanonicalAlias, "alias"), Name: of(mx.TypeName, "name"), Topic: roomstate.Topic(s.State(mx.TypeTopic, "")),
		AvatarURL: of(mx.TypeAvatar, "url"), Members: s.JoinedCount(), WorldReadable: of(mx.TypeHistoryVisibility, "history_visibility") == mx.VisibleWorld,
		GuestsJoin: of(mx.TypeGuestAccess, "guest_access") == "can_join", JoinRule: joinRule(s), Type: of(mx.TypeCreate, "type"),
	}
}

func summarize(s *roomstate.Snapshot) Summary {
	out := Summary{PublicRoom: publicRoom(s), Allowed: allowed(s), Version: s.Version().ID}
	if e := s.State(mx.TypeEncryption, ""); e != nil {
		out.Encryption = e.Str("algorithm")
	}
	return out
}

// joinRule is the join rule of a room, invite where there is none, as the authorization rules have it.
func joinRule(s *roomstate.Snapshot) string {
	if e := s.State(mx.TypeJoinRules, ""); e != nil {
		if rule := e.Str("join_rule"); rule != "" {
			return rule
		}
	}
	return mx.JoinInvite
}

// allowed lists the rooms whose members may join a restricted room.
func allowed(s *roomstate.Snapshot) []mx.RoomID {
	switch joinRule(s) {
	case mx.JoinRestricted, mx.JoinKnockRestricted:
	default:
		return nil
	}
	var list []mx.RoomID
	for _, c := range gjson.ParseBytes(s.State(mx.TypeJoinRules, "").Get("allow")).Array() {
		if id, err := mx.ParseRoomID(c.Get("room_id").Str); err == nil && c.Get("type").Str == "m.room_membership" {
			list = append(list, id)
		}
	}
	return list
}

// knowable reports whether a user may know of a room: as a member, as somebody who may join or knock, or because everybody may look
// into it.
//
// Spec: cs#get_matrixclientv1roomsroomidhierarchy
func (s *Service) knowable(ctx context.Context, snap *roomstate.Snapshot, user mx.UserID) (bool, error) {
	if e := snap.State(mx.TypeHistoryVisibility, ""); e != nil && e.Str("history_visibility") == mx.VisibleWorld {
		return true, nil
	}
	switch snap.Membership(user) {
	case mx.Join, mx.Invite:
		return true, nil
	case mx.Ban:
		return false, nil
	}
	v := snap.Version()
	switch joinRule(snap) {
	case mx.JoinPublic:
		return true, nil
	case mx.JoinKnock:
		return v.Knock, nil
	case mx.JoinKnockRestricted:
		return v.KnockRestricted, nil
	case mx.JoinRestricted:
		if v.Restricted {
			return s.inAny(ctx, allowed(snap), user)
		}
	}
	return false, nil
}

func (s *Service) inAny(ctx context.Context, rooms []mx.RoomID, user mx.UserID) (bool, error) {
	for _, id := range rooms {
		snap, err := s.find(ctx, id)
		if err != nil {
			return false, err
		}
		if snap != nil && snap.Joined(user) {
			return true, nil
		}
	}
	return false, nil
}

// Summary is a room by its id or alias, for a user who may know of it.
//
// Spec: cs#get_matrixclientv1room_summaryroomidoralias
func (s *Service) Summary(ctx context.Context, user mx.UserID, idOrAlias string) (*Summary, error) {
	hidden := fault.Missing("There is no such room, or you may not know of it")
	room, err := mx.ParseRoomID(idOrAlias)
	if err != nil {
		alias, err := mx.ParseRoomAlias(idOrAlias)
		if err != nil {
			return nil, fault.InvalidParam("Neither a room id nor an alias")
		}
		room, err = s.Rooms.Resolve(ctx, alias)
		if missing(err) {
			return nil, hidden
		}
		if err != nil {
			return nil, err
		}
	}
	snap, err := s.find(ctx, room)
	if err != nil {
		return nil, err
	}
	if snap == nil {
		return nil, hidden
	}
	known, err := s.knowable(ctx, snap, user)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, hidden
	}
	out := summarize(snap)
	if out.Membership = snap.Membership(user); out.Membership == "" {
		out.Membership = mx.Leave
	}
	return &out, nil
}
