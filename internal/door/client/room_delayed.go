package client

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store/eventlog"
)

func (h *Handlers) delayedRoutes() []door.Route {
	const base = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events"
	return []door.Route{
		// Spec: MSC4140
		{Method: "GET", Path: base, Access: gate.User, Limit: gate.Message, Handle: h.delayedEvents},
		// Spec: MSC4140
		{Method: "GET", Path: base + "/{delayId}", Access: gate.User, Limit: gate.Message, Handle: h.delayedEvent},
		// Spec: MSC4140
		{Method: "POST", Path: base + "/{delayId}", Access: gate.Open, Limit: gate.Message, MaxBody: smallBody, Handle: h.updateDelayedByBody},
		// Spec: MSC4140
		{Method: "POST", Path: base + "/{delayId}/{action}", Access: gate.Open, Limit: gate.Message, MaxBody: smallBody, Handle: h.updateDelayed},
	}
}

// maxDelayMS keeps a delay from overflowing; how long it may be is configured.
const maxDelayMS = 1 << 42

// delayOf reads the delay that a request to send an event may ask for.
func delayOf(r *door.Request) (delay time.Duration, asked bool, err error) {
	text := r.Param("org.matrix.msc4140.delay")
	if text == "" {
		return 0, false, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 || ms > maxDelayMS {
		return 0, true, fault.InvalidParam("the delay must be a number of milliseconds")
	}
	return time.Duration(ms) * time.Millisecond, true, nil
}

func (h *Handlers) delay(r *door.Request, d room.Draft, delay time.Duration, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	id, err := h.Rooms.Delay(r.Context(), d, delay)
	return map[string]string{"delay_id": id}, err
}

// delayedAnswer describes a delayed event, under the names that the proposal has now and had before.
type delayedAnswer struct {
	ID           string         `json:"delay_id"`
	Room         mx.RoomID      `json:"room_id"`
	Type         string         `json:"type"`
	StateKey     *string        `json:"state_key,omitzero"`
	Content      jsontext.Value `json:"content"`
	Delay        int64          `json:"delay"`
	DelayMS      int64          `json:"delay_ms"`
	RunningSince int64          `json:"running_since"`
	Scheduled    int64          `json:"scheduled_at"`
	Finalised    int64          `json:"finalised_ts,omitzero"`
	Event        mx.EventID     `json:"event_id,omitzero"`
	Error        *matrixError   `json:"error,omitzero"`
}

type matrixError struct {
	Code string `json:"errcode"`
	Text string `json:"error"`
}

func newDelayedAnswer(d *eventlog.Delayed) delayedAnswer {
	a := delayedAnswer{
		ID: d.ID, Room: d.Room, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Delay: d.Delay, DelayMS: d.Delay,
		RunningSince: d.Scheduled, Scheduled: d.Scheduled, Finalised: d.Finalised, Event: d.EventID,
	}
	if d.ErrorCode != "" {
		a.Error = &matrixError{d.ErrorCode, d.Error}
	}
	return a
}

func (h *Handlers) delayedEvents(r *door.Request) (any, error) {
	rows, err := h.Rooms.DelayedOf(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	list := []delayedAnswer{}
	for _, d := range rows {
		list = append(list, newDelayedAnswer(d))
	}
	return map[string][]delayedAnswer{"delayed_events": list}, nil
}

func (h *Handlers) delayedEvent(r *door.Request) (any, error) {
	d, err := h.Rooms.DelayedByID(r.Context(), r.Caller.User, r.Path("delayId"))
	if err != nil {
		return nil, err
	}
	return newDelayedAnswer(d), nil
}

func (h *Handlers) updateDelayed(r *door.Request) (any, error) {
	id := r.Path("delayId")
	switch r.Path("action") {
	case "send":
		return nil, h.Rooms.SendDelayed(r.Context(), id)
	case "cancel":
		return nil, h.Rooms.CancelDelayed(r.Context(), id)
	case "restart":
		return nil, h.Rooms.RestartDelayed(r.Context(), id)
	}
	return nil, fault.Unrecognized("A delayed event can be sent, cancelled or restarted")
}

// updateDelayedByBody serves clients that follow an older form of the proposal.
func (h *Handlers) updateDelayedByBody(r *door.Request) (any, error) {
	var body struct {
		Action string `json:"action"`
	}
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	switch body.Action {
	case "send", "cancel", "restart":
		r.HTTP.SetPathValue("action", body.Action)
		return h.updateDelayed(r)
	}
	return nil, fault.InvalidParam("action must be one of send, cancel and restart")
}
