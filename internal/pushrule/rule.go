// Package pushrule is Matrix push rules without I/O: the server-default rules, changes to a user's rules, and which rule an event
// matches.
//
// A user's rules enter and leave as a Ruleset, the JSON form that clients see. Server.Compile turns what is stored of one into Rules, which
// match quickly and share what they have in common with those of others.
//
// Spec: cs#push-rules
package pushrule

import (
	"encoding/json"
	"slices"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// Kind is a class of rules. Classes are checked in the order of Kinds.
type Kind string

// The kinds of rules.
const (
	Override    Kind = "override"
	Content     Kind = "content"
	PostContent Kind = "postcontent" // the server's alone
	Room        Kind = "room"
	Sender      Kind = "sender"
	Underride   Kind = "underride"
)

// Kinds lists the kinds in the order that they are checked in.
func Kinds() []Kind { return []Kind{Override, Content, PostContent, Room, Sender, Underride} }

// Rule is one push rule as clients see it.
type Rule struct {
	ID         string            `json:"rule_id"`
	Default    bool              `json:"default"`
	Enabled    bool              `json:"enabled"`
	Conditions []Condition       `json:"conditions,omitzero"` // of override, postcontent and underride rules
	Pattern    string            `json:"pattern,omitempty"`   // of content rules
	Actions    []json.RawMessage `json:"actions"`

	own bool // the pattern is the user's own name
}

// Condition is one condition of a rule; which members count depends on the kind.
type Condition struct {
	Kind    string          `json:"kind"`
	Key     string          `json:"key,omitempty"`
	Pattern *string         `json:"pattern,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Is      string          `json:"is,omitempty"`
	// Spec: MSC4306
	Subscribed *bool `json:"subscribed,omitempty"`

	own bool // the pattern or value is the user's own id
}

// Ruleset is all rules of a user, the most important first in each kind.
type Ruleset struct {
	Override    []Rule `json:"override"`
	Content     []Rule `json:"content"`
	PostContent []Rule `json:"postcontent"`
	Room        []Rule `json:"room"`
	Sender      []Rule `json:"sender"`
	Underride   []Rule `json:"underride"`
}

// of is the list of a kind, or nil for an unknown kind.
func (s *Ruleset) of(k Kind) *[]Rule {
	switch k {
	case Override:
		return &s.Override
	case Content:
		return &s.Content
	case PostContent:
		return &s.PostContent
	case Room:
		return &s.Room
	case Sender:
		return &s.Sender
	case Underride:
		return &s.Underride
	}
	return nil
}

// Load reads a stored ruleset: a user's own rules, and what the user changed about the server's. The server's rules themselves come
// from this program, so that old accounts get new ones.
func (s *Server) Load(stored []byte, user mx.UserID) (*Ruleset, error) {
	var old Ruleset
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &old); err != nil {
			return nil, fault.New(fault.Internal, "M_UNKNOWN", "Stored push rules cannot be read").Because(err)
		}
	}
	set := s.set(user)
	for _, k := range Kinds() {
		list := set.of(k)
		var own []Rule
		for _, r := range *old.of(k) {
			if !r.Default {
				own = append(own, r)
			} else if d := find(*list, r.ID); d != nil {
				d.Enabled, d.Actions = r.Enabled, r.Actions
			}
		}
		at := 0
		if k == Override { // .m.rule.master stays above everything
			at = 1
		}
		*list = slices.Insert(*list, at, own...)
	}
	return set, nil
}

func find(list []Rule, id string) *Rule {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// MaxRules is how many rules of their own a user may have in one kind.
const MaxRules = 1000

const maxRuleID = 255

var errNoRule = fault.Missing("The push rule was not found")

// Get is one rule.
func (s *Ruleset) Get(k Kind, id string) (*Rule, error) {
	list := s.of(k)
	if list == nil {
		return nil, errNoRule
	}
	r := find(*list, id)
	if r == nil {
		return nil, errNoRule
	}
	return r, nil
}

// Put adds or replaces a rule of the user's. It goes next to the rule named by before or after; without these a new rule becomes the most
// important of the user's own and an old one stays where it is.
func (s *Ruleset) Put(k Kind, r Rule, before, after string) error {
	list := s.of(k)
	if list == nil || k == PostContent {
		return fault.InvalidParam("%q is not a kind of push rules that users can have", k)
	}
	if err := check(k, &r); err != nil {
		return err
	}
	r.Default, r.Enabled = false, true
	rest := slices.Clone(*list)
	old := slices.IndexFunc(rest, func(x Rule) bool { return x.ID == r.ID })
	if old >= 0 {
		r.Enabled = rest[old].Enabled
		if before == "" && after == "" {
			rest[old] = r
			*list = rest
			return nil
		}
		rest = slices.Delete(rest, old, old+1)
	} else if own := slices.IndexFunc(rest, func(x Rule) bool { return x.Default && x.ID != masterID }); own > MaxRules || (own < 0 && len(rest) >= MaxRules) {
		return fault.New(fault.BadRequest, "M_UNKNOWN", "There are %d rules of this kind already", MaxRules)
	}
	at := 0
	if k == Override {
		at = 1
	}
	if next := before; next != "" || after != "" {
		shift := 0
		if next == "" {
			next, shift = after, 1
		}
		i := slices.IndexFunc(rest, func(x Rule) bool { return x.ID == next && !x.Default })
		if i < 0 {
			return fault.New(fault.BadRequest, "M_UNKNOWN", "before/after rule not found: %s", next)
		}
		at = i + shift
	}
	*list = slices.Insert(rest, at, r)
	return nil
}

// Delete removes a rule of the user's.
func (s *Ruleset) Delete(k Kind, id string) error {
	r, err := s.Get(k, id)
	if err != nil {
		return err
	}
	if r.Default {
		return fault.InvalidParam("Rules of the server can be disabled, not deleted")
	}
	list := s.of(k)
	*list = slices.DeleteFunc(slices.Clone(*list), func(x Rule) bool { return x.ID == id })
	return nil
}

// Enable switches a rule on or off.
func (s *Ruleset) Enable(k Kind, id string, on bool) error {
	r, err := s.Get(k, id)
	if err == nil {
		r.Enabled = on
	}
	return err
}

// SetActions replaces what a rule does.
func (s *Ruleset) SetActions(k Kind, id string, actions []json.RawMessage) error {
	r, err := s.Get(k, id)
	if err != nil {
		return err
	}
	if err := checkActions(actions); err != nil {
		return err
	}
	r.Actions = actions
	return nil
}

var errLongPattern = fault.InvalidParam("A pattern has at most %d bytes", maxPattern)

// check refuses a rule that cannot mean anything.
func check(k Kind, r *Rule) error {
	switch {
	case strings.HasPrefix(r.ID, "."):
		return fault.InvalidParam("Rule ids that begin with a dot belong to the server")
	case r.ID == "" || len(r.ID) > maxRuleID || strings.ContainsAny(r.ID, `/\`):
		return fault.InvalidParam("A rule id has 1 to %d bytes without slashes and backslashes", maxRuleID)
	case r.Actions == nil:
		return fault.MissingParam("A push rule needs actions")
	case k == Content && r.Pattern == "":
		return fault.MissingParam("A content rule needs a pattern")
	case len(r.Pattern) > maxPattern:
		return errLongPattern
	}
	if k != Content {
		r.Pattern = ""
	}
	if k == Override || k == Underride {
		if r.Conditions == nil {
			r.Conditions = []Condition{}
		}
	} else {
		r.Conditions = nil
	}
	for _, c := range r.Conditions {
		if c.Kind == "" {
			return fault.MissingParam("Each condition of a push rule needs a kind")
		}
		if c.Pattern != nil && len(*c.Pattern) > maxPattern {
			return errLongPattern
		}
	}
	return checkActions(r.Actions)
}

// checkActions refuses what is no action. Those of older versions, dont_notify and coalesce, are kept for the clients that set them and
// do nothing.
//
// Spec: cs#historical-actions
func checkActions(list []json.RawMessage) error {
	for _, raw := range list {
		if a := parseAction(raw); a.name == "" && a.tweak == "" {
			return fault.InvalidParam("An action is a word or an object with set_tweak")
		}
	}
	return nil
}

type action struct {
	name  string
	tweak string
	value json.RawMessage
}

func parseAction(raw json.RawMessage) action {
	var a action
	if json.Unmarshal(raw, &a.name) == nil {
		return a
	}
	var t struct {
		Tweak string          `json:"set_tweak"`
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal(raw, &t) == nil {
		a.tweak, a.value = t.Tweak, t.Value
	}
	return a
}
