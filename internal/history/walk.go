package history

import (
	"context"
	"slices"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/visibility"
)

// Bounds of one request.
const (
	minBatch = 16
	maxBatch = 256
	maxScan  = 4000    // events looked at for a page; a filter that lets few through gives shorter pages
	maxBytes = 4 << 20 // of events on a page; large events give shorter pages
)

// walk goes over the events of a stretch that the reader may see, in batches and in order, until yield says stop.
func (s *Service) walk(
	ctx context.Context, p *place, b bounds, size int, yield func([]*eventlog.Event) (more bool, err error),
) error {
	spans := p.view.Within(b.from, b.to)
	if b.backwards {
		slices.Reverse(spans)
	}
	size = min(max(size, minBatch), maxBatch)
	for _, span := range spans {
		for span.From <= span.To {
			list, err := eventlog.Range(ctx, s.DB, p.room(), span.From, span.To, b.backwards, size)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				if more, err := yield(list); err != nil || !more {
					return err
				}
			}
			if len(list) < size {
				break
			}
			span = rest(span, list[len(list)-1].Pos, b.backwards)
			size = maxBatch
		}
	}
	return nil
}

// rest is what remains of a span after a position.
func rest(s visibility.Span, at store.Pos, backwards bool) visibility.Span {
	if backwards {
		s.To = at - 1
	} else {
		s.From = at + 1
	}
	return s
}

// page is some of the events of a stretch.
type page struct {
	events []*eventlog.Event
	last   store.Pos // the last event looked at
	more   bool      // the reader may see further events after that
}

// collect gathers up to limit events of a stretch that the reader may see and the filter lets through.
func (s *Service) collect(ctx context.Context, p *place, b bounds, limit int, f *filter.RoomEvents) (*page, error) {
	var got page
	scanned, size := 0, 0
	err := s.walk(ctx, p, b, limit+1, func(batch []*eventlog.Event) (bool, error) {
		keep, err := s.matching(ctx, p, f, batch)
		if err != nil {
			return false, err
		}
		for i, e := range batch {
			if len(got.events) >= limit || scanned >= maxScan || size >= maxBytes {
				got.more = true
				return false, nil
			}
			got.last = e.Pos
			scanned++
			if keep[i] {
				got.events = append(got.events, e)
				size += len(e.Raw)
			}
		}
		return true, nil
	})
	return &got, err
}

// matching says which events of a batch pass the filter and are not from ignored users.
func (s *Service) matching(ctx context.Context, p *place, f *filter.RoomEvents, batch []*eventlog.Event) ([]bool, error) {
	keep := make([]bool, len(batch))
	for i, e := range batch {
		keep[i] = f.Match(e) && !p.hides(e)
	}
	if len(f.RelatedByTypes) == 0 && len(f.RelatedBySenders) == 0 {
		return keep, nil
	}
	related, err := eventlog.RelatedTo(ctx, s.DB, idsOf(batch), f.RelatedByTypes, f.RelatedBySenders)
	if err != nil {
		return nil, err
	}
	for i, e := range batch {
		keep[i] = keep[i] && related[e.ID]
	}
	return keep, nil
}
