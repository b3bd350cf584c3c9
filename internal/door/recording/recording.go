// Package recording is what a recorder, its auditors and other witnesses ask of the homeserver, below /_conclave/recording/v1: the public keys
// of this server, the signed statement of what was accepted in recorded rooms, and a witness's signature under a checkpoint (C2SP tlog-witness).
package recording

import (
	"errors"
	"net/http"
	"strconv"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/recording"
)

const (
	base     = "/_conclave/recording/v1/"
	maxProof = 64 << 10
)

type handlers struct{ *recording.Service }

// Routes lists the API.
func Routes(s *recording.Service) []door.Route {
	h := handlers{s}
	return []door.Route{
		{Method: "GET", Path: base + "keys", Access: gate.Open, Limit: gate.Login, Handle: h.keys},
		{Method: "GET", Path: base + "status", Access: gate.Admin, Handle: h.status},
		{Method: "GET", Path: base + "statement", Access: gate.Admin, Handle: h.statement},
		{Method: "POST", Path: base + "add-checkpoint", Access: gate.Open, Limit: gate.Login, MaxBody: maxProof, Handle: h.addCheckpoint},
	}
}

func (h handlers) keys(*door.Request) (any, error) { return h.Keys(), nil }

type statusAnswer struct {
	Recorder   string `json:"recorder"`   // ok, none, or what is wrong
	Unrecorded int64  `json:"unrecorded"` // accepted events that the recorder is not known to have
	MayChange  bool   `json:"may_change"` // who asks may change what is recorded
}

// status tells administrators how recording does.
func (h handlers) status(r *door.Request) (any, error) {
	s, n, err := h.Status(r.Context())
	return statusAnswer{s, n, h.MayChange(r.Caller.User)}, err
}

// statement gives administrators the statement about all recorded rooms, or about one.
func (h handlers) statement(r *door.Request) (any, error) {
	room := mx.RoomID("")
	if s := r.Param("room_id"); s != "" {
		var err error
		if room, err = mx.ParseRoomID(s); err != nil {
			return nil, err
		}
	}
	return statement{h.Service, room}, nil
}

type statement struct {
	service *recording.Service
	room    mx.RoomID
}

// Respond writes the statement.
func (s statement) Respond(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	return s.service.Statement(r.Context(), w, s.room)
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
