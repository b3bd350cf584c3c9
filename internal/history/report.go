package history

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// maxReason bounds the text of a report: bytes.
const maxReason = 4096

// ReportEvent tells the administrators of an event. Only members of the room may.
//
// Spec: cs#post_matrixclientv3roomsroomidreporteventid
func (s *Service) ReportEvent(ctx context.Context, who Who, room mx.RoomID, id mx.EventID, reason string) error {
	p, e, err := s.event(ctx, who, room, id)
	if err != nil {
		return err
	}
	if !p.view.Joined() {
		return errNoEvent
	}
	return s.report(eventlog.Report{Kind: eventlog.ReportEvent, Reporter: who.User, Room: room, Event: id, User: e.Sender, Reason: reason})
}

// ReportRoom tells the administrators of a room. It does not say whether there is such a room.
//
// Spec: cs#post_matrixclientv3roomsroomidreport
func (s *Service) ReportRoom(ctx context.Context, who Who, room mx.RoomID, reason string) error {
	_, err := s.Rooms.Snapshot(ctx, room)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return checkReason(reason)
	}
	if err != nil {
		return err
	}
	return s.report(eventlog.Report{Kind: eventlog.ReportRoom, Reporter: who.User, Room: room, Reason: reason})
}

// ReportUser tells the administrators of a user. It does not say whether there is such a user: who reads the reports sees.
//
// Spec: cs#post_matrixclientv3usersuseridreport
func (s *Service) ReportUser(_ context.Context, who Who, user mx.UserID, reason string) error {
	return s.report(eventlog.Report{Kind: eventlog.ReportUser, Reporter: who.User, User: user, Reason: reason})
}

func checkReason(reason string) error {
	if len(reason) > maxReason {
		return fault.InvalidParam("The reason is longer than %d bytes", maxReason)
	}
	return nil
}

func (s *Service) report(r eventlog.Report) error {
	if err := checkReason(r.Reason); err != nil {
		return err
	}
	r.TS = store.Millis(s.Now())
	return s.DB.Write(func(tx *store.Tx) error { return eventlog.AddReport(tx, r) })
}

// Reports lists what was reported, latest first, for administrators: up to limit reports before one, or from the latest on for 0.
func (s *Service) Reports(ctx context.Context, before store.Pos, limit int) ([]eventlog.Report, error) {
	if before == 0 {
		before = visibility.End
	}
	return eventlog.Reports(ctx, s.DB, before, limit)
}
