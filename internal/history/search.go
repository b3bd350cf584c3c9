package history

import (
	"cmp"
	"context"
	"slices"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Bounds of a search.
const (
	maxSearchRooms = 500
	maxMatches     = 10_000 // in each room
	maxRanked      = 1_000
	maxLookup      = 8 // words that are looked up; an event with these is read and must have the others
	defaultResults = 10
	maxResults     = 100
	maxTerm        = 1024 // bytes
)

// SearchQuery says what is searched for and what is told of the finds.
type SearchQuery struct {
	Term    string
	Kinds   int // bits of eventlog.KindBody and so on; 0 for all
	Filter  filter.RoomEvents
	Recent  bool // latest first; otherwise the best first
	Context *SearchContext
	State   bool // with the state of the rooms
	Next    string
}

// SearchContext says how much is shown around each find.
type SearchContext struct {
	Before, After int
	Profiles      bool
}

// Found is the answer to a search.
type Found struct {
	Count   int // of all finds, roughly
	Words   []string
	Results []Find
	State   map[mx.RoomID][][]byte
	Next    string // "" if there are no more

	from   searchToken // what was asked for
	recent bool
}

// Find is one event that was found.
type Find struct {
	Rank    float64
	ID      mx.EventID
	Room    mx.RoomID
	Sender  mx.UserID
	Event   []byte
	Context *FindContext
}

// FindContext is what lies around an event that was found.
type FindContext struct {
	Start, End    string
	Before, After [][]byte
	Profiles      map[mx.UserID]Profile // nil if not asked for
}

// match is an event that was found, with the place that it was found in.
type match struct {
	*eventlog.Event
	place *place
	rank  float64
}

// Search finds events by their words in the rooms that a user is in or has been in, as far as they are not encrypted.
//
// Spec: cs#post_matrixclientv3search
func (s *Service) Search(ctx context.Context, who Who, q SearchQuery) (*Found, error) {
	if len(q.Term) > maxTerm {
		return nil, fault.InvalidParam("The search term is longer than %d bytes", maxTerm)
	}
	from, err := parseSearchToken(q.Next)
	if err != nil {
		return nil, err
	}
	out := &Found{Words: distinct(words(q.Term)), from: from, recent: q.Recent}
	if len(out.Words) == 0 {
		return out, nil
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	places, err := s.searchPlaces(ctx, who, &q.Filter, from)
	if err != nil {
		return nil, err
	}
	hits, err := s.hits(ctx, places, out.Words, q.Kinds)
	if err != nil {
		return nil, err
	}
	out.Count = len(hits)
	limit := min(max(q.Filter.Max(defaultResults, maxResults), 1), maxResults)
	sift := &sifter{s: s, q: &q, words: out.Words, from: from, limit: limit}
	var found []match
	if q.Recent {
		found, err = sift.recent(ctx, hits)
	} else {
		found, err = sift.ranked(ctx, hits)
	}
	if err != nil {
		return nil, err
	}
	out.Next = sift.next.String()
	return out, s.present(ctx, q, found, out)
}

// searchPlaces is the rooms to search, those with the latest events first if there are too many.
func (s *Service) searchPlaces(ctx context.Context, who Who, f *filter.RoomEvents, scope searchToken) ([]*place, error) {
	rooms, err := s.Rooms.Rooms(ctx, who.User)
	if err != nil {
		return nil, err
	}
	ignored := place{who: who}
	if err := s.readIgnored(ctx, &ignored); err != nil {
		return nil, err
	}
	var places []*place
	for id, m := range rooms {
		if m.Forgotten || !f.MatchRoom(id) || (scope.GroupBy == GroupRoom && string(id) != scope.Group) {
			continue
		}
		p, err := s.look(ctx, who, id)
		if err == errNoRoom { //nolint:errorlint // our own value
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.view.EverJoined() && !p.snap.Encrypted() {
			p.ignored = ignored.ignored
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b *place) int { return cmp.Compare(b.snap.Head(), a.snap.Head()) })
	return places[:min(len(places), maxSearchRooms)], nil
}

// hit is a position at which the index has all words.
type hit struct {
	at    store.Pos
	place *place
}

// manyTimes is how far words are counted to find the rarest.
const manyTimes = 1000

// rarestFirst is the words of a room as the index knows them, nil if it lacks one.
func (s *Service) rarestFirst(ctx context.Context, p *place, list []string) ([]int64, error) {
	hashes := make([]int64, len(list))
	for i, w := range list {
		hashes[i] = hash(p.room(), w)
	}
	counts, err := eventlog.WordCounts(ctx, s.DB, hashes, manyTimes)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(hashes, func(a, b int64) int { return counts[a] - counts[b] })
	if counts[hashes[0]] == 0 {
		return nil, nil
	}
	return hashes, nil
}

// hits asks the index, latest first.
func (s *Service) hits(ctx context.Context, places []*place, list []string, kinds int) ([]hit, error) {
	if kinds == 0 {
		kinds = eventlog.KindBody | eventlog.KindName | eventlog.KindTopic
	}
	lookup := slices.Clone(list)
	slices.SortStableFunc(lookup, func(a, b string) int { return len(b) - len(a) }) // long words tell more
	lookup = lookup[:min(len(lookup), maxLookup)]
	var found []hit
	for _, p := range places {
		hashes, err := s.rarestFirst(ctx, p, lookup)
		if err != nil {
			return nil, err
		}
		if hashes == nil {
			continue
		}
		left := maxMatches
		for _, span := range slices.Backward(p.view.Spans()) {
			at, err := eventlog.FindWords(ctx, s.DB, hashes, kinds, span.From, span.To, left)
			if err != nil {
				return nil, err
			}
			for _, pos := range at {
				found = append(found, hit{pos, p})
			}
			if left -= len(at); left <= 0 {
				break
			}
		}
	}
	slices.SortFunc(found, func(a, b hit) int { return cmp.Compare(b.at, a.at) })
	return found, nil
}
