package room_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
)

// 64 senders in one room: each acknowledged message is there once, each sender's in the order of sending, positions are the order.
func TestManySendersInOneRoom(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		const senders, each = 64, 10
		r := n.create(t, alice, room.Create{Preset: "public_chat"})
		acked := make([][]mx.EventID, senders)
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for j := range each {
					ids, err := n.Append(context.Background(), message(r, alice, fmt.Sprint(i, j)))
					if err != nil {
						t.Error(err)
						return
					}
					acked[i] = append(acked[i], ids[0])
					if s, err := n.Snapshot(context.Background(), r); err != nil || s.Head() == 0 {
						t.Error("no snapshot", err)
					}
				}
			})
		}
		wg.Wait()
		checkAcked(t, n.checkLog(t, r), acked)
	})
}

// checkAcked checks that a log holds each sender's acknowledged events once, in order.
func checkAcked(t *testing.T, log []*eventlog.Event, acked [][]mx.EventID) {
	t.Helper()
	at := map[mx.EventID]store.Pos{}
	messages := 0
	for i, ev := range log {
		if i > 0 && ev.Pos <= log[i-1].Pos {
			t.Errorf("position %d after %d", ev.Pos, log[i-1].Pos)
		}
		at[ev.ID] = ev.Pos
		if ev.Type == mx.TypeMessage {
			messages++
		}
	}
	total := 0
	for i, ids := range acked {
		last := store.Pos(0)
		for _, id := range ids {
			if at[id] <= last {
				t.Errorf("sender %d: event %s at %d, after %d", i, id, at[id], last)
			}
			last = at[id]
			total++
		}
	}
	if total != messages {
		t.Errorf("%d messages in the log, %d acknowledged", messages, total)
	}
}

// nodes opens two engines on one database. With told, each hears of the other's commits at once; otherwise only in the next look at
// the database, as when word between nodes gets lost.
func nodes(t *testing.T, told bool) [2]*node {
	t.Helper()
	schema := storetest.Schema(t)
	var list [2]*node
	var buses [2]*notify.Bus
	for i := range list {
		buses[i] = notify.New()
	}
	for i := range list {
		db, err := store.Open(context.Background(), store.Options{Postgres: schema, Publish: func(b store.Batch) {
			buses[i].Publish(b)
			if told {
				buses[1-i].Publish(b)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		list[i] = wire(t, db, buses[i])
	}
	return list
}

func TestTwoNodesWriteToOneRoom(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("told=%t", told), func(t *testing.T) {
			n := nodes(t, told)
			r := n[0].create(t, alice, room.Create{Preset: "public_chat"})
			const senders, each = 32, 8
			acked := make([][]mx.EventID, senders)
			var wg sync.WaitGroup
			for i := range senders {
				wg.Go(func() {
					for j := range each {
						ids, err := n[i%2].Append(context.Background(), message(r, alice, fmt.Sprint(i, j)))
						if err != nil {
							t.Errorf("sender %d: %v", i, err)
							return
						}
						acked[i] = append(acked[i], ids[0])
					}
				})
			}
			wg.Wait()
			checkAcked(t, n[0].checkLog(t, r), acked)
		})
	}
}

// What one node acknowledges the other sees, once it has heard of it.
func TestNodesSeeEachOthersChanges(t *testing.T) {
	n := nodes(t, true)
	ctx := context.Background()
	r := n[0].create(t, alice, room.Create{Preset: "public_chat"})
	for i := range 20 {
		a, b := n[i%2], n[1-i%2]
		name := fmt.Sprint("name ", i)
		if _, err := a.SetState(ctx, alice, r, mx.TypeName, "", fmt.Appendf(nil, `{"name":%q}`, name)); err != nil {
			t.Fatal(err)
		}
		if got := b.snapshot(t, r).State(mx.TypeName, "").Str("name"); got != name {
			t.Fatalf("the other node sees %q, want %q", got, name)
		}
		user := mx.UserID(fmt.Sprintf("@u%d:test.example", i))
		if rooms, err := b.Rooms(ctx, user); err != nil || len(rooms) != 0 {
			t.Fatal(rooms, err)
		}
		if err := a.Join(ctx, user, r, nil); err != nil {
			t.Fatal(err)
		}
		if rooms, err := b.Rooms(ctx, user); err != nil || rooms[r].Membership != mx.Join {
			t.Fatal(rooms, err)
		}
	}
}

// A request that is sent many times at once, and again by a node that has just started, makes one event.
func TestARequestIsCarriedOutOnce(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			n := open(t, engine)
			r := n.create(t, alice, room.Create{})
			d := message(r, alice, "once")
			d.Txn = eventlog.Txn{User: alice, Device: "D", Request: "send", ID: "1"}
			restarted := wire(t, n.db, n.bus)
			ids := make([]mx.EventID, 64)
			var wg sync.WaitGroup
			for i := range ids {
				wg.Go(func() {
					on := n
					if i%4 == 0 {
						on = restarted
					}
					got, err := on.Append(context.Background(), d)
					if err != nil {
						t.Error(err)
						return
					}
					ids[i] = got[0]
				})
			}
			wg.Wait()
			for _, id := range ids {
				if id != ids[0] {
					t.Fatalf("events %s and %s of one request", id, ids[0])
				}
			}
			if again := wire(t, n.db, n.bus).send(t, d); again != ids[0] {
				t.Errorf("after a restart the request makes %s", again)
			}
			other := d
			other.Txn.Device = "E"
			if n.send(t, other) == ids[0] {
				t.Error("another device's request is taken for the same")
			}
			if n := len(n.checkLog(t, r)); n != 6+2 {
				t.Errorf("log of %d events", n)
			}
		})
	}
}

// A refused write takes nothing else with it, and those that were built on top of it are made again.
func TestARefusedWriteDisturbsNobody(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		r := n.create(t, alice, room.Create{})
		target := n.send(t, message(r, alice, "target"))
		reaction := room.Draft{Room: r, Sender: alice, Type: "m.reaction", Content: fmt.Appendf(nil,
			`{"m.relates_to":{"rel_type":"m.annotation","event_id":%q,"key":"+1"}}`, target)}
		n.send(t, reaction)
		var refused, sent int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				d := message(r, alice, fmt.Sprint(i))
				if i%3 == 0 {
					d = reaction
				}
				_, err := n.Append(ctx, d)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && i%3 != 0:
					sent++
				case fault.Is(err, "M_DUPLICATE_ANNOTATION") && i%3 == 0:
					refused++
				default:
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if sent != 40 || refused != 20 {
			t.Errorf("%d sent, %d refused", sent, refused)
		}
		if got := len(n.checkLog(t, r)); got != 6+2+40 {
			t.Errorf("log of %d events", got)
		}
	})
}

// Writers that are cut off by the database get an error; the next ones go on.
func TestAClosedDatabaseIsAnError(t *testing.T) {
	bus := notify.New()
	db, err := store.Open(context.Background(), store.Options{Path: t.TempDir() + "/x.db", Key: make([]byte, 32), Publish: bus.Publish})
	if err != nil {
		t.Fatal(err)
	}
	n := wire(t, db, bus)
	r := n.create(t, alice, room.Create{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Append(context.Background(), message(r, alice, "x")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
