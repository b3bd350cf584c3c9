package media

import (
	"context"
	"errors"
	"time"

	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
)

const (
	// collectBatch is how many rows one write of the collector takes.
	collectBatch = 200
	// uploadGrace is how long writing one blob may take before the collector gives it up.
	uploadGrace = 24 * time.Hour
)

// Collect removes what is no longer needed: announced files whose content never came, pictures of old previews, old thumbnails,
// old previews, and the bytes of all of them and of uploads that broke off.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	ms := store.Millis(now)
	return errors.Join(
		s.dropExpired(ctx, ms),
		s.dropThumbnails(ctx, store.Millis(now.Add(-s.cfg.Thumbnails.Keep))),
		s.db.Write(func(tx *store.Tx) error {
			return errors.Join(mediameta.DropPreviews(tx, ms), mediameta.Abandon(tx, store.Millis(now.Add(-uploadGrace))))
		}),
		s.DeleteDoomed(ctx),
	)
}

func (s *Service) dropExpired(ctx context.Context, now int64) error {
	for {
		n := 0
		err := s.db.Write(func(tx *store.Tx) error {
			list, err := mediameta.Expired(ctx, tx, now, collectBatch)
			if err != nil {
				return err
			}
			for _, id := range list {
				if _, err := mediameta.Delete(ctx, tx, id); err != nil {
					return err
				}
			}
			n = len(list)
			return nil
		})
		if err != nil || n < collectBatch {
			return err
		}
	}
}

func (s *Service) dropThumbnails(ctx context.Context, before int64) error {
	for {
		n := 0
		err := s.db.Write(func(tx *store.Tx) error {
			list, err := mediameta.OldThumbnails(ctx, tx, before, collectBatch)
			if err != nil {
				return err
			}
			for i := range list {
				if err := mediameta.DropThumbnail(tx, &list[i]); err != nil {
					return err
				}
			}
			n = len(list)
			return nil
		})
		if err != nil || n < collectBatch {
			return err
		}
	}
}

// DeleteDoomed deletes blobs that nothing names any more. One that cannot be deleted is tried again at the next collection.
func (s *Service) DeleteDoomed(ctx context.Context) error {
	for {
		list, err := mediameta.Doomed(ctx, s.db, collectBatch)
		if err != nil {
			return err
		}
		var failed []error
		for _, blob := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.vault.blobs.Delete(ctx, blob); err != nil {
				failed = append(failed, err)
				continue
			}
			if err := s.db.Write(func(tx *store.Tx) error { return mediameta.Forget(tx, blob) }); err != nil {
				return err
			}
		}
		if len(failed) > 0 || len(list) < collectBatch {
			return errors.Join(failed...)
		}
	}
}
