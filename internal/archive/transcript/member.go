package transcript

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// people follows who is in the room, and what they are called.
type people struct {
	names   map[string]string // now
	state   map[string]string // membership now
	avatar  map[string]string
	periods map[string][]Period
	seen    map[string]bool
	before  []string // members when the event before came
}

func newPeople() *people {
	return &people{names: map[string]string{}, state: map[string]string{}, avatar: map[string]string{}, periods: map[string][]Period{}, seen: map[string]bool{}}
}

// look finds the first name of each that the records give: it is the best that is known of the time before.
func (p *people) look(items []*item) {
	for _, it := range items {
		for _, u := range it.m.Readers {
			p.seen[u] = true
		}
		if it.m.Sender != "" {
			p.seen[it.m.Sender] = true
		}
		if user, c, ok := it.member(); ok {
			p.seen[user] = true
			if name := str(c.Get("displayname")); name != "" && p.names[user] == "" {
				p.names[user] = name
			}
		}
	}
}

func (it *item) member() (user string, c gjson.Result, ok bool) {
	if it.state == nil || it.m.Type != "m.room.member" || it.m.Kind == Gap || it.m.NotAccepted {
		return "", c, false
	}
	return *it.state, it.outer, true
}

func (p *people) name(user string) string { return p.names[user] }

// follow takes a change of membership in, and makes it what the message says.
func (p *people) follow(at time.Time, it *item, c *Conversation) {
	user, said, ok := it.member()
	if !ok {
		return
	}
	was, now := p.state[user], str(said.Get("membership"))
	if was == "" && slices.Contains(p.before, user) {
		was, p.periods[user] = "join", append(p.periods[user], Period{})
	}
	name, picture := str(said.Get("displayname")), str(said.Get("avatar_url"))
	if said.Get("is_direct").Type == gjson.True {
		c.Direct = true
	}
	ch := &MemberChange{UserID: user, Name: name, Reason: str(said.Get("reason"))}
	ch.Change = p.change(was, now, it.m.Sender == user)
	if was == "join" && now == "join" {
		switch old := p.names[user]; {
		case old != name:
			ch.Change, ch.WasName = Renamed, old
		case p.avatar[user] != picture:
			ch.Change = Repainted
		default:
			ch.Change = Unchanged
		}
	}
	if now == "join" || name != "" {
		p.names[user], p.avatar[user] = name, picture
	}
	if ch.Name == "" {
		ch.Name = p.names[user]
	}
	p.state[user] = now
	it.m.Kind, it.m.Member = Membership, ch
	switch list := p.periods[user]; {
	case now == "join" && was != "join":
		p.periods[user] = append(list, Period{Joined: at})
	case (now == "leave" || now == "ban") && was == "join":
		list[len(list)-1].Left = at
	case (now == "leave" || now == "ban") && was == "":
		p.periods[user] = append(list, Period{Left: at})
	}
}

// change names what lies between two memberships; the first is empty where the records do not say it.
func (*people) change(was, now string, own bool) Change {
	switch now {
	case "join":
		return Joined
	case "invite":
		return Invited
	case "knock":
		return Asked
	case "ban":
		return Banned
	case "leave":
		switch {
		case was == "ban":
			return Unbanned
		case was == "invite" && own:
			return Declined
		case was == "invite":
			return Withdrawn
		case own:
			return Left
		}
		return Removed
	}
	return Unchanged
}

// state reads what an event changes about the room.
func (b *Builder) state(it *item, p *people, c *Conversation) {
	m := it.m
	switch m.Type {
	case "m.room.member": // one that was not accepted
		m.Kind, m.Member = Membership, &MemberChange{UserID: *it.state, Name: str(it.outer.Get("displayname")), Change: p.change("", str(it.outer.Get("membership")), m.Sender == *it.state)}
	case "m.room.create":
		m.Kind = Created
	case "m.room.name":
		m.Kind, m.Body = RoomName, str(it.outer.Get("name"))
		if !m.NotAccepted {
			c.Name = m.Body
		}
	case "m.room.topic":
		m.Kind, m.Body = RoomTopic, str(it.outer.Get("topic"))
	case "io.element.functional_members":
		m.Kind = Other
		if !m.NotAccepted {
			c.Service = nil
			for _, u := range list(it.outer.Get("service_members")) {
				if id := str(u); id != "" {
					c.Service = append(c.Service, id)
				}
			}
		}
	default:
		m.Kind = Other
		if strings.HasPrefix(m.Type, "m.call.") || strings.HasPrefix(m.Type, "m.rtc.") || strings.HasPrefix(m.Type, "org.matrix.msc3401.") {
			m.Kind = Call
		}
	}
}

func (p *people) list(service []string) (out []Participant) {
	for _, user := range slices.Sorted(maps.Keys(p.seen)) {
		out = append(out, Participant{UserID: user, Name: p.names[user], Service: slices.Contains(service, user), Periods: p.periods[user]})
	}
	return out
}
