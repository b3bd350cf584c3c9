package pushrule

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/mx"
)

// Rules are a user's rules in the form that matches quickly. They do not change.
type Rules struct {
	user mx.UserID
	list []compiled
	sets *Ruleset
}

type compiled struct {
	tests  []test
	result Result
}

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
	Name    func(mx.UserID) string

	mu     sync.Mutex
	values map[string]gjson.Result // properties that were looked up
}

// test is one condition ready to be checked.
type test func(s *Subject, user mx.UserID) bool

// Compile prepares a ruleset.
func Compile(set *Ruleset, user mx.UserID) *Rules {
	c := &Rules{user: user, sets: set}
	for _, k := range Kinds() {
		for _, r := range *set.of(k) {
			if r.Enabled {
				c.list = append(c.list, compiled{tests: tests(k, &r), result: result(r.Actions)})
			}
		}
	}
	return c
}

// Set is the ruleset that the rules were made of.
func (c *Rules) Set() *Ruleset { return c.sets }

// Match is what the first matching rule does. Events of the user's own match nothing.
func (c *Rules) Match(s *Subject) Result {
	if s.Event.Sender == c.user {
		return Result{}
	}
rules:
	for i := range c.list {
		for _, t := range c.list[i].tests {
			if !t(s, c.user) {
				continue rules
			}
		}
		return c.list[i].result
	}
	return Result{}
}

func result(list []json.RawMessage) Result {
	r := Result{Actions: list}
	for _, raw := range list {
		a := parseAction(raw)
		if a.name == "notify" {
			r.Notify = true
		}
		if a.tweak == "" {
			continue
		}
		if a.value == nil && a.tweak == "highlight" {
			a.value = json.RawMessage("true")
		}
		if r.Tweaks == nil {
			r.Tweaks = map[string]json.RawMessage{}
		}
		r.Tweaks[a.tweak] = a.value
		if a.tweak == "highlight" {
			r.Highlight = string(a.value) == "true"
		}
	}
	r.Highlight = r.Highlight && r.Notify
	return r
}

func tests(k Kind, r *Rule) []test {
	list := conditions(k, r)
	if isLegacy(r) {
		list = append(list, func(s *Subject, _ mx.UserID) bool { return !s.Event.Has("m.mentions") })
	}
	return list
}

func conditions(k Kind, r *Rule) []test {
	switch k {
	case Room:
		return []test{func(s *Subject, _ mx.UserID) bool { return string(s.Event.RoomID) == r.ID }}
	case Sender:
		return []test{func(s *Subject, _ mx.UserID) bool { return string(s.Event.Sender) == r.ID }}
	case Content:
		return []test{eventMatch("content.body", r.Pattern)}
	case Override, Underride:
	}
	list := make([]test, len(r.Conditions))
	for i := range r.Conditions {
		list[i] = condition(&r.Conditions[i])
	}
	return list
}

func never(*Subject, mx.UserID) bool { return false }

// condition prepares a condition; one that is not known, or lacks what it needs, matches nothing.
//
// Spec: cs#conditions-1
func condition(c *Condition) test {
	switch c.Kind {
	case "event_match":
		if c.Pattern == nil {
			return never
		}
		return eventMatch(c.Key, *c.Pattern)
	case "event_property_is":
		want, ok := scalar(c.Value)
		if !ok {
			return never
		}
		key := c.Key
		return func(s *Subject, _ mx.UserID) bool { return same(s.value(key), want) }
	case "event_property_contains":
		want, ok := scalar(c.Value)
		if !ok {
			return never
		}
		key := c.Key
		return func(s *Subject, _ mx.UserID) bool { return contains(s.value(key), want) }
	case "contains_display_name":
		return displayName
	case "room_member_count":
		return memberCount(c.Is)
	case "sender_notification_permission":
		key := c.Key
		return func(s *Subject, _ mx.UserID) bool {
			return s.Power != nil && s.Power.User(s.Event.Sender) >= s.Power.Notifications(key)
		}
	}
	return never
}

func eventMatch(key, pattern string) test {
	switch {
	case key == "content.body":
		re := glob(`(?:^|[^A-Za-z0-9_])`, pattern, `(?:$|[^A-Za-z0-9_])`)
		return func(s *Subject, _ mx.UserID) bool {
			v := s.value(key)
			return v.Type == gjson.String && re.MatchString(v.Str)
		}
	case key == "type" && !strings.ContainsAny(pattern, "*?"):
		return func(s *Subject, _ mx.UserID) bool { return strings.EqualFold(s.Event.Type, pattern) }
	case key == "state_key" && !strings.ContainsAny(pattern, "*?"):
		return func(s *Subject, _ mx.UserID) bool {
			return s.Event.StateKey != nil && strings.EqualFold(*s.Event.StateKey, pattern)
		}
	case !strings.ContainsAny(pattern, "*?"):
		return func(s *Subject, _ mx.UserID) bool {
			v := s.value(key)
			return v.Type == gjson.String && strings.EqualFold(v.Str, pattern)
		}
	}
	re := glob(`^`, pattern, `$`)
	return func(s *Subject, _ mx.UserID) bool {
		v := s.value(key)
		return v.Type == gjson.String && re.MatchString(v.Str)
	}
}

// glob turns a pattern with * and ? into a regular expression; Go's takes time linear in the text whatever the pattern.
//
// Spec: appendices#glob-style-matching
func glob(before, pattern, after string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?is)` + before)
	for _, r := range pattern {
		switch r {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(after)
	re, err := regexp.Compile(b.String())
	if err != nil { // a pattern too large to compile: it matches nothing
		return regexp.MustCompile(`[^\s\S]`)
	}
	return re
}

func displayName(s *Subject, user mx.UserID) bool {
	if s.Name == nil {
		return false
	}
	name := s.Name(user)
	body := s.value("content.body")
	if name == "" || body.Type != gjson.String || !strings.Contains(strings.ToLower(body.Str), strings.ToLower(name)) {
		return false
	}
	return regexp.MustCompile(`(?is)(?:^|[^A-Za-z0-9_])` + regexp.QuoteMeta(name) + `(?:$|[^A-Za-z0-9_])`).MatchString(body.Str)
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
		return func(s *Subject, _ mx.UserID) bool { return s.Members == n }
	case "<":
		return func(s *Subject, _ mx.UserID) bool { return s.Members < n }
	case ">":
		return func(s *Subject, _ mx.UserID) bool { return s.Members > n }
	case "<=":
		return func(s *Subject, _ mx.UserID) bool { return s.Members <= n }
	case ">=":
		return func(s *Subject, _ mx.UserID) bool { return s.Members >= n }
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
