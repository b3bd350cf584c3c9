package mx

import (
	"reflect"
	"testing"
)

func sp(s string) *string { return &s }

func version(t testing.TB, id string) *RoomVersion {
	t.Helper()
	v, ok := Version(id)
	if !ok {
		t.Fatalf("no room version %s", id)
	}
	return v
}

func build(t testing.TB, v *RoomVersion, p Proto) *Event {
	t.Helper()
	e, err := Build(v, p, vectorSigner(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What is built must parse to the same event, in every room version.
//
// Spec: ss#adding-hashes-and-signatures-to-outgoing-events
func TestBuildThenParse(t *testing.T) {
	for _, id := range Versions() {
		v := version(t, id)
		create := build(t, v, Proto{RoomID: "!r:domain", Sender: "@u:domain", Type: TypeCreate, StateKey: sp(""), Content: []byte(`{"room_version":"` + id + `"}`), TS: 1, Depth: 1})
		redaction := build(t, v, Proto{
			RoomID: create.RoomID, Sender: "@u:domain", Type: TypeRedaction, Content: []byte(`{"reason":"\u00e4 \"\n"}`), TS: 1 << 40, Depth: 2,
			PrevEvents: []EventID{create.ID}, AuthEvents: []EventID{create.ID, create.ID}, Redacts: create.ID,
		})
		for _, e := range []*Event{create, redaction} {
			if err := VerifyEvent(v, e, "domain", "ed25519:1", public(vectorSigner(t))); err != nil || !e.HashValid() {
				t.Errorf("version %s: %v %v", id, err, e.HashValid())
			}
			if c, err := appendCanonical(nil, e.Raw, 0, true); err != nil || string(c) != string(e.Raw) {
				t.Errorf("version %s: not canonical: %s", id, e.Raw)
			}
			got, err := ParseEvent(v, e.Raw)
			if err != nil {
				t.Fatalf("version %s: %v: %s", id, err, e.Raw)
			}
			if len(e.PrevEvents) == 0 {
				got.PrevEvents, got.AuthEvents = nil, nil
			}
			if !reflect.DeepEqual(got, e) {
				t.Errorf("version %s:\nbuilt  %+v\nparsed %+v", id, e, got)
			}
		}
		if v.HashRoomID != (string(create.RoomID[1:]) == string(create.ID[1:])) {
			t.Errorf("version %s: room id %s, create event %s", id, create.RoomID, create.ID)
		}
	}
}
