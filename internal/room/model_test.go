package room_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store/eventlog"
)

// model is what rooms are like by the simplest rules that there are.
type model struct {
	t       *rapid.T
	nodes   []*node
	rooms   []mx.RoomID
	members map[mx.RoomID]map[mx.UserID]string
	state   map[mx.RoomID]map[string]string // type and key -> content
	length  map[mx.RoomID]int
	forgot  map[mx.RoomID]map[mx.UserID]bool
}

func users() []mx.UserID { return []mx.UserID{alice, bob, carol} }

func (m *model) node() *node { return rapid.SampledFrom(m.nodes).Draw(m.t, "node") }

func (m *model) user(what string) mx.UserID { return rapid.SampledFrom(users()).Draw(m.t, what) }

func (m *model) room() mx.RoomID {
	if len(m.rooms) == 0 {
		m.create()
	}
	return rapid.SampledFrom(m.rooms).Draw(m.t, "room")
}

func (m *model) create() {
	preset := rapid.SampledFrom([]string{"public_chat", "private_chat"}).Draw(m.t, "preset")
	by := m.user("creator")
	r, err := m.node().CreateRoom(context.Background(), by, room.Create{Preset: preset})
	if err != nil {
		m.t.Fatal(err)
	}
	m.rooms = append(m.rooms, r)
	m.members[r] = map[mx.UserID]string{by: mx.Join}
	m.forgot[r] = map[mx.UserID]bool{}
	m.state[r] = map[string]string{"creator": string(by), "public": fmt.Sprint(preset == "public_chat")}
	m.length[r] = 6
}

// expect checks that something was allowed or refused as the model says, and counts its event.
func (m *model) expect(r mx.RoomID, what string, err error, allowed, event bool) bool {
	if (err == nil) != allowed {
		m.t.Fatalf("%s: %v, the model says allowed=%t; members %v", what, err, allowed, m.members[r])
	}
	if allowed && event {
		m.length[r]++
	}
	return allowed
}

func (m *model) set(r mx.RoomID, u mx.UserID, membership string) {
	m.members[r][u] = membership
	m.forgot[r][u] = false
}

func (m *model) join(*rapid.T) {
	r, u := m.room(), m.user("user")
	was := m.members[r][u]
	ok := was == mx.Join || was != mx.Ban && (was == mx.Invite || m.state[r]["public"] == "true")
	if m.expect(r, "join", m.node().Join(context.Background(), u, r, nil), ok, was != mx.Join) {
		m.set(r, u, mx.Join)
	}
}

func (m *model) leave(*rapid.T) {
	r, u := m.room(), m.user("user")
	was := m.members[r][u]
	// Who has left already stays as they are.
	in := was == mx.Join || was == mx.Invite
	if m.expect(r, "leave", m.node().Leave(context.Background(), u, r, ""), in || was == mx.Leave, in) && in {
		m.set(r, u, mx.Leave)
	}
}

// others are what one member does to another: who made the room may do everything, others may invite to private rooms.
func (m *model) others(*rapid.T) {
	r, by, u := m.room(), m.user("by"), m.user("user")
	n, ctx := m.node(), context.Background()
	in, was := m.members[r][by] == mx.Join, m.members[r][u]
	owner := string(by) == m.state[r]["creator"]
	target := string(u) == m.state[r]["creator"]
	switch what := rapid.SampledFrom([]string{"invite", "kick", "ban", "unban"}).Draw(m.t, "what"); what {
	case "invite":
		ok := in && was != mx.Join && was != mx.Ban && (owner || m.state[r]["public"] == "false")
		same := was == mx.Invite && m.invitedBy(r, u) == by
		if m.expect(r, what, n.Invite(ctx, by, r, u, ""), ok, !same) {
			m.set(r, u, mx.Invite)
			m.state[r]["inviter "+string(u)] = string(by)
		}
	case "kick":
		// Who kicks themselves leaves.
		ok := (was == mx.Join || was == mx.Invite) && (by == u || in && owner && !target)
		if m.expect(r, what, n.Kick(ctx, by, r, u, ""), ok, true) {
			m.set(r, u, mx.Leave)
		}
	case "ban":
		// Who is banned already stays as they are, also if they have forgotten the room.
		if m.expect(r, what, n.Ban(ctx, by, r, u, ""), in && owner && !target, was != mx.Ban) && was != mx.Ban {
			m.set(r, u, mx.Ban)
		}
	case "unban":
		if m.expect(r, what, n.Unban(ctx, by, r, u, ""), was == mx.Ban && in && owner, true) {
			m.set(r, u, mx.Leave)
		}
	}
}

func (m *model) invitedBy(r mx.RoomID, u mx.UserID) mx.UserID {
	return mx.UserID(m.state[r]["inviter "+string(u)])
}

func (m *model) forget(*rapid.T) {
	r, u := m.room(), m.user("user")
	was := m.members[r][u]
	if m.expect(r, "forget", m.node().Forget(context.Background(), u, r), was == mx.Leave || was == mx.Ban, false) {
		m.forgot[r][u] = true
	}
}

func (m *model) message(*rapid.T) {
	r, u := m.room(), m.user("user")
	_, err := m.node().Append(context.Background(), message(r, u, "x"))
	m.expect(r, "message", err, m.members[r][u] == mx.Join, true)
}

func (m *model) setState(*rapid.T) {
	r, u := m.room(), m.user("user")
	key := rapid.SampledFrom([]string{"", "a", string(alice), string(bob)}).Draw(m.t, "key")
	content := fmt.Sprintf(`{"v":%d}`, rapid.IntRange(0, 2).Draw(m.t, "value"))
	_, err := m.node().SetState(context.Background(), u, r, "org.example.s", key, []byte(content))
	owner := string(u) == m.state[r]["creator"]
	ok := m.members[r][u] == mx.Join && owner && (key == "" || key[0] != '@' || key == string(u))
	same := m.state[r]["org.example.s "+key] == content
	if m.expect(r, "state", err, ok, !same) {
		m.state[r]["org.example.s "+key] = content
	}
}

// check compares everything with the database and with every node.
func (m *model) check(*rapid.T) {
	ctx := context.Background()
	for _, r := range m.rooms {
		row, err := eventlog.RoomByID(ctx, m.nodes[0].db, r)
		if err != nil {
			m.t.Fatal(err)
		}
		log, err := eventlog.After(ctx, m.nodes[0].db, r, 0, row.Head, 1<<30)
		if err != nil {
			m.t.Fatal(err)
		}
		if len(log) != m.length[r] {
			m.t.Fatalf("log of %d events, the model says %d", len(log), m.length[r])
		}
		for i, ev := range log[1:] {
			if len(ev.PrevEvents) != 1 || ev.PrevEvents[0] != log[i].ID {
				m.t.Fatal("the log is not linear")
			}
		}
		for i, n := range m.nodes {
			s, err := n.Snapshot(ctx, r)
			if err != nil {
				m.t.Fatal(err)
			}
			if s.Head() != row.Head || s.HeadID() != row.HeadID {
				m.t.Fatalf("node %d is at %d, the room at %d", i, s.Head(), row.Head)
			}
			joined := 0
			for _, u := range users() {
				if s.Membership(u) != m.members[r][u] {
					m.t.Fatalf("node %d: %s is %q, the model says %q", i, u, s.Membership(u), m.members[r][u])
				}
				rooms, err := n.Rooms(ctx, u)
				if err != nil {
					m.t.Fatal(err)
				}
				if is := rooms[r]; is.Membership != m.members[r][u] || is.Forgotten != m.forgot[r][u] {
					m.t.Fatalf("node %d: rooms of %s say %+v, the model %q, forgotten %t", i, u, is, m.members[r][u], m.forgot[r][u])
				}
				if m.members[r][u] == mx.Join {
					joined++
				}
			}
			if s.JoinedCount() != joined {
				m.t.Fatalf("node %d counts %d members, the model %d", i, s.JoinedCount(), joined)
			}
			for key, ev := range s.OfType("org.example.s") {
				if string(ev.Content) != m.state[r]["org.example.s "+key] {
					m.t.Fatalf("node %d: state %q is %s", i, key, ev.Content)
				}
			}
			m.checkRecent(n, r, log)
		}
	}
}

// checkRecent checks that what comes from memory is what the log holds.
func (m *model) checkRecent(n *node, r mx.RoomID, log []*eventlog.Event) {
	from := rapid.IntRange(0, len(log)-1).Draw(m.t, "from")
	to := rapid.IntRange(from, len(log)-1).Draw(m.t, "to")
	list, ok := n.Recent(r, log[from].Pos, log[to].Pos)
	if !ok {
		return
	}
	ids := func(list []*eventlog.Event) []mx.EventID {
		var ids []mx.EventID
		for _, ev := range list {
			ids = append(ids, ev.ID)
		}
		return ids
	}
	if got, want := ids(list), ids(log[from+1:to+1]); !slices.Equal(got, want) {
		m.t.Fatalf("recent events are %v, want %v", got, want)
	}
}

// modelRuns is how many random histories each variant plays; -rapid.checks sets another number.
const modelRuns = 15

func TestRoomsFollowTheModel(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		must(t, f.Value.Set(strconv.Itoa(modelRuns)))
		defer func() { must(t, f.Value.Set(f.DefValue)) }()
	}
	check := func(t *testing.T, nodes ...*node) {
		rapid.Check(t, func(rt *rapid.T) {
			m := &model{
				t: rt, nodes: nodes, members: map[mx.RoomID]map[mx.UserID]string{}, state: map[mx.RoomID]map[string]string{},
				length: map[mx.RoomID]int{}, forgot: map[mx.RoomID]map[mx.UserID]bool{},
			}
			actions := map[string]func(*rapid.T){
				"join": m.join, "leave": m.leave, "others": m.others, "forget": m.forget, "message": m.message, "state": m.setState,
				"create": func(*rapid.T) {
					if len(m.rooms) < 2 {
						m.create()
					}
				},
				"fetch": func(*rapid.T) {
					if err := m.node().Fetch(context.Background(), m.rooms); err != nil {
						m.t.Fatal(err)
					}
				},
				"": m.check,
			}
			rt.Repeat(maps.Clone(actions))
		})
	}
	small := func(d *room.Deps) { d.Config.CacheEvents = 20 } // one room fits in
	t.Run("sqlite", func(t *testing.T) { check(t, open(t, "sqlite")) })
	t.Run("small cache", func(t *testing.T) { check(t, open(t, "sqlite", small)) })
	t.Run("two nodes", func(t *testing.T) {
		n := nodes(t, true)
		check(t, n[:]...)
	})
}
