// Package recording is what a recorder, its auditors and other witnesses ask of the homeserver, below /_conclave/recording/v1: the public keys
// of this server, the signed statement of what was accepted in recorded rooms, the legal holds in force, and a witness's signature under a checkpoint
// (C2SP tlog-witness).
package recording

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/recording"
	"conclave.chat/internal/retention"
)

const (
	base     = "/_conclave/recording/v1/"
	maxProof = 64 << 10
)

// Holds knows the legal holds.
type Holds interface {
	// HoldsInForce gives all holds that are in force, and the time at which they were.
	HoldsInForce(ctx context.Context) ([]retention.Hold, int64, error)
}

type handlers struct {
	*recording.Service
	legal Holds
}

// Routes lists the API.
func Routes(s *recording.Service, legal Holds) []door.Route {
	h := handlers{s, legal}
	return []door.Route{
		{Method: "GET", Path: base + "keys", Access: gate.Open, Limit: gate.Login, Handle: h.keys},
		{Method: "GET", Path: base + "status", Access: gate.Admin, Handle: h.status},
		{Method: "GET", Path: base + "statement", Access: gate.User, Handle: h.statement},
		{Method: "GET", Path: base + "holds", Access: gate.User, Handle: h.holds},
		{Method: "POST", Path: base + "add-checkpoint", Access: gate.Open, Limit: gate.Login, MaxBody: maxProof, Handle: h.addCheckpoint},
	}
}

func (h handlers) keys(*door.Request) (any, error) { return h.Keys(), nil }

type statusAnswer struct {
	Recorder   string            `json:"recorder"` // ok, none, or what is wrong where no recorder answers
	Recorders  []recorder        `json:"recorders"`
	Outdated   int64             `json:"outdated_rooms"`    // rooms that are recorded otherwise than is set, as nobody in them has the power to change that
	Unrecorded int64             `json:"unrecorded"`        // accepted events that no recorder is known to have
	MayChange  bool              `json:"may_change"`        // who asks may change what is recorded
	Alarm      selfcheck.Alarm   `json:"alarm,omitempty"`   // the gravest, of the first recorder that has one
	Alarms     []selfcheck.Alarm `json:"alarms,omitempty"`  // all of that recorder's
	Archive    *selfcheck.Status `json:"archive,omitempty"` // what that recorder, or else the first one, tells of its archive
}

type recorder struct {
	User    mx.UserID         `json:"user_id"`
	Log     string            `json:"log"`   // name of its archive's log
	State   string            `json:"state"` // ok, or what is wrong
	Alarm   selfcheck.Alarm   `json:"alarm,omitempty"`
	Alarms  []selfcheck.Alarm `json:"alarms,omitempty"`
	Archive *selfcheck.Status `json:"archive,omitempty"`
}

// status tells administrators how recording does.
func (h handlers) status(r *door.Request) (any, error) {
	list, n, err := h.Status(r.Context())
	a := statusAnswer{Recorder: "none", Recorders: []recorder{}, Unrecorded: n, Outdated: h.Outdated(), MayChange: h.MayChange(r.Caller.User)}
	for i, s := range list {
		one := recorder{User: s.User, Log: s.Log, State: s.Is, Alarms: s.Alarms, Archive: s.Archive}
		if len(s.Alarms) > 0 {
			one.Alarm = s.Alarms[0]
		}
		a.Recorders = append(a.Recorders, one)
		if a.Recorder != "ok" {
			a.Recorder = s.Is
		}
		if i == 0 || a.Alarm == selfcheck.Quiet && one.Alarm != selfcheck.Quiet {
			a.Alarm, a.Alarms, a.Archive = one.Alarm, one.Alarms, s.Archive
		}
	}
	return a, err
}

var errStatement = fault.Denied("only administrators and the recorder get the statement")

// statement gives administrators, and the recorder itself, the statement about all recorded rooms, or about one.
func (h handlers) statement(r *door.Request) (any, error) {
	if !r.Caller.Admin && !slices.Contains(h.Users(), r.Caller.User) {
		return nil, errStatement
	}
	room := mx.RoomID("")
	if s := r.Param("room_id"); s != "" {
		var err error
		if room, err = mx.ParseRoomID(s); err != nil {
			return nil, err
		}
	}
	return statement{h.Service, room, r.Param("archived") == "true"}, nil
}

type statement struct {
	service  *recording.Service
	room     mx.RoomID
	archived bool
}

// Respond writes the statement.
func (s statement) Respond(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	return s.service.Statement(r.Context(), w, s.room, s.archived)
}

// text is an answer with a status and plain text.
type text struct {
	code int
	kind string
	body []byte
}

// Respond writes the text.
func (t text) Respond(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", t.kind)
	w.WriteHeader(t.code)
	_, err := w.Write(t.body)
	return err
}

type holdsAnswer struct {
	Holds []holdInForce `json:"holds"`
	AsOf  int64         `json:"as_of"` // what is placed later is not in the list: whoever destroys something asks anew
}

// holdInForce is a legal hold, as whoever destroys parts of the archive has to know it: nothing may go of rooms that it covers. What is absent does
// not narrow the hold. One with a custodian covers all rooms that the custodian was in, in the period, with what anybody said there.
type holdInForce struct {
	ID        string    `json:"id"`
	Case      string    `json:"case"`
	Custodian mx.UserID `json:"custodian,omitempty"`
	Room      mx.RoomID `json:"room,omitempty"`
	Since     int64     `json:"since,omitempty"` // milliseconds; messages sent then or later
	Until     int64     `json:"until,omitempty"` // messages sent before
	Created   int64     `json:"created"`
}

var errNotRecorder = fault.Denied("only the recorder, and administrators with the compliance role, may do this")

// holds tells the recorder, and who looks after the archive, which legal holds are in force.
func (h handlers) holds(r *door.Request) (any, error) {
	if !slices.Contains(h.Users(), r.Caller.User) && (!r.Caller.Admin || !h.MayChange(r.Caller.User)) {
		return nil, errNotRecorder
	}
	list, now, err := h.legal.HoldsInForce(r.Context())
	a := holdsAnswer{make([]holdInForce, len(list)), now}
	for i := range list {
		l := &list[i]
		a.Holds[i] = holdInForce{l.ID, l.Case, l.Custodian, l.Room, l.Since, l.Until, l.Created}
	}
	return a, err
}

// addCheckpoint signs a checkpoint of a log that has grown from the last one. The log's own signature says who asks.
func (h handlers) addCheckpoint(r *door.Request) (any, error) {
	body, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	line, err := h.CoSign(r.Context(), body)
	var size *recording.SizeError
	const plain = "text/plain; charset=utf-8"
	switch {
	case err == nil:
		return text{http.StatusOK, plain, line}, nil
	case errors.As(err, &size):
		return text{http.StatusConflict, "text/x.tlog.size", []byte(strconv.FormatInt(size.Size, 10) + "\n")}, nil
	case errors.Is(err, recording.ErrUnknownLog):
		return text{http.StatusNotFound, plain, nil}, nil
	case errors.Is(err, recording.ErrLogSignature):
		return text{http.StatusForbidden, plain, nil}, nil
	case errors.Is(err, merkle.ErrInconsistent):
		return text{http.StatusUnprocessableEntity, plain, nil}, nil
	}
	return nil, err
}
