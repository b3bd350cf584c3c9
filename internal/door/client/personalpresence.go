package client

import (
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/personal"
)

func (h *Handlers) personalPresenceRoutes() []door.Route {
	return []door.Route{
		// Spec: cs#put_matrixclientv3roomsroomidtypinguserid
		{
			Method: "PUT", Path: "/_matrix/client/v3/rooms/{roomId}/typing/{userId}", Access: gate.Active,
			Limit: gate.Message, MaxBody: smallBody, Handle: h.typing,
		},
		// Spec: cs#put_matrixclientv3presenceuseridstatus
		{
			Method: "PUT", Path: "/_matrix/client/v3/presence/{userId}/status", Access: gate.Active,
			Limit: gate.Message, MaxBody: smallBody, Handle: h.setPresence,
		},
		// Spec: cs#get_matrixclientv3presenceuseridstatus
		{Method: "GET", Path: "/_matrix/client/v3/presence/{userId}/status", Access: gate.User, Handle: h.presence},
	}
}

func (h *Handlers) typing(r *door.Request) (any, error) {
	var body personal.TypingNotice
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return nil, h.Personal.Typing(r.Context(), r.Caller.User, mx.UserID(r.Path("userId")), r.Path("roomId"), body)
}

// active notes that the caller did something that others see, where presence is served.
//
// Spec: cs#last-active-ago
func (h *Handlers) active(r *door.Request) {
	if h.Personal != nil {
		h.Personal.Active(r.Caller.User)
	}
}

func (h *Handlers) setPresence(r *door.Request) (any, error) {
	var body personal.PresenceNotice
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return nil, h.Personal.SetPresence(r.Caller.User, mx.UserID(r.Path("userId")), body)
}

func (h *Handlers) presence(r *door.Request) (any, error) {
	p, err := h.Personal.Presence(r.Context(), r.Caller.User, mx.UserID(r.Path("userId")))
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"presence": p.State}
	if !p.LastActive.IsZero() {
		answer["last_active_ago"] = max(time.Since(p.LastActive).Milliseconds(), 0)
	}
	if p.StatusMsg != "" {
		answer["status_msg"] = p.StatusMsg
	}
	if p.State == ephemeral.Online {
		answer["currently_active"] = p.CurrentlyActive
	}
	return answer, nil
}
