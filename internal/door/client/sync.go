package client

import (
	"strconv"
	"time"

	"conclave.chat/internal/door"
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) syncRoutes() []door.Route {
	const filters = "/_matrix/client/v3/user/{userId}/filter"
	return []door.Route{
		// Spec: cs#get_matrixclientv3sync
		{Method: "GET", Path: "/_matrix/client/v3/sync", Access: gate.User, Handle: h.sync},
		// Spec: MSC4186
		{Method: "POST", Path: "/_matrix/client/v4/sync", Access: gate.User, MaxBody: slidingBody, Handle: h.sliding(true)},
		{Method: "POST", Path: "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", Access: gate.User, MaxBody: slidingBody, Handle: h.sliding(false)},
		// Spec: cs#post_matrixclientv3useruseridfilter
		{Method: "POST", Path: filters, Access: gate.User, MaxBody: filter.MaxBytes, Handle: h.defineFilter},
		// Spec: cs#get_matrixclientv3useruseridfilterfilterid
		{Method: "GET", Path: filters + "/{filterId}", Access: gate.User, Handle: h.storedFilter},
	}
}

func (h *Handlers) sync(r *door.Request) (any, error) {
	req, err := h.syncRequest(r)
	if err != nil {
		return nil, err
	}
	return nowOrLater(h.Feed.Sync(r.Context(), req))
}

// nowOrLater is what is there to answer already, or will be.
func nowOrLater(answer []byte, pending *feed.Pending, err error) (any, error) {
	if pending != nil {
		return pending, err
	}
	return door.Raw(answer), err
}

func (h *Handlers) syncRequest(r *door.Request) (*feed.Request, error) {
	req := &feed.Request{User: r.Caller.User, Device: r.Caller.Device}
	var err error
	if since := r.Param("since"); since != "" {
		t, err := feed.ParseToken(since)
		if err != nil {
			return nil, err
		}
		req.Since = &t
	}
	if req.Presence, err = ephemeral.SetPresenceParam(r.Param("set_presence")); err != nil {
		return nil, err
	}
	if req.Timeout, err = timeoutOf(r.Param("timeout")); err != nil {
		return nil, err
	}
	if req.FullState, err = r.Bool("full_state", false); err != nil {
		return nil, err
	}
	if req.StateAfter, err = r.Bool("use_state_after", false); err != nil {
		return nil, err
	}
	if req.Unstable, err = r.Bool("org.matrix.msc4222.use_state_after", false); err != nil {
		return nil, err
	}
	req.StateAfter = req.StateAfter || req.Unstable
	req.Filter, err = h.Feed.Filter(r.Context(), req.User, r.Param("filter"))
	return req, err
}

// timeoutOf reads a time in milliseconds.
func timeoutOf(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms < 0 {
		return 0, fault.InvalidParam("timeout must be a number of milliseconds")
	}
	return time.Duration(min(ms, time.Hour.Milliseconds())) * time.Millisecond, nil
}

// ownUser checks that a path names the caller.
func ownUser(r *door.Request) error {
	if mx.UserID(r.Path("userId")) != r.Caller.User {
		return fault.Denied("You may do this for yourself only")
	}
	return nil
}

func (h *Handlers) defineFilter(r *door.Request) (any, error) {
	if err := ownUser(r); err != nil {
		return nil, err
	}
	body, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	id, err := h.Feed.DefineFilter(r.Context(), r.Caller.User, body)
	return struct {
		ID string `json:"filter_id"`
	}{id}, err
}

func (h *Handlers) storedFilter(r *door.Request) (any, error) {
	if err := ownUser(r); err != nil {
		return nil, err
	}
	f, err := h.Feed.StoredFilter(r.Context(), r.Caller.User, r.Path("filterId"))
	return door.Raw(f), err
}

// slidingBody is the size limit of a request of sliding sync, which says all of its wishes anew.
const slidingBody = 512 << 10

func (h *Handlers) sliding(stable bool) door.Handler {
	return func(r *door.Request) (any, error) {
		body, err := r.Object()
		if err != nil {
			return nil, err
		}
		q := sliding.Query{Pos: r.Param("pos"), Timeout: r.Param("timeout"), Presence: r.Param("set_presence")}
		req, err := sliding.Parse(body, q, r.Caller.User, r.Caller.Device, stable)
		if err != nil {
			return nil, err
		}
		return nowOrLater(h.Sliding.Sync(r.Context(), req))
	}
}
