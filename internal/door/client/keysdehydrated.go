package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) keysDehydratedRoutes() []door.Route {
	const path = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
	return []door.Route{
		// Spec: MSC3814
		{Method: "PUT", Path: path, Access: gate.User, Limit: gate.Message, Handle: h.putDehydrated},
		// Spec: MSC3814
		{Method: "GET", Path: path, Access: gate.User, Handle: h.dehydrated},
		// Spec: MSC3814
		{Method: "DELETE", Path: path, Access: gate.User, Limit: gate.Message, Handle: h.deleteDehydrated},
		// Spec: MSC3814
		{Method: "POST", Path: path + "/{deviceId}/events", Access: gate.User, Handle: h.dehydratedEvents},
	}
}

type dehydratedID struct {
	DeviceID mx.DeviceID `json:"device_id"`
}

func (h *Handlers) putDehydrated(r *door.Request) (any, error) {
	var body e2ee.DehydratedUpload
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if err := h.Keys.PutDehydrated(r.Context(), r.Caller.User, body); err != nil {
		return nil, err
	}
	return dehydratedID{mx.DeviceID(*body.DeviceID)}, nil
}

func (h *Handlers) dehydrated(r *door.Request) (any, error) {
	d, err := h.Keys.Dehydrated(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	return map[string]any{"device_id": d.ID, "device_data": jsontext.Value(d.Data)}, nil
}

func (h *Handlers) deleteDehydrated(r *door.Request) (any, error) {
	id, err := h.Keys.DeleteDehydrated(r.Context(), r.Caller.User)
	return dehydratedID{id}, err
}

func (h *Handlers) dehydratedEvents(r *door.Request) (any, error) {
	var body struct {
		Next string `json:"next_batch"`
	}
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	list, next, err := h.Keys.DehydratedEvents(r.Context(), r.Caller.User, mx.DeviceID(r.Path("deviceId")), body.Next)
	if err != nil {
		return nil, err
	}
	events := make([]jsontext.Value, len(list))
	for i, m := range list {
		events[i] = m.Event
	}
	return map[string]any{"events": events, "next_batch": next}, nil
}
