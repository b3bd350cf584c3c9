package sliding

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// entry is a room that a user may be told of.
type entry struct {
	room   mx.RoomID
	member roomstate.Membership
	snap   *roomstate.Snapshot
	last   store.Pos // last activity that the user may know of
}

// entries are the rooms of the user's list by activity, the newest first: those joined, invited to or knocked on, those that the user
// was removed from, and those left that the connection has told of.
func (a *answer) entries() ([]*entry, error) {
	if a.list != nil {
		return a.list, nil
	}
	a.list = make([]*entry, 0, len(a.look.Rooms))
	err := a.look.EachRoom(slices.Collect(maps.Keys(a.look.Rooms)), false, func(room mx.RoomID) error {
		e, err := a.entry(room)
		if err == nil && e != nil && a.listed(e) {
			a.list = append(a.list, e)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(a.list, func(x, y *entry) int {
		return cmp.Or(cmp.Compare(y.last, x.last), cmp.Compare(x.room, y.room))
	})
	return a.list, nil
}

// listed reports whether a room is in the user's list.
func (a *answer) listed(e *entry) bool {
	switch e.member.Membership {
	case mx.Join, mx.Knock:
		return true
	case mx.Invite:
		return !a.look.HidesInvite(e.member.Sender)
	}
	if a.conn.rooms[e.room] != nil {
		return true
	}
	if e.member.Forgotten || e.member.Sender == a.r.User {
		return false
	}
	return true // removed by somebody else
}

// entry makes the entry of a room; nil if the user has nothing to do with it.
func (a *answer) entry(room mx.RoomID) (*entry, error) {
	if e, ok := a.known[room]; ok {
		return e, nil
	}
	m, ok, err := a.look.MembershipAt(room, a.look.Rooms[room])
	if err != nil || !ok {
		return nil, err
	}
	snap, err := a.look.Snapshot(room)
	if err != nil {
		return nil, err
	}
	e := &entry{room: room, member: m, snap: snap, last: m.Pos}
	if m.Membership == mx.Join {
		e.last = snap.Head()
	} else if gone(m.Membership) && a.conn.rooms[room] == nil {
		was, err := a.wasIn(snap)
		if err != nil {
			return nil, err
		}
		if !was {
			e = nil
		}
	}
	a.known[room] = e
	return e, nil
}

func gone(membership string) bool { return membership == mx.Leave || membership == mx.Ban }

// wasIn reports whether the user has ever been in a room: one who was only banned, or whose invitation was taken back, has not.
func (a *answer) wasIn(snap *roomstate.Snapshot) (bool, error) {
	view, err := a.look.View(snap)
	if err != nil {
		return false, err
	}
	return view.EverJoined(), nil
}

// matcher is a list's filters, with what they need to know.
type matcher struct {
	a      *answer
	f      *Filters
	spaces map[mx.RoomID]bool // children of the spaces
	tags   map[mx.RoomID]map[string]bool
}

func (a *answer) matcher(f *Filters) (*matcher, error) {
	m := &matcher{a: a, f: f}
	if f.Spaces != nil {
		m.spaces = map[mx.RoomID]bool{}
		for _, space := range f.Spaces {
			if a.look.Rooms[mx.RoomID(space)].Membership != mx.Join {
				continue
			}
			snap, err := a.look.Snapshot(mx.RoomID(space))
			if err != nil {
				return nil, err
			}
			for child, e := range snap.OfType(mx.TypeSpaceChild) {
				if e.Has("via") {
					m.spaces[mx.RoomID(child)] = true
				}
			}
		}
	}
	if len(f.Tags) > 0 || len(f.NotTags) > 0 {
		var err error
		if m.tags, err = a.tags(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// tags reads the user's tags of all rooms.
func (a *answer) tags() (map[mx.RoomID]map[string]bool, error) {
	if a.tagged != nil {
		return a.tagged, nil
	}
	list, err := a.look.AccountData(0)
	if err != nil {
		return nil, err
	}
	a.tagged = map[mx.RoomID]map[string]bool{}
	for _, d := range list {
		if d.Type != "m.tag" || d.Room == "" {
			continue
		}
		var content struct {
			Tags map[string]jsontext.Value `json:"tags"`
		}
		if json.Unmarshal(d.Content, &content) != nil {
			continue
		}
		set := map[string]bool{}
		for tag := range content.Tags {
			set[tag] = true
		}
		a.tagged[d.Room] = set
	}
	return a.tagged, nil
}

// takes reports whether a room passes the filters.
func (m *matcher) takes(e *entry) bool {
	f := m.f
	if f.IsDM != nil && *f.IsDM != m.a.look.Direct(e.room) {
		return false
	}
	if f.IsEncrypted != nil && *f.IsEncrypted != e.snap.Encrypted() {
		return false
	}
	if f.IsInvited != nil && *f.IsInvited != (e.member.Membership == mx.Invite) {
		return false
	}
	if m.spaces != nil && !m.spaces[e.room] {
		return false
	}
	if f.RoomTypes != nil || f.NotRoomTypes != nil {
		typ := roomType(e.snap)
		if hasType(f.NotRoomTypes, typ) || (f.RoomTypes != nil && !hasType(f.RoomTypes, typ)) {
			return false
		}
	}
	if f.RoomName != "" && !strings.Contains(strings.ToLower(roomName(e.snap)), strings.ToLower(f.RoomName)) {
		return false
	}
	return !m.tagged(e.room, f.NotTags) && (len(f.Tags) == 0 || m.tagged(e.room, f.Tags))
}

func (m *matcher) tagged(room mx.RoomID, tags []string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return m.tags[room][t] })
}

// roomType is the type of a room; nil if it has none.
func roomType(snap *roomstate.Snapshot) *string {
	e := snap.State(mx.TypeCreate, "")
	if e == nil || !e.Has("type") {
		return nil
	}
	typ := e.Str("type")
	return &typ
}

func hasType(list []*string, typ *string) bool {
	return slices.ContainsFunc(list, func(t *string) bool {
		if t == nil || typ == nil {
			return t == typ
		}
		return *t == *typ
	})
}

func roomName(snap *roomstate.Snapshot) string {
	if e := snap.State(mx.TypeName, ""); e != nil {
		return e.Str("name")
	}
	return ""
}

// within reports whether an index lies in one of a list's ranges.
func (l *List) within(i int) bool {
	return l.Ranges == nil || slices.ContainsFunc(l.Ranges, func(r [2]int) bool { return i >= r[0] && i <= r[1] })
}

// matched is a room that the request's rules match.
type matched struct {
	*entry
	config     *Config
	lists      []string
	subscribed bool
}

// match finds the rooms that the lists and subscriptions match, the newest first, and counts the lists.
func (a *answer) match() error {
	byRoom := map[mx.RoomID]*matched{}
	add := func(e *entry, c *Config) *matched {
		m := byRoom[e.room]
		if m == nil {
			m = &matched{entry: e}
			byRoom[e.room] = m
			a.matched = append(a.matched, m)
		}
		m.config = m.config.with(c)
		return m
	}
	a.counts = make(map[string]int, len(a.r.Lists))
	for name, l := range a.r.Lists {
		all, err := a.entries()
		if err != nil {
			return err
		}
		filter, err := a.matcher(&l.Filters)
		if err != nil {
			return err
		}
		n := 0
		for _, e := range all {
			if !filter.takes(e) {
				continue
			}
			if l.within(n) {
				m := add(e, l.Config)
				m.lists = append(m.lists, name)
			}
			n++
		}
		a.counts[name] = n
	}
	for room, c := range a.r.Subscriptions {
		if _, ok := a.look.Rooms[room]; !ok {
			continue
		}
		e, err := a.entry(room)
		if err != nil {
			return err
		}
		if e != nil && (e.member.Membership != mx.Invite || !a.look.HidesInvite(e.member.Sender)) && !e.member.Forgotten {
			add(e, c).subscribed = true
		}
	}
	return nil
}
