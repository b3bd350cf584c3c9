package admin

import (
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/audit"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/listing"
)

func (h *Handlers) auditOperations() []openapi.Operation {
	return []openapi.Operation{
		list("audit", "listAudit", "Who did what, when and from where.", auditlog.Orders(), h.listAudit,
			openapi.Param{Name: "actor", Doc: "Only acts of this user id; \"command line\" and \"shared secret\" act too."},
			openapi.Param{Name: "action", Doc: "Only this action, or all of a subject: account.lock, account."},
			openapi.Param{Name: "target", Doc: "Only acts upon this user, room or other thing, by its id."},
			openapi.Param{Name: "since", Type: "integer", Doc: "Only acts at this time or later."},
			openapi.Param{Name: "until", Type: "integer", Doc: "Only acts before this time."},
		),
		get("audit/verify", "verifyAudit", "Walk the chain of hashes and name the first entry that is not right.", h.verifyAudit,
			openapi.Param{Name: "seq", Type: "integer", Doc: "Number of an entry that was noted elsewhere."},
			openapi.Param{Name: "hash", Doc: "Its hash: tells whether the log was written anew or cut off since."},
		),
	}
}

// auditEntry is one act.
type auditEntry struct {
	Seq    int64          `json:"seq"`
	Time   ms             `json:"time"`
	Actor  string         `json:"actor" doc:"A user id, \"command line\" or \"shared secret\"."`
	Device string         `json:"device" doc:"The device of the actor, if it has one."`
	Addr   string         `json:"address" doc:"Where the request came from."`
	Action string         `json:"action"`
	Target string         `json:"target"`
	Was    jsontext.Value `json:"before" doc:"What was before; null where there is nothing to say."`
	Became jsontext.Value `json:"after"`
	Prev   string         `json:"prev" doc:"Hash of the entry before."`
	Hash   string         `json:"hash"`
}

func (h *Handlers) listAudit(p page) (listing.Found[auditEntry], error) {
	f := audit.Filter{Actor: p.Param("actor"), Action: p.Param("action"), Target: p.Param("target")}
	var err error
	if f.Since, err = number(p.Request, "since"); err != nil {
		return listing.Found[auditEntry]{}, err
	}
	if f.Until, err = number(p.Request, "until"); err != nil {
		return listing.Found[auditEntry]{}, err
	}
	found, err := h.Audit.List(p.Context(), f, p.Page)
	return mapped(found, err, func(e *audit.Entry) auditEntry {
		return auditEntry{
			e.Seq, ms(e.Time), e.Actor, e.Device, e.Addr, e.Action, e.Target, orNull(e.Was), orNull(e.Became),
			hex.EncodeToString(e.Prev), hex.EncodeToString(e.Hash),
		}
	})
}

func orNull(raw []byte) jsontext.Value {
	if len(raw) == 0 {
		return jsontext.Value("null")
	}
	return raw
}

// auditVerdict is what verifying found.
type auditVerdict struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries" doc:"Number of entries looked at."`
	Seq     int64  `json:"seq" doc:"Number of the last entry; 0 in an empty log."`
	Hash    string `json:"hash" doc:"Hash of the last entry. Note both elsewhere, to verify against them later."`
	Bad     int64  `json:"bad_seq,omitzero" doc:"Number of the first entry that is not right."`
	Reason  string `json:"reason,omitempty" doc:"Why it is not."`
}

func (h *Handlers) verifyAudit(r *door.Request) (auditVerdict, error) {
	var anchor *audit.Anchor
	if r.Param("seq") != "" || r.Param("hash") != "" {
		seq, err := number(r, "seq")
		if err != nil {
			return auditVerdict{}, err
		}
		anchor = &audit.Anchor{Seq: seq, Hash: r.Param("hash")}
	}
	v, err := h.Audit.Verify(r.Context(), anchor)
	if err != nil {
		return auditVerdict{}, err
	}
	a := auditVerdict{OK: v.Bad == 0, Entries: v.Entries, Bad: v.Bad, Reason: v.Reason}
	if v.Head != nil {
		a.Seq, a.Hash = v.Head.Seq, hex.EncodeToString(v.Head.Hash)
	}
	return a, nil
}
