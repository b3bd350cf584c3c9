package personal

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
)

var (
	errNoThread      = fault.Missing("There is no such thread")
	errNotSubscribed = fault.Missing("You have not subscribed to this thread")
	errNotInThread   = fault.New(fault.BadRequest, "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", "The event that automatic names is not in the thread")
	errConflict      = fault.New(fault.Conflict, "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION",
		"You have unsubscribed from the thread since that message")
)

// Thread names a thread by its room and its root.
type Thread struct{ Room, Root string }

// Subscription tells whether the user's subscription of a thread was made automatically. Without one it is M_NOT_FOUND.
//
// Spec: MSC4306
func (s *Service) Subscription(ctx context.Context, user mx.UserID, t Thread) (automatic bool, err error) {
	p, err := s.thread(ctx, user, t)
	if err != nil {
		return false, err
	}
	sub, err := personal.FindSubscription(ctx, s.DB, user, p.room, p.root)
	if err == nil && (sub == nil || !sub.Subscribed) {
		err = errNotSubscribed
	}
	if err != nil {
		return false, err
	}
	return sub.Automatic, nil
}

// Subscribe makes a user follow a thread. cause is not empty if the client does so by itself: it is the latest message of the thread that
// it does so for. A user who has unsubscribed since that message stays unsubscribed, and a subscription that the user made stays theirs.
//
// Spec: MSC4306
func (s *Service) Subscribe(ctx context.Context, user mx.UserID, t Thread, cause string) error {
	p, err := s.thread(ctx, user, t)
	if err != nil {
		return err
	}
	var at store.Pos
	if cause != "" {
		if at, err = s.causeIn(ctx, p, cause); err != nil {
			return err
		}
	}
	return s.DB.Write(func(tx *store.Tx) error {
		old, err := personal.FindSubscription(ctx, tx, user, p.room, p.root)
		switch {
		case err != nil:
			return err
		case old != nil && old.Subscribed && (cause != "" || !old.Automatic):
			return nil
		case old != nil && !old.Subscribed && cause != "" && at <= old.Pos:
			return errConflict
		}
		return personal.PutSubscription(tx, user, personal.Subscription{Room: p.room, Root: p.root, Subscribed: true, Automatic: cause != ""})
	})
}

// Unsubscribe makes a user follow a thread no longer.
//
// Spec: MSC4306
func (s *Service) Unsubscribe(ctx context.Context, user mx.UserID, t Thread) error {
	p, err := s.thread(ctx, user, t)
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		old, err := personal.FindSubscription(ctx, tx, user, p.room, p.root)
		if err != nil || old == nil || !old.Subscribed {
			return err
		}
		return personal.PutSubscription(tx, user, personal.Subscription{Room: p.room, Root: p.root})
	})
}

// Subscriptions are at most limit subscriptions of a user that changed last in (since, upto], the last ones first; those that ended
// are among them unless since is 0.
//
// Spec: MSC4308
func (s *Service) Subscriptions(ctx context.Context, user mx.UserID, since, upto store.Pos, limit int) ([]personal.Subscription, error) {
	return personal.Subscriptions(ctx, s.DB, user, since, upto, limit)
}

// place of a thread that a user may see.
type threadPlace struct {
	room mx.RoomID
	root mx.EventID
	sees func(*eventlog.Event) bool
}

// thread checks that there is a thread, or can be one, and that the user sees its root.
func (s *Service) thread(ctx context.Context, user mx.UserID, t Thread) (threadPlace, error) {
	room, err := mx.ParseRoomID(t.Room)
	if err != nil {
		return threadPlace{}, err
	}
	root, err := mx.ParseEventID(t.Root)
	if err != nil {
		return threadPlace{}, err
	}
	snap, err := s.Rooms.Snapshot(ctx, room)
	if err != nil {
		return threadPlace{}, missingThread(err)
	}
	view, err := s.Views.Of(ctx, snap, user)
	if err != nil {
		return threadPlace{}, err
	}
	sees := func(e *eventlog.Event) bool { return e.RoomID == room && view.CanSee(e.Pos) }
	e, err := s.Rooms.Event(ctx, root)
	if err != nil {
		return threadPlace{}, missingThread(err)
	}
	if !sees(e) || e.Thread != "" { // what is in a thread begins none
		return threadPlace{}, errNoThread
	}
	return threadPlace{room, root, sees}, nil
}

func missingThread(err error) error {
	if fault.Is(err, "M_NOT_FOUND") {
		return errNoThread
	}
	return err
}

// causeIn finds the position of a message of a thread.
func (s *Service) causeIn(ctx context.Context, p threadPlace, cause string) (store.Pos, error) {
	id, err := mx.ParseEventID(cause)
	if err != nil {
		return 0, err
	}
	e, err := s.Rooms.Event(ctx, id)
	switch {
	case fault.Is(err, "M_NOT_FOUND"):
		return 0, errNotInThread
	case err != nil:
		return 0, err
	case !p.sees(e) || e.Thread != p.root:
		return 0, errNotInThread
	}
	return e.Pos, nil
}
