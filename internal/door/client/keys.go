package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
)

func (h *Handlers) keysRoutes() []door.Route {
	const base = "/_matrix/client/v3/keys/"
	return []door.Route{
		// Spec: cs#post_matrixclientv3keysupload
		{Method: "POST", Path: base + "upload", Access: gate.User, Handle: h.uploadKeys},
		// Spec: cs#post_matrixclientv3keysquery
		{Method: "POST", Path: base + "query", Access: gate.User, Limit: gate.Costly, Handle: h.queryKeys},
		// Spec: cs#post_matrixclientv3keysclaim
		{Method: "POST", Path: base + "claim", Access: gate.User, Limit: gate.Costly, Handle: h.claimKeys},
		// Spec: cs#get_matrixclientv3keyschanges
		{Method: "GET", Path: base + "changes", Access: gate.User, Limit: gate.Costly, Handle: h.keyChanges},
		// Spec: cs#post_matrixclientv3keysdevice_signingupload
		{
			Method: "POST", Path: base + "device_signing/upload", Access: gate.User, Handle: h.uploadCrossSigning,
			Also: []string{"/_matrix/client/unstable/keys/device_signing/upload"},
		},
		// Spec: cs#post_matrixclientv3keyssignaturesupload
		{
			Method: "POST", Path: base + "signatures/upload", Access: gate.User, Handle: h.uploadSignatures,
			Also: []string{"/_matrix/client/unstable/keys/signatures/upload"},
		},
		// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
		{
			Method: "PUT", Path: "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", Access: gate.User, Limit: gate.Message,
			Handle: h.sendToDevice,
		},
	}
}

func (h *Handlers) uploadKeys(r *door.Request) (any, error) {
	var body e2ee.KeyUpload
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	counts, err := h.Keys.Upload(r.Context(), r.Caller.User, r.Caller.Device, body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"one_time_key_counts": counts}, nil
}

func (h *Handlers) queryKeys(r *door.Request) (any, error) {
	var body struct {
		Timeout jsontext.Value `json:"timeout"` // how long to wait for other servers: there are none
		Keys    e2ee.KeyQuery  `json:"device_keys"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if err := checkTimeout(body.Timeout); err != nil {
		return nil, err
	}
	if body.Keys == nil {
		return nil, fault.MissingParam("device_keys is missing")
	}
	return raw(h.Keys.Query(r.Context(), r.Caller.User, body.Keys))
}

func (h *Handlers) claimKeys(r *door.Request) (any, error) {
	var body struct {
		Timeout jsontext.Value `json:"timeout"`
		Keys    e2ee.KeyClaim  `json:"one_time_keys"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if err := checkTimeout(body.Timeout); err != nil {
		return nil, err
	}
	if body.Keys == nil {
		return nil, fault.MissingParam("one_time_keys is missing")
	}
	return raw(h.Keys.Claim(r.Context(), body.Keys))
}

func (h *Handlers) keyChanges(r *door.Request) (any, error) {
	var from feed.Token
	for _, name := range []string{"to", "from"} { // to is a hint: what changed up to now is told
		if r.Param(name) == "" {
			return nil, fault.MissingParam("%s is missing", name)
		}
		var err error
		if from, err = feed.ParseToken(r.Param(name)); err != nil {
			return nil, err
		}
	}
	lists, err := h.Feed.KeyChanges(r.Context(), feed.Reader{User: r.Caller.User, Device: r.Caller.Device, Since: &from})
	if err != nil {
		return nil, err
	}
	return map[string][]mx.UserID{"changed": lists.Changed, "left": lists.Left}, nil
}

// checkTimeout refuses what is no number; the number itself says nothing to a server that asks no other.
func checkTimeout(v jsontext.Value) error {
	if kind := v.Kind(); kind != 0 && kind != '0' && kind != 'n' {
		return fault.BadJSON("timeout must be a number")
	}
	return nil
}

// raw answers with JSON as it is.
func raw(body []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return door.Raw(body), nil
}

func (h *Handlers) uploadCrossSigning(r *door.Request) (any, error) {
	var body e2ee.CrossSigningUpload
	whole, err := h.confirmable(r, &body)
	if err != nil {
		return nil, err
	}
	return nil, h.Keys.UploadCrossSigning(r.Context(), r.Caller.User, body, func() error {
		return h.confirm(r, whole, "device_signing")
	})
}

func (h *Handlers) uploadSignatures(r *door.Request) (any, error) {
	var body e2ee.SignatureUpload
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	failed, err := h.Keys.UploadSignatures(r.Context(), r.Caller.User, body)
	if err != nil {
		return nil, err
	}
	type failure struct {
		Code string `json:"errcode"`
		Msg  string `json:"error"`
	}
	failures := map[string]map[string]failure{}
	for user, byKey := range failed {
		failures[user] = map[string]failure{}
		for key, f := range byKey {
			failures[user][key] = failure{f.Code, f.Msg}
		}
	}
	return map[string]any{"failures": failures}, nil
}

func (h *Handlers) sendToDevice(r *door.Request) (any, error) {
	var body struct {
		Messages e2ee.Messages `json:"messages"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Messages == nil {
		return nil, fault.MissingParam("messages is missing")
	}
	from := e2ee.Sender{User: r.Caller.User, Device: r.Caller.Device}
	return nil, h.Keys.Send(r.Context(), from, r.Path("eventType"), r.Path("txnId"), body.Messages)
}
