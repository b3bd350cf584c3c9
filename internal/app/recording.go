package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/group"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/recording"
	"conclave.chat/internal/store/auditlog"
)

// wireRecording makes what decides which rooms are recorded, and asks the recorder.
func (a *App) wireRecording() (err error) {
	a.recording, err = recording.New(recording.Deps{
		DB: a.db, Signer: a.signer, Config: a.cfg.Recording, Rule: func() recording.Rule { return ruleOf(a.organisation.Current()) },
		Groups: a.groups,
		Seed:   a.keys.Derive, Log: a.log, Metrics: a.metrics,
	})
	a.background = append(a.background, func(ctx context.Context) { a.recording.Run(ctx, a.rooms) })
	return err
}

// archiveCheck says what the recorders tell of their archives: what is gravest.
func (a *App) archiveCheck(ctx context.Context) doctor.Finding {
	list, _, err := a.recording.Status(ctx)
	if err != nil {
		return doctor.Finding{Check: "archive", Level: doctor.Problem, Found: err.Error(), Do: "Check that the database runs."}
	}
	var worst doctor.Finding
	for i, s := range list {
		f := archiveFinding(s)
		if len(list) > 1 {
			f.Found = s.Log + ": " + f.Found
		}
		if i == 0 || f.Level > worst.Level {
			worst = f
		}
	}
	return worst
}

func archiveFinding(s recording.State) doctor.Finding {
	f := doctor.Finding{Check: "archive"}
	alarm := selfcheck.Quiet
	if len(s.Alarms) > 0 {
		alarm = s.Alarms[0]
	}
	switch alarm {
	case selfcheck.Stopped:
		f.Level, f.Found, f.Do = doctor.Problem, "it takes nothing: "+s.Archive.Stopped, "Make room on the recorder's disk, or mend what the error says. The recorder goes on by itself then."
	case selfcheck.Unreachable:
		f.Level, f.Found, f.Do = doctor.Problem, "the recorder does not answer: "+s.Is, "Start the recorder, and see what its log says."
	case selfcheck.Problems:
		c := s.Archive.Check
		f.Level, f.Found, f.Do = doctor.Problem, fmt.Sprintf("%d problems, the first: %s", c.Problems, strings.Join(c.First[:min(len(c.First), 1)], "")), "Change nothing in the archive, and run conclave archive verify on it."
	case selfcheck.Unwitnessed:
		f.Level, f.Found, f.Do = doctor.Problem, "not every witness signs its checkpoints: "+unwitnessed(s.Archive), "Compare the archive with a copy and with checkpoints that were kept, by conclave archive verify --checkpoint: its history may have been changed."
	case selfcheck.Failed:
		f.Level, f.Found, f.Do = doctor.Problem, "it could not be verified: "+s.Archive.Check.Error, "See what the recorder's log says."
	case selfcheck.Clock:
		f.Level, f.Found, f.Do = doctor.Problem, "the recorder's clock says "+s.Archive.Now.Format(time.RFC3339), "Set the clocks of both machines by NTP. Nothing is destroyed while they differ by more than an hour."
	case selfcheck.Uncopied:
		f.Level, f.Found, f.Do = doctor.Problem, "it is not copied to its bucket: "+s.Archive.Copy.Error, "See that the recorder reaches the bucket and may write there: its log has the reason. Until then its disk is the only copy."
	case selfcheck.Overdue:
		f.Level, f.Found, f.Do = doctor.Problem, "it was not verified for more than a day", "See what the recorder's log says."
	default:
		f.Found = "the first verification is under way"
		if c := s.Archive.Check; c != nil {
			f.Found = fmt.Sprintf("verified %s, %d records, none of %d accepted events is missing", c.Time.Format(time.RFC3339), c.Records+c.Newer, c.Stated)
		}
		if e := s.Archive.Expiry; e != nil && e.Error != "" {
			f.Level, f.Found, f.Do = doctor.Warning, "what is due is not destroyed: "+e.Error, "See what the recorder's log says."
		}
	}
	return f
}

// unwitnessed says what is the matter with an archive's witnesses.
func unwitnessed(s *selfcheck.Status) string {
	if s.Forked != "" {
		return s.Forked
	}
	var list []string
	for _, w := range s.Witnesses {
		if w.Error != "" {
			list = append(list, w.Name+": "+w.Error)
		}
	}
	return strings.Join(list, "; ")
}

func ruleOf(v organisation.Values) recording.Rule {
	r := recording.Rule{Scope: v.RecordingScope, Mode: v.RecordingMode, Rooms: v.RecordingRooms, People: v.RecordingPeople, Groups: v.RecordingGroups}
	for _, c := range v.RecordingClasses {
		r.Classes = append(r.Classes, recording.Class{Name: c.Class, Groups: c.Groups, Rooms: c.Rooms})
	}
	return r
}

var errCompliance = fault.Denied("only an administrator with the compliance role may do this")

// compliance lets in who may see and change legal holds: those who may change what is recorded, and the command line.
func (a *App) compliance(by auditlog.Actor) error {
	if by.Name == auditlog.CommandLine || a.recording.MayChange(mx.UserID(by.Name)) {
		return nil
	}
	return errCompliance
}

// checkRecording refuses changes of what is recorded that cannot work, or by administrators who may not make them.
func (a *App) checkRecording(by auditlog.Actor, was, next organisation.Values) error {
	from, to := ruleOf(was), ruleOf(next)
	if reflect.DeepEqual(from, to) {
		return nil
	}
	if !a.recording.MayChange(mx.UserID(by.Name)) {
		return errCompliance
	}
	if err := recording.CheckRule(to); err != nil {
		return err
	}
	// Groups that the configuration names may come later; those that are named anew are there.
	known := named(from)
	return a.groups.Check(context.Background(), slices.DeleteFunc(named(to), func(id string) bool { return slices.Contains(known, id) }))
}

// named gives the groups that a rule names.
func named(r recording.Rule) (list []string) {
	if r.Scope == recording.Groups {
		list = append(list, r.Groups...)
	}
	for _, c := range r.Classes {
		list = append(list, c.Groups...)
	}
	return list
}

var errNamed = fault.New(fault.Conflict, "CHAT.CONCLAVE.NAMED", "What is recorded names this group: take it out of there first")

// groupShrinks refuses what would take people out of what is recorded: that a group ends that it names, and that others than those with the
// compliance role take members from one. The command line is for who runs the server, and can do everything.
func (a *App) groupShrinks(by auditlog.Actor, id string, ends bool) error {
	rule := ruleOf(a.organisation.Current())
	switch {
	case !slices.Contains(named(rule), id):
		return nil
	case ends:
		return errNamed
	case strings.HasPrefix(by.Name, "@") && !a.recording.MayChange(mx.UserID(by.Name)):
		return errCompliance
	}
	return nil
}

// guardGroups keeps administrators without the compliance role from putting recorders into groups: they are in every recorded room, so these would
// all be of the group's retention class.
func (a *App) guardGroups(by auditlog.Actor, user mx.UserID) error {
	if a.recording != nil && a.recording.Records(user) {
		return a.compliance(by)
	}
	return nil
}

// Groups opens the groups of an installation for the command line, beside a running server or without one.
func Groups(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (*group.Service, func() error, error) {
	db, err := commandStore(ctx, cfg, k, log)
	if err != nil {
		return nil, nil, err
	}
	a := &App{cfg: cfg, keys: k, log: log, server: mx.ServerName(cfg.ServerName), db: db, bus: notify.New()}
	if err := a.identity(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err := a.wireOrganisation(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return a.groups, db.Close, nil
}
