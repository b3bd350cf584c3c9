package sliding

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// Config is what a client wants of a room. It is immutable.
type Config struct {
	Limit int // of the timeline
	Rules []*Rules
	key   string // names the rules: two configs with the same key want the same state
}

// Rules are one required_state.
type Rules struct {
	include, exclude []element
	lazy             bool // members as the timeline needs them
	key              string
}

// element matches state events; nil matches everything.
type element struct {
	Type *string `json:"type"`
	Key  *string `json:"state_key"`
}

func (e element) matches(typ, key string) bool {
	return (e.Type == nil || *e.Type == typ) && (e.Key == nil || *e.Key == key)
}

// parseRules reads required_state: the object of the merged proposal, or the list of pairs that came before it, in which "*" matches
// everything, "$ME" is the user, and "$LAZY" among the members asks for those that the timeline needs.
func parseRules(raw jsontext.Value, user mx.UserID) (*Rules, error) {
	r := &Rules{key: string(raw)}
	var err error
	if raw.Kind() == '[' {
		var pairs [][2]string
		if err = json.Unmarshal(raw, &pairs); err == nil {
			r.takePairs(pairs, user)
		}
	} else {
		var w struct {
			Include []element `json:"include"`
			Exclude []element `json:"exclude"`
			Lazy    bool      `json:"lazy_members"`
		}
		err = json.Unmarshal(raw, &w)
		r.include, r.exclude, r.lazy = w.Include, w.Exclude, w.Lazy
	}
	if err != nil {
		return nil, fault.BadJSON("required_state cannot be read").Because(err)
	}
	if len(r.include)+len(r.exclude) > maxElements {
		return nil, fault.InvalidParam("required_state has more than %d elements", maxElements)
	}
	return r, nil
}

func (r *Rules) takePairs(pairs [][2]string, user mx.UserID) {
	for _, p := range pairs {
		typ, key := p[0], p[1]
		e := element{Type: &typ, Key: &key}
		switch key {
		case "$LAZY":
			r.lazy = r.lazy || typ == mx.TypeMember
			continue
		case "$ME":
			me := string(user)
			e.Key = &me
		case "*":
			e.Key = nil
		}
		if typ == "*" {
			e.Type = nil
		}
		r.include = append(r.include, e)
	}
}

// matches reports whether a state event is wanted. With lazy members, of the members only those that are named.
func (r *Rules) matches(typ, key string) bool {
	found := false
	for _, e := range r.include {
		if e.matches(typ, key) && (!r.lazy || typ != mx.TypeMember || e.Key != nil) {
			found = true
			break
		}
	}
	if !found {
		return false
	}
	return !slices.ContainsFunc(r.exclude, func(e element) bool { return e.matches(typ, key) })
}

// Matches reports whether a state event is wanted.
func (c *Config) Matches(typ, key string) bool {
	for _, r := range c.Rules {
		if r.matches(typ, key) {
			return true
		}
	}
	return false
}

// lazy reports whether members are wanted as the timeline needs them.
func (c *Config) lazy() bool {
	for _, r := range c.Rules {
		if r.lazy {
			return true
		}
	}
	return false
}

// with is the config that wants what either wants.
func (c *Config) with(d *Config) *Config {
	if c == nil || c == d {
		return d
	}
	if c.key == d.key {
		if c.Limit >= d.Limit {
			return c
		}
		return d
	}
	m := &Config{Limit: max(c.Limit, d.Limit), Rules: slices.Clone(c.Rules)}
	for _, r := range d.Rules {
		if !slices.ContainsFunc(m.Rules, func(o *Rules) bool { return o.key == r.key }) {
			m.Rules = append(m.Rules, r)
		}
	}
	slices.SortFunc(m.Rules, func(a, b *Rules) int { return strings.Compare(a.key, b.key) })
	for _, r := range m.Rules {
		m.key += r.key + "\n"
	}
	return m
}

// each calls f for every event of a room's state that is wanted, and not by old, which may be nil.
func (c *Config) each(snap *roomstate.Snapshot, old *Config, f func(*mx.Event)) {
	seen := map[mx.EventID]bool{}
	take := func(typ, key string, e *mx.Event) {
		if e != nil && !seen[e.ID] && c.Matches(typ, key) && (old == nil || !old.Matches(typ, key)) {
			seen[e.ID] = true
			f(e)
		}
	}
	all := func(typ string) {
		for key, e := range snap.OfType(typ) {
			take(typ, key, e)
		}
	}
	for _, r := range c.Rules {
		for _, el := range r.include {
			switch {
			case el.Type != nil && el.Key != nil:
				take(*el.Type, *el.Key, snap.State(*el.Type, *el.Key))
			case el.Type != nil:
				if !r.lazy || *el.Type != mx.TypeMember {
					all(*el.Type)
				}
			default:
				for typ := range snap.Types() {
					if el.Key != nil {
						take(typ, *el.Key, snap.State(typ, *el.Key))
					} else if !r.lazy || typ != mx.TypeMember {
						all(typ)
					}
				}
			}
		}
	}
}
