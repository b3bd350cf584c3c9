package client

import (
	"strconv"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
)

// Default and greatest numbers of events in answers that name none.
const (
	defaultChildren = 50
	maxChildren     = 500
	defaultPreview  = 20
)

func (h *Handlers) historyRoutes() []door.Route {
	const base = "/_matrix/client/v3/rooms/{roomId}/"
	return []door.Route{
		// Spec: cs#get_matrixclientv3roomsroomidmessages
		{Method: "GET", Path: base + "messages", Access: gate.User, Handle: h.messages},
		// Spec: cs#get_matrixclientv3roomsroomidcontexteventid
		{Method: "GET", Path: base + "context/{eventId}", Access: gate.User, Handle: h.context},
		// Spec: cs#get_matrixclientv3roomsroomideventeventid
		{Method: "GET", Path: base + "event/{eventId}", Access: gate.User, Handle: h.event},
		// Spec: cs#get_matrixclientv3roomsroomidstate
		{Method: "GET", Path: base + "state", Access: gate.User, Handle: h.state},
		// Spec: cs#get_matrixclientv3roomsroomidstateeventtypestatekey
		{Method: "GET", Path: base + "state/{eventType}/{stateKey}", Access: gate.User, Handle: h.stateEvent},
		// Spec: cs#get_matrixclientv3roomsroomidstateeventtypestatekey
		{Method: "GET", Path: base + "state/{eventType}/", Access: gate.User, Handle: h.stateEvent},
		// Spec: cs#get_matrixclientv3roomsroomidmembers
		{Method: "GET", Path: base + "members", Access: gate.User, Handle: h.members},
		// Spec: cs#get_matrixclientv3roomsroomidjoined_members
		{Method: "GET", Path: base + "joined_members", Access: gate.User, Handle: h.joinedMembers},
		// Spec: cs#get_matrixclientv3roomsroomidinitialsync
		{Method: "GET", Path: base + "initialSync", Access: gate.User, Limit: gate.Costly, Handle: h.preview},
	}
}

func who(r *door.Request) history.Who {
	return history.Who{User: r.Caller.User, Device: r.Caller.Device}
}

// roomAndEvent is the ids in a request's path.
func roomAndEvent(r *door.Request) (mx.RoomID, mx.EventID, error) {
	room, err := roomID(r)
	if err != nil {
		return "", "", err
	}
	event, err := mx.ParseEventID(r.Path("eventId"))
	return room, event, err
}

func (h *Handlers) messages(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.Int("limit", history.DefaultPage, 0, history.MaxPage)
	if err != nil {
		return nil, err
	}
	page, err := h.History.Messages(r.Context(), who(r), room, history.PageQuery{
		From: r.Param("from"), To: r.Param("to"), Dir: r.Param("dir"), Limit: limit, Filter: r.Param("filter"),
	})
	if err != nil {
		return nil, err
	}
	o := jsonObject{}
	o.str("start", page.Start)
	if page.End != "" {
		o.str("end", page.End)
	}
	o.list("chunk", page.Chunk)
	if page.State != nil {
		o.list("state", page.State)
	}
	return o.done(), nil
}

func (h *Handlers) context(r *door.Request) (any, error) {
	room, event, err := roomAndEvent(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.Int("limit", history.DefaultPage, 0, history.MaxPage)
	if err != nil {
		return nil, err
	}
	c, err := h.History.Around(r.Context(), who(r), room, event, limit, r.Param("filter"))
	if err != nil {
		return nil, err
	}
	o := jsonObject{}
	o.str("start", c.Start)
	o.str("end", c.End)
	o.raw("event", c.Event)
	o.list("events_before", c.Before)
	o.list("events_after", c.After)
	o.list("state", c.State)
	return o.done(), nil
}

func (h *Handlers) event(r *door.Request) (any, error) {
	room, event, err := roomAndEvent(r)
	if err != nil {
		return nil, err
	}
	raw, err := h.History.Event(r.Context(), who(r), room, event)
	return door.Raw(raw), err
}

func (h *Handlers) state(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	list, err := h.History.State(r.Context(), who(r), room)
	if err != nil {
		return nil, err
	}
	return door.Raw(appendList(nil, list)), nil
}

func (h *Handlers) stateEvent(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	format, err := r.Choice("format", "content", "event")
	if err != nil {
		return nil, err
	}
	raw, err := h.History.StateEvent(r.Context(), who(r), room, r.Path("eventType"), r.Path("stateKey"), format == "event")
	return door.Raw(raw), err
}

func (h *Handlers) members(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	list, err := h.History.Members(r.Context(), who(r), room, history.MembersQuery{
		At: r.Param("at"), Membership: r.Param("membership"), NotMembership: r.Param("not_membership"),
	})
	if err != nil {
		return nil, err
	}
	o := jsonObject{}
	o.list("chunk", list)
	return o.done(), nil
}

func (h *Handlers) joinedMembers(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	joined, err := h.History.JoinedMembers(r.Context(), who(r), room)
	return map[string]any{"joined": joined}, err
}

func (h *Handlers) preview(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.Int("limit", defaultPreview, 0, history.MaxPage)
	if err != nil {
		return nil, err
	}
	p, err := h.History.Preview(r.Context(), who(r), room, limit)
	if err != nil {
		return nil, err
	}
	messages := jsonObject{}
	if p.Messages.Start != "" {
		messages.str("start", p.Messages.Start)
	}
	messages.str("end", p.Messages.End)
	messages.list("chunk", p.Messages.Chunk)
	o := jsonObject{}
	o.str("room_id", string(p.Room))
	if p.Membership != "" {
		o.str("membership", p.Membership)
	}
	o.raw("messages", messages.done())
	o.list("state", p.State)
	o.str("visibility", visibilityName(p.Published))
	o.list("account_data", p.AccountData)
	return o.done(), nil
}

// visibilityName is how the API calls it whether a room is in the directory.
func visibilityName(published bool) string {
	if published {
		return "public"
	}
	return "private"
}

func (h *Handlers) atTime(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	ts, err := strconv.ParseInt(r.Param("ts"), 10, 64)
	if err != nil {
		return nil, fault.InvalidParam("ts must be a time in milliseconds")
	}
	id, at, err := h.History.AtTime(r.Context(), who(r), room, ts, r.Param("dir"))
	return map[string]any{"event_id": id, "origin_server_ts": at}, err
}
