package recording

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
	"conclave.chat/internal/store/storetest"
)

// An event that the recorder does not take, though it is there, keeps no other one from the archive; it is brought again, after longer and longer.
func TestOneEventDoesNotBlockTheOthers(t *testing.T) {
	ctx := context.Background()
	asked, there := 0, true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bad := strings.Contains(string(body), "$1")
		if bad {
			asked++
		}
		if !there || bad {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer srv.Close()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	reg := prometheus.NewRegistry()
	_, key, _ := ed25519.GenerateKey(nil)
	c := DefaultConfig()
	c.URL, c.PublicKey = srv.URL, mx.EncodeBase64(key.Public().(ed25519.PublicKey))
	db := storetest.SQLite(t, store.Options{})
	s, err := New(Deps{DB: db, Signer: mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key}, Config: c, Seed: func(string) []byte { return make([]byte, 32) }, Metrics: reg, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range [][2]string{{"!a", "$1"}, {"!a", "$2"}, {"!b", "$3"}} {
		if err := db.Write(func(tx *store.Tx) error { return accepted.Add(tx, mx.RoomID(e[0]), mx.EventID(e[1]), "", false) }); err != nil {
			t.Fatal(err)
		}
	}
	step := func(later time.Duration, wantAsked, wantOpen int) {
		t.Helper()
		now = now.Add(later)
		_ = s.deliver(ctx)
		s.count(ctx)
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		open := -1.0
		for _, f := range families {
			if f.GetName() == "conclave_recording_unrecorded_events" {
				open = f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		if asked != wantAsked || int(open) != wantOpen {
			t.Errorf("asked %d times about the first, %v are open; want %d and %d", asked, open, wantAsked, wantOpen)
		}
	}
	there = false
	step(0, 1, 3) // where there is nobody, nothing else is tried, and nothing waits longer for it
	there = true
	step(0, 2, 1)
	step(time.Millisecond, 2, 1)
	step(time.Second, 3, 1)
	step(time.Second, 3, 1)
	step(time.Second, 4, 1)
}

// snapshot is a room's state, of events given as type, key and content.
func snapshot(t *testing.T, list ...[3]string) *roomstate.Snapshot {
	t.Helper()
	v, _ := mx.Version("11")
	_, key, _ := ed25519.GenerateKey(nil)
	var state []*mx.Event
	for _, e := range list {
		ev, err := mx.Build(v, mx.Proto{RoomID: "!room:x", Sender: "@ann:x", Type: e[0], StateKey: &e[1], Content: []byte(e[2])}, mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		state = append(state, ev)
	}
	return roomstate.Load("!room:x", v, 1, "$x", 1, slices.Values(state))
}

// A recorded room in which nobody can change what it says of that goes on, and is recorded as before; its policy cannot be redacted away.
func TestARecordedRoomWithoutPowerGoesOn(t *testing.T) {
	s, _ := three(t)
	s.Rule = func() Rule { return Rule{Scope: All, Mode: Closed} }
	const level = `{"users":{"@ann:x":%},"users_default":0,"events_default":0,"state_default":50,"invite":50}`
	room := func(power, policy string, recorders ...string) *roomstate.Snapshot {
		list := [][3]string{
			{mx.TypeCreate, "", `{"room_version":"11"}`},
			{mx.TypePowerLevels, "", strings.Replace(level, "%", power, 1)},
			{mx.TypeMember, "@ann:x", `{"membership":"join"}`},
			{typePolicy, "", policy},
			{typeFunctional, "", `{"service_members":["@recorder:x"]}`},
		}
		for _, r := range recorders {
			list = append(list, [3]string{mx.TypeMember, r, `{"membership":"join"}`})
		}
		return snapshot(t, list...)
	}
	const old = `{"chat.conclave.recording":{"recorder":"@recorder:x","text":"as it was said before"}}`
	for _, c := range []struct {
		what       string
		room       *roomstate.Snapshot
		due, stuck bool
	}{
		{"somebody can say it", room("100", old, "@recorder:x"), true, false},
		{"nobody can, and it is recorded", room("0", old, "@recorder:x"), false, true},
		{"nobody can, and no recorder is there", room("0", old), true, false},
		{"nobody can, and it was never recorded", room("0", `{}`), true, false},
	} {
		if due, stuck := s.Due(c.room), s.stuck(c.room); due != c.due || stuck != c.stuck {
			t.Errorf("%s: due %v, stuck %v", c.what, due, stuck)
		}
	}
	recorded := room("100", old, "@recorder:x")
	if in := s.in(recorded); in == nil || !in("@recorder:x") || in("@recorder-1:x") {
		t.Error("a recorder that is not in the room would be asked")
	}
	for _, typ := range []string{typePolicy, typeFunctional} {
		if s.Judge(recorded, &mx.Event{Type: mx.TypeRedaction, Sender: "@ann:x", Redacts: recorded.State(typ, "").ID}) == nil {
			t.Errorf("%s can be redacted away", typ)
		}
	}
	if err := s.Judge(recorded, &mx.Event{Type: mx.TypeRedaction, Sender: "@ann:x", Redacts: "$message"}); err != nil {
		t.Error(err)
	}
}
