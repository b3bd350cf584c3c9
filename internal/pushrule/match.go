package pushrule

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/mx"
)

// Result is what a rule does with an event.
type Result struct {
	Notify    bool
	Highlight bool
	Tweaks    map[string]json.RawMessage // for the push gateway
	Actions   []json.RawMessage          // as the rule has them
}

// Subject is an event about to be matched. One subject serves all users of the room, also at once.
type Subject struct {
	Event   *mx.Event
	Members int             // joined members of the room
	Power   *mx.PowerLevels // of the room
	Thread  mx.EventID      // that the event is in
	Name    func(mx.UserID) string

	mu     sync.Mutex
	values map[string]gjson.Result // properties that were looked up
	folded map[string]string       // and those that were folded
}

// reader is for whom an event is matched.
type reader struct {
	user       mx.UserID
	subscribed bool // to the event's thread
}

// test is one condition ready to be checked.
type test func(s *Subject, r reader) bool

// threadSubscription is the kind of the condition on subscriptions of threads.
const threadSubscription = "io.element.msc4306.thread_subscription"

func tests(k Kind, r *Rule) []test {
	list := conditions(k, r)
	if isLegacy(r) {
		list = append(list, func(s *Subject, _ reader) bool { return !s.Event.Has("m.mentions") })
	}
	return list
}

func conditions(k Kind, r *Rule) []test {
	switch k {
	case Room:
		return []test{func(s *Subject, _ reader) bool { return string(s.Event.RoomID) == r.ID }}
	case Sender:
		return []test{func(s *Subject, _ reader) bool { return string(s.Event.Sender) == r.ID }}
	case Content:
		if r.own {
			return []test{ownName}
		}
		return []test{eventMatch("content.body", r.Pattern)}
	case Override, PostContent, Underride:
	}
	list := make([]test, len(r.Conditions))
	for i := range r.Conditions {
		list[i] = condition(&r.Conditions[i])
	}
	return list
}

func never(*Subject, reader) bool { return false }

// condition prepares a condition; one that is not known, or lacks what it needs, matches nothing.
//
// Spec: cs#conditions-1
func condition(c *Condition) test {
	switch c.Kind {
	case "event_match":
		switch {
		case c.own:
			return ownStateKey
		case c.Pattern == nil:
			return never
		}
		return eventMatch(c.Key, *c.Pattern)
	case "event_property_is":
		want, ok := scalar(c.Value)
		if !ok {
			return never
		}
		key := c.Key
		return func(s *Subject, _ reader) bool { return same(s.value(key), want) }
	case "event_property_contains":
		if c.own {
			key := c.Key
			return func(s *Subject, r reader) bool {
				return contains(s.value(key), gjson.Result{Type: gjson.String, Str: string(r.user)})
			}
		}
		want, ok := scalar(c.Value)
		if !ok {
			return never
		}
		key := c.Key
		return func(s *Subject, _ reader) bool { return contains(s.value(key), want) }
	case "contains_display_name":
		return displayName
	case "room_member_count":
		return memberCount(c.Is)
	case "sender_notification_permission":
		key := c.Key
		return func(s *Subject, _ reader) bool {
			return s.Power != nil && s.Power.User(s.Event.Sender) >= s.Power.Notifications(key)
		}
	case threadSubscription:
		if c.Subscribed == nil {
			return never
		}
		want := *c.Subscribed
		return func(s *Subject, r reader) bool { return s.Thread != "" && r.subscribed == want }
	}
	return never
}

func eventMatch(key, pattern string) test {
	switch {
	case key == "content.body":
		g := newGlob(pattern)
		return func(s *Subject, _ reader) bool {
			text, ok := s.text(key)
			return ok && g.inWords(text)
		}
	case wild(pattern):
		g := newGlob(pattern)
		return func(s *Subject, _ reader) bool {
			text, ok := s.text(key)
			return ok && g.all(text)
		}
	case key == "type":
		return func(s *Subject, _ reader) bool { return strings.EqualFold(s.Event.Type, pattern) }
	case key == "state_key":
		return func(s *Subject, _ reader) bool {
			return s.Event.StateKey != nil && strings.EqualFold(*s.Event.StateKey, pattern)
		}
	}
	return func(s *Subject, _ reader) bool {
		v := s.value(key)
		return v.Type == gjson.String && strings.EqualFold(v.Str, pattern)
	}
}

// ownStateKey asks whether the state key is the reader.
func ownStateKey(s *Subject, r reader) bool {
	return s.Event.StateKey != nil && strings.EqualFold(*s.Event.StateKey, string(r.user))
}

// ownName asks whether the text names the reader by the local part of the user id.
func ownName(s *Subject, r reader) bool {
	text, ok := s.text("content.body")
	return ok && newGlob(r.user.Localpart()).inWords(text)
}

func displayName(s *Subject, r reader) bool {
	if s.Name == nil {
		return false
	}
	name := s.Name(r.user)
	text, ok := s.text("content.body")
	return ok && name != "" && containsWords(text, fold(name))
}

func memberCount(is string) test {
	num := strings.TrimLeft(is, "=<>")
	op := is[:len(is)-len(num)]
	n, err := strconv.Atoi(num)
	if err != nil {
		return never
	}
	switch op {
	case "", "==":
		return func(s *Subject, _ reader) bool { return s.Members == n }
	case "<":
		return func(s *Subject, _ reader) bool { return s.Members < n }
	case ">":
		return func(s *Subject, _ reader) bool { return s.Members > n }
	case "<=":
		return func(s *Subject, _ reader) bool { return s.Members <= n }
	case ">=":
		return func(s *Subject, _ reader) bool { return s.Members >= n }
	}
	return never
}

// scalar reads the value of a condition: text, whole number, boolean or null.
func scalar(raw json.RawMessage) (gjson.Result, bool) {
	v := gjson.ParseBytes(bytes.TrimSpace(raw))
	return v, len(raw) > 0 && v.Type != gjson.JSON
}

func same(v, want gjson.Result) bool {
	if !v.Exists() || v.Type != want.Type {
		return false
	}
	switch v.Type {
	case gjson.String:
		return v.Str == want.Str
	case gjson.Number:
		return v.Num == want.Num
	case gjson.True, gjson.False, gjson.Null:
		return true
	case gjson.JSON:
	}
	return false
}

func contains(v, want gjson.Result) bool {
	found := false
	if v.IsArray() {
		v.ForEach(func(_, item gjson.Result) bool {
			found = same(item, want)
			return !found
		})
	}
	return found
}

// value finds a property by its dot-separated path and remembers it for the next user.
//
// Spec: appendices#dot-separated-property-paths
func (s *Subject) value(path string) gjson.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[path]; ok {
		return v
	}
	v := lookup(s.Event, splitPath(path))
	if s.values == nil {
		s.values = map[string]gjson.Result{}
	}
	s.values[path] = v
	return v
}

// text is a property that is text, folded.
func (s *Subject) text(path string) (string, bool) {
	v := s.value(path)
	if v.Type != gjson.String {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.folded[path]
	if !ok {
		text = fold(v.Str)
		if s.folded == nil {
			s.folded = map[string]string{}
		}
		s.folded[path] = text
	}
	return text, true
}

func lookup(e *mx.Event, path []string) gjson.Result {
	var v gjson.Result
	switch path[0] {
	case "event_id":
		v = gjson.Result{Type: gjson.String, Str: string(e.ID)}
	case "room_id":
		v = gjson.Result{Type: gjson.String, Str: string(e.RoomID)}
	case "content":
		v = gjson.ParseBytes(e.Content)
	default:
		v = member(gjson.ParseBytes(e.Raw), path[0])
	}
	for _, key := range path[1:] {
		v = member(v, key)
	}
	return v
}

func member(v gjson.Result, key string) gjson.Result {
	var found gjson.Result
	if v.IsObject() {
		v.ForEach(func(k, item gjson.Result) bool {
			if k.Str == key {
				found = item
			}
			return !found.Exists()
		})
	}
	return found
}

// splitPath splits a path at its dots; a backslash takes a following dot or backslash as it is.
func splitPath(path string) []string {
	var list []string
	var cur []byte
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			cur = append(cur, path[i])
		case path[i] == '.':
			list, cur = append(list, string(cur)), nil
		default:
			cur = append(cur, path[i])
		}
	}
	return append(list, string(cur))
}
