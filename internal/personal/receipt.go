package personal

import (
	"context"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
)

// mainThread stands for what is in no thread.
const mainThread = "main"

// Mark is an event up to which a user has read: an m.read or m.read.private receipt, or the m.fully_read marker.
type Mark struct {
	Type   string
	Event  string
	Thread string // "" for the whole room
}

// MarkRead moves read positions of a user in a room forward. What is behind the present position changes nothing.
//
// Spec: cs#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
// Spec: cs#post_matrixclientv3roomsroomidread_markers
func (s *Service) MarkRead(ctx context.Context, user mx.UserID, room string, marks ...Mark) error {
	id, err := mx.ParseRoomID(room)
	if err != nil {
		return err
	}
	for _, m := range marks {
		if err := m.check(); err != nil {
			return err
		}
	}
	snap, err := s.joined(ctx, user, id)
	if err != nil {
		return err
	}
	view, err := s.Views.Of(ctx, snap, user)
	if err != nil {
		return err
	}
	receipts := make([]personal.Receipt, len(marks))
	for i, m := range marks {
		e, err := s.Rooms.Event(ctx, mx.EventID(m.Event))
		if err != nil {
			return err
		}
		if e.RoomID != id || !view.CanSee(e.Pos) {
			return fault.Missing("There is no such event")
		}
		within, err := s.inThread(ctx, e, m.Thread)
		if err != nil {
			return err
		}
		if !within {
			return fault.InvalidParam("The event is not in this thread")
		}
		receipts[i] = personal.Receipt{
			Room: id, User: user, Type: m.Type, Thread: m.Thread, Event: e.ID, EventPos: e.Pos, TS: store.Millis(s.Now()),
		}
	}
	s.Ephemeral.Active(user)
	if len(receipts) == 0 {
		return nil
	}
	return s.DB.Write(func(tx *store.Tx) error {
		for _, c := range receipts {
			if err := moveForward(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m Mark) check() error {
	switch m.Type {
	case personal.Read, personal.ReadPrivate:
	case personal.TypeFullyRead:
		if m.Thread != "" {
			return fault.InvalidParam("m.fully_read has no threads")
		}
	default:
		return fault.InvalidParam("The receipt type must be m.read, m.read.private or m.fully_read")
	}
	if _, err := mx.ParseEventID(m.Event); err != nil {
		return err
	}
	if len(m.Thread) > mx.MaxIDBytes {
		return fault.InvalidParam("thread_id is longer than %d bytes", mx.MaxIDBytes)
	}
	return nil
}

// maxHops is how far relations are followed from an event towards the root of a thread.
const maxHops = 3

// inThread reports whether a receipt for a thread may name an event. The root of a thread and what relates to it, directly or through
// others, count for both the main timeline and the thread: clients show them in both.
//
// Spec: cs#threaded-read-receipts
func (s *Service) inThread(ctx context.Context, e *eventlog.Event, thread string) (bool, error) {
	switch thread {
	case "":
		return true, nil
	case mainThread:
		return e.Thread == "", nil
	}
	root, at := mx.EventID(thread), e
	for range maxHops {
		if at.Thread != "" || at.ID == root || at.RelatesTo == root || at.RelatesTo == "" {
			break
		}
		parent, err := s.Rooms.Event(ctx, at.RelatesTo)
		if fault.Is(err, "M_NOT_FOUND") {
			break
		}
		if err != nil {
			return false, err
		}
		if parent.RoomID != e.RoomID {
			break
		}
		at = parent
	}
	return at.Thread == root || (at.Thread == "" && (at.ID == root || at.RelatesTo == root)), nil
}

func moveForward(ctx context.Context, tx *store.Tx, c personal.Receipt) error {
	if c.Type != personal.TypeFullyRead {
		_, err := personal.PutReceipt(tx, c)
		return err
	}
	type marker struct {
		Event mx.EventID `json:"event_id"`
	}
	old, err := personal.FindAccountData(ctx, tx, c.User, c.Room, personal.TypeFullyRead)
	if err != nil {
		return err
	}
	var at marker
	if old != nil && json.Unmarshal(old, &at) == nil {
		e, err := eventlog.ByID(ctx, tx, at.Event)
		if err == nil && e.RoomID == c.Room && e.Pos >= c.EventPos {
			return nil
		}
		if err != nil && !fault.Is(err, "M_NOT_FOUND") {
			return err
		}
	}
	content, err := json.Marshal(marker{c.Event})
	if err != nil {
		return err
	}
	return personal.PutAccountData(tx, c.User, c.Room, personal.TypeFullyRead, content)
}
