//go:build goolm

package recorder

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/recorder/named"
)

// signWait is how long a signature waits for a key that Check has not waited for: homeservers that know nothing of Check ask for it alone.
const signWait = 2 * time.Second

// filesWait is how long a request waits for files at least, before the answer is errWorking.
const filesWait = 8 * time.Second

// Handler serves the policy server's API, and what the homeserver asks besides.
func (r *Recorder) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_matrix/policy/v1/sign", r.serve(r.sign))
	mux.HandleFunc("POST /_conclave/recorder/v1/check", r.serve(r.check))
	mux.HandleFunc("POST /_conclave/recorder/v1/record", r.serve(r.record))
	mux.HandleFunc("POST /_conclave/recorder/v1/status", r.serve(r.status))
	mux.HandleFunc("GET /_conclave/recorder/v1/health", func(w http.ResponseWriter, req *http.Request) {
		if _, err := r.sealed.Size(req.Context()); err != nil {
			http.Error(w, "the archive takes nothing", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	return mux
}

const maxBody = 256 << 10

// question is what the homeserver asks.
type question struct {
	version string // of the room, where the homeserver says it
	class   string // of retention, of a room that is being made
	atOnce  bool   // nothing is to be waited for or fetched
	body    []byte
}

var errUnauthorized = fault.New(fault.Unauthorized, "M_UNAUTHORIZED", "The request is not signed by the homeserver that this recorder serves")

// serve reads a request of the homeserver and answers it.
func (r *Recorder) serve(f func(context.Context, *question) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		answer, err := func() (any, error) {
			body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
			if err != nil {
				return nil, fault.NotJSON("The body cannot be read")
			}
			if err := r.authenticate(req, body); err != nil {
				return nil, err
			}
			q := req.URL.Query()
			return f(req.Context(), &question{version: q.Get("room_version"), class: q.Get("retention_class"), atOnce: q.Get("at_once") == "true", body: body})
		}()
		status := http.StatusOK
		if err != nil {
			said := fault.Of(err)
			if said == nil {
				r.log.Error("a request failed", "path", req.URL.Path, "error", err)
				said = fault.New(fault.Internal, "M_UNKNOWN", "The recorder failed")
			}
			status, answer = said.Kind.Status(), map[string]any{"errcode": said.Code, "error": said.Msg}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.MarshalWrite(w, answer)
	}
}

// authenticate checks the signature of a request between servers.
//
// Spec: ss#request-authentication
func (r *Recorder) authenticate(req *http.Request, body []byte) error {
	params, ok := strings.CutPrefix(req.Header.Get("Authorization"), "X-Matrix ")
	if !ok {
		return errUnauthorized
	}
	said := map[string]string{}
	for _, p := range strings.Split(params, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		said[strings.ToLower(k)] = strings.Trim(v, `"`)
	}
	if said["origin"] != r.cfg.Server.Name || said["key"] != r.cfg.Server.KeyID || said["destination"] != r.cfg.Server.Name {
		return errUnauthorized
	}
	raw, err := json.Marshal(map[string]any{
		"method": req.Method, "uri": req.URL.RequestURI(), "origin": said["origin"], "destination": said["destination"], "content": jsontext.Value(body),
		"signatures": map[string]any{said["origin"]: map[string]string{said["key"]: said["sig"]}},
	})
	if err != nil {
		return fault.NotJSON("The body is not JSON")
	}
	if err := mx.VerifyJSON(raw, r.signer.Server, said["key"], r.server); err != nil {
		return errUnauthorized
	}
	return nil
}

// check finds out whether a message will be signed, and does beforehand what takes time.
func (r *Recorder) check(ctx context.Context, q *question) (any, error) {
	m := &message{}
	if err := json.Unmarshal(q.body, m); err != nil {
		return nil, fault.BadJSON("This is no message")
	}
	rd, err := r.prepare(ctx, m, r.cfg.Wait, false)
	if err != nil {
		return nil, err
	}
	r.reader.keep(m, rd)
	return map[string]any{}, nil
}

// errWorking asks for patience: a file is on its way, also when nobody waits for it.
var errWorking = fault.New(fault.BadRequest, "CHAT.CONCLAVE.WORKING", "The recorder is still fetching and sealing a file of the message: ask again")

// errUnready answers a homeserver that wants no waiting.
var errUnready = fault.New(fault.BadRequest, "CHAT.CONCLAVE.UNREADY", "The recorder has to wait for a key or to fetch a file first")

// prepare reads a message, and seals the files that it names. At once, it neither waits nor fetches.
func (r *Recorder) prepare(ctx context.Context, m *message, wait time.Duration, atOnce bool) (*reading, error) {
	if rd := r.reader.recall(m); rd != nil {
		return rd, nil
	}
	rd, err := r.reader.read(ctx, m, time.Now().Add(wait), atOnce)
	if err != nil {
		return nil, err
	}
	facts := r.rooms.get(ctx, m.Room).look()
	if facts.unread {
		return nil, fmt.Errorf("recorder: the homeserver does not say what the state of %s is", m.Room)
	}
	rd.class = r.class(m.Room, facts.old, cmp.Or(facts.class, m.class))
	if rd.named, err = r.filesOf(rd, m); err != nil {
		return nil, err
	}
	if len(rd.named) > 0 && atOnce {
		return nil, errUnready
	}
	sealing, cancel := context.WithTimeout(ctx, max(wait, filesWait))
	defer cancel()
	for _, a := range rd.named {
		f, err := r.files.seal(sealing, a, rd.class)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return nil, errWorking
		}
		if err != nil {
			return nil, err
		}
		rd.files = append(rd.files, f)
	}
	return rd, nil
}

// filesOf gives the files that an event names, in what is encrypted and beside it. Memberships name pictures of people, which are none.
func (r *Recorder) filesOf(rd *reading, m *message) ([]named.File, error) {
	if m.state && m.Type == mx.TypeMember {
		return nil, nil
	}
	var parts [][]byte
	for _, p := range []jsontext.Value{rd.plain, rd.other} {
		if p != nil {
			parts = append(parts, p)
		}
	}
	if bytes.Contains(m.Content, []byte("mxc:")) { // the homeserver's JSON is canonical and escapes none of that
		parts = append(parts, m.Content)
	}
	return named.In(r.cfg.Server.Name, parts...)
}

// said is what of an event is to be read.
func said(ev *mx.Event) *message {
	return &message{Room: string(ev.RoomID), Sender: string(ev.Sender), Type: ev.Type, Content: ev.Content, state: ev.IsState()}
}

// event reads a PDU and checks that it comes from the homeserver.
func (r *Recorder) event(ctx context.Context, version string, body []byte) (*mx.RoomVersion, *mx.Event, error) {
	if version == "" {
		var head struct {
			Room    string `json:"room_id"`
			Content struct {
				Version string `json:"room_version"`
			} `json:"content"`
		}
		if err := json.Unmarshal(body, &head); err != nil {
			return nil, nil, fault.BadJSON("This is no event")
		}
		if version = head.Content.Version; head.Room != "" {
			version = r.rooms.get(ctx, head.Room).versionID()
		}
	}
	v, ok := mx.Version(version)
	if !ok {
		return nil, nil, fault.Missing("The recorder does not know the room")
	}
	ev, err := mx.ParseEvent(v, body)
	if err != nil {
		return nil, nil, err
	}
	if !ev.HashValid() {
		return nil, nil, fault.BadJSON("The event's hash is wrong")
	}
	if err := mx.VerifyEvent(v, ev, r.signer.Server, r.cfg.Server.KeyID, r.server); err != nil {
		return nil, nil, refuse("The event is not signed by the homeserver")
	}
	return v, ev, nil
}

// sign records an event and signs it.
//
// Spec: ss#post_matrixpolicyv1sign
func (r *Recorder) sign(ctx context.Context, q *question) (any, error) {
	v, ev, err := r.event(ctx, q.version, q.body)
	if err != nil {
		return nil, err
	}
	signed, err := mx.SignEvent(v, ev, r.signer)
	if err != nil {
		return nil, err
	}
	m := said(ev)
	m.class = q.class
	rd, err := r.prepare(ctx, m, signWait, q.atOnce)
	if err != nil {
		return nil, err
	}
	if err := r.seal(ctx, signed, m, rd, "accept"); err != nil {
		return nil, err
	}
	r.reader.forget(m)
	sigs := mx.Event{Content: signed.Raw}
	var all map[string]map[string]string
	if err := json.Unmarshal(sigs.Get("signatures"), &all); err != nil {
		return nil, err
	}
	name := string(r.signer.Server)
	return map[string]any{name: map[string]string{keyID: all[name][keyID]}}, nil
}

// record takes an event that was accepted without a signature. What cannot be read is a gap, with its reason.
func (r *Recorder) record(ctx context.Context, q *question) (any, error) {
	version, body := q.version, q.body
	var gone struct {
		Room  string         `json:"room_id"`
		Event string         `json:"event_id"`
		Type  jsontext.Value `json:"type"`
	}
	if err := json.Unmarshal(body, &gone); err != nil {
		return nil, fault.BadJSON("This is no event")
	}
	if gone.Type == nil && gone.Event != "" {
		return map[string]any{}, r.gap(ctx, gone.Room, gone.Event, nil, "it was removed before it could be recorded")
	}
	_, ev, err := r.event(ctx, version, body)
	if fault.Of(err) != nil && version != "" && gone.Room != "" { // a redacted event's hash no longer fits
		if v, ok := mx.Version(version); ok {
			if ev, err = mx.ParseEvent(v, body); err == nil {
				return map[string]any{}, r.gap(ctx, gone.Room, string(ev.ID), ev, "it was redacted before it could be recorded")
			}
		}
	}
	if err != nil {
		return nil, err
	}
	m := said(ev)
	rd, err := r.prepare(ctx, m, r.cfg.Wait, false)
	if f := fault.Of(err); f != nil && f != errWorking {
		return map[string]any{}, r.gap(ctx, m.Room, string(ev.ID), ev, f.Msg)
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: %s: %v", ev.ID, err) //nolint:errorlint // it is no refusal: the homeserver comes again
	}
	return map[string]any{}, r.seal(ctx, ev, m, rd, "unsigned")
}

func (r *Recorder) gap(ctx context.Context, room, event string, ev *mx.Event, reason string) error {
	f := r.rooms.get(ctx, room).look()
	var raw []byte
	d := archive.Draft{Class: r.class(room, f.old, f.class), Kind: segment.Gap, Subject: segment.Subject(room, event), Parties: f.about()}
	if ev != nil {
		raw, d.Parties, d.Sent = ev.Raw, parties(f, ev), sent(ev)
	}
	line, err := (&record.Record{Time: time.Now(), Room: room, EventID: event, Event: raw, Reason: reason}).Encode()
	if err != nil {
		return err
	}
	note := reason
	if len(note) > segment.MaxNote {
		note = note[:segment.MaxNote]
	}
	d.Note, d.Line = note, line
	_, err = r.sealed.Append(ctx, d)
	return err
}

// class gives the retention class of a room whose policy names one.
func (r *Recorder) class(room string, old []string, named string) string {
	class, known := r.cfg.class(room, old, named)
	if _, said := r.unknown.LoadOrStore(named, true); !known && !said {
		r.log.Warn("the policy of rooms names a retention class that is not in the configuration: what is said there is kept as long as the longest", "class", named, "room", room, "kept_as", class)
	}
	return class
}

func parties(f *facts, ev *mx.Event) []*archive.Parties {
	whom := ""
	if ev.IsState() {
		whom = *ev.StateKey
	}
	return f.about(string(ev.Sender), whom)
}

func sent(ev *mx.Event) time.Time { return time.UnixMilli(ev.TS).UTC() }

// seal appends an event's record, with the files that it names, and returns when that is durable.
func (r *Recorder) seal(ctx context.Context, ev *mx.Event, m *message, rd *reading, verdict string) error {
	room := r.rooms.get(ctx, m.Room)
	f := room.look()
	out, files, err := drafts(rd.named, rd.files)
	if err != nil {
		return err
	}
	rec := &record.Record{
		Time: time.Now(), Room: m.Room, RoomName: f.name, EventID: string(ev.ID), Event: ev.Raw, Sender: m.Sender, Device: rd.device,
		Members: f.members, Policy: f.policy, Attachments: files, Verdict: &record.Verdict{Action: verdict},
	}
	if rd.plain != nil {
		rec.Type, rec.Plaintext, rec.Other = rd.typ, rd.plain, rd.other
	}
	line, err := rec.Encode()
	if err != nil {
		return err
	}
	out = append(out, archive.Draft{Class: rd.class, Kind: segment.Record, Subject: segment.Subject(m.Room, string(ev.ID)), Line: line})
	for i := range out {
		out[i].Parties, out[i].Sent = parties(f, ev), sent(ev)
	}
	if _, err := r.sealed.Append(ctx, out...); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	if ev.IsState() {
		content := map[string]any{}
		if err := json.Unmarshal(ev.Content, &content); err == nil {
			room.expect(ev.Type, *ev.StateKey, string(ev.ID), content)
		}
	}
	return nil
}
