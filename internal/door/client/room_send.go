package client

import (
	"context"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store/eventlog"
)

// memberAction is a method of the engine by which one user changes another's membership.
type memberAction func(e *room.Engine, ctx context.Context, by mx.UserID, id mx.RoomID, user mx.UserID, reason string) error //nolint:revive // the shape of a method expression

func (h *Handlers) sendRoutes() []door.Route {
	const base = "/_matrix/client/v3/rooms/{roomId}/"
	return []door.Route{
		// Spec: cs#put_matrixclientv3roomsroomidsendeventtypetxnid
		{Method: "PUT", Path: base + "send/{eventType}/{txnId}", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.send},
		// Spec: cs#put_matrixclientv3roomsroomidstateeventtypestatekey
		{Method: "PUT", Path: base + "state/{eventType}/{stateKey}", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.setState},
		{Method: "PUT", Path: base + "state/{eventType}/", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.setState},
		// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
		{Method: "PUT", Path: base + "redact/{eventId}/{txnId}", Access: gate.User, Limit: gate.Message, MaxBody: eventBody, Handle: h.redact},
	}
}

// eventBody leaves room for white space and escapes around the largest event.
const eventBody = 512 << 10

type eventAnswer struct {
	Event mx.EventID `json:"event_id"`
}

// maxTxnID is how long a transaction id may be; the protocol names no limit.
const maxTxnID = 512

// txn names the request, so that it is carried out once however often it is sent.
//
// Spec: cs#transaction-identifiers
func txn(r *door.Request, request string) (eventlog.Txn, error) {
	id := r.Path("txnId")
	if len(id) > maxTxnID {
		return eventlog.Txn{}, fault.InvalidParam("The transaction id is longer than %d bytes", maxTxnID)
	}
	return eventlog.Txn{User: r.Caller.User, Device: r.Caller.Device, Request: request, ID: id}, nil
}

func (h *Handlers) send(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	content, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	typ := r.Path("eventType")
	t, err := txn(r, "send/"+string(id)+"/"+typ)
	if err != nil {
		return nil, err
	}
	ids, err := h.Rooms.Append(r.Context(), room.Draft{Room: id, Sender: r.Caller.User, Type: typ, Content: content, Txn: t})
	if err != nil {
		return nil, err
	}
	return eventAnswer{ids[0]}, nil
}

func (h *Handlers) setState(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	content, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	ev, err := h.Rooms.SetState(r.Context(), r.Caller.User, id, r.Path("eventType"), r.Path("stateKey"), content)
	return eventAnswer{ev}, err
}

func (h *Handlers) redact(r *door.Request) (any, error) {
	id, err := roomID(r)
	if err != nil {
		return nil, err
	}
	event, err := mx.ParseEventID(r.Path("eventId"))
	if err != nil {
		return nil, err
	}
	var body reasonBody
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	t, err := txn(r, "redact/"+string(id)+"/"+string(event))
	if err != nil {
		return nil, err
	}
	made, err := h.Rooms.Redact(r.Context(), room.Redaction{
		Room: id, By: r.Caller.User, Event: event, Reason: body.Reason, Txn: t, OwnOnly: r.Caller.Suspended,
	})
	return eventAnswer{made}, err
}
