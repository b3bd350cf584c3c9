package room_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// scribe records every room in which it is, and signs when its test lets it.
type scribe struct {
	sign   func(*mx.Event) error
	likely bool
	ended  bool // nothing is to be recorded any more

	mu       sync.Mutex
	asked    map[string]int // what was said, and how often it was asked about
	signed   map[mx.EventID]bool
	accepted []mx.EventID
}

func (*scribe) Recorded(s *roomstate.Snapshot) bool { return s.Recorded() }
func (r *scribe) Covers(*roomstate.Snapshot) bool   { return !r.ended }
func (r *scribe) Due(s *roomstate.Snapshot) bool    { return r.Recorded(s) == r.ended }
func (*scribe) Users() []mx.UserID {
	return []mx.UserID{mx.NewUserID("scribe", server), mx.NewUserID("clerk", server)}
}

func (r *scribe) State(*roomstate.Snapshot) map[string][]byte {
	if r.ended {
		return map[string][]byte{"m.room.policy": []byte(`{}`), "io.element.functional_members": []byte(`{"service_members":[]}`)}
	}
	return map[string][]byte{"m.room.policy": []byte(`{"via":"here"}`), "io.element.functional_members": []byte(`{}`)}
}

func (r *scribe) Likely(*roomstate.Snapshot, mx.UserID, string, []byte) bool { return r.likely }

func (r *scribe) Check(_ context.Context, _ *roomstate.Snapshot, _ mx.UserID, _ string, content []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = map[string]int{}
	}
	r.asked[(&mx.Event{Content: content}).Str("body")]++
	return nil
}

func (r *scribe) Sign(_ context.Context, before *roomstate.Snapshot, events []*mx.Event, checked bool) ([]*mx.Event, []string, error) {
	out, by := make([]*mx.Event, len(events)), make([]string, len(events))
	for i, ev := range events {
		if err := r.sign(ev); err != nil {
			return nil, nil, err
		}
		if !checked && ev.Str("body") == "late" {
			return nil, nil, nil
		}
		s := signer()
		s.KeyID = "ed25519:policy_server"
		signed, err := mx.SignEvent(before.Version(), ev, s)
		if err != nil {
			return nil, nil, err
		}
		r.mu.Lock()
		r.signed[ev.ID] = true
		r.mu.Unlock()
		out[i], by[i] = signed, "log of "+string(ev.ID)
	}
	return out, by, nil
}

func (r *scribe) Accepted(_ *store.Tx, ev *mx.Event, by string) error {
	if by != "log of "+string(ev.ID) {
		return fmt.Errorf("%s is archived by %q", ev.ID, by)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = append(r.accepted, ev.ID)
	return nil
}

// A room's next message is built while the one before waits for its signature; when that is refused, the next one gets in nevertheless.
func TestSignaturesDoNotHoldTheRoom(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			r := &scribe{signed: map[mx.EventID]bool{}, sign: func(*mx.Event) error { return nil }}
			n := open(t, engine, func(d *room.Deps) { d.Recording = r })
			ann := mx.NewUserID("ann", server)
			id := n.create(t, ann, room.Create{})
			s, err := n.Snapshot(context.Background(), id)
			if err != nil || !s.Joined(r.Users()[0]) || !s.Joined(r.Users()[1]) || !r.Recorded(s) {
				t.Fatalf("the room was made without its recorder: %v", err)
			}
			firstIn, secondAsked := make(chan struct{}), make(chan struct{})
			var once sync.Once
			refusal := fault.Denied("not this one")
			r.sign = func(ev *mx.Event) error {
				switch ev.Str("body") {
				case "first":
					close(firstIn)
					<-secondAsked // it would not come if the room were locked
					return refusal
				case "second":
					once.Do(func() { close(secondAsked) })
				}
				return nil
			}
			firstAsked := make(chan error, 1)
			go func() {
				_, err := n.Append(context.Background(), message(id, ann, "first"))
				firstAsked <- err
			}()
			<-firstIn
			second := n.send(t, message(id, ann, "second"))
			if err := <-firstAsked; fault.Of(err) != refusal {
				t.Errorf("the first: %v", err)
			}
			log := n.checkLog(t, id)
			if last := log[len(log)-1]; last.ID != second || last.Str("body") != "second" {
				t.Errorf("the log ends with %s", last.Raw)
			}
			if len(r.accepted) != len(log) {
				t.Errorf("%d events were noted, %d are in the log", len(r.accepted), len(log))
			}
			for i, ev := range log {
				if !r.signed[ev.ID] || !ev.SignedBy(server, "ed25519:policy_server") || r.accepted[i] != ev.ID {
					t.Errorf("%s (%s) was not signed and noted", ev.ID, ev.Type)
				}
			}
		})
	}
}

func TestEachOfManyIsSignedAndNotedOnce(t *testing.T) {
	r := &scribe{signed: map[mx.EventID]bool{}, sign: func(*mx.Event) error { return nil }}
	n := open(t, "sqlite", func(d *room.Deps) { d.Recording = r })
	ann := mx.NewUserID("ann", server)
	id := n.create(t, ann, room.Create{})
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for range 8 {
				if _, err := n.Append(context.Background(), message(id, ann, "hello")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	log := n.checkLog(t, id)
	if len(r.signed) != len(log) || len(r.accepted) != len(log) {
		t.Errorf("%d were signed and %d noted of %d", len(r.signed), len(r.accepted), len(log))
	}
	for i, ev := range log {
		if r.accepted[i] != ev.ID {
			t.Fatalf("%d: %s was noted, not %s", i, r.accepted[i], ev.ID)
		}
	}
}

// Whether the recorder will sign is asked only where that is not likely, or where it was wrong to think so.
func TestARecorderIsAskedBeforehandWhereItMustBe(t *testing.T) {
	r := &scribe{signed: map[mx.EventID]bool{}, sign: func(*mx.Event) error { return nil }}
	n := open(t, "sqlite", func(d *room.Deps) { d.Recording = r })
	ann := mx.NewUserID("ann", server)
	id := n.create(t, ann, room.Create{})
	n.send(t, message(id, ann, "unlikely"))
	r.likely = true
	n.send(t, message(id, ann, "likely"))
	n.send(t, message(id, ann, "late"))
	if want := map[string]int{"unlikely": 1, "late": 1}; !maps.Equal(r.asked, want) {
		t.Errorf("asked about %v, want %v", r.asked, want)
	}
	log := n.checkLog(t, id)
	var said []string
	for _, ev := range log[len(log)-3:] {
		said = append(said, ev.Str("body"))
		if !r.signed[ev.ID] {
			t.Errorf("%s was not signed", ev.Raw)
		}
	}
	if fmt.Sprint(said) != "[unlikely likely late]" {
		t.Errorf("the log ends with %v", said)
	}
	if len(r.accepted) != len(log) {
		t.Errorf("%d events were noted, %d are in the log", len(r.accepted), len(log))
	}
}

// The write that ends the recording of a room is signed and noted itself, up to the recorders' departure, and so is the one by which it begins again: what
// is between the two is a time that was not recorded, and the archive says so.
func TestTheEndOfRecordingIsRecorded(t *testing.T) {
	ctx := context.Background()
	r := &scribe{signed: map[mx.EventID]bool{}, sign: func(*mx.Event) error { return nil }}
	n := open(t, "sqlite", func(d *room.Deps) { d.Recording = r })
	ann := mx.NewUserID("ann", server)
	id := n.create(t, ann, room.Create{})
	before := len(n.checkLog(t, id))
	r.ended = true
	if err := n.Record(ctx, id); err != nil {
		t.Fatal(err)
	}
	log := n.checkLog(t, id)
	ending := map[string]bool{}
	for _, ev := range log[before:] {
		ending[ev.Type] = true
		if !r.signed[ev.ID] {
			t.Errorf("%s was not signed", ev.Type)
		}
	}
	if !ending["m.room.policy"] || !ending[mx.TypeMember] || len(r.accepted) != len(log) {
		t.Errorf("the end is %v; %d of %d were noted", ending, len(r.accepted), len(log))
	}
	n.send(t, message(id, ann, "between"))
	if len(r.accepted) != len(log) {
		t.Error("what was said after the end was noted")
	}
	r.ended = false
	n.send(t, message(id, ann, "again"))
	if log = n.checkLog(t, id); len(r.accepted) != len(log)-1 || !r.signed[log[len(log)-1].ID] {
		t.Errorf("%d were noted of %d, of which one was said between", len(r.accepted), len(log))
	}
}
