package history

import (
	"context"
	"errors"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Bounds of reading the log for search: events per write, and the time that a search waits for it.
const (
	indexBatch  = 64
	indexBudget = 2 * time.Second
)

// Collect reads for search what has come since it was last read, so that no search finds much left to do.
func (s *Service) Collect(ctx context.Context, _ time.Time) error { return s.index(ctx) }

// index reads the log for search up to its end or until the context ends.
func (s *Service) index(ctx context.Context) error {
	select {
	case s.indexing <- struct{}{}:
		defer func() { <-s.indexing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for ctx.Err() == nil {
		at, err := eventlog.SearchProgress(ctx, s.DB)
		if err != nil {
			return err
		}
		events, err := eventlog.Searchable(ctx, s.DB, at, indexBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		found, err := s.wordsOf(ctx, events)
		if err != nil {
			return err
		}
		if err := s.DB.Write(func(tx *store.Tx) error { return addToIndex(tx, at, events, found) }); err != nil {
			return err
		}
		if len(events) < indexBatch {
			return nil
		}
	}
	return ctx.Err()
}

// addToIndex makes one step. Another node may have made it already; then nothing is left to do.
func addToIndex(tx *store.Tx, at store.Pos, events []*eventlog.Event, found []eventlog.Word) error {
	ours, err := eventlog.AdvanceSearch(tx, at, events[len(events)-1].Pos)
	if err != nil || !ours {
		return err
	}
	if err := eventlog.AddWords(tx, found); err != nil {
		return err
	}
	if err := eventlog.DropLostWords(tx, at, events[len(events)-1].Pos); err != nil {
		return err
	}
	for _, e := range events {
		if e.Redacts == "" {
			continue
		}
		if err := eventlog.DropWords(tx, e.Redacts); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) wordsOf(ctx context.Context, events []*eventlog.Event) ([]eventlog.Word, error) {
	var found []eventlog.Word
	encrypted := map[mx.RoomID]bool{}
	for _, e := range events {
		hidden, known := encrypted[e.RoomID]
		if !known {
			snap, err := s.Rooms.Snapshot(ctx, e.RoomID)
			if f := fault.Of(err); err != nil && (f == nil || f.Kind != fault.NotFound) {
				return nil, err
			}
			hidden = err != nil || snap.Encrypted()
			encrypted[e.RoomID] = hidden
		}
		if hidden {
			continue
		}
		t, kind := text(e)
		for _, w := range distinct(words(t)) {
			found = append(found, eventlog.Word{Hash: hash(e.RoomID, w), Pos: e.Pos, Kind: kind})
		}
	}
	return found, nil
}

// catchUp is index for a search, which does not wait longer than its budget.
func (s *Service) catchUp(ctx context.Context) error {
	budget, cancel := context.WithTimeout(ctx, indexBudget)
	defer cancel()
	err := s.index(budget)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}
