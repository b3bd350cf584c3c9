package client

import (
	"math"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/personal"
	"conclave.chat/internal/store"
)

func (h *Handlers) threadRoutes() []door.Route {
	const thread = "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription"
	return []door.Route{
		// Spec: MSC4306
		{Method: "GET", Path: thread, Access: gate.User, Handle: h.threadSubscription},
		// Spec: MSC4306
		{Method: "PUT", Path: thread, Access: gate.User, Limit: gate.Message, MaxBody: smallBody, Handle: h.subscribeThread},
		// Spec: MSC4306
		{Method: "DELETE", Path: thread, Access: gate.User, Limit: gate.Message, MaxBody: smallBody, Handle: h.unsubscribeThread},
		// Spec: MSC4308
		{
			Method: "GET", Path: "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions", Access: gate.User,
			Handle: h.threadSubscriptions,
		},
	}
}

func threadOf(r *door.Request) personal.Thread {
	return personal.Thread{Room: r.Path("roomId"), Root: r.Path("eventId")}
}

func (h *Handlers) threadSubscription(r *door.Request) (any, error) {
	automatic, err := h.Personal.Subscription(r.Context(), r.Caller.User, threadOf(r))
	return struct {
		Automatic bool `json:"automatic"`
	}{automatic}, err
}

func (h *Handlers) subscribeThread(r *door.Request) (any, error) {
	var body struct {
		Automatic *string `json:"automatic"` // the message that the client subscribes for by itself
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	cause := ""
	if body.Automatic != nil {
		if cause = *body.Automatic; cause == "" {
			return nil, fault.InvalidParam("automatic must be an event id")
		}
	}
	return nil, h.Personal.Subscribe(r.Context(), r.Caller.User, threadOf(r), cause)
}

func (h *Handlers) unsubscribeThread(r *door.Request) (any, error) {
	return nil, h.Personal.Unsubscribe(r.Context(), r.Caller.User, threadOf(r))
}

// Page sizes of thread subscriptions.
const (
	defaultSubscriptions = 100
	maxSubscriptions     = 500
)

func (h *Handlers) threadSubscriptions(r *door.Request) (any, error) {
	if r.Param("dir") != "b" {
		return nil, fault.InvalidParam("dir must be b")
	}
	limit, err := r.Int("limit", defaultSubscriptions, 1, maxSubscriptions)
	if err != nil {
		return nil, err
	}
	from, to := store.Pos(math.MaxInt64), store.Pos(0)
	for name, at := range map[string]*store.Pos{"from": &from, "to": &to} {
		if token := r.Param(name); token != "" {
			if *at, err = sliding.ParsePos(token); err != nil {
				return nil, err
			}
		}
	}
	list, err := h.Personal.Subscriptions(r.Context(), r.Caller.User, to, from, limit+1)
	if err != nil {
		return nil, err
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
	answer := sliding.AppendSubscriptions([]byte{'{'}, list)
	if more {
		answer = append(append(append(answer, `,"end":"`...), sliding.Before(list)...), '"')
	}
	return door.Raw(append(answer, '}')), nil
}
