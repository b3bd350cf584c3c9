package push

import (
	"context"
	"encoding/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Notification is an event that a user was notified of.
type Notification struct {
	Event   *eventlog.Event
	Because *eventlog.Event // the redaction of the event
	Actions []json.RawMessage
	Read    bool
}

const (
	pageScan = 500
	maxScan  = 5000
)

// Notifications lists the events before a position that a user's rules notify of, newest first. next is where to go on, 0 at the end.
//
// Spec: cs#get_matrixclientv3notifications
func (s *Service) Notifications(ctx context.Context, user mx.UserID, before store.Pos, limit int, highlights bool) (list []Notification, next store.Pos, err error) {
	for scanned := 0; scanned < maxScan; scanned += pageScan {
		page, err := eventlog.ForMember(ctx, s.db, user, before, pageScan)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range page {
			before = e.Pos
			n, err := s.notification(ctx, user, e)
			if err != nil {
				return nil, 0, err
			}
			if n == nil || (highlights && !n.highlight) {
				continue
			}
			if list = append(list, n.Notification); len(list) == limit {
				return list, before, nil
			}
		}
		if len(page) < pageScan {
			return list, 0, nil
		}
	}
	return list, before, nil
}

type notified struct {
	Notification
	highlight bool
}

// notification is what a user's rules make of an event; nil if nothing. What was there before the user joined is not looked at.
func (s *Service) notification(ctx context.Context, user mx.UserID, e *eventlog.Event) (*notified, error) {
	l, err := s.current(ctx, user, e.RoomID)
	if err != nil || e.Pos <= l.joined {
		return nil, err
	}
	r, err := s.match(ctx, user, e)
	if err != nil || !r.Notify {
		return nil, err
	}
	n := &notified{Notification{Event: e, Actions: r.Actions, Read: e.Pos <= max(l.whole, l.read[e.Thread])}, r.Highlight}
	if e.RedactedBy != "" {
		if n.Because, err = eventlog.ByID(ctx, s.db, e.RedactedBy); err != nil && !fault.Is(err, "M_NOT_FOUND") { // it may have been removed for its age
			return nil, err
		}
	}
	return n, nil
}

// standing is how far a user has read a room.
type standing struct {
	joined, whole store.Pos
	read          map[mx.EventID]store.Pos
}

func (s *Service) current(ctx context.Context, user mx.UserID, room mx.RoomID) (standing, error) {
	k := ledgerKey{user, room}
	l := s.ledger(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.bringUpToDate(ctx, k, l, nil); err != nil {
		return standing{}, err
	}
	st := standing{joined: l.joined, whole: l.whole, read: make(map[mx.EventID]store.Pos, len(l.read))}
	for t, p := range l.read {
		st.read[t] = p
	}
	return st, nil
}
