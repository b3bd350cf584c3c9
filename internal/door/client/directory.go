package client

import (
	"conclave.chat/internal/directory"
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) directoryRoutes() []door.Route {
	const v3, v1, unstable = "/_matrix/client/v3/", "/_matrix/client/v1/", "/_matrix/client/unstable/"
	list := gate.User
	if h.OpenDirectory {
		list = gate.Optional
	}
	return []door.Route{
		// Spec: cs#get_matrixclientv3publicrooms
		{Method: "GET", Path: v3 + "publicRooms", Access: list, Limit: gate.Costly, Handle: h.publicRooms},
		// Spec: cs#post_matrixclientv3publicrooms
		{Method: "POST", Path: v3 + "publicRooms", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.queryPublicRooms},
		// Spec: cs#get_matrixclientv3directorylistroomroomid
		{Method: "GET", Path: v3 + "directory/list/room/{roomId}", Access: gate.Optional, Handle: h.published},
		// Spec: cs#get_matrixclientv1room_summaryroomidoralias
		{Method: "GET", Path: v1 + "room_summary/{roomIdOrAlias}", Access: gate.User, Limit: gate.Costly, Handle: h.roomSummary},
		// Spec: MSC3266
		{
			Method: "GET", Path: unstable + "im.nheko.summary/summary/{roomIdOrAlias}", Access: gate.User, Limit: gate.Costly,
			Also: []string{unstable + "im.nheko.summary/rooms/{roomIdOrAlias}/summary"}, Handle: h.oldRoomSummary,
		},
		// Spec: cs#get_matrixclientv1roomsroomidhierarchy
		{Method: "GET", Path: v1 + "rooms/{roomId}/hierarchy", Access: gate.User, Limit: gate.Costly, Handle: h.hierarchy},
		// Spec: cs#get_matrixclientv1mutual_rooms
		{
			Method: "GET", Path: v1 + "mutual_rooms", Access: gate.User, Limit: gate.Costly,
			Also: []string{unstable + "uk.half-shot.msc2666/user/mutual_rooms"}, Handle: h.mutualRooms,
		},
	}
}

func (h *Handlers) publicRooms(r *door.Request) (any, error) {
	limit, err := r.Int("limit", 0, 0, 1<<20)
	if err != nil {
		return nil, err
	}
	return h.Directory.Public(r.Context(), directory.PublicQuery{Limit: limit, Since: r.Param("since"), Server: r.Param("server")})
}

func (h *Handlers) queryPublicRooms(r *door.Request) (any, error) {
	var body struct {
		Limit  int    `json:"limit"`
		Since  string `json:"since"`
		Filter struct {
			Term  string    `json:"generic_search_term"`
			Types []*string `json:"room_types"`
		} `json:"filter"`
		AllNetworks bool    `json:"include_all_networks"`
		Network     *string `json:"third_party_instance_id"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	switch {
	case body.Limit < 0:
		return nil, fault.InvalidParam("limit must not be negative")
	case body.AllNetworks && body.Network != nil:
		return nil, fault.InvalidParam("third_party_instance_id needs include_all_networks to be false")
	}
	return h.Directory.Public(r.Context(), directory.PublicQuery{
		Limit: body.Limit, Since: body.Since, Server: r.Param("server"), Term: body.Filter.Term, Types: body.Filter.Types, Network: body.Network,
	})
}

func (h *Handlers) published(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	published, err := h.Directory.Published(r.Context(), r.Caller.User, room)
	return map[string]string{"visibility": visibilityName(published)}, err
}

func (h *Handlers) roomSummary(r *door.Request) (any, error) {
	return h.Directory.Summary(r.Context(), r.Caller.User, r.Path("roomIdOrAlias"))
}

// oldRoomSummary is roomSummary with the names that clients from before its adoption look for.
func (h *Handlers) oldRoomSummary(r *door.Request) (any, error) {
	s, err := h.Directory.Summary(r.Context(), r.Caller.User, r.Path("roomIdOrAlias"))
	if err != nil {
		return nil, err
	}
	return struct {
		*directory.Summary
		OldVersion    string `json:"im.nheko.summary.room_version"`
		OldEncryption string `json:"im.nheko.summary.encryption,omitempty"`
	}{s, s.Version, s.Encryption}, nil
}

func (h *Handlers) hierarchy(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	q := directory.HierarchyQuery{From: r.Param("from")}
	if q.Limit, err = r.Int("limit", directory.DefaultHierarchy, 1, directory.MaxHierarchy); err != nil {
		return nil, err
	}
	if r.Param("max_depth") != "" {
		depth, err := r.Int("max_depth", 0, 0, 1<<20)
		if err != nil {
			return nil, err
		}
		q.Depth = &depth
	}
	if r.Param("suggested_only") != "" {
		suggested, err := r.Bool("suggested_only", false)
		if err != nil {
			return nil, err
		}
		q.Suggested = &suggested
	}
	return h.Directory.Hierarchy(r.Context(), r.Caller.User, room, q)
}

func (h *Handlers) mutualRooms(r *door.Request) (any, error) {
	text := r.Param("user_id")
	if text == "" {
		return nil, fault.MissingParam("user_id is missing")
	}
	user, err := mx.ParseUserID(text)
	if err != nil {
		return nil, err
	}
	return h.Directory.Mutual(r.Context(), r.Caller.User, user, r.Param("from"))
}
