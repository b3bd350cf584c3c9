package history

import (
	"context"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// present writes finds into the answer, with what the query wants to see beside them.
func (s *Service) present(ctx context.Context, q SearchQuery, found []match, out *Found) error {
	for _, m := range found {
		event, err := s.renderOne(ctx, m.place, m.Event)
		if err != nil {
			return err
		}
		f := Find{Rank: m.rank, ID: m.ID, Room: m.RoomID, Sender: m.Sender, Event: event}
		if q.Context != nil {
			if f.Context, err = s.findContext(ctx, m, q.Context); err != nil {
				return err
			}
		}
		out.Results = append(out.Results, f)
		if !q.State || out.State[m.RoomID] != nil {
			continue
		}
		state, err := s.stateAt(ctx, m.place, m.place.at)
		if err != nil {
			return err
		}
		if out.State == nil {
			out.State = map[mx.RoomID][][]byte{}
		}
		if out.State[m.RoomID], err = s.render(ctx, m.place, state, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) findContext(ctx context.Context, m match, c *SearchContext) (*FindContext, error) {
	near, err := s.around(ctx, m.place, m.Event, c.Before, c.After, &filter.RoomEvents{})
	if err != nil {
		return nil, err
	}
	out := &FindContext{Start: near.start, End: near.end}
	if out.Before, err = s.render(ctx, m.place, near.before, false); err != nil {
		return nil, err
	}
	if out.After, err = s.render(ctx, m.place, near.after, false); err != nil {
		return nil, err
	}
	if !c.Profiles {
		return out, nil
	}
	shown := append(append([]*eventlog.Event{m.Event}, near.before...), near.after...)
	members, err := s.senders(ctx, m.place, shown)
	if err != nil {
		return nil, err
	}
	out.Profiles = make(map[mx.UserID]Profile, len(members))
	for _, e := range members {
		out.Profiles[mx.UserID(*e.StateKey)] = profileOf(e.Event)
	}
	return out, nil
}

// Group is some of the finds.
type Group struct {
	Order   int
	Results []mx.EventID
	Next    string // "" if the group has no more
}

// Groups parts the finds by room or by sender.
//
// Spec: cs#groups
func (f *Found) Groups(by string) map[string]Group {
	groups := map[string]Group{}
	for _, r := range f.Results {
		key := string(r.Room)
		if by == GroupSender {
			key = string(r.Sender)
		}
		g, ok := groups[key]
		if !ok {
			g.Order = len(groups) + 1
		}
		g.Results = append(g.Results, r.ID)
		groups[key] = g
	}
	for key, g := range groups {
		g.Next = f.nextOf(by, key, len(g.Results))
		groups[key] = g
	}
	return groups
}

// nextOf is the token for more of a group of which some were given. Finds in order of rank are counted, so there is one only if all
// that were given of the group so far are known.
func (f *Found) nextOf(by, key string, given int) string {
	next, err := parseSearchToken(f.Next)
	if err != nil || f.Next == "" {
		return ""
	}
	if !f.recent {
		if f.from != (searchToken{}) && f.from.GroupBy != by {
			return ""
		}
		next.Skip = f.from.Skip + given
	}
	next.GroupBy, next.Group = by, key
	return next.String()
}
