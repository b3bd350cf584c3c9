package client

import (
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
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

// defaultTyping is how long a user types who does not say.
const defaultTyping = 30_000

func (h *Handlers) typing(r *door.Request) (any, error) {
	var body struct {
		Typing  *bool  `json:"typing"`
		Timeout *int64 `json:"timeout"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Typing == nil {
		return nil, fault.MissingParam("typing is missing")
	}
	var ms int64
	switch {
	case !*body.Typing:
	case body.Timeout == nil:
		ms = defaultTyping
	default:
		ms = min(max(*body.Timeout, 0), int64(time.Hour/time.Millisecond))
	}
	return nil, h.Personal.Typing(r.Context(), r.Caller.User, mx.UserID(r.Path("userId")), r.Path("roomId"), time.Duration(ms)*time.Millisecond)
}

func (h *Handlers) setPresence(r *door.Request) (any, error) {
	var body struct {
		Presence *ephemeral.State `json:"presence"`
		Status   *string          `json:"status_msg"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Presence == nil {
		return nil, fault.MissingParam("presence is missing")
	}
	var status string
	if body.Status != nil {
		status = *body.Status
	}
	return nil, h.Personal.SetPresence(r.Caller.User, mx.UserID(r.Path("userId")), *body.Presence, status)
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
