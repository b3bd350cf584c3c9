// Package steward owns what administrators do to rooms: blocking, deleting, and giving an orphaned room to somebody.
//
// It acts through the engine, as members of the room could, and where everybody sees it. It refuses what the rules of a room's version
// do not permit. Each act is in the audit log.
package steward

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
)

// Blocklist is the policy that lets nothing happen in blocked rooms but leaving.
type Blocklist struct {
	db    *store.DB
	rooms atomic.Pointer[map[mx.RoomID]bool] // nil: to be read
}

// NewBlocklist makes the policy. Its Changed must hear of every commit.
func NewBlocklist(db *store.DB) *Blocklist { return &Blocklist{db: db} }

// Changed hears of a committed batch, on this node or another.
func (b *Blocklist) Changed(batch store.Batch) {
	stale := batch.Lost
	for i := range batch.Changes {
		stale = stale || batch.Changes[i].Kind == store.KindBlocked
	}
	if stale {
		b.rooms.Store(nil)
	}
}

func (b *Blocklist) list() (map[mx.RoomID]bool, error) {
	if list := b.rooms.Load(); list != nil {
		return *list, nil
	}
	list, err := eventlog.BlockedRooms(context.Background(), b.db)
	if err != nil {
		return nil, err
	}
	b.rooms.CompareAndSwap(nil, &list)
	return list, nil
}

var errBlocked = fault.Denied("An administrator has blocked this room")

// Judge refuses all but leaving.
func (b *Blocklist) Judge(s *roomstate.Snapshot, ev *mx.Event) error {
	list, err := b.list()
	if err != nil || !list[s.Room()] {
		return err
	}
	if ev.Type == mx.TypeMember && (ev.Membership() == mx.Leave || ev.Membership() == mx.Ban) {
		return nil
	}
	return errBlocked
}

// Deps are what a Service needs.
type Deps struct {
	DB    *store.DB
	Rooms *room.Engine
	Log   *slog.Logger
	Now   func() time.Time
	// MayPurge reports whether the events of a room that is being deleted may go. Nil lets all go.
	MayPurge func(ctx context.Context, tx *store.Tx, room mx.RoomID) (bool, error)
}

// Service looks after rooms.
type Service struct {
	Deps
	wake chan struct{}
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d, make(chan struct{}, 1)}
}

func (s *Service) now() int64 { return store.Millis(s.Now()) }

// Block lets nothing happen in a room any more but leaving, or lifts that.
func (s *Service) Block(ctx context.Context, by auditlog.Actor, id mx.RoomID, on bool) error {
	return s.DB.Write(func(tx *store.Tx) error {
		if err := standing(ctx, tx, id, !on); err != nil {
			return err
		}
		return s.block(tx, by, id, on)
	})
}

func (s *Service) block(tx *store.Tx, by auditlog.Actor, id mx.RoomID, on bool) error {
	news, err := eventlog.Block(tx, id, on, by.Name, s.now())
	if err != nil || !news {
		return err
	}
	action := "room.block"
	if !on {
		action = "room.unblock"
	}
	return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: action, Target: string(id), Was: !on, Became: on})
}

// standing gives an error if there is no such room, or, where that matters, if it is being deleted.
func standing(ctx context.Context, r store.Reader, id mx.RoomID, whole bool) error {
	if _, err := eventlog.RoomByID(ctx, r, id); err != nil {
		return err
	}
	d, err := eventlog.DeletionOf(ctx, r, id)
	if err == nil && d != nil && whole {
		err = errDeleted
	}
	return err
}

var errDeleted = fault.New(fault.Conflict, "CHAT.CONCLAVE.DELETED", "This room was deleted, or is being deleted")

// NoPower is the errcode where a room cannot be given to anybody.
const NoPower = "CHAT.CONCLAVE.NO_POWER"

// marker is in the power levels that a takeover sets: whoever reads them sees who did it, and for whom.
const marker = "chat.conclave.takeover"

// TakeOver gives a user as much power in a room as a member has who can give it. That member's power levels event says who asked for it. A
// user who is not in the room is invited by that member, and joins. Where no member has the power, the rules of the room let nobody give it.
func (s *Service) TakeOver(ctx context.Context, by auditlog.Actor, id mx.RoomID, user mx.UserID) error {
	if err := standing(ctx, s.DB, id, true); err != nil {
		return err
	}
	snap, err := s.Rooms.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	giver, level := snap.Giver()
	switch {
	case giver == "":
		return fault.New(fault.Conflict, NoPower, "No member of this room may give power over it to others, and nobody else can by the rules of its version: "+
			"make another room, and delete this one")
	case snap.Power().User(user) >= level && snap.Joined(user):
		return fault.New(fault.Conflict, "CHAT.CONCLAVE.HAS_POWER", "%s has that power already", user)
	}
	const reason = "An administrator takes this room over"
	if !snap.Joined(user) {
		if snap.Membership(user) != mx.Invite {
			if err := s.Rooms.Invite(ctx, giver, id, user, reason); err != nil {
				return err
			}
		}
		if err := s.Rooms.Join(ctx, user, id, []byte(`{"reason":"`+reason+`"}`)); err != nil {
			return err
		}
	}
	record := func(tx *store.Tx) error {
		return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: "room.take_over", Target: string(id), Became: map[string]any{
			"user": user, "power": level, "given_by": giver,
		}})
	}
	if snap.Power().User(user) >= level { // it was out of the room alone that there was none
		return s.DB.Write(record)
	}
	content, err := raise(snap, user, level, by)
	if err != nil {
		return err
	}
	_, err = s.Rooms.Append(ctx, room.Draft{
		Room: id, Sender: giver, Type: mx.TypePowerLevels, StateKey: new(string), Content: content, Also: record,
	})
	return err
}
