package retention_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/room/steward"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/retain"
)

func by() auditlog.Actor { return auditlog.Actor{Name: "@officer:example.org"} }

// people makes the accounts that custodians need.
func (w *world) people(list ...mx.UserID) {
	w.t.Helper()
	w.must(w.db.Write(func(tx *store.Tx) error {
		for _, u := range list {
			if _, err := account.Insert(tx, account.Account{User: u}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (w *world) hold(h retention.Hold) string {
	w.t.Helper()
	h.Case, h.Reason = "C-1", "a court asks"
	placed, err := w.PlaceHold(context.Background(), by(), h)
	w.must(err)
	return placed.ID
}

func (w *world) release(id string) retention.Due {
	w.t.Helper()
	_, due, err := w.ReleaseHold(context.Background(), by(), id, "C-1")
	w.must(err)
	return *due
}

func (w *world) redact(id mx.RoomID, e mx.EventID) {
	w.t.Helper()
	_, err := w.rooms.Redact(context.Background(), room.Redaction{Room: id, By: alice, Event: e})
	w.must(err)
}

// stored gives the bodies that the server still has of messages, whether it shows them or not.
func (w *world) stored(ids ...mx.EventID) []string {
	w.t.Helper()
	var list []string
	for _, id := range ids {
		if e, err := eventlog.ByID(context.Background(), w.db, id); err == nil && e.Get("body") != nil {
			list = append(list, e.Str("body"))
			continue
		}
		raw, err := retain.WithheldContent(context.Background(), w.db, id)
		w.must(err)
		if raw != nil {
			list = append(list, gjson.GetBytes(raw, "content.body").Str)
		}
	}
	return list
}

func (w *world) expect(what, got, want any) {
	w.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestHoldStopsAge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, other := w.room(), w.room()
		for _, r := range []mx.RoomID{id, other} {
			w.must(w.keep(r, `{"max_lifetime":1000}`))
		}
		var early, late []mx.EventID
		for i := range 130 { // more than a batch, all within the hour by which clocks may differ
			early = append(early, w.message(id, alice, fmt.Sprint("early ", i)))
		}
		gone := w.message(other, alice, "elsewhere")
		w.clock = w.clock.Add(500 * time.Millisecond)
		since := w.clock.UnixMilli()
		for i := range 130 {
			late = append(late, w.message(id, bob, fmt.Sprint("late ", i)))
		}
		hold := w.hold(retention.Hold{Room: id, Since: since})
		w.clock = w.clock.Add(time.Hour)
		w.sweep()
		w.expect("early", len(w.stored(early...)), 0)
		w.expect("late", len(w.stored(late...)), 130)
		w.expect("elsewhere", len(w.stored(gone)), 0)
		if n := len(w.served(id, nil)); n == 0 {
			t.Error("what is held for its age is not shown any more")
		}
		second := w.hold(retention.Hold{Room: id, Until: since + 1})
		w.expect("due with another hold", w.release(hold), retention.Due{}) // all were sent in the second's period
		w.sweep()
		w.expect("late", len(w.stored(late...)), 130)
		w.expect("due", w.release(second), retention.Due{Rooms: 1, Messages: 130})
		w.sweep()
		w.expect("late, released", len(w.stored(late...)), 0)
	})
}

// A hold that is placed while messages are being removed stops that at the next step.
func TestHoldStopsAPurgeUnderWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.must(w.keep(id, `{"max_lifetime":1000}`))
		var all []mx.EventID
		for i := range 350 {
			all = append(all, w.message(id, alice, fmt.Sprint(i)))
		}
		w.clock = w.clock.Add(time.Minute)
		placed := false
		w.bus.Listen(func(b store.Batch) { // hears of the first step, and has the hold placed before the second
			if i := slices.IndexFunc(b.Changes, func(c store.Change) bool { return c.Kind == store.KindPruned }); i < 0 || placed {
				return
			}
			placed = true
			w.db.Enqueue(func(tx *store.Tx) error { return holds.Add(tx, &holds.Hold{ID: "h", Case: "C-1", Room: id}) })
		})
		w.sweep()
		if left := len(w.stored(all...)); left != 250 {
			t.Errorf("%d messages are left, want 250: one step of 100 was made before the hold", left)
		}
	})
}

func TestHoldKeepsWhatIsRedacted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.file("a", alice)
		e := w.say(id, alice, mx.TypeMessage, `{"msgtype":"m.image","body":"word","url":"mxc://example.org/a"}`)
		free := w.message(id, alice, "word before")
		w.redact(id, free)
		w.expect("without hold", len(w.stored(free)), 0)
		hold := w.hold(retention.Hold{Room: id})
		w.redact(id, e)
		w.sweep()
		w.expect("kept", w.stored(e), []string{"word"})
		read := 0
		w.must(w.Withheld(context.Background(), by(), hold, func(m *retention.Kept) error {
			read++
			w.expect("read", gjson.GetBytes(m.Event, "content.body").Str+" of "+string(m.ID), "word of "+string(e))
			return nil
		}))
		w.expect("read", read, 1)
		if w.served(id, []mx.EventID{e, free})["word"] {
			t.Error("clients see what was redacted")
		}
		if !w.hasFile("a") {
			t.Error("the file is gone")
		}
		w.expect("due", w.release(hold), retention.Due{Redacted: 1, Files: 1})
		w.sweep()
		w.expect("released", len(w.stored(e)), 0)
		if w.hasFile("a") {
			t.Error("the file is still there")
		}
	})
}

// A room's minimum keeps what a person redacts, as it keeps the files.
func TestMinimumKeepsWhatIsRedacted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.must(w.keep(id, `{"min_lifetime":5000}`))
		e := w.message(id, alice, "word")
		w.redact(id, e)
		w.sweep()
		w.expect("kept", w.stored(e), []string{"word"})
		w.clock = w.clock.Add(5 * time.Second)
		w.sweep()
		w.expect("after", len(w.stored(e)), 0)
	})
}

func TestCustodianHoldCoversTheirRooms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.people(alice, bob)
		now := func() int64 { return w.clock.UnixMilli() }
		step := func() { w.clock = w.clock.Add(time.Minute) }
		shared := w.room()
		w.must(w.keep(shared, `{"max_lifetime":1000}`))
		left, err := w.rooms.CreateRoom(ctx, alice, room.Create{Preset: "public_chat"})
		w.must(err)
		w.must(w.keep(left, `{"max_lifetime":1000}`))
		apart, err := w.rooms.CreateRoom(ctx, alice, room.Create{Preset: "public_chat"})
		w.must(err)
		w.must(w.keep(apart, `{"max_lifetime":1000}`))
		w.must(w.rooms.Join(ctx, bob, left, []byte("{}")))
		w.must(w.rooms.Leave(ctx, bob, left, ""))
		step()
		since := now()
		w.hold(retention.Hold{Custodian: bob, Since: since})
		in, out, gone := w.message(shared, alice, "to bob"), w.message(apart, alice, "not to bob"), w.message(left, alice, "bob had left")
		step()
		w.sweep()
		w.expect("kept", w.stored(in, out, gone), []string{"to bob"})
		w.hold(retention.Hold{Custodian: bob})
		gone = w.message(left, alice, "bob was here once")
		step()
		w.sweep()
		w.expect("kept without a period", w.stored(in, gone), []string{"to bob", "bob was here once"})
	})
}

func TestHoldKeepsARoomThatIsDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		id := w.room()
		e := w.message(id, alice, "word")
		hold := w.hold(retention.Hold{Room: id})
		s := w.steward()
		d, err := s.Delete(ctx, by(), id, "")
		w.must(err)
		go s.Run(ctx)
		is := func(f func(*steward.Deletion) bool) {
			t.Helper()
			w.await(func() bool {
				d, err := s.Deletion(ctx, d.ID)
				w.must(err)
				return f(d)
			})
		}
		is(func(d *steward.Deletion) bool { return d.Held })
		w.expect("kept", w.stored(e), []string{"word"})
		w.expect("due", w.release(hold), retention.Due{Deletions: 1})
		is(func(d *steward.Deletion) bool { return d.Finished > 0 })
		w.expect("released", len(w.stored(e)), 0)
	})
}

func TestHoldsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, id := context.Background(), w.room()
		for _, c := range []struct {
			code string
			hold retention.Hold
		}{
			{"M_INVALID_PARAM", retention.Hold{Case: "C", Reason: "r"}},
			{"M_INVALID_PARAM", retention.Hold{Case: " ", Reason: "r", Room: id}},
			{"M_INVALID_PARAM", retention.Hold{Case: "C", Room: id}},
			{"M_INVALID_PARAM", retention.Hold{Case: "C", Reason: "r", Since: 5, Until: 5}},
			{"M_NOT_FOUND", retention.Hold{Case: "C", Reason: "r", Custodian: "@nobody:example.org"}},
			{"M_NOT_FOUND", retention.Hold{Case: "C", Reason: "r", Room: "!none:example.org"}},
		} {
			if _, err := w.PlaceHold(ctx, by(), c.hold); !fault.Is(err, c.code) {
				t.Errorf("%+v: %v, want %s", c.hold, err, c.code)
			}
		}
		hold := w.hold(retention.Hold{Room: id})
		if _, _, err := w.ReleaseHold(ctx, by(), hold, "C-2"); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("with another case number: %v", err)
		}
		w.release(hold)
		if _, _, err := w.ReleaseHold(ctx, by(), hold, "C-1"); !fault.Is(err, "CHAT.CONCLAVE.RELEASED") {
			t.Errorf("a second time: %v", err)
		}
		found, err := w.Holds(ctx, by(), retention.HoldFilter{State: "released"}, listing.Page{Order: "-created", Limit: 5})
		w.must(err)
		w.expect("listed", len(found.Items), 1)
		log, err := auditlog.List(ctx, w.db, auditlog.Filter{Target: hold}, listing.Page{Order: "seq", Limit: 5})
		w.must(err)
		var acts []string
		for _, a := range log.Items {
			acts = append(acts, a.Action+" "+string(a.Was)+" "+string(a.Became))
		}
		if len(acts) != 2 || gjson.Get(acts[1][len("hold.release "):], "case").Str != "C-1" {
			t.Errorf("audit log: %q", acts)
		}
	})
}

// await waits until something is so.
func (w *world) await(is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("it is not so after a minute")
		}
	}
}

func (w *world) steward() *steward.Service {
	s := steward.New(steward.Deps{DB: w.db, Rooms: w.rooms, MayPurge: retention.Keeper{Bounds: func() retention.Bounds { return w.bounds }}.MayPurge})
	w.bus.Listen(s.Changed)
	return s
}

// Nothing that a hold in force covers disappears, whatever is done; after the release of the last one, what was due goes.
func TestHoldsModel(t *testing.T) {
	// Each run makes rooms and writes to a disk: a few, unless -rapid.checks says otherwise.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		before := f.Value.String()
		if err := f.Value.Set("15"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			w := open(t, engine)
			w.people(alice, bob)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			steward := w.steward()
			go steward.Run(ctx)
			rapid.Check(t, func(r *rapid.T) {
				const life = 10_000
				ids := []mx.RoomID{w.room(), w.room()}
				for _, id := range ids {
					w.must(w.keep(id, fmt.Sprintf(`{"max_lifetime":%d}`, life)))
				}
				type said struct {
					room     mx.RoomID
					ts       int64
					body     string
					redacted bool
					wiped    bool // could go at a time when no hold covered it
				}
				all := map[mx.EventID]*said{}
				inForce := map[string]retention.Hold{}
				covers := func(s *said) bool {
					for _, h := range inForce {
						if (h.Room == "" || h.Room == s.room) && (h.Since == 0 || s.ts >= h.Since) && (h.Until == 0 || s.ts < h.Until) {
							return true // both people are in both rooms, so each custodian covers both
						}
					}
					return false
				}
				erased := false
				deleting := ""
				settled := func(held bool) bool {
					d, err := steward.Deletion(ctx, deleting)
					w.must(err)
					return d.Finished > 0 || held && d.Held
				}
				n := 0
				for range rapid.IntRange(3, 20).Draw(r, "steps") {
					switch rapid.SampledFrom([]string{"say", "say", "say", "wait", "redact", "hold", "release", "sweep", "erase", "delete"}).Draw(r, "do") {
					case "say":
						n++
						s := &said{room: rapid.SampledFrom(ids).Draw(r, "room"), ts: w.clock.UnixMilli(), body: fmt.Sprint("word ", n)}
						who := rapid.SampledFrom([]mx.UserID{alice, bob}).Draw(r, "who")
						all[w.message(s.room, who, s.body)] = s
					case "wait":
						w.clock = w.clock.Add(time.Duration(rapid.SampledFrom([]int{1, 2000, life}).Draw(r, "ms")) * time.Millisecond)
					case "redact":
						if keys := slices.Sorted(maps.Keys(all)); len(keys) > 0 {
							id := rapid.SampledFrom(keys).Draw(r, "event")
							if s := all[id]; !s.redacted && slices.Contains(ids, s.room) && len(w.stored(id)) > 0 {
								w.redact(s.room, id)
								s.redacted, s.wiped = true, s.wiped || !covers(s)
							}
						}
					case "hold":
						h := retention.Hold{}
						switch rapid.IntRange(0, 2).Draw(r, "kind") {
						case 0:
							h.Room = rapid.SampledFrom(ids).Draw(r, "room")
						case 1:
							h.Custodian = bob
						case 2:
							h.Since, h.Until = w.clock.UnixMilli()-3000, w.clock.UnixMilli()+3000
						}
						inForce[w.hold(h)] = h
					case "release":
						if keys := slices.Sorted(maps.Keys(inForce)); len(keys) > 0 {
							id := rapid.SampledFrom(keys).Draw(r, "hold")
							w.release(id)
							delete(inForce, id)
						}
					case "sweep":
						w.sweep()
					case "delete":
						if len(ids) == 2 {
							d, err := steward.Delete(ctx, by(), ids[1], "")
							w.must(err)
							deleting, ids = d.ID, ids[:1]
							w.await(func() bool { return settled(true) })
						}
					case "erase":
						w.must(w.db.Write(func(tx *store.Tx) error {
							return retain.AddErasure(tx, &retain.Erasure{User: bob, Requested: w.clock.UnixMilli(), Messages: true})
						}))
						erased = true
					}
					for id, s := range all {
						if !covers(s) {
							s.wiped = true
						} else if !s.wiped && len(w.stored(id)) == 0 {
							r.Fatalf("%q is held and gone", s.body)
						}
					}
				}
				for id := range inForce {
					w.release(id)
				}
				if deleting != "" {
					w.await(func() bool { return settled(false) })
				}
				w.clock = w.clock.Add(2 * life * time.Millisecond)
				w.sweep()
				w.sweep()
				for id, s := range all {
					if len(w.stored(id)) > 0 {
						r.Fatalf("%q stays though nothing keeps it (erased %v)", s.body, erased)
					}
				}
			})
		})
	}
}
