package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// hubRooms are rooms by their members.
type hubRooms map[mx.RoomID][]mx.UserID

func (h hubRooms) Snapshot(_ context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	members, ok := h[room]
	if !ok {
		return nil, errors.New("no such room")
	}
	v, _ := mx.Version("12")
	s := roomstate.New(room, v)
	for i, u := range members {
		key := string(u)
		s = s.With(&mx.Event{Type: mx.TypeMember, StateKey: &key, Content: []byte(`{"membership":"join"}`)}, store.Pos(i))
	}
	return s, nil
}

func (h hubRooms) Rooms(_ context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error) {
	list := map[mx.RoomID]roomstate.Membership{}
	for room, members := range h {
		for _, u := range members {
			if u == user {
				list[room] = roomstate.Membership{Membership: mx.Join}
			}
		}
	}
	return list, nil
}

func (hubRooms) Recent(mx.RoomID, store.Pos, store.Pos) ([]*eventlog.Event, bool) { return nil, false }

func TestHubWakesThoseConcernedAndNobodyElse(t *testing.T) {
	rooms := hubRooms{
		"!ab:x":  {"@a:x", "@b:x"},
		"!bc:x":  {"@b:x", "@c:x"},
		"!big:x": {"@a:x", "@e:x", "@f:x", "@g:x", "@h:x", "@i:x", "@j:x", "@k:x"},
	}
	change := func(c store.Change) Happening { return Happening{Changes: []store.Change{c}} }
	for name, c := range map[string]struct {
		what Happening
		want []string
	}{
		"an event":               {change(store.Change{Kind: store.KindEvent, Room: "!ab:x"}), []string{"@a:x 1", "@a:x 2", "@b:x 1"}},
		"an event in a big room": {change(store.Change{Kind: store.KindEvent, Room: "!big:x"}), []string{"@a:x 1", "@a:x 2"}},
		"an invitation":          {change(store.Change{Kind: store.KindEvent, Room: "!bc:x", User: "@d:x"}), []string{"@b:x 1", "@c:x 1", "@d:x 1"}},
		"a receipt":              {change(store.Change{Kind: store.KindReceipt, Room: "!bc:x", User: "@b:x"}), []string{"@b:x 1", "@c:x 1"}},
		"a private receipt":      {change(store.Change{Kind: store.KindReceipt, Room: "!bc:x", User: "@b:x", Private: true}), []string{"@b:x 1"}},
		"account data":           {change(store.Change{Kind: store.KindAccountData, User: "@a:x"}), []string{"@a:x 1", "@a:x 2"}},
		"a to-device message":    {change(store.Change{Kind: store.KindToDevice, User: "@a:x", Device: "2"}), []string{"@a:x 2"}},
		"a key count":            {change(store.Change{Kind: store.KindKeyCount, User: "@a:x", Device: "1"}), []string{"@a:x 1"}},
		"a device list":          {change(store.Change{Kind: store.KindDeviceList, User: "@c:x"}), []string{"@b:x 1", "@c:x 1"}},
		"own signatures":         {change(store.Change{Kind: store.KindDeviceList, User: "@c:x", Private: true}), []string{"@c:x 1"}},
		"the end of a session":   {change(store.Change{Kind: store.KindSession, User: "@a:x", Device: "2"}), []string{"@a:x 2"}},
		"typing":                 {Happening{Ephemeral: ephemeral.Change{Room: "!ab:x"}}, []string{"@a:x 1", "@a:x 2", "@b:x 1"}},
		"presence":               {Happening{Ephemeral: ephemeral.Change{User: "@c:x"}}, []string{"@b:x 1", "@c:x 1"}},
		"nobody knows what":      {Happening{All: true}, []string{"@a:x 1", "@a:x 2", "@b:x 1", "@c:x 1", "@d:x 1"}},
		"a room that is gone":    {change(store.Change{Kind: store.KindEvent, Room: "!no:x"}), []string{"@a:x 1", "@a:x 2", "@b:x 1", "@c:x 1", "@d:x 1"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := NewHub(rooms, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go h.Run(ctx)
			woken := map[string]bool{}
			var mu sync.Mutex
			for _, w := range []struct {
				user   mx.UserID
				device mx.DeviceID
			}{{"@a:x", "1"}, {"@a:x", "2"}, {"@b:x", "1"}, {"@c:x", "1"}, {"@d:x", "1"}} {
				h.Join(w.user, w.device, func(bool) {
					mu.Lock()
					defer mu.Unlock()
					woken[string(w.user)+" "+string(w.device)] = true
				})
			}
			h.Enqueue(c.what)
			synctest.Wait()
			for _, w := range c.want {
				if !woken[w] {
					t.Errorf("%s does not wake %s", name, w)
				}
				delete(woken, w)
			}
			for w := range woken {
				t.Errorf("%s wakes %s", name, w)
			}
		})
	}
}

func TestHubForgetsThoseWhoLeave(t *testing.T) {
	h := NewHub(hubRooms{}, slog.New(slog.DiscardHandler))
	var woken [3]int
	join := func(i int) *Waiter { return h.Join("@a:x", mx.DeviceID(rune('1'+i)), func(bool) { woken[i]++ }) }
	a, b, c := join(0), join(1), join(2)
	h.Leave("@a:x", b)
	h.wake("@a:x", "")
	if woken != [3]int{1, 0, 1} {
		t.Error("the wrong requests are woken after one has left")
	}
	h.Leave("@a:x", c)
	h.Leave("@a:x", a)
	if len(h.waiting) != 0 || h.Count() != 0 {
		t.Errorf("%d requests of %d users are still there", h.Count(), len(h.waiting))
	}
}
