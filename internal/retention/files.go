package retention

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/retain"
)

// endLinks says that messages that were removed show no files any more.
func (s *Service) endLinks(tx *store.Tx, removed []*eventlog.Event, ground precedence.Ground, now int64) error {
	for _, e := range removed {
		if err := mediameta.EndLinks(tx, e.ID, ground, now); err != nil {
			return err
		}
	}
	return nil
}

// endedLinks reports whether there are links to be ended.
func (s *Service) endedLinks(ctx context.Context) (bool, error) {
	list, err := mediameta.EndedLinks(ctx, s.DB, s.now(), 1)
	return len(list) > 0, err
}

// sweepFiles removes files whose last event is gone, and from time to time those that nothing is known to show.
func (s *Service) sweepFiles(ctx context.Context) error {
	if err := s.linkOlder(ctx); err != nil {
		return err
	}
	total := 0
	for {
		n, files := 0, 0
		err := s.DB.Write(func(tx *store.Tx) (err error) {
			n, files, err = s.unlink(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		total += files
		if n < batch {
			break
		}
	}
	if now := s.now(); now-s.forsaken >= forsakenEvery.Milliseconds() {
		n, err := s.dropForsaken(ctx)
		if err != nil {
			return err
		}
		total += n
		s.forsaken = now
	}
	if total == 0 {
		return nil
	}
	s.files.Add(float64(total))
	s.Log.Info("files removed that nothing shows any more", "files", total)
	return s.Files.DeleteDoomed(ctx)
}

// unlink ends links that are due, and the files of which they were the last. It says how many links it looked at and how many files went.
func (s *Service) unlink(ctx context.Context, tx *store.Tx) (links, files int, err error) {
	now := s.now()
	list, err := mediameta.EndedLinks(ctx, tx, now, batch)
	if err != nil {
		return 0, 0, err
	}
	rules := map[mx.RoomID]roomRule{}
	for i := range list {
		l := &list[i]
		r, known := rules[l.Room]
		if !known {
			if r.rule, err = s.keeper().ruleOf(ctx, tx, l.Room); err != nil {
				return 0, 0, err
			}
			if r.held, err = holds.In(ctx, tx, l.Room); err != nil {
				return 0, 0, err
			}
			rules[l.Room] = r
		}
		// A message that was removed for its age stays removed, also where its room keeps messages for longer now.
		held, err := s.heldFile(ctx, tx, l.Media)
		if err != nil {
			return 0, 0, err
		}
		gone := l.Ground == precedence.Erasure || l.Ground == precedence.Retention
		v := precedence.Decide(precedence.Claim{Age: now - l.Sent, Rule: r.rule, Erased: gone, Deleted: true, Held: held || r.held.At(l.Sent)})
		if !v.Remove {
			if err := mediameta.Postpone(tx, l, until(v, now)); err != nil {
				return 0, 0, err
			}
			continue
		}
		went, err := mediameta.DropLink(ctx, tx, l, s.Server)
		if err != nil {
			return 0, 0, err
		}
		if went {
			files++
		}
	}
	return len(list), files, nil
}

// heldFile reports whether a hold keeps a file for the sake of who uploaded it.
func (s *Service) heldFile(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	m, err := mediameta.Get(ctx, tx, id)
	if err != nil || m == nil {
		return false, err
	}
	return holds.OfOwner(ctx, tx, m.Owner, m.Uploaded)
}

// roomRule is what is to be said of files in a room.
type roomRule struct {
	rule Rule
	held holds.Cover
}

// greatest is the age at which no room keeps messages any more; 0 if there is none, as the organisation has no default.
func (s *Service) greatest(ctx context.Context) (int64, error) {
	b := s.Bounds()
	if b.Default == 0 {
		return 0, nil
	}
	said, err := retain.Sayings(ctx, s.DB)
	age := b.Default
	for _, e := range said {
		age = max(age, b.For(e.Content).Max)
	}
	return age, err
}

// dropForsaken removes files that nothing is known to show and that are older than any room keeps messages.
func (s *Service) dropForsaken(ctx context.Context) (total int, err error) {
	age, err := s.greatest(ctx)
	if err != nil || age == 0 {
		return 0, err
	}
	var after mediameta.Place
	for {
		list, err := mediameta.Unlinked(ctx, s.DB, s.now()-age, after, batch)
		if err != nil || len(list) == 0 {
			return total, err
		}
		after = list[len(list)-1]
		n := 0
		err = s.DB.Write(func(tx *store.Tx) error {
			n = 0
			for _, p := range list {
				went, _, err := s.dropUnlinked(ctx, tx, p, precedence.Claim{Age: s.now() - p.Uploaded, Rule: Rule{Max: age}})
				if err != nil {
					return err
				}
				if went {
					n++
				}
			}
			return nil
		})
		if total += n; err != nil {
			return total, err
		}
	}
}

// dropUnlinked removes a file that nothing is known to show, if it may go. It reports whether it did, and whether a hold keeps it.
func (s *Service) dropUnlinked(ctx context.Context, tx *store.Tx, p mediameta.Place, c precedence.Claim) (went, held bool, err error) {
	m, err := mediameta.Get(ctx, tx, p.ID)
	if err != nil || m == nil {
		return false, false, err
	}
	if c.Held, err = holds.OfFile(ctx, tx, m.Owner, m.Uploaded); err != nil || !precedence.Decide(c).Remove {
		return false, c.Held, err
	}
	went, err = mediameta.DropUnlinked(ctx, tx, p.ID, s.Server)
	return went, false, err
}

// linkOlder reads events from before there were links for the files that they show.
func (s *Service) linkOlder(ctx context.Context) error {
	for {
		p, err := retain.ReadProgress(ctx, s.DB)
		if err != nil || p.Linked >= p.Older {
			return err
		}
		list, err := eventlog.AllAfter(ctx, s.DB, p.Linked, p.Older, readBatch)
		if err != nil {
			return err
		}
		err = s.DB.Write(func(tx *store.Tx) error {
			to := p.Older
			if len(list) > 0 {
				to = list[len(list)-1].Pos
			}
			for _, e := range list {
				if err := s.linkOne(ctx, tx, e); err != nil {
					return err
				}
			}
			return retain.AdvanceLinks(tx, to)
		})
		if err != nil {
			return err
		}
	}
}

// linkOne links the files that an older event shows, if it is still in the log.
func (s *Service) linkOne(ctx context.Context, tx *store.Tx, e *eventlog.Event) error {
	files := mx.FilesIn(e.Content, s.Server)
	if len(files) == 0 {
		return nil
	}
	at, err := eventlog.ByPos(ctx, tx, []store.Pos{e.Pos})
	if err != nil || at[e.Pos] == nil {
		return err
	}
	return mediameta.AddLinks(tx, files, e.ID, e.RoomID, e.Sender, e.TS)
}
