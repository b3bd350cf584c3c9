package history

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Keys that finds can be grouped by.
const (
	GroupRoom   = "room_id"
	GroupSender = "sender"
)

// searchToken is where a search goes on.
type searchToken struct {
	Below   store.Pos `json:"b,omitzero"` // latest first: events before this one
	UpTo    store.Pos `json:"u,omitzero"` // best first: events up to this one were ranked
	Skip    int       `json:"s,omitzero"` // and this many of them were given
	GroupBy string    `json:"k,omitzero"` // only finds of one group
	Group   string    `json:"g,omitzero"`
}

// String is the token as clients keep it; "" for the zero value.
func (t searchToken) String() string {
	if t == (searchToken{}) {
		return ""
	}
	text, _ := json.Marshal(t) // five fields of plain types
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseSearchToken(text string) (searchToken, error) {
	var t searchToken
	if text == "" {
		return t, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &t, json.RejectUnknownMembers(true))
	}
	if err != nil || t.Below < 0 || t.UpTo < 0 || t.Skip < 0 {
		return t, fault.InvalidParam("Unknown pagination token")
	}
	return t, nil
}

// sifter turns hits of the index into finds: it reads the events and drops what the query does not mean.
type sifter struct {
	s     *Service
	q     *SearchQuery
	words []string
	from  searchToken
	limit int
	next  searchToken
}

// recent takes the latest finds.
func (f *sifter) recent(ctx context.Context, hits []hit) ([]match, error) {
	if f.from.Below != 0 {
		i, _ := slices.BinarySearchFunc(hits, f.from.Below, func(h hit, below store.Pos) int { return cmp.Compare(below, h.at+1) })
		hits = hits[i:]
	}
	var found []match
	for batch := range slices.Chunk(hits[:min(len(hits), maxScan)], maxBatch) {
		list, err := f.read(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if found = append(found, m); len(found) == f.limit {
				f.next = f.from
				f.next.Below = m.Pos
				return found, nil
			}
		}
	}
	return found, nil
}

// ranked takes the best finds among the latest.
func (f *sifter) ranked(ctx context.Context, hits []hit) ([]match, error) {
	if f.from.UpTo != 0 {
		hits = slices.DeleteFunc(hits, func(h hit) bool { return h.at > f.from.UpTo })
	}
	hits = hits[:min(len(hits), maxRanked)]
	if len(hits) == 0 {
		return nil, nil
	}
	found, err := f.read(ctx, hits)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(b.rank, a.rank) })
	found = found[min(f.from.Skip, len(found)):]
	if len(found) >= f.limit {
		found = found[:f.limit]
		f.next = f.from
		f.next.UpTo, f.next.Skip = cmp.Or(f.from.UpTo, hits[0].at), f.from.Skip+f.limit
	}
	return found, nil
}

func (f *sifter) read(ctx context.Context, hits []hit) ([]match, error) {
	at := make([]store.Pos, len(hits))
	for i, h := range hits {
		at[i] = h.at
	}
	events, err := eventlog.ByPos(ctx, f.s.DB, at)
	if err != nil {
		return nil, err
	}
	var found []match
	for _, h := range hits {
		e := events[h.at]
		if e == nil || e.RoomID != h.place.room() || !f.q.Filter.Match(e) || h.place.hides(e) || h.place.view.Hides(e) || !f.from.admits(e.Sender) {
			continue
		}
		if rank := rankOf(e, f.words); rank > 0 {
			found = append(found, match{e, h.place, rank})
		}
	}
	return found, nil
}

func (t searchToken) admits(sender mx.UserID) bool {
	return t.GroupBy != GroupSender || t.Group == string(sender)
}

// rankOf is how well an event fits to words, between 0 and 1: 0 if it does not have them all, and the more the larger a part of its text
// they are.
func rankOf(e *eventlog.Event, list []string) float64 {
	t, _ := text(e)
	all := words(t)
	count := make(map[string]int, len(list))
	for _, w := range list {
		count[w] = 0
	}
	for _, w := range all {
		if n, wanted := count[w]; wanted {
			count[w] = n + 1
		}
	}
	sum := 0.0
	for _, n := range count {
		if n == 0 {
			return 0
		}
		sum += float64(min(n, 3))
	}
	return sum / (float64(len(all)) + 2*float64(len(list)))
}
