// Package recording owns which rooms are recorded, and that nothing is accepted in them which the recorder has not signed.
//
// The recorder is a member of each such room and a policy server (Matrix 1.18), a program of its own on another machine: it signs an event
// once it has decrypted it and has it in the sealed archive. Rule.covers decides whether a room is to be recorded; Recorded, by the room's
// state, whether it is. Between the two stands Due, and the engine of rooms, which then brings the recorder into the room, or out, before
// anything else happens there. Judge keeps the state that this rests on from being changed by anybody.
//
// For each recorded room a gap-free sequence of what was accepted is written in the same transactions as the events. Statement signs it, so
// that an archive can be compared with it; CoSign makes this server a witness of the archive's log. What was accepted without a
// signature (the policy event itself, which no policy server signs, and everything in mode warn) is brought to the recorder afterwards.
//
// It refuses, in mode closed, whatever the recorder refuses, and everything while that does not answer. It never sees what a message says.
package recording

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
)

// Config says where the recorder is, and what it records where administrators set nothing else.
type Config struct {
	URL       string        `yaml:"url" doc:"Address of the recorder, e.g. https://recorder.example.org:8090; http is for the same machine alone. Empty: there is none, and nothing is recorded."`
	User      string        `yaml:"user" doc:"Local part of the recorder's account."`
	PublicKey string        `yaml:"public_key" doc:"The key that the recorder signs with, as conclave recorder init prints it."`
	LogKey    string        `yaml:"log_key" doc:"Public key of the archive's log (the text in log.public): this server then signs its checkpoints as a witness."`
	Others    []Other       `yaml:"others" doc:"More recorders for the same rooms, each with url, user, log_key and, where it differs, ca_file. They share the key of public_key, and each has an archive and a log of its own."`
	CA        string        `yaml:"ca_file" doc:"PEM file with the authority that the recorder's certificate comes from. Empty: those of the system."`
	Timeout   time.Duration `yaml:"timeout" doc:"How long the recorder may take to sign."`
	Patience  time.Duration `yaml:"patience" doc:"How long the recorder may take before that, to wait for a room key that is under way, or to fetch an attachment."`
	Scope     string        `yaml:"scope" doc:"Which rooms are recorded: all, except (all but those in rooms), people (those with any member in people), groups (those with any member in any of groups) or none."`
	Rooms     []string      `yaml:"rooms" doc:"Ids of the rooms that are not recorded, for the scope except."`
	People    []string      `yaml:"people" doc:"User ids, for the scope people."`
	Groups    []string      `yaml:"groups" doc:"Ids of groups, for the scope groups."`
	Classes   []Class       `yaml:"classes" doc:"Retention classes of the archive other than its own: class, and groups and rooms whose messages are in it. The first that claims a room has it."`
	Mode      string        `yaml:"mode" doc:"What happens to messages that the recorder does not sign: closed refuses them, warn accepts them, counts them and archives them later."`
	Text      string        `yaml:"text" doc:"The policy in one sentence, as members read it."`
	Receipts  bool          `yaml:"receipts" doc:"Say in recorded rooms that it is recorded who has read what, and when (public read receipts). Recorders do so where their own configuration has receipts too."`
	Page      string        `yaml:"page" doc:"https address of a page about the policy."`
	Officers  []string      `yaml:"officers" doc:"Names of those who can open the archive together, as members read them."`
	Admins    []string      `yaml:"administrators" doc:"User ids of the administrators with the compliance role: they alone may change at run time what is recorded, and see, place and release legal holds. Empty: nobody."`
}

// Other is one more recorder.
type Other struct {
	URL    string `yaml:"url"`
	User   string `yaml:"user"`
	LogKey string `yaml:"log_key"`
	CA     string `yaml:"ca_file"`
}

// Recorders are all that the configuration names, none without an address.
func (c Config) Recorders() []Other {
	if c.URL == "" {
		return nil
	}
	list := append([]Other{{URL: c.URL, User: c.User, LogKey: c.LogKey, CA: c.CA}}, c.Others...)
	for i := range list {
		list[i].CA = cmp.Or(list[i].CA, c.CA)
	}
	return list
}

// DefaultConfig records everything, as soon as there is a recorder.
func DefaultConfig() Config {
	return Config{
		User: "recorder", Timeout: 10 * time.Second, Patience: 30 * time.Second, Scope: All, Mode: Closed,
		Text: "Messages in this room are recorded and archived by your organisation.",
	}
}

// Deps are what a Service needs.
type Deps struct {
	DB      *store.DB
	Signer  mx.Signer // signs requests to the recorder
	Config  Config
	Rule    func() Rule
	Groups  Membership
	Seed    func(purpose string) []byte // 32 secret bytes for each purpose
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Service is recording on one node.
type Service struct {
	Deps
	recorders []*recorder
	users     []mx.UserID       // of the recorders
	key       ed25519.PublicKey // nil: there is no recorder
	own       map[string]any    // what policies say of recording, but for the reasons
	reasons   []byte            // key of the marks of reasons
	marks     sync.Map          // of reasons

	policiesMu sync.Mutex
	policies   map[string][]byte // content of m.room.policy, by retention class and reasons

	keysKnown keySet // of messages that recorders have signed
	statement note.Signer
	statedBy  string // the statement's public key
	witness   *merkle.Witness
	wake      chan struct{}
	doubt     time.Duration // when it is asked whether a recorder that takes its time is there
	gauges    *watchGauges
	unsigned  prometheus.Counter
	refused   prometheus.Counter
	open      prometheus.Gauge
	outdated  prometheus.Gauge
	behind    atomic.Int64 // rooms that are recorded otherwise than is set, when last looked at
	later     later
}

// KeyID is the id of a policy server's key.
//
// Spec: ss#validating-policy-server-signatures
const KeyID = "ed25519:policy_server"

const (
	typePolicy     = "m.room.policy"
	typeFunctional = "io.element.functional_members"
	marker         = "chat.conclave.recording"
)

// ClassKey is the key in the content of m.room.policy that names the retention class of what is said in the room. Without it the archive's own holds.
const ClassKey = "chat.conclave.retention_class"

// New makes a Service. Without an address in the configuration it refuses what happens in rooms that were recorded before.
func New(d Deps) (*Service, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		Deps: d, wake: make(chan struct{}, 1), doubt: doubtAfter,
		unsigned: prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_recording_unsigned_total", Help: "Events that were accepted in recorded rooms without the recorder's signature (mode warn)."}),
		open:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "conclave_recording_unrecorded_events", Help: "Events that were accepted in recorded rooms and that no recorder is known to have."}),
		outdated: prometheus.NewGauge(prometheus.GaugeOpts{Name: "conclave_recording_outdated_rooms", Help: "Rooms that are recorded otherwise than is set, as nobody in them has the power to change that."}),
		refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_recording_refused_total", Help: "Events that were refused in recorded rooms: the recorder did not sign them."}),
	}
	if d.Metrics != nil {
		d.Metrics.MustRegister(s.unsigned, s.refused, s.open, s.outdated)
	}
	if err := s.keys(); err != nil {
		return nil, err
	}
	if d.Config.URL == "" {
		return s, nil
	}
	s.gauges = newGauges(d.Metrics)
	if err := s.configure(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	return s, nil
}

func (s *Service) configure() (err error) {
	c := s.Config
	if err := CheckRule(Rule{Scope: c.Scope, Rooms: c.Rooms, People: c.People, Groups: c.Groups, Mode: c.Mode, Classes: c.Classes}); err != nil {
		return err
	}
	key, err := mx.DecodeBase64(c.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return errors.New("public_key is no key: conclave recorder init prints it")
	}
	s.key = key
	if err := s.configureRecorders(); err != nil {
		return err
	}
	own := map[string]any{"recorder": s.users[0], "text": c.Text}
	if len(s.users) > 1 {
		own["recorders"] = s.users
	}
	if c.Receipts {
		own["receipts"] = true
	}
	if c.Page != "" {
		own["url"] = c.Page
	}
	if len(c.Officers) > 0 {
		own["officers"] = c.Officers
	}
	s.own, s.reasons = own, s.Seed("reasons of recording")
	for _, class := range append([]Class{{}}, c.Classes...) {
		if s.compose(class.Name, nil) == nil {
			return fmt.Errorf("what rooms are to say of recording in class %q cannot be written as JSON", class.Name)
		}
	}
	return nil
}

// maxPolicies bounds how many contents of policies are kept.
const maxPolicies = 1024

// compose writes the content of m.room.policy; nil if what is configured cannot be written.
func (s *Service) compose(class string, marks []string) []byte {
	own := maps.Clone(s.own)
	own[becauseKey] = append([]string{}, marks...)
	content := map[string]any{"via": s.Signer.Server, "public_keys": map[string]string{"ed25519": mx.EncodeBase64(s.key)}, marker: own}
	if class != "" {
		content[ClassKey] = class
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil
	}
	if raw, err = mx.Canonical(raw); err != nil {
		return nil
	}
	return raw
}

// maxClasses is how many classes there may be.
const maxClasses = 100

// checkClasses refuses classes that no archive could have.
func checkClasses(classes []Class) error {
	if len(classes) > maxClasses {
		return fault.InvalidParam("There are %d retention classes at most", maxClasses)
	}
	seen := map[string]bool{}
	for _, c := range classes {
		if err := segment.CheckClass(c.Name); err != nil {
			return fault.InvalidParam("retention classes: %s", err)
		}
		if seen[c.Name] {
			return fault.InvalidParam("The retention class %q is there twice", c.Name)
		}
		seen[c.Name] = true
		if err := checkIDs(c.Rooms, nil); err != nil {
			return err
		}
	}
	return nil
}

// CheckRule refuses what cannot work.
func CheckRule(r Rule) error {
	switch r.Scope {
	case All, Except, People, Groups, None:
	default:
		return fault.InvalidParam("The scope of recording is %s, %s, %s, %s or %s", All, Except, People, Groups, None)
	}
	if r.Mode != Closed && r.Mode != Warn {
		return fault.InvalidParam("The mode of recording is %s or %s", Closed, Warn)
	}
	if err := checkClasses(r.Classes); err != nil {
		return err
	}
	return checkIDs(r.Rooms, r.People)
}

func checkIDs(rooms, people []string) error {
	for _, room := range rooms {
		if !strings.HasPrefix(room, "!") {
			return fault.InvalidParam("%q is not the id of a room", room)
		}
	}
	for _, user := range people {
		if _, err := mx.ParseUserID(user); err != nil {
			return fault.InvalidParam("%q is not a user id", user)
		}
	}
	return nil
}

// Users are the recorders' user ids.
func (s *Service) Users() []mx.UserID { return s.users }

// marked reports whether a room's state says that this server has made it a recorded one.
func marked(room *roomstate.Snapshot) bool {
	return says(room.Policy())
}

// says reports whether a policy event says that a room is recorded.
func says(ev *mx.Event) bool {
	if ev == nil {
		return false
	}
	own := mx.Event{Content: ev.Get(marker)}
	return own.Content != nil && own.Content[0] == '{' && own.Has("recorder")
}

// Recorded reports whether what happens in a room of this state needs the recorder's signature.
func (s *Service) Recorded(room *roomstate.Snapshot) bool {
	return marked(room) && (s.key == nil || slices.ContainsFunc(s.users, room.Joined))
}

// Covers reports whether a room is to be recorded.
func (s *Service) Covers(room *roomstate.Snapshot) bool {
	return s.key != nil && s.Rule().covers(room, s.wasFor(room), s.Groups)
}

// Due reports whether a room is to be made a recorded one, or is no longer one. Where it is recorded, and nobody has the power to change what it says of
// that, it stays as it is: nothing that is said in it is lost, and a text that is out of date is no reason to silence a room for ever.
func (s *Service) Due(room *roomstate.Snapshot) bool {
	return s.differs(room) && (!s.Recorded(room) || room.Recorder(s.users) != "")
}

// stuck reports whether a room is recorded otherwise than is set, for good.
func (s *Service) stuck(room *roomstate.Snapshot) bool { return s.differs(room) && !s.Due(room) }

// differs reports whether a room is not what is set.
func (s *Service) differs(room *roomstate.Snapshot) bool {
	if s.key == nil {
		return false // what was recorded waits for its recorder
	}
	if !s.Covers(room) {
		return marked(room)
	}
	if s.others(room) < 1 {
		return false
	}
	policy, functional := room.State(typePolicy, ""), room.State(typeFunctional, "")
	return policy == nil || !bytes.Equal(policy.Content, s.policy(room)) || functional == nil || !s.serves(functional.Content) ||
		slices.ContainsFunc(s.users, func(u mx.UserID) bool { return !room.Joined(u) })
}

// others is how many are in a room, or invited, besides the recorders.
func (s *Service) others(room *roomstate.Snapshot) int {
	n := room.JoinedCount() + room.InvitedCount()
	for _, u := range s.users {
		if present(room, u) {
			n--
		}
	}
	return n
}

// policy is what a recorded room says of its recording.
func (s *Service) policy(room *roomstate.Snapshot) []byte {
	has := ""
	if ev := room.Policy(); ev != nil {
		has = ev.Str(ClassKey)
	}
	rule := s.Rule()
	class, marks := classOf(rule.Classes, room, has, s.Groups), s.because(room, rule)
	key := class + "\n" + strings.Join(marks, " ")
	s.policiesMu.Lock()
	defer s.policiesMu.Unlock()
	content, ok := s.policies[key]
	if !ok {
		if len(s.policies) >= maxPolicies {
			s.policies = nil
		}
		if s.policies == nil {
			s.policies = map[string][]byte{}
		}
		content = s.compose(class, marks)
		s.policies[key] = content
	}
	return content
}

// serves reports whether a list of functional members names the recorders.
func (s *Service) serves(content []byte) bool {
	list := serviceMembers(content)
	return !slices.ContainsFunc(s.users, func(u mx.UserID) bool { return !slices.Contains(list, string(u)) })
}

func serviceMembers(content []byte) (list []string) {
	ev := mx.Event{Content: content}
	_ = json.Unmarshal(ev.Get("service_members"), &list) // anything else names nobody
	return list
}

// State is what a room's state has to say of its recording: the type and content of each event with an empty state key.
func (s *Service) State(room *roomstate.Snapshot) map[string][]byte {
	covers := s.Covers(room)
	policy := []byte("{}")
	if covers {
		policy = s.policy(room)
	}
	content := map[string]jsontext.Value{}
	var members []string
	if ev := room.State(typeFunctional, ""); ev != nil {
		_ = json.Unmarshal(ev.Content, &content)
		for _, u := range serviceMembers(ev.Content) {
			if !slices.Contains(s.users, mx.UserID(u)) {
				members = append(members, u)
			}
		}
	}
	if covers {
		for _, u := range s.users {
			members = append(members, string(u))
		}
	}
	list, err := json.Marshal(members)
	if members == nil || err != nil {
		list = []byte("[]")
	}
	content["service_members"] = list
	functional, err := json.Marshal(content, json.Deterministic(true))
	if err != nil {
		functional = []byte("{}")
	}
	return map[string][]byte{typePolicy: policy, typeFunctional: functional}
}

// Judge keeps what recording rests on: nobody removes the recorder or changes what the state says of it, whatever power they have.
func (s *Service) Judge(room *roomstate.Snapshot, ev *mx.Event) error {
	if s.key == nil && ev.Is(typePolicy, "") && marked(room) {
		return errProtected
	}
	// Redacted, a policy says nothing any more, and the list of those who serve names nobody.
	if ev.Redacts != "" && marked(room) {
		for _, typ := range []string{typePolicy, typeFunctional} {
			if state := room.State(typ, ""); state != nil && state.ID == ev.Redacts {
				return errProtected
			}
		}
	}
	if s.key == nil || !ev.IsState() {
		return nil
	}
	covers := s.Covers(room)
	switch {
	case ev.Is(typePolicy, ""):
		if !bytes.Equal(ev.Content, s.State(room)[typePolicy]) {
			return errProtected
		}
	case ev.Is(typeFunctional, "") && covers:
		if !s.serves(ev.Content) {
			return errProtected
		}
	case ev.Type == mx.TypeMember && covers && slices.Contains(s.users, mx.UserID(*ev.StateKey)):
		alone := s.others(room) < 1
		if m := ev.Membership(); m != mx.Join && (m != mx.Invite || room.Joined(mx.UserID(*ev.StateKey))) && !alone {
			return errProtected
		}
	}
	return nil
}

var errProtected = fault.Denied("this organisation records the room: a recorder cannot be removed, and what the room says of it cannot be changed")

// Accepted continues the sequence of a recorded room. by is the log of the recorder that has archived the event.
func (s *Service) Accepted(tx *store.Tx, ev *mx.Event, by string) error {
	signed := ev.SignedBy(s.Signer.Server, KeyID)
	if !signed {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return accepted.Add(tx, ev.RoomID, ev.ID, by, signed)
}

// Records reports whether a user is one of the recorders.
func (s *Service) Records(user mx.UserID) bool { return slices.Contains(s.users, user) }

// Protects reports whether an account is one on which recording rests: a recorder's, or that of an administrator with the compliance role.
func (s *Service) Protects(user mx.UserID) bool { return s.Records(user) || s.MayChange(user) }

// MayChange reports whether an administrator may change at run time what is recorded.
func (s *Service) MayChange(user mx.UserID) bool {
	for _, u := range s.Config.Admins {
		if u == string(user) {
			return true
		}
	}
	return false
}
