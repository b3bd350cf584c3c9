package client

import (
	"slices"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

func (h *Handlers) roomRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	return []door.Route{
		// Spec: cs#post_matrixclientv3createroom
		{Method: "POST", Path: base + "createRoom", Access: gate.Active, Limit: gate.Join, Handle: h.createRoom},
		// Spec: cs#post_matrixclientv3roomsroomidupgrade
		{Method: "POST", Path: base + "rooms/{roomId}/upgrade", Access: gate.Active, Limit: gate.Join, MaxBody: smallBody, Handle: h.upgradeRoom},
		// Spec: cs#get_matrixclientv3joined_rooms
		{Method: "GET", Path: base + "joined_rooms", Access: gate.User, Handle: h.joinedRooms},
		// Spec: cs#put_matrixclientv3directoryroomroomalias
		{Method: "PUT", Path: base + "directory/room/{roomAlias}", Access: gate.Active, Limit: gate.Message, MaxBody: smallBody, Handle: h.addAlias},
		// Spec: cs#get_matrixclientv3directoryroomroomalias
		{Method: "GET", Path: base + "directory/room/{roomAlias}", Access: gate.Open, Handle: h.resolveAlias},
		// Spec: cs#delete_matrixclientv3directoryroomroomalias
		{Method: "DELETE", Path: base + "directory/room/{roomAlias}", Access: gate.Active, Limit: gate.Message, Handle: h.removeAlias},
		// Spec: cs#get_matrixclientv3roomsroomidaliases
		{Method: "GET", Path: base + "rooms/{roomId}/aliases", Access: gate.User, Handle: h.roomAliases},
		// Spec: cs#put_matrixclientv3directorylistroomroomid
		{Method: "PUT", Path: base + "directory/list/room/{roomId}", Access: gate.Active, Limit: gate.Message, MaxBody: smallBody, Handle: h.publishRoom},
	}
}

// roomID is the room id in a request's path.
func roomID(r *door.Request) (mx.RoomID, error) { return mx.ParseRoomID(r.Path("roomId")) }

type roomAnswer struct {
	Room mx.RoomID `json:"room_id"`
}

func (h *Handlers) createRoom(r *door.Request) (any, error) {
	var c room.Create
	if err := r.Decode(&c); err != nil {
		return nil, err
	}
	id, err := h.Rooms.CreateRoom(r.Context(), r.Caller.User, c)
	return roomAnswer{id}, err
}

func (h *Handlers) upgradeRoom(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Version  *string  `json:"new_version"`
		Creators []string `json:"additional_creators"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Version == nil {
		return nil, fault.MissingParam("new_version is missing")
	}
	replacement, err := h.Rooms.Upgrade(r.Context(), r.Caller.User, id, *body.Version, body.Creators)
	return map[string]mx.RoomID{"replacement_room": replacement}, err
}

func (h *Handlers) joinedRooms(r *door.Request) (any, error) {
	rooms, err := h.Rooms.Rooms(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	list := []mx.RoomID{}
	for id, m := range rooms {
		if m.Membership == mx.Join {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return map[string][]mx.RoomID{"joined_rooms": list}, nil
}

func (h *Handlers) addAlias(r *door.Request) (any, error) {
	alias, err := mx.ParseRoomAlias(r.Path("roomAlias"))
	if err != nil {
		return nil, err
	}
	var body struct {
		Room *string `json:"room_id"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Room == nil {
		return nil, fault.MissingParam("room_id is missing")
	}
	id, err := mx.ParseRoomID(*body.Room)
	if err != nil {
		return nil, err
	}
	return nil, h.Rooms.AddAlias(r.Context(), r.Caller.User, alias, id)
}

func (h *Handlers) resolveAlias(r *door.Request) (any, error) {
	alias, err := mx.ParseRoomAlias(r.Path("roomAlias"))
	if err != nil {
		return nil, err
	}
	id, err := h.Rooms.Resolve(r.Context(), alias)
	if err != nil {
		return nil, err
	}
	return map[string]any{"room_id": id, "servers": []mx.ServerName{h.Server}}, nil
}

func (h *Handlers) removeAlias(r *door.Request) (any, error) {
	alias, err := mx.ParseRoomAlias(r.Path("roomAlias"))
	if err != nil {
		return nil, err
	}
	return nil, h.Rooms.RemoveAlias(r.Context(), r.Caller.User, r.Caller.Admin, alias)
}

func (h *Handlers) roomAliases(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	list, err := h.Rooms.Aliases(r.Context(), r.Caller.User, id)
	return map[string][]mx.RoomAlias{"aliases": list}, err
}

func (h *Handlers) publishRoom(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Visibility string `json:"visibility"`
	}
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	switch body.Visibility {
	case "", "public", "private":
	default:
		return nil, fault.InvalidParam("visibility must be public or private")
	}
	return nil, h.Rooms.Publish(r.Context(), r.Caller.User, r.Caller.Admin, id, body.Visibility != "private")
}
