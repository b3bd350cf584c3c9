package retention

import (
	"context"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/retain"
)

// waiting reports whether there is something to be looked at that redacted messages said, or that people left who are to be erased.
func (s *Service) waiting(ctx context.Context) (bool, error) {
	withheld, err := retain.NextWithheld(ctx, s.DB)
	if err != nil || withheld <= s.now() {
		return err == nil, err
	}
	person, err := retain.NextPerson(ctx, s.DB)
	if err != nil || person <= s.now() {
		return err == nil, err
	}
	list, err := retain.Erasures(ctx, s.DB, s.now(), 1)
	return len(list) > 0, err
}

// sweepPeople removes what people had removed or replaced of their key backups and recovery keys, where nothing keeps that any more.
func (s *Service) sweepPeople(ctx context.Context) error {
	for {
		list, err := retain.People(ctx, s.DB, s.now(), readBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, user := range list {
			n := int64(0)
			err := s.DB.Write(func(tx *store.Tx) error {
				may, err := s.keeper().MayErase(ctx, tx, user)
				if err != nil {
					return err
				}
				if !may {
					return retain.LookAtPerson(tx, user, retain.Never)
				}
				n, err = retain.DropPerson(tx, user)
				return err
			})
			if err != nil {
				return err
			}
			if n > 0 {
				s.Log.Info("what somebody had removed of a key backup is gone", "user", user, "keys", n)
			}
		}
	}
}

// sweepWithheld removes what redacted messages said, where nothing keeps that any more.
func (s *Service) sweepWithheld(ctx context.Context) error {
	total := 0
	for {
		n, went := 0, 0
		err := s.DB.Write(func(tx *store.Tx) error {
			now := s.now()
			list, err := retain.DueWithheld(ctx, tx, now, batch)
			if err != nil {
				return err
			}
			n, went = len(list), 0
			for i := range list {
				v, err := s.keeper().redacted(ctx, tx, list[i].Room, list[i].TS, now)
				switch {
				case err != nil:
				case v.Remove:
					went++
					err = retain.DropWithheld(tx, list[i].Pos, now+recorderAfter)
				default:
					err = retain.LookAgain(tx, list[i].Pos, until(v, now))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if total += went; n < batch {
			break
		}
	}
	if total > 0 {
		s.Log.Info("what redacted messages said removed", "messages", total)
	}
	return nil
}

// sweepErasures goes on with the accounts of which something is still to be removed.
func (s *Service) sweepErasures(ctx context.Context) error {
	list, err := retain.Erasures(ctx, s.DB, s.now(), readBatch)
	for i := range list {
		if err == nil {
			err = s.erase(ctx, list[i])
		}
	}
	return err
}

// again is when an erasure is looked at again that was broken off.
const again = 10 * time.Minute

// erase removes what an account stored, sent and uploaded, but for what is held. That waits for a release.
func (s *Service) erase(ctx context.Context, e retain.Erasure) error {
	begun := s.now() + again.Milliseconds()
	if err := s.DB.Write(func(tx *store.Tx) error { return retain.LookAfter(tx, e.User, begun) }); err != nil {
		return err
	}
	if e.Personal || len(e.Kept) > 0 {
		if err := s.DB.Write(func(tx *store.Tx) error { return s.forget(ctx, tx, &e) }); err != nil {
			return err
		}
	}
	left := false
	if e.Messages {
		var err error
		if left, err = s.eraseMessages(ctx, e.User); err != nil {
			return err
		}
	}
	return s.DB.Write(func(tx *store.Tx) error {
		now, err := retain.FindErasure(ctx, tx, e.User)
		if err != nil || now == nil || now.Look != begun { // a hold was released meanwhile: all is to be looked at again
			return err
		}
		if left || now.Personal || len(now.Kept) > 0 {
			return retain.LookAfter(tx, e.User, retain.Never)
		}
		s.Log.Info("account erased", "user", e.User, "messages", now.Removed)
		return retain.DropErasure(tx, e.User)
	})
}

// forget removes what an account stored.
func (s *Service) forget(ctx context.Context, tx *store.Tx, e *retain.Erasure) error {
	may, err := s.keeper().MayErase(ctx, tx, e.User)
	if err != nil || !may {
		return err
	}
	if e.Personal && s.Forget != nil {
		if err := s.Forget(tx, e.User); err != nil {
			return err
		}
	}
	return retain.Forgotten(tx, e.User)
}

// eraseMessages removes what a user sent and uploaded. It reports whether something had to stay.
func (s *Service) eraseMessages(ctx context.Context, user mx.UserID) (left bool, err error) {
	rooms, err := eventlog.Memberships(ctx, s.DB, user)
	if err != nil {
		return false, err
	}
	steps := []func(context.Context, mx.UserID) (bool, error){s.eraseWithheld, s.eraseFiles}
	for i := range rooms {
		room := rooms[i].Room
		steps = append(steps, func(ctx context.Context, user mx.UserID) (bool, error) { return s.eraseIn(ctx, user, room) })
	}
	for _, step := range steps {
		stays, err := step(ctx, user)
		if err != nil {
			return false, err
		}
		left = left || stays
	}
	return left, nil
}

// eraseIn removes a user's messages from a room. It reports whether some had to stay.
func (s *Service) eraseIn(ctx context.Context, user mx.UserID, room mx.RoomID) (left bool, err error) {
	for after := store.Pos(0); ; {
		var list, due []*eventlog.Event
		err := s.DB.Write(func(tx *store.Tx) (err error) {
			due = nil
			if list, err = retain.Sent(ctx, tx, room, user, after, batch); err != nil || len(list) == 0 {
				return err
			}
			held, err := holds.In(ctx, tx, room)
			if err != nil {
				return err
			}
			for _, ev := range list {
				if precedence.Decide(precedence.Claim{Erased: true, Held: held.At(ev.TS)}).Remove {
					due = append(due, ev)
				}
			}
			return s.remove(ctx, tx, user, room, due)
		})
		if err != nil {
			return false, err
		}
		left = left || len(due) < len(list)
		if len(list) < batch {
			return left, nil
		}
		after = list[len(list)-1].Pos
	}
}

// remove takes messages of somebody who is erased out of a room.
func (s *Service) remove(ctx context.Context, tx *store.Tx, user mx.UserID, room mx.RoomID, due []*eventlog.Event) error {
	if len(due) == 0 {
		return nil
	}
	if err := retain.Prune(ctx, tx, room, due, s.now()+recorderAfter); err != nil {
		return err
	}
	if err := s.endLinks(tx, due, precedence.Erasure, s.now()); err != nil {
		return err
	}
	tx.Next() // so that a node that misses the word notices
	tx.Emit(store.Change{Pos: due[len(due)-1].Pos, Kind: store.KindErased, Room: room})
	return retain.Removed(tx, user, len(due))
}

// eraseWithheld removes what a user's redacted messages said. It reports whether something had to stay.
func (s *Service) eraseWithheld(ctx context.Context, user mx.UserID) (left bool, err error) {
	for after := store.Pos(0); ; {
		var list []retain.Withheld
		stays := false
		err := s.DB.Write(func(tx *store.Tx) (err error) {
			stays = false
			if list, err = retain.WithheldOf(ctx, tx, user, after, batch); err != nil {
				return err
			}
			for i := range list {
				held, err := holds.In(ctx, tx, list[i].Room)
				if err != nil {
					return err
				}
				if !precedence.Decide(precedence.Claim{Erased: true, Deleted: true, Held: held.At(list[i].TS)}).Remove {
					stays = true
				} else if err := retain.DropWithheld(tx, list[i].Pos, s.now()+recorderAfter); err != nil {
					return err
				}
			}
			return nil
		})
		left = left || stays
		if err != nil || len(list) < batch {
			return left, err
		}
		after = list[len(list)-1].Pos
	}
}

// eraseFiles removes files of a user that nothing shows. It reports whether one had to stay.
func (s *Service) eraseFiles(ctx context.Context, user mx.UserID) (left bool, err error) {
	for after := (mediameta.Place{}); ; {
		list, err := mediameta.UnlinkedOf(ctx, s.DB, user, after, batch)
		if err != nil || len(list) == 0 {
			return left, err
		}
		after = list[len(list)-1]
		stays := false
		err = s.DB.Write(func(tx *store.Tx) error {
			stays = false
			for _, p := range list {
				_, held, err := s.dropUnlinked(ctx, tx, p, precedence.Claim{Erased: true})
				if err != nil {
					return err
				}
				stays = stays || held
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		left = left || stays
	}
}
