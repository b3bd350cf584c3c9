// Package organisation owns what the organisation decides at run time: its name, who may register, limits, and the policy that its clients
// follow. What is set here goes before the configuration file and the environment; what is not set comes from there.
//
// Settings enter through Put, with the version that they are based on, and leave by Now, from memory. Changed must hear of every committed
// batch, so that all nodes see a change at once. It refuses values that cannot work, and changes to settings that somebody else has
// changed meanwhile.
package organisation

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/settings"
)

// Settings is what is set at run time; nil is not.
type Settings struct {
	Name               *string `json:"name,omitempty" doc:"The organisation's name, shown to people."`
	Registration       *string `json:"registration,omitempty" enum:"closed token" doc:"Who may make an account: nobody who is not invited (closed), or who has a registration token."`
	UploadLimit        *int64  `json:"upload_limit,omitempty" doc:"Largest file that can be uploaded: bytes."`
	UserQuota          *int64  `json:"user_quota,omitempty" doc:"What the files of one user may take together: bytes. 0 is no limit."`
	EncryptRooms       *bool   `json:"encrypt_rooms,omitempty" doc:"Encrypt every new room end to end, and refuse unencrypted messages in encrypted rooms."`
	IdleLockMinutes    *int64  `json:"idle_lock_minutes,omitempty" doc:"The app locks itself after so many minutes without use. 0 is never."`
	Forwarding         *bool   `json:"forwarding_allowed,omitempty" doc:"Whether people may forward messages to other rooms."`
	ExcludeUnsigned    *bool   `json:"exclude_unsigned_devices,omitempty" doc:"Give keys only to devices that their owners have verified."`
	RecoveryPassphrase *bool   `json:"recovery_passphrase_allowed,omitempty" doc:"Whether people may choose a passphrase in place of a recovery key."`
	RetentionDays      *int64  `json:"retention_days,omitempty" doc:"Messages are removed after so many days in rooms that say nothing else. 0 keeps them. It cannot be undone: estimateRetention says what would go."`
	RetentionMinDays   *int64  `json:"retention_min_days,omitempty" doc:"The fewest days that a room may choose. 0 is no bound."`
	RetentionMaxDays   *int64  `json:"retention_max_days,omitempty" doc:"The most days that a room may choose. 0 is no bound."`

	RecordingScope  *string   `json:"recording_scope,omitempty" enum:"all except people groups none" doc:"Which rooms are recorded, where there is a recorder: all, all but recording_rooms (except), those with any member of recording_people (people) or of recording_groups (groups), or none. Only administrators with the compliance role change it."`
	RecordingMode   *string   `json:"recording_mode,omitempty" enum:"closed warn" doc:"Whether what the recorder does not sign is refused (closed), or accepted, counted and archived later (warn)."`
	RecordingRooms  *[]string `json:"recording_rooms,omitempty" doc:"Ids of rooms that are not recorded, for the scope except."`
	RecordingPeople *[]string `json:"recording_people,omitempty" doc:"User ids, for the scope people."`
	RecordingGroups *[]string `json:"recording_groups,omitempty" doc:"Ids of groups, for the scope groups."`

	RecordingClasses *[]RecordingClass `json:"recording_classes,omitempty" doc:"Retention classes of the archive other than its own. The first that claims a room has it. Only administrators with the compliance role change them."`
}

// RecordingClass is a retention class of the archive, and which rooms are in it.
type RecordingClass struct {
	Class  string   `json:"class" doc:"Its name, as the recorder's configuration has it. A recorder that does not know it keeps what is said there for its longest term."`
	Groups []string `json:"groups" doc:"Ids of groups: rooms with any of their members are in the class."`
	Rooms  []string `json:"rooms" doc:"Ids of rooms that are in the class."`
}

// Values is what holds now.
type Values struct {
	Name               string `json:"name"`
	Registration       string `json:"registration" enum:"closed token open"`
	UploadLimit        int64  `json:"upload_limit"`
	UserQuota          int64  `json:"user_quota"`
	EncryptRooms       bool   `json:"encrypt_rooms"`
	IdleLockMinutes    int64  `json:"idle_lock_minutes"`
	Forwarding         bool   `json:"forwarding_allowed"`
	ExcludeUnsigned    bool   `json:"exclude_unsigned_devices"`
	RecoveryPassphrase bool   `json:"recovery_passphrase_allowed"`
	RetentionDays      int64  `json:"retention_days"`
	RetentionMinDays   int64  `json:"retention_min_days"`
	RetentionMaxDays   int64  `json:"retention_max_days"`

	RecordingScope  string   `json:"recording_scope" enum:"all except people groups none"`
	RecordingMode   string   `json:"recording_mode" enum:"closed warn"`
	RecordingRooms  []string `json:"recording_rooms"`
	RecordingPeople []string `json:"recording_people"`
	RecordingGroups []string `json:"recording_groups"`

	RecordingClasses []RecordingClass `json:"recording_classes"`
}

// Defaults are the values that no configuration has.
func Defaults() Values {
	return Values{
		Forwarding: true, ExcludeUnsigned: true, RecoveryPassphrase: true,
		RecordingScope: "none", RecordingMode: "closed", RecordingRooms: []string{}, RecordingPeople: []string{}, RecordingGroups: []string{},
		RecordingClasses: []RecordingClass{},
	}
}

// Bounds of what can be set.
const (
	maxName    = 100
	maxMinutes = 24 * 60
	maxBytes   = 1 << 50
	maxDays    = 100 * 366
)

// over gives the values of what is set, and the others from below.
func (s *Settings) over(v Values) Values {
	take(&v.Name, s.Name)
	take(&v.Registration, s.Registration)
	take(&v.UploadLimit, s.UploadLimit)
	take(&v.UserQuota, s.UserQuota)
	take(&v.EncryptRooms, s.EncryptRooms)
	take(&v.IdleLockMinutes, s.IdleLockMinutes)
	take(&v.Forwarding, s.Forwarding)
	take(&v.ExcludeUnsigned, s.ExcludeUnsigned)
	take(&v.RecoveryPassphrase, s.RecoveryPassphrase)
	take(&v.RetentionDays, s.RetentionDays)
	take(&v.RetentionMinDays, s.RetentionMinDays)
	take(&v.RetentionMaxDays, s.RetentionMaxDays)
	take(&v.RecordingScope, s.RecordingScope)
	take(&v.RecordingMode, s.RecordingMode)
	take(&v.RecordingRooms, s.RecordingRooms)
	take(&v.RecordingPeople, s.RecordingPeople)
	take(&v.RecordingGroups, s.RecordingGroups)
	take(&v.RecordingClasses, s.RecordingClasses)
	return v
}

// CheckRetention refuses times for messages that contradict each other.
func (v *Values) CheckRetention() error {
	for name, days := range map[string]int64{
		"retention_days": v.RetentionDays, "retention_min_days": v.RetentionMinDays, "retention_max_days": v.RetentionMaxDays,
	} {
		if days < 0 || days > maxDays {
			return fault.InvalidParam("%s must be from 0 to %d", name, maxDays)
		}
	}
	switch least, most := v.RetentionMinDays, v.RetentionMaxDays; {
	case most > 0 && least > most:
		return fault.InvalidParam("retention_min_days (%d) is more than retention_max_days (%d): no room could choose anything", least, most)
	case v.RetentionDays > 0 && v.RetentionDays < least:
		return fault.InvalidParam("retention_days (%d) is less than retention_min_days (%d)", v.RetentionDays, least)
	case most > 0 && v.RetentionDays > most:
		return fault.InvalidParam("retention_days (%d) is more than retention_max_days (%d)", v.RetentionDays, most)
	}
	return nil
}

func take[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *Settings) check() error {
	switch {
	case s.Name != nil && (*s.Name == "" || len(*s.Name) > maxName):
		return fault.InvalidParam("The organisation's name has 1 to %d bytes", maxName)
	case s.Registration != nil && *s.Registration != "closed" && *s.Registration != "token":
		return fault.InvalidParam("registration is closed or token; only the configuration can open it to everybody")
	case s.UploadLimit != nil && (*s.UploadLimit < 1 || *s.UploadLimit > maxBytes):
		return fault.InvalidParam("upload_limit must be more than 0")
	case s.UserQuota != nil && (*s.UserQuota < 0 || *s.UserQuota > maxBytes):
		return fault.InvalidParam("user_quota must not be less than 0")
	case s.IdleLockMinutes != nil && (*s.IdleLockMinutes < 0 || *s.IdleLockMinutes > maxMinutes):
		return fault.InvalidParam("idle_lock_minutes must be from 0 to %d", maxMinutes)
	}
	return nil
}

// State is the settings at a version.
type State struct {
	Version int64
	Set     Settings
	Values  Values
}

// Deps are what a Service needs.
type Deps struct {
	DB   *store.DB
	Base Values // what holds where nothing is set
	Now  func() time.Time
	// Recording refuses what cannot work of what is recorded, and whoever may not change it. Nil refuses nothing.
	Recording func(by auditlog.Actor, was, next Values) error
}

// Service is the settings of one installation.
type Service struct {
	Deps
	state store.Copy[State]
}

// New makes a Service. It reads the settings: what is recorded depends on them, and the configuration may say less.
func New(ctx context.Context, d Deps) (*Service, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	s := &Service{Deps: d}
	_, err := s.State(ctx)
	return s, err
}

// Changed hears of a committed batch, on this node or another.
func (s *Service) Changed(b store.Batch) {
	for i := range b.Changes {
		if b.Changes[i].Kind == store.KindSettings {
			s.state.Drop()
			return
		}
	}
	if b.Lost {
		s.state.Drop()
	}
}

// State reads the settings.
func (s *Service) State(ctx context.Context) (*State, error) {
	return s.state.Get(func() (*State, error) { return s.read(ctx, s.DB) })
}

// Current is what holds now. Where it cannot be read, what held last does: the database is away, or what it has is not understood, and neither must end what
// the organisation has decided, such as what is recorded.
func (s *Service) Current() Values {
	st, err := s.State(context.Background())
	if err != nil {
		st = s.state.Last()
	}
	return st.Values
}

// Name is the organisation's name.
func (s *Service) Name() string { return s.Current().Name }

func (s *Service) read(ctx context.Context, r store.Reader) (*State, error) {
	version, data, err := settings.Read(ctx, r)
	if err != nil {
		return nil, err
	}
	st := &State{Version: version}
	if version > 0 {
		if err := json.Unmarshal(data, &st.Set); err != nil {
			return nil, err
		}
	}
	st.Values = st.Set.over(s.Base)
	return st, nil
}

var errChanged = fault.New(fault.PreconditionFailed, "CHAT.CONCLAVE.CHANGED", "Somebody else has changed the settings meanwhile: read them again")

// Put replaces what is set. version is that of the settings that the new ones are made from.
func (s *Service) Put(ctx context.Context, by auditlog.Actor, next Settings, version int64) (*State, error) {
	if err := next.check(); err != nil {
		return nil, err
	}
	var st *State
	err := s.DB.Write(func(tx *store.Tx) error {
		was, err := s.read(ctx, tx)
		if err != nil {
			return err
		}
		if was.Version != version {
			return errChanged
		}
		st = &State{Version: version + 1, Set: next, Values: next.over(s.Base)}
		if err := st.Values.CheckRetention(); err != nil {
			return err
		}
		if s.Recording != nil {
			if err := s.Recording(by, was.Values, st.Values); err != nil {
				return err
			}
		}
		return s.write(tx, by, was, st)
	})
	return st, err
}

// Rename gives the organisation another name, within a transaction.
func (s *Service) Rename(ctx context.Context, tx *store.Tx, by auditlog.Actor, name string) error {
	was, err := s.read(ctx, tx)
	if err != nil {
		return err
	}
	next := was.Set
	next.Name = &name
	if err := next.check(); err != nil {
		return err
	}
	return s.write(tx, by, was, &State{Version: was.Version + 1, Set: next})
}

func (s *Service) write(tx *store.Tx, by auditlog.Actor, was, next *State) error {
	data, err := json.Marshal(&next.Set)
	if err != nil {
		return err
	}
	if err := settings.Write(tx, next.Version, data); err != nil {
		return err
	}
	return auditlog.Record(tx, store.Millis(s.Now()), by, auditlog.Act{Action: "settings.change", Target: "organisation", Was: &was.Set, Became: &next.Set})
}
