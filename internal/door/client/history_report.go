package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) reportRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	return []door.Route{
		// Spec: cs#post_matrixclientv3roomsroomidreport
		{Method: "POST", Path: base + "rooms/{roomId}/report", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.reportRoom},
		// Spec: cs#post_matrixclientv3roomsroomidreporteventid
		{Method: "POST", Path: base + "rooms/{roomId}/report/{eventId}", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.reportEvent},
		// Spec: cs#post_matrixclientv3usersuseridreport
		{Method: "POST", Path: base + "users/{userId}/report", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.reportUser},
	}
}

// reason reads the body of a report.
func reason(r *door.Request, required bool) (string, error) {
	var body struct {
		Reason *string `json:"reason"`
	}
	if err := r.Decode(&body); err != nil {
		return "", err
	}
	switch {
	case body.Reason != nil:
		return *body.Reason, nil
	case required:
		return "", fault.MissingParam("reason is missing; it may be empty")
	}
	return "", nil
}

func (h *Handlers) reportRoom(r *door.Request) (any, error) {
	room, err := roomID(r)
	if err != nil {
		return nil, err
	}
	why, err := reason(r, true)
	if err != nil {
		return nil, err
	}
	return nil, h.History.ReportRoom(r.Context(), who(r), room, why)
}

func (h *Handlers) reportEvent(r *door.Request) (any, error) {
	room, event, err := roomAndEvent(r)
	if err != nil {
		return nil, err
	}
	why, err := reason(r, false)
	if err != nil {
		return nil, err
	}
	return nil, h.History.ReportEvent(r.Context(), who(r), room, event, why)
}

func (h *Handlers) reportUser(r *door.Request) (any, error) {
	user, err := mx.ParseUserID(r.Path("userId"))
	if err != nil {
		return nil, err
	}
	why, err := reason(r, true)
	if err != nil {
		return nil, err
	}
	return nil, h.History.ReportUser(r.Context(), who(r), user, why)
}
