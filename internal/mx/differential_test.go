//go:build goexperiment.jsonv2

package mx

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/federation/eventauth"
	"maunium.net/go/mautrix/federation/pdu"
	"maunium.net/go/mautrix/id"
	"pgregory.net/rapid"
)

// This file compares what we make of events with what mautrix-go makes of them. Its server side wants GOEXPERIMENT=jsonv2, and so
// does this test: make differential.

// tally counts what was compared, because a comparison of nothing succeeds.
type tally struct{ same, allowed, skipped int }

func foreign(t *rapid.T, e *Event) *pdu.PDU {
	var p pdu.PDU
	if err := json.Unmarshal(e.Raw, &p); err != nil {
		t.Fatalf("%s: %v", e.Raw, err)
	}
	return &p
}

func foreignKey(s Signer) pdu.GetKeyFunc {
	return func(string, id.KeyID, time.Time) (id.SigningKey, time.Time, error) {
		return id.SigningKey(EncodeBase64(public(s))), time.UnixMilli(MaxInteger), nil
	}
}

// Hashes, ids, signatures, redaction and the selection of auth events agree, whoever makes the event.
func TestDifferentialEvents(t *testing.T) {
	s := vectorSigner(t)
	rapid.Check(t, func(t *rapid.T) {
		c, e := drawCourt(t)
		s := s
		s.Server = e.Sender.Server()
		v := id.RoomVersion(c.v.ID)
		p := foreign(t, e)
		if !p.VerifyContentHash() {
			t.Fatalf("%s: they find the content hash wrong", e.Raw)
		}
		if got, err := p.GetEventID(v); err != nil || string(got) != string(e.ID) {
			t.Fatalf("%s: id %s, theirs %s, %v", e.Raw, e.ID, got, err)
		}
		if err := p.VerifySignature(v, string(s.Server), foreignKey(s)); err != nil {
			t.Fatalf("%s: %v", e.Raw, err)
		}
		theirs, err := Canonical(pdu.RedactContent(e.Type, slices.Clone(p.Content), v))
		if err != nil || string(theirs) != string(RedactContent(c.v, e.Type, e.Content)) {
			t.Fatalf("%s: redacted by them: %s, %v", e.Raw, theirs, err)
		}
		key := ""
		if e.IsState() {
			key = *e.StateKey
		}
		var keys, selected []StateKey
		keys = AuthKeys(c.v, e.Type, e.Sender, key, e.Content)
		for _, k := range p.AuthEventSelection(v) {
			selected = append(selected, StateKey{k.Type, k.StateKey})
		}
		if !slices.Equal(keys, selected) {
			t.Fatalf("%s: auth events %v, theirs %v", e.Raw, keys, selected)
		}

		p.Signatures, p.Hashes = nil, nil
		if err := p.Sign(v, string(s.Server), id.KeyID(s.KeyID), s.Key); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseEvent(c.v, raw)
		if err != nil || back.ID != e.ID || string(back.Raw) != string(e.Raw) || !back.HashValid() || VerifyEvent(c.v, back, s.Server, s.KeyID, public(s)) != nil {
			t.Fatalf("ours   %s\ntheirs %s\n%v", e.Raw, raw, err)
		}
	})
}

// Both judge alike. Where they are known to differ, the specification is on our side, and the case is left out: they apply the rule
// on join_authorised_via_users_server in room versions 6 and 7, which have none, and tolerate power levels that are not levels.
func TestDifferentialAuthorize(t *testing.T) {
	var n tally
	rapid.Check(t, func(t *rapid.T) {
		c, e := drawCourt(t)
		create := c.st.State(TypeCreate, "")
		levels := c.st.State(TypePowerLevels, "")
		if levels != nil && CheckPowerLevels(c.v, create, levels.Content) != nil ||
			e.Type == TypePowerLevels && CheckPowerLevels(c.v, create, e.Content) != nil && !c.v.IntegerLevels ||
			!c.v.Restricted && e.Has(viaKey) {
			n.skipped++
			return
		}
		key := ""
		if e.IsState() {
			key = *e.StateKey
		}
		auth := []*pdu.PDU{}
		for _, k := range AuthKeys(c.v, e.Type, e.Sender, key, e.Content) {
			if s := c.st[k]; s != nil {
				auth = append(auth, foreign(t, s))
			}
		}
		get := func(ids []id.EventID) ([]*pdu.PDU, error) {
			if len(ids) == 1 && string(ids[0]) == string(create.ID) {
				return []*pdu.PDU{foreign(t, create)}, nil
			}
			return nil, nil
		}
		s := vectorSigner(t)
		ours := Authorize(c.v, e, c.st)
		theirs := func() (err error) {
			// Removing a user of the sender's own level from the power levels makes them dereference nil on the way to refusing it.
			defer func() {
				if r := recover(); r != nil {
					err = fmt.Errorf("panic: %v", r)
				}
			}()
			return eventauth.Authorize(id.RoomVersion(c.v.ID), foreign(t, e), auth, get, foreignKey(s))
		}()
		if (ours == nil) != (theirs == nil) {
			for _, s := range c.st {
				t.Logf("%s", s.Raw)
			}
			t.Fatalf("version %s: %s\nours   %v\ntheirs %v", c.v.ID, e.Raw, ours, theirs)
		}
		n.same++
		if ours == nil {
			n.allowed++
		}
	})
	t.Logf("%+v", n)
	if n.allowed == 0 || n.same < n.skipped {
		t.Errorf("too little was compared: %+v", n)
	}
}

// A room that another server has written: its events parse, have the ids that it gave them, and are all authorized, each by its auth
// events and by the state before it. The file is part of mautrix-go's own tests.
func TestDifferentialRecordedRoom(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "maunium.net/go/mautrix").Output()
	if err != nil {
		t.Fatal(err)
	}
	room, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "federation", "eventauth", "testroom-v12-success.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	v := version(t, "12")
	st, known := StateMap{}, map[EventID]*Event{}
	for line := range bytes.Lines(room) {
		pdu, err := Canonical(line)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseEvent(v, pdu)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if id, _ := strField(field(pdu, "unsigned"), "event_id"); string(e.ID) != id || !e.HashValid() {
			t.Errorf("%s: id %s, hash valid: %v", line, e.ID, e.HashValid())
		}
		var auth []*Event
		byAuth := NewStateMap()
		if create := known[e.RoomID.CreateEvent()]; create != nil {
			byAuth[create.Key()] = create
		}
		for _, id := range e.AuthEvents {
			auth = append(auth, known[id])
			byAuth[known[id].Key()] = known[id]
		}
		for _, err := range []error{CheckAuthEvents(v, e, auth), Authorize(v, e, byAuth), Authorize(v, e, st)} {
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		known[e.ID] = e
		if e.IsState() {
			st[e.Key()] = e
		}
	}
	if len(known) < 20 {
		t.Errorf("only %d events", len(known))
	}
}
