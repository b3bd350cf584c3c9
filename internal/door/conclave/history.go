package conclave

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/listing"
)

// Sizes of pages.
const (
	defaultPage = 50
	maxPage     = 200
)

// event is something that happened to the safety of the caller's account.
type event struct {
	Seq         int64       `json:"seq"`
	Time        int64       `json:"time"`
	Action      string      `json:"action"`
	Actor       string      `json:"actor,omitempty"` // absent: the caller
	Device      mx.DeviceID `json:"device,omitempty"`
	DeviceName  string      `json:"device_name,omitempty"`
	Addr        string      `json:"address,omitempty"`
	Subject     string      `json:"subject,omitempty"`
	SubjectName string      `json:"subject_name,omitempty"`
}

type historyAnswer struct {
	Items []event `json:"items"`
	Total int64   `json:"total"`
	Next  string  `json:"next,omitempty"`
}

// securityHistory tells whoever is signed in what happened to the safety of their account.
func (h *Handlers) securityHistory(r *door.Request) (any, error) {
	limit, err := r.Int("limit", defaultPage, 1, maxPage)
	if err != nil {
		return nil, err
	}
	found, err := h.Audit.Security(r.Context(), r.Caller.User, true, listing.Page{From: r.Param("from"), Limit: limit})
	if err != nil {
		return nil, err
	}
	a := historyAnswer{Items: make([]event, len(found.Items)), Total: found.Total, Next: found.Next}
	for i := range found.Items {
		e := &found.Items[i]
		a.Items[i] = event{e.Seq, e.Time, e.Action, e.Actor, e.Device, e.DeviceName, e.Addr, e.Subject, e.SubjectName}
	}
	return a, nil
}
