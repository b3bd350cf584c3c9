package sliding

import (
	"context"
	"slices"
	"strconv"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// extension is the part of an answer that one extension makes.
type extension struct {
	key   string
	json  []byte
	tells bool // there is something new in it
}

const (
	defaultToDevice = 100
	maxToDevice     = 1000
	maxThreads      = 1000
)

// findExtensions makes the parts of the extensions that the client wants.
func (a *answer) findExtensions() error {
	x := &a.r.Extensions
	for _, e := range []struct {
		wanted bool
		make   func() (extension, error)
	}{
		{x.ToDevice.Enabled, a.toDevice},
		{x.E2EE.Enabled, a.e2ee},
		{x.AccountData.Enabled, a.accountData},
		{x.Receipts.Enabled, a.receipts},
		{x.Typing.Enabled, a.typing},
		{x.Threads.Enabled, func() (extension, error) { return a.threads("thread_subscriptions", &x.Threads) }},
		{x.UnstableThreads.Enabled, func() (extension, error) {
			return a.threads("io.element.msc4308.thread_subscriptions", &x.UnstableThreads)
		}},
	} {
		if !e.wanted {
			continue
		}
		made, err := e.make()
		if err != nil {
			return err
		}
		if made.json != nil {
			a.ext = append(a.ext, made)
		}
	}
	return nil
}

func (a *answer) extensionsTell() bool {
	return slices.ContainsFunc(a.ext, func(e extension) bool { return e.tells })
}

// acknowledge takes away the messages for the device that the client has, and says up to which it has them. The extension keeps its own
// count, so that a connection that begins anew does not bring messages back.
func (s *Service) acknowledge(ctx context.Context, r *Request) (store.Pos, error) {
	since := r.Extensions.ToDevice.Since
	if since == "" || !r.Extensions.ToDevice.Enabled {
		return 0, nil
	}
	n, err := strconv.ParseInt(since, 10, 64)
	if err != nil || n < 0 || since[0] == '+' {
		return 0, fault.InvalidParam("The since of to_device is not a token that this server gave out")
	}
	return store.Pos(n), s.feed.Acknowledge(ctx, r.User, r.Device, store.Pos(n))
}

func (a *answer) toDevice() (extension, error) {
	limit := defaultToDevice
	if l := a.r.Extensions.ToDevice.Limit; l != nil {
		limit = min(*l, maxToDevice)
	}
	e := extension{key: "to_device"}
	list, upto, err := a.look.ToDevice(a.device, limit)
	if err != nil {
		return e, err
	}
	e.tells = len(list) > 0
	e.json = append(strconv.AppendInt(append(e.json, `{"next_batch":"`...), int64(upto), 10), `","events":[`...)
	for i := range list {
		if i > 0 {
			e.json = append(e.json, ',')
		}
		e.json = append(e.json, list[i].Event...)
	}
	e.json = append(e.json, `]}`...)
	return e, nil
}

func (a *answer) e2ee() (extension, error) {
	e := extension{key: "e2ee", tells: a.look.Changes.KeyCount}
	lists, err := a.look.DeviceLists()
	if err != nil {
		return e, err
	}
	counts, err := a.look.KeyCounts()
	if err != nil {
		return e, err
	}
	e.json = append(append(e.json, '{'), counts...)
	if lists.Any() {
		e.tells = true
		e.json = feed.AppendUsers(append(e.json, `,"device_lists":{"changed":`...), lists.Changed)
		e.json = feed.AppendUsers(append(e.json, `,"left":`...), lists.Left)
		e.json = append(e.json, '}')
	}
	e.json = append(e.json, '}')
	return e, nil
}

// scoped are the rooms of the window that an extension is about.
func (a *answer) scoped(s *Scope) []*matched {
	var list []*matched
	for _, m := range a.matched {
		byList := s.Lists == nil || slices.Contains(s.Lists, "*")
		if !byList {
			byList = slices.ContainsFunc(m.lists, func(l string) bool { return slices.Contains(s.Lists, l) })
		}
		byRoom := s.Rooms == nil || slices.Contains(s.Rooms, "*") || slices.Contains(s.Rooms, string(m.room))
		if (byList && len(m.lists) > 0) || (byRoom && m.subscribed) {
			list = append(list, m)
		}
	}
	return list
}

// besideSince is up to where the client knows what lies beside a room's events; false if it knows nothing of it yet.
func (a *answer) besideSince(room mx.RoomID) (store.Pos, bool) {
	was := a.sent(room)
	if was == nil {
		return 0, false
	}
	if _, in := a.base.window[room]; in {
		return a.base.upto, true
	}
	return was.beside, true
}

// due groups rooms by the position from which what lies beside their events has to be told. Rooms where nothing changed are left out.
func (a *answer) due(rooms []*matched, changed uint8) (fresh []*matched, later map[store.Pos][]mx.RoomID) {
	later = map[store.Pos][]mx.RoomID{}
	for _, m := range rooms {
		since, known := a.besideSince(m.room)
		switch {
		case !known:
			fresh = append(fresh, m)
		case since < a.base.upto || a.look.Changes.Rooms[m.room]&changed != 0:
			later[since] = append(later[since], m.room)
		}
	}
	return fresh, later
}

func (a *answer) accountData() (extension, error) {
	e := extension{key: "account_data"}
	byRoom := map[mx.RoomID][]personal.Datum{}
	var global []personal.Datum
	fresh, later := a.due(a.scoped(&a.r.Extensions.AccountData), feed.RoomData)
	if len(fresh) > 0 {
		list, err := a.look.AccountData(0)
		if err != nil {
			return e, err
		}
		for _, d := range list {
			if d.Room != "" && slices.ContainsFunc(fresh, func(m *matched) bool { return m.room == d.Room }) {
				byRoom[d.Room] = append(byRoom[d.Room], d)
			}
		}
	}
	first := a.base.upto // from where on the database has to be asked
	for since := range later {
		first = min(first, since)
	}
	if a.base.token == "" || a.look.Changes.Account || len(later) > 0 {
		list, err := a.look.AccountData(first)
		if err != nil {
			return e, err
		}
		for _, d := range list {
			switch since, known := a.besideSince(d.Room); {
			case d.Room == "" && (d.Pos > a.base.upto || d.Pos == 0):
				global = append(global, d)
			case d.Room != "" && known && d.Pos > since && slices.Contains(later[since], d.Room):
				byRoom[d.Room] = append(byRoom[d.Room], d)
			}
		}
	}
	e.json = append(feed.AppendAccountData(append(e.json, `{"global":`...), global), `,"rooms":{`...)
	n := 0
	for room, list := range byRoom {
		if len(list) == 0 {
			continue
		}
		e.json = key(e.json, n, string(room))
		e.json = feed.AppendAccountData(e.json, list)
		n++
	}
	e.json = append(e.json, `}}`...)
	e.tells = len(global)+n > 0
	if !e.tells {
		e.json = nil
	}
	return e, nil
}

func (a *answer) receipts() (extension, error) {
	e := extension{key: "receipts"}
	byRoom := map[mx.RoomID][]personal.Receipt{}
	fresh, later := a.due(joinedOnly(a.scoped(&a.r.Extensions.Receipts)), feed.RoomReceipts)
	for since, rooms := range later {
		if err := a.takeReceipts(byRoom, rooms, since, nil); err != nil {
			return e, err
		}
	}
	if len(fresh) > 0 { // of a room that is new to the client: the user's own, and those that the timeline shows
		shown := map[mx.EventID]bool{}
		for _, r := range a.rooms {
			for _, ev := range r.timeline {
				shown[ev.ID] = true
			}
		}
		rooms := make([]mx.RoomID, len(fresh))
		for i, m := range fresh {
			rooms[i] = m.room
		}
		if err := a.takeReceipts(byRoom, rooms, 0, shown); err != nil {
			return e, err
		}
	}
	if len(byRoom) == 0 {
		return e, nil
	}
	e.tells = true
	e.json = append(e.json, `{"rooms":{`...)
	n := 0
	for room, list := range byRoom {
		e.json = append(key(e.json, n, string(room)), `{"content":`...)
		e.json, _ = feed.AppendReceipts(e.json, list)
		e.json = append(e.json, `,"type":"m.receipt"}`...)
		n++
	}
	e.json = append(e.json, `}}`...)
	return e, nil
}

// takeReceipts adds the receipts of rooms that changed after a position; if shown is not nil, of others' only those of these events.
func (a *answer) takeReceipts(byRoom map[mx.RoomID][]personal.Receipt, rooms []mx.RoomID, since store.Pos, shown map[mx.EventID]bool) error {
	list, err := a.look.Receipts(rooms, since)
	for _, c := range list {
		if shown == nil || c.User == a.r.User || shown[c.Event] {
			byRoom[c.Room] = append(byRoom[c.Room], c)
		}
	}
	return err
}

func joinedOnly(list []*matched) []*matched {
	return slices.DeleteFunc(list, func(m *matched) bool { return m.member.Membership != mx.Join })
}

func (a *answer) typing() (extension, error) {
	e := extension{key: "typing"}
	n := 0
	for _, m := range joinedOnly(a.scoped(&a.r.Extensions.Typing)) {
		_, known := a.base.window[m.room]
		changed := a.look.Changes.Rooms[m.room]&feed.RoomTyping != 0
		if known && !changed {
			continue
		}
		users := a.look.Typing(m.room)
		if !changed && len(users) == 0 {
			continue
		}
		e.json = append(key(e.json, n, string(m.room)), `{"content":{"user_ids":`...)
		e.json = append(feed.AppendUsers(e.json, users), `},"type":"m.typing"}`...)
		n++
	}
	if n > 0 {
		e.tells = true
		e.json = append(append([]byte(`{"rooms":{`), e.json...), `}}`...)
	}
	return e, nil
}

// key appends the key of a member of an object.
func key(dst []byte, n int, k string) []byte {
	if n > 0 {
		dst = append(dst, ',')
	}
	return append(mx.AppendString(dst, k), ':')
}
