package pushrule

import (
	"bytes"
	"encoding/json"
	"slices"

	"conclave.chat/internal/mx"
)

// Options say what the server's own rules are.
type Options struct {
	Legacy  bool // with the rules that found mentions in the text of messages, which the specification had until v1.16
	Threads bool // with the rules on thread subscriptions switched on
}

// Server is the server's own rules, compiled once for all users: most users have no others.
type Server struct {
	options Options
	rules   map[string]*compiled
	enabled []*compiled // what a user has who changed nothing
}

// NewServer compiles the server's rules.
func NewServer(o Options) *Server {
	s := &Server{options: o, rules: map[string]*compiled{}}
	set := s.set("")
	for _, k := range Kinds() {
		for i := range *set.of(k) {
			r := &(*set.of(k))[i]
			s.rules[r.ID] = &compiled{tests: tests(k, r), result: result(r.Actions), threads: aboutThreads(r)}
			if r.Enabled {
				s.enabled = append(s.enabled, s.rules[r.ID])
			}
		}
	}
	return s
}

// set is the server's rules as a user sees them.
func (s *Server) set(user mx.UserID) *Ruleset {
	set := defaults(user)
	if s.options.Legacy {
		set.addLegacy(user)
	}
	for i := range set.PostContent {
		set.PostContent[i].Enabled = s.options.Threads
	}
	return set
}

// Rules are a user's rules in the form that matches quickly. They do not change.
type Rules struct {
	user    mx.UserID
	list    []*compiled
	threads bool
}

type compiled struct {
	tests   []test
	result  Result
	threads bool
}

// Compile prepares a user's rules, given as they are stored.
func (s *Server) Compile(stored []byte, user mx.UserID) (*Rules, error) {
	if len(stored) == 0 {
		return newRules(user, s.enabled), nil
	}
	set, err := s.Load(stored, user)
	if err != nil {
		return nil, err
	}
	var list []*compiled
	for _, k := range Kinds() {
		for _, r := range *set.of(k) {
			if r.Enabled {
				list = append(list, s.compile(k, &r))
			}
		}
	}
	if slices.Equal(list, s.enabled) {
		list = s.enabled
	}
	return newRules(user, slices.Clip(list)), nil
}

func newRules(user mx.UserID, list []*compiled) *Rules {
	return &Rules{user: user, list: list, threads: slices.ContainsFunc(list, func(c *compiled) bool { return c.threads })}
}

func (s *Server) compile(k Kind, r *Rule) *compiled {
	if !r.Default {
		return &compiled{tests: tests(k, r), result: result(r.Actions), threads: aboutThreads(r)}
	}
	c := s.rules[r.ID]
	if slices.EqualFunc(c.result.Actions, r.Actions, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		return c
	}
	return &compiled{tests: c.tests, result: result(r.Actions), threads: c.threads}
}

func aboutThreads(r *Rule) bool {
	return slices.ContainsFunc(r.Conditions, func(c Condition) bool { return c.Kind == threadSubscription })
}

// AboutThreads reports whether it matters to which threads the user has subscribed.
func (c *Rules) AboutThreads() bool { return c.threads }

// Match is what the first matching rule does. subscribed says whether the user has subscribed to the thread that the event is in. Events of
// the user's own match nothing.
func (c *Rules) Match(s *Subject, subscribed bool) Result {
	if s.Event.Sender == c.user {
		return Result{}
	}
	r := reader{c.user, subscribed}
rules:
	for _, rule := range c.list {
		for _, t := range rule.tests {
			if !t(s, r) {
				continue rules
			}
		}
		return rule.result
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
