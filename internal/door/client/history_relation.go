package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/history"
)

func (h *Handlers) relationRoutes() []door.Route {
	const base = "/_matrix/client/v1/rooms/{roomId}/"
	return []door.Route{
		// Spec: cs#get_matrixclientv1roomsroomidrelationseventid
		{Method: "GET", Path: base + "relations/{eventId}", Access: gate.User, Handle: h.relations},
		// Spec: cs#get_matrixclientv1roomsroomidrelationseventidreltype
		{Method: "GET", Path: base + "relations/{eventId}/{relType}", Access: gate.User, Handle: h.relations},
		// Spec: cs#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype
		{Method: "GET", Path: base + "relations/{eventId}/{relType}/{eventType}", Access: gate.User, Handle: h.relations},
		// Spec: cs#get_matrixclientv1roomsroomidthreads
		{Method: "GET", Path: base + "threads", Access: gate.User, Limit: gate.Costly, Handle: h.threads},
		// Spec: cs#get_matrixclientv1roomsroomidtimestamp_to_event
		{Method: "GET", Path: base + "timestamp_to_event", Access: gate.User, Limit: gate.Costly, Handle: h.atTime},
	}
}

func (h *Handlers) relations(r *door.Request) (any, error) {
	room, event, err := roomAndEvent(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.Int("limit", defaultChildren, 1, maxChildren)
	if err != nil {
		return nil, err
	}
	recurse, err := r.Bool("recurse", false)
	if err != nil {
		return nil, err
	}
	page, err := h.History.Relations(r.Context(), who(r), room, event, history.RelationsQuery{
		RelType: r.Path("relType"), EventType: r.Path("eventType"), From: r.Param("from"), To: r.Param("to"), Dir: r.Param("dir"),
		Limit: limit, Recurse: recurse,
	})
	if err != nil {
		return nil, err
	}
	o := jsonObject{}
	o.list("chunk", page.Chunk)
	if page.Next != "" {
		o.str("next_batch", page.Next)
	}
	if page.Prev != "" {
		o.str("prev_batch", page.Prev)
	}
	if r.Param("recurse") != "" {
		o.int("recursion_depth", page.Depth)
	}
	return o.done(), nil
}

func (h *Handlers) threads(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.Int("limit", defaultChildren, 1, maxChildren)
	if err != nil {
		return nil, err
	}
	include, err := r.Choice("include", "all", "participated")
	if err != nil {
		return nil, err
	}
	page, err := h.History.Threads(r.Context(), who(r), room, r.Param("from"), limit, include == "participated")
	if err != nil {
		return nil, err
	}
	o := jsonObject{}
	o.list("chunk", page.Chunk)
	if page.Next != "" {
		o.str("next_batch", page.Next)
	}
	return o.done(), nil
}
