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
	return append([]door.Route{
		// Spec: cs#put_matrixclientv3roomsroomidsendeventtypetxnid
		{Method: "PUT", Path: base + "send/{eventType}/{txnId}", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.send},
		// Spec: cs#put_matrixclientv3roomsroomidstateeventtypestatekey
		{Method: "PUT", Path: base + "state/{eventType}/{stateKey}", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.setState},
		{Method: "PUT", Path: base + "state/{eventType}/", Access: gate.Active, Limit: gate.Message, MaxBody: eventBody, Handle: h.setState},
		// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
		{Method: "PUT", Path: base + "redact/{eventId}/{txnId}", Access: gate.User, Limit: gate.Message, MaxBody: eventBody, Handle: h.redact},
	}, h.delayedRoutes()...)
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

// draft reads the event that a request wants to send, without its type's particulars.
func draft(r *door.Request) (room.Draft, error) {
	id, err := roomID(r)
	if err != nil {
		return room.Draft{}, err
	}
	content, err := r.ReadBody()
	return room.Draft{Room: id, Sender: r.Caller.User, Type: r.Path("eventType"), Content: content}, err
}

// maxAttached is how many files one event may be said to show.
const maxAttached = 32

// attached reads which files the event shows, where its content does not tell: with end-to-end encryption.
//
// Spec: MSC3911
func (h *Handlers) attached(r *door.Request) (ids []string, err error) {
	list := r.HTTP.URL.Query()["org.matrix.msc3911.attach_media"]
	if len(list) > maxAttached {
		return nil, fault.InvalidParam("An event can show %d files at most", maxAttached)
	}
	for _, uri := range list {
		found := mx.FilesIn([]byte(uri), h.Server)
		if len(found) != 1 || uri != "mxc://"+string(h.Server)+"/"+found[0] {
			return nil, fault.InvalidParam("attach_media must be the mxc:// address of a file of this server")
		}
		ids = append(ids, found[0])
	}
	return ids, nil
}

func (h *Handlers) send(r *door.Request) (any, error) {
	d, err := draft(r)
	if err != nil {
		return nil, err
	}
	if d.Txn, err = txn(r, "send/"+string(d.Room)+"/"+d.Type); err != nil {
		return nil, err
	}
	if delay, ok, err := delayOf(r); ok || err != nil {
		return h.delay(r, d, delay, err)
	}
	if d.Files, err = h.attached(r); err != nil {
		return nil, err
	}
	ids, err := h.Rooms.Append(r.Context(), d)
	if err != nil {
		return nil, err
	}
	h.active(r)
	return eventAnswer{ids[0]}, nil
}

func (h *Handlers) setState(r *door.Request) (any, error) {
	d, err := draft(r)
	if err != nil {
		return nil, err
	}
	key := r.Path("stateKey")
	if delay, ok, err := delayOf(r); ok || err != nil {
		d.StateKey = &key
		return h.delay(r, d, delay, err)
	}
	ev, err := h.Rooms.SetState(r.Context(), d.Sender, d.Room, d.Type, key, d.Content)
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
