package client

import (
	"bytes"
	"strings"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

func (h *Handlers) memberRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	return []door.Route{
		// Spec: cs#post_matrixclientv3joinroomidoralias
		{Method: "POST", Path: base + "join/{roomIdOrAlias}", Access: gate.Active, Limit: gate.Join, MaxBody: smallBody, Handle: h.join},
		// Spec: cs#post_matrixclientv3roomsroomidjoin
		{Method: "POST", Path: base + "rooms/{roomId}/join", Access: gate.Active, Limit: gate.Join, MaxBody: smallBody, Handle: h.join},
		// Spec: cs#post_matrixclientv3knockroomidoralias
		{Method: "POST", Path: base + "knock/{roomIdOrAlias}", Access: gate.Active, Limit: gate.Join, MaxBody: smallBody, Handle: h.knock},
		// Spec: cs#post_matrixclientv3roomsroomidleave
		{Method: "POST", Path: base + "rooms/{roomId}/leave", Access: gate.User, Limit: gate.Join, MaxBody: smallBody, Handle: h.leave},
		// Spec: cs#post_matrixclientv3roomsroomidforget
		{Method: "POST", Path: base + "rooms/{roomId}/forget", Access: gate.User, Limit: gate.Join, MaxBody: smallBody, Handle: h.forget},
		// Spec: cs#post_matrixclientv3roomsroomidinvite
		{Method: "POST", Path: base + "rooms/{roomId}/invite", Access: gate.Active, Limit: gate.Join, MaxBody: smallBody, Handle: h.invite},
		// Spec: cs#post_matrixclientv3roomsroomidkick
		{Method: "POST", Path: base + "rooms/{roomId}/kick", Access: gate.Active, Limit: gate.Message, MaxBody: smallBody, Handle: h.onMember((*room.Engine).Kick)},
		// Spec: cs#post_matrixclientv3roomsroomidban
		{Method: "POST", Path: base + "rooms/{roomId}/ban", Access: gate.Active, Limit: gate.Message, MaxBody: smallBody, Handle: h.onMember((*room.Engine).Ban)},
		// Spec: cs#post_matrixclientv3roomsroomidunban
		{Method: "POST", Path: base + "rooms/{roomId}/unban", Access: gate.Active, Limit: gate.Message, MaxBody: smallBody, Handle: h.onMember((*room.Engine).Unban)},
	}
}

// namedRoom is the room that a path names by id or alias.
func (h *Handlers) namedRoom(r *door.Request) (mx.RoomID, error) {
	name := r.Path("roomIdOrAlias")
	if name == "" {
		return roomID(r)
	}
	if !strings.HasPrefix(name, "#") {
		return mx.ParseRoomID(name)
	}
	alias, err := mx.ParseRoomAlias(name)
	if err != nil {
		return "", err
	}
	return h.Rooms.Resolve(r.Context(), alias)
}

type reasonBody struct {
	Reason string `json:"reason"`
}

func (h *Handlers) join(r *door.Request) (any, error) {
	raw, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(raw)) > 0 {
		var body reasonBody // the rest goes into the member event as it is
		if err := door.Decode(raw, &body); err != nil {
			return nil, err
		}
	} else {
		raw = nil
	}
	id, err := h.namedRoom(r)
	if err != nil {
		return nil, err
	}
	return roomAnswer{id}, h.Rooms.Join(r.Context(), r.Caller.User, id, raw)
}

func (h *Handlers) knock(r *door.Request) (any, error) {
	var body reasonBody
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	id, err := h.namedRoom(r)
	if err != nil {
		return nil, err
	}
	return roomAnswer{id}, h.Rooms.Knock(r.Context(), r.Caller.User, id, body.Reason)
}

func (h *Handlers) leave(r *door.Request) (any, error) {
	var body reasonBody
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	return nil, h.Rooms.Leave(r.Context(), r.Caller.User, id, body.Reason)
}

func (h *Handlers) forget(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	return nil, h.Rooms.Forget(r.Context(), r.Caller.User, id)
}

// onMember serves what one member does to another.
func (h *Handlers) onMember(do memberAction) door.Handler {
	return func(r *door.Request) (any, error) {
		var body memberBody
		if err := r.Decode(&body); err != nil {
			return nil, err
		}
		return h.doToMember(r, body, do)
	}
}

type memberBody struct {
	User   *string `json:"user_id"`
	Reason string  `json:"reason"`
}

func (h *Handlers) doToMember(r *door.Request, body memberBody, do memberAction) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	if body.User == nil {
		return nil, fault.MissingParam("user_id is missing")
	}
	user, err := mx.ParseUserID(*body.User)
	if err != nil {
		return nil, err
	}
	return nil, do(h.Rooms, r.Context(), r.Caller.User, id, user, body.Reason)
}

func (h *Handlers) invite(r *door.Request) (any, error) {
	var body struct {
		memberBody
		Medium  *string `json:"medium"`
		Address *string `json:"address"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.User == nil && (body.Medium != nil || body.Address != nil) {
		return nil, room.ErrNoThirdParties
	}
	return h.doToMember(r, body.memberBody, (*room.Engine).Invite)
}
