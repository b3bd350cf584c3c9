package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"conclave.chat/internal/audit"
	"conclave.chat/internal/census"
	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
	"conclave.chat/internal/door/admin"
	"conclave.chat/internal/door/conclave"
	recordingdoor "conclave.chat/internal/door/recording"
	"conclave.chat/internal/group"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/organisation"
)

// wireAdmin makes the administrators' API.
func (a *App) wireAdmin() error {
	counts := census.New(a.db, a.rooms, time.Now)
	a.collectors = append(a.collectors, collector{"numbers for administrators", counts.Collect})
	log := audit.New(a.db, nil)
	a.collectors = append(a.collectors, collector{"security histories", log.Collect})
	h, err := admin.New(admin.Deps{
		Audit: log, Accounts: a.accounts, Enrol: a.enrol, Organisation: a.organisation, Census: counts,
		Sources: a.sources(), Steward: a.steward, Retention: a.retention, Subject: a.subject, Groups: a.groups, Nodes: admin.Nodes{Status: a.status, Health: a.health},
	})
	if err != nil {
		return err
	}
	own := conclave.New(conclave.Deps{Audit: log, Accounts: a.accounts, Enrol: a.enrol, Organisation: a.organisation, MinPassword: a.cfg.Accounts.Passwords.MinLength})
	a.routes = append(a.routes, h.Routes(), own.Routes(), recordingdoor.Routes(a.recording, a.retention))
	return nil
}

// status is how this node does.
func (a *App) status(context.Context) admin.Status {
	s := admin.Status{
		Server: string(a.server), Version: Version(), Engine: a.db.Engine(), Started: a.started.UnixMilli(), CommitQueue: a.db.QueueLength(),
		Parked: a.parking.Parked(), Waiting: a.feed.Waiting(),
	}
	if a.mail != nil {
		s.MailQueue = new(a.mail.Waiting())
	}
	s.Pushed, s.PushFailed = a.push.Deliveries()
	return s
}

// healthTimeout is how long one check may take.
const healthTimeout = 15 * time.Second

// health examines the installation as conclave doctor does, from inside.
func (a *App) health(ctx context.Context) []admin.Finding {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	checks := append([]doctor.Check{doctor.DataDir(a.cfg.DataDir), doctor.Clock(), a.databaseCheck, MediaCheck(a.cfg)}, ReachChecks(a.cfg)...)
	if a.cfg.Recording.URL != "" {
		checks = append(checks, a.archiveCheck)
	}
	list := make([]admin.Finding, len(checks))
	var running sync.WaitGroup
	for i, check := range checks {
		running.Go(func() {
			f := check(ctx)
			list[i] = admin.Finding{Check: f.Check, Level: strings.ToLower(f.Level.String()), Found: f.Found, Do: f.Do}
		})
	}
	running.Wait()
	return list
}

// wireOrganisation makes what can be set at run time, over what is configured.
func (a *App) wireOrganisation(ctx context.Context) error {
	base, err := a.settingsBase()
	if err != nil {
		return err
	}
	if a.groups, err = group.New(ctx, group.Deps{DB: a.db, Shrinks: a.groupShrinks, Guard: a.guardGroups}); err != nil {
		return fmt.Errorf("app: groups: %w", err)
	}
	a.bus.ListenFirst(a.groups.Changed)
	if a.organisation, err = organisation.New(ctx, organisation.Deps{DB: a.db, Base: base, Recording: a.checkRecording}); err != nil {
		return fmt.Errorf("app: settings: %w", err)
	}
	a.bus.ListenFirst(a.organisation.Changed)
	return nil
}

// settingsBase is what the configuration says of what can be set at run time.
func (a *App) settingsBase() (organisation.Values, error) {
	base := organisation.Defaults()
	base.Name, base.Registration = a.cfg.Organisation, a.cfg.Accounts.Registration.Mode
	base.UploadLimit, base.UserQuota, base.EncryptRooms = a.cfg.Media.MaxUpload, a.cfg.Media.QuotaBytes, a.cfg.Rooms.Encrypt
	base.RetentionDays, base.RetentionMinDays, base.RetentionMaxDays = a.cfg.Retention.Days, a.cfg.Retention.MinDays, a.cfg.Retention.MaxDays
	if err := base.CheckRetention(); err != nil {
		return base, fmt.Errorf("app: retention: %w", err)
	}
	if a.cfg.Recording.URL != "" {
		c := a.cfg.Recording
		base.RecordingScope, base.RecordingMode = c.Scope, c.Mode
		base.RecordingRooms, base.RecordingPeople = append(base.RecordingRooms, c.Rooms...), append(base.RecordingPeople, c.People...)
		base.RecordingGroups = append(base.RecordingGroups, c.Groups...)
		for _, class := range c.Classes {
			base.RecordingClasses = append(base.RecordingClasses,
				organisation.RecordingClass{Class: class.Name, Groups: append([]string{}, class.Groups...), Rooms: append([]string{}, class.Rooms...)})
		}
	}
	return base, nil
}

// sources says where the values come from that are not set at run time.
func (a *App) sources() map[string]string {
	list := map[string]string{}
	for name, path := range map[string]string{
		"name": "organisation", "registration": "accounts.registration.mode", "upload_limit": "media.max_upload", "user_quota": "media.quota_bytes",
		"encrypt_rooms": "rooms.encrypt", "retention_days": "retention.days", "retention_min_days": "retention.min_days", "retention_max_days": "retention.max_days",
		"recording_scope": "recording.scope", "recording_mode": "recording.mode", "recording_rooms": "recording.rooms", "recording_people": "recording.people",
		"recording_groups": "recording.groups", "recording_classes": "recording.classes",
	} {
		list[name] = a.cfg.Source(path)
	}
	return list
}

// AuditLog opens the audit log of an installation for the command line, beside a running server or without one.
func AuditLog(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (*audit.Service, func() error, error) {
	db, err := commandStore(ctx, cfg, k, log)
	if err != nil {
		return nil, nil, err
	}
	return audit.New(db, nil), db.Close, nil
}
