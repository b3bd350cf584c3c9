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
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	URL       string        `yaml:"url" doc:"Address of the recorder, e.g. https://recorder.example.org:8090. Empty: there is none, and nothing is recorded."`
	User      string        `yaml:"user" doc:"Local part of the recorder's account."`
	PublicKey string        `yaml:"public_key" doc:"The key that the recorder signs with, as conclave recorder init prints it."`
	LogKey    string        `yaml:"log_key" doc:"Public key of the archive's log (the text in log.public): this server then signs its checkpoints as a witness."`
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
	Page      string        `yaml:"page" doc:"https address of a page about the policy."`
	Officers  []string      `yaml:"officers" doc:"Names of those who can open the archive together, as members read them."`
	Admins    []string      `yaml:"administrators" doc:"User ids of the administrators with the compliance role: they alone may change at run time what is recorded, and see, place and release legal holds. Empty: nobody."`
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
	user      mx.UserID
	key       ed25519.PublicKey // nil: there is no recorder
	policies  map[string][]byte // content of m.room.policy, by retention class
	client    *client
	logKey    note.Verifier
	statement note.Signer
	statedBy  string // the statement's public key
	witness   *merkle.Witness
	wake      chan struct{}
	watch     *watch
	unsigned  prometheus.Counter
	refused   prometheus.Counter
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
		Deps: d, user: mx.NewUserID(d.Config.User, d.Signer.Server), wake: make(chan struct{}, 1),
		unsigned: prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_recording_unsigned_total", Help: "Events that were accepted in recorded rooms without the recorder's signature (mode warn)."}),
		refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_recording_refused_total", Help: "Events that were refused in recorded rooms: the recorder did not sign them."}),
	}
	if d.Metrics != nil {
		d.Metrics.MustRegister(s.unsigned, s.refused)
	}
	if err := s.keys(); err != nil {
		return nil, err
	}
	if d.Config.URL == "" {
		return s, nil
	}
	s.watch = newWatch(d.Metrics)
	if err := s.configure(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	return s, nil
}

func (s *Service) configure() (err error) {
	c := s.Config
	if err := CheckRule(Rule{Scope: c.Scope, Rooms: c.Rooms, People: c.People, Groups: c.Groups, Mode: c.Mode}); err != nil {
		return err
	}
	if err := checkClasses(c.Classes); err != nil {
		return err
	}
	key, err := mx.DecodeBase64(c.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return errors.New("public_key is no key: conclave recorder init prints it")
	}
	s.key = key
	if !mx.ValidLocalpart(c.User) {
		return fmt.Errorf("user: %q cannot be the local part of a user id", c.User)
	}
	if c.LogKey != "" {
		if s.logKey, err = merkle.ParseVerifier(c.LogKey); err != nil {
			return fmt.Errorf("log_key: %w", err)
		}
	}
	own := map[string]any{"recorder": s.user, "text": c.Text}
	if c.Page != "" {
		own["url"] = c.Page
	}
	if len(c.Officers) > 0 {
		own["officers"] = c.Officers
	}
	s.policies = map[string][]byte{}
	content := map[string]any{"via": s.Signer.Server, "public_keys": map[string]string{"ed25519": mx.EncodeBase64(key)}, marker: own}
	for _, class := range append([]Class{{}}, c.Classes...) {
		if content[ClassKey] = class.Name; class.Name == "" {
			delete(content, ClassKey)
		}
		raw, err := json.Marshal(content)
		if err != nil {
			return err
		}
		if s.policies[class.Name], err = mx.Canonical(raw); err != nil {
			return err
		}
	}
	var roots []byte
	if c.CA != "" {
		if roots, err = os.ReadFile(filepath.Clean(c.CA)); err != nil {
			return err
		}
	}
	s.client, err = newClient(c, s.Signer, roots)
	return err
}

// checkClasses refuses classes that no archive could have.
func checkClasses(classes []Class) error {
	seen := map[string]bool{}
	for _, c := range classes {
		if err := segment.CheckClass(c.Name); err != nil {
			return fmt.Errorf("classes: %w", err)
		}
		if seen[c.Name] {
			return fmt.Errorf("classes: %q is there twice", c.Name)
		}
		seen[c.Name] = true
		if err := CheckRule(Rule{Scope: All, Mode: Closed, Rooms: c.Rooms}); err != nil {
			return fmt.Errorf("classes: %w", err)
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
	for _, room := range r.Rooms {
		if !strings.HasPrefix(room, "!") {
			return fault.InvalidParam("%q is not the id of a room", room)
		}
	}
	for _, user := range r.People {
		if _, err := mx.ParseUserID(user); err != nil {
			return fault.InvalidParam("%q is not a user id", user)
		}
	}
	return nil
}

// User is the recorder's user id.
func (s *Service) User() mx.UserID { return s.user }

// marked reports whether a room's state says that this server has made it a recorded one.
func marked(room *roomstate.Snapshot) bool {
	ev := room.State(typePolicy, "")
	if ev == nil {
		return false
	}
	own := mx.Event{Content: ev.Get(marker)}
	return own.Content != nil && own.Content[0] == '{' && own.Has("recorder")
}

// Recorded reports whether what happens in a room of this state needs the recorder's signature.
func (s *Service) Recorded(room *roomstate.Snapshot) bool {
	return marked(room) && (s.key == nil || room.Joined(s.user))
}

// Covers reports whether a room is to be recorded.
func (s *Service) Covers(room *roomstate.Snapshot) bool {
	return s.key != nil && s.Rule().covers(room, marked(room), s.Groups)
}

// Due reports whether a room is to be made a recorded one, or is no longer one.
func (s *Service) Due(room *roomstate.Snapshot) bool {
	if s.key == nil {
		return false // what was recorded waits for its recorder
	}
	if !s.Covers(room) {
		return marked(room)
	}
	others := room.JoinedCount() + room.InvitedCount()
	switch room.Membership(s.user) {
	case mx.Join, mx.Invite:
		others--
	}
	if others < 1 {
		return false
	}
	policy, functional := room.State(typePolicy, ""), room.State(typeFunctional, "")
	return policy == nil || !bytes.Equal(policy.Content, s.policy(room)) || functional == nil || !s.serves(functional.Content) || !room.Joined(s.user)
}

// policy is what a recorded room says of its recording.
func (s *Service) policy(room *roomstate.Snapshot) []byte {
	has := ""
	if ev := room.State(typePolicy, ""); ev != nil {
		has = ev.Str(ClassKey)
	}
	return s.policies[classOf(s.Config.Classes, room, has, s.Groups)]
}

// serves reports whether a list of functional members names the recorder.
func (s *Service) serves(content []byte) bool {
	for _, u := range serviceMembers(content) {
		if u == string(s.user) {
			return true
		}
	}
	return false
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
			if u != string(s.user) {
				members = append(members, u)
			}
		}
	}
	if covers {
		members = append(members, string(s.user))
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
	case ev.Is(mx.TypeMember, string(s.user)) && covers:
		alone := room.JoinedCount()+room.InvitedCount() <= 1
		if m := ev.Membership(); m != mx.Join && (m != mx.Invite || room.Joined(s.user)) && !alone {
			return errProtected
		}
	}
	return nil
}

var errProtected = fault.Denied("this organisation records the room: the recorder cannot be removed, and what the room says of it cannot be changed")

// Accepted continues the sequence of a recorded room.
func (s *Service) Accepted(tx *store.Tx, ev *mx.Event) error {
	signed := ev.SignedBy(s.Signer.Server, KeyID)
	if !signed {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return accepted.Add(tx, ev.RoomID, ev.ID, signed)
}

// MayChange reports whether an administrator may change at run time what is recorded.
func (s *Service) MayChange(user mx.UserID) bool {
	for _, u := range s.Config.Admins {
		if u == string(user) {
			return true
		}
	}
	return false
}

// Status says whether the recorder answers, how many accepted events it is not known to have, and how its archive does.
func (s *Service) Status(ctx context.Context) (st Status, err error) {
	if st.Unrecorded, err = accepted.CountOpen(ctx, s.DB); err != nil {
		return st, err
	}
	if s.client == nil {
		st.Recorder = "none"
		return st, nil
	}
	st.Recorder = "ok"
	if err := s.look(ctx); err != nil {
		st.Recorder = err.Error()
	}
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	st.Alarm, st.Archive = s.watch.alarm, s.watch.status
	return st, nil
}
