package steward

import (
	"context"
	"crypto/rand"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/mediameta"
)

// Deletion is a room that is being deleted, or was.
type Deletion = eventlog.Deletion

// The phases of a deletion.
const (
	phaseLeaving = "leaving"
	phasePurging = "purging"
	phaseDone    = "done"
)

// DeletionOrders are what Deletions can be sorted by; the first is the default.
func DeletionOrders() []string { return []string{"-requested", "requested"} }

const (
	leaveBatch    = 64
	purgeBatch    = 500
	deletionsKept = 365 * 24 * time.Hour
)

// Delete begins to delete a room: nothing can happen in it any more, all members leave, then its events are removed. It cannot be undone. While a
// legal hold covers something that was said there, the events stay, out of everybody's sight.
// What remains is how the room began and how its members left, for their clients.
func (s *Service) Delete(ctx context.Context, by auditlog.Actor, id mx.RoomID, name string) (*Deletion, error) {
	if notices, err := eventlog.IsNoticeRoom(ctx, s.DB, id); err != nil {
		return nil, err
	} else if notices {
		return nil, fault.Denied("The server sends notices in this room")
	}
	d := &Deletion{ID: "d-" + rand.Text(), Room: id, Name: name, Actor: by.Name, Phase: phaseLeaving, Requested: s.now()}
	err := s.DB.Write(func(tx *store.Tx) error {
		if err := standing(ctx, tx, id, true); err != nil {
			return err
		}
		if _, err := eventlog.Block(tx, id, true, by.Name, s.now()); err != nil {
			return err
		}
		var err error
		if _, d.Members, err = eventlog.Present(ctx, tx, id, 0); err != nil {
			return err
		}
		if d.Events, err = eventlog.Disposable(ctx, tx, id); err != nil {
			return err
		}
		if err := eventlog.PutDeletion(tx, d); err != nil {
			return err
		}
		return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: "room.delete", Target: string(id), Was: map[string]any{
			"name": name, "members": d.Members, "events": d.Events,
		}})
	})
	if err != nil {
		return nil, err
	}
	s.poke()
	return d, nil
}

// Deletion is one deletion.
func (s *Service) Deletion(ctx context.Context, id string) (*Deletion, error) {
	d, err := eventlog.FindDeletion(ctx, s.DB, id)
	if err == nil && d == nil {
		err = fault.Missing("There is no such job")
	}
	return d, err
}

// Deletions is a page of the deletions.
func (s *Service) Deletions(ctx context.Context, p listing.Page) (listing.Found[Deletion], error) {
	return eventlog.Deletions(ctx, s.DB, p)
}

// Collect forgets deletions of long ago.
func (s *Service) Collect(_ context.Context, now time.Time) error {
	return s.DB.Write(func(tx *store.Tx) error {
		_, err := eventlog.ExpireDeletions(tx, store.Millis(now.Add(-deletionsKept)))
		return err
	})
}

// lookEvery is how often other nodes' deletions are looked for that a node left behind when it ended.
const lookEvery = time.Minute

// Run deletes what is to be deleted, until ctx ends; what is left is done after the next start. Each step can be done again, and by several
// nodes.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := s.work(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("a room was not deleted; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// work does all steps of all deletions.
func (s *Service) work(ctx context.Context) error {
	for ctx.Err() == nil {
		d, err := eventlog.NextDeletion(ctx, s.DB)
		if err != nil || d == nil {
			return err
		}
		if err := s.step(ctx, d); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Service) step(ctx context.Context, d *Deletion) error {
	if d.Phase == phaseLeaving {
		return s.empty(ctx, d)
	}
	held := false
	err := s.DB.Write(func(tx *store.Tx) error {
		next := *d
		if s.MayPurge != nil {
			may, err := s.MayPurge(ctx, tx, d.Room)
			if held = !may; err != nil {
				return err
			}
			if held {
				next.Held = true
				return eventlog.PutDeletion(tx, &next)
			}
		}
		n, err := eventlog.Purge(tx, d.Room, purgeBatch)
		if err != nil {
			return err
		}
		next.Purged = min(d.Purged+n, d.Events)
		if n < purgeBatch {
			next.Phase, next.Finished, next.Purged = phaseDone, max(s.now(), 1), next.Events
			if err := eventlog.Strip(tx, d.Room); err != nil {
				return err
			}
			if err := mediameta.EndRoom(tx, d.Room, precedence.Erasure, s.now()); err != nil {
				return err
			}
		}
		return eventlog.PutDeletion(tx, &next)
	})
	if held && err == nil {
		s.Log.Info("a legal hold keeps what was said in a room that is to be deleted", "room", d.Room)
	}
	return err
}

// Changed hears of a committed batch, on this node or another: a hold that was released lets deletions go on.
func (s *Service) Changed(b store.Batch) {
	for i := range b.Changes {
		if b.Changes[i].Kind == store.KindHold {
			s.poke()
		}
	}
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// empty makes members leave, as many as fit into a step.
func (s *Service) empty(ctx context.Context, d *Deletion) error {
	list, _, err := eventlog.Present(ctx, s.DB, d.Room, leaveBatch)
	if err != nil {
		return err
	}
	var stays error
	gone := false
	for _, u := range list {
		switch err := s.Rooms.Leave(ctx, u, d.Room, "An administrator has deleted this room"); {
		case fault.Is(err, "M_FORBIDDEN"): // who records is the last to leave
			stays = err
		case err != nil:
			return err
		default:
			gone = true
		}
	}
	if stays != nil && !gone {
		return stays
	}
	return s.DB.Write(func(tx *store.Tx) error {
		_, left, err := eventlog.Present(ctx, tx, d.Room, 0)
		if err != nil {
			return err
		}
		next := *d
		next.Gone = max(d.Members-left, 0)
		if left == 0 {
			next.Phase, next.Gone = phasePurging, d.Members
		}
		return eventlog.PutDeletion(tx, &next)
	})
}
