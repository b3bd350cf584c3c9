package app

import (
	"context"
	"reflect"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/recording"
	"conclave.chat/internal/store/auditlog"
)

// wireRecording makes what decides which rooms are recorded, and asks the recorder.
func (a *App) wireRecording() (err error) {
	a.recording, err = recording.New(recording.Deps{
		DB: a.db, Signer: a.signer, Config: a.cfg.Recording, Rule: func() recording.Rule { return ruleOf(a.organisation.Current()) },
		Seed: a.keys.Derive, Log: a.log, Metrics: a.metrics,
	})
	a.background = append(a.background, func(ctx context.Context) { a.recording.Run(ctx, a.rooms) })
	return err
}

func ruleOf(v organisation.Values) recording.Rule {
	return recording.Rule{Scope: v.RecordingScope, Mode: v.RecordingMode, Rooms: v.RecordingRooms, People: v.RecordingPeople}
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
	return recording.CheckRule(to)
}
