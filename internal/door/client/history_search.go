package client

import (
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// Numbers of events around a find.
const (
	defaultAround = 5
	maxAround     = 50
)

func (h *Handlers) searchRoutes() []door.Route {
	return []door.Route{
		// Spec: cs#post_matrixclientv3search
		{Method: "POST", Path: "/_matrix/client/v3/search", Access: gate.User, Limit: gate.Costly, Handle: h.search},
	}
}

type searchBody struct {
	Categories *struct {
		RoomEvents *searchCriteria `json:"room_events"`
	} `json:"search_categories"`
}

type searchCriteria struct {
	Term    *string           `json:"search_term"`
	Keys    []string          `json:"keys"`
	Filter  filter.RoomEvents `json:"filter"`
	OrderBy string            `json:"order_by"`
	Context *struct {
		Before   *int `json:"before_limit"`
		After    *int `json:"after_limit"`
		Profiles bool `json:"include_profile"`
	} `json:"event_context"`
	State     bool `json:"include_state"`
	Groupings struct {
		By []struct {
			Key string `json:"key"`
		} `json:"group_by"`
	} `json:"groupings"`
}

// query checks the criteria and turns them into what the service understands.
func (c *searchCriteria) query(next string) (history.SearchQuery, error) {
	q := history.SearchQuery{Filter: c.Filter, State: c.State, Next: next}
	if c.Term == nil {
		return q, fault.MissingParam("search_term is missing")
	}
	q.Term = *c.Term
	if err := q.Filter.Check(); err != nil {
		return q, err
	}
	for _, key := range c.Keys {
		kind := map[string]int{
			"content.body": eventlog.KindBody, "content.name": eventlog.KindName, "content.topic": eventlog.KindTopic,
		}[key]
		if kind == 0 {
			return q, fault.InvalidParam("keys can be content.body, content.name and content.topic")
		}
		q.Kinds |= kind
	}
	switch c.OrderBy {
	case "", "rank":
	case "recent":
		q.Recent = true
	default:
		return q, fault.InvalidParam("order_by must be rank or recent")
	}
	for _, g := range c.Groupings.By {
		if g.Key != history.GroupRoom && g.Key != history.GroupSender {
			return q, fault.InvalidParam("results can be grouped by room_id and sender")
		}
	}
	if c.Context == nil {
		return q, nil
	}
	before, err := aroundLimit(c.Context.Before)
	if err != nil {
		return q, err
	}
	after, err := aroundLimit(c.Context.After)
	q.Context = &history.SearchContext{Before: before, After: after, Profiles: c.Context.Profiles}
	return q, err
}

func aroundLimit(n *int) (int, error) {
	switch {
	case n == nil:
		return defaultAround, nil
	case *n < 0:
		return 0, fault.InvalidParam("before_limit and after_limit must not be negative")
	}
	return min(*n, maxAround), nil
}

func (h *Handlers) search(r *door.Request) (any, error) {
	var body searchBody
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Categories == nil {
		return nil, fault.MissingParam("search_categories is missing")
	}
	c := body.Categories.RoomEvents
	if c == nil {
		return map[string]any{"search_categories": struct{}{}}, nil
	}
	q, err := c.query(r.Param("next_batch"))
	if err != nil {
		return nil, err
	}
	found, err := h.History.Search(r.Context(), who(r), q)
	if err != nil {
		return nil, err
	}
	answer := foundAnswer(found)
	for _, g := range c.Groupings.By {
		if answer.Groups == nil {
			answer.Groups = map[string]map[string]groupAnswer{}
		}
		answer.Groups[g.Key] = map[string]groupAnswer{}
		for key, group := range found.Groups(g.Key) {
			answer.Groups[g.Key][key] = groupAnswer(group)
		}
	}
	return map[string]any{"search_categories": map[string]any{"room_events": answer}}, nil
}

type searchAnswer struct {
	Count      int                               `json:"count"`
	Highlights []string                          `json:"highlights"`
	Results    []findAnswer                      `json:"results"`
	State      map[mx.RoomID][]jsontext.Value    `json:"state,omitempty"`
	Groups     map[string]map[string]groupAnswer `json:"groups,omitempty"`
	Next       string                            `json:"next_batch,omitempty"`
}

type groupAnswer struct {
	Order   int          `json:"order"`
	Results []mx.EventID `json:"results"`
	Next    string       `json:"next_batch,omitempty"`
}

type findAnswer struct {
	Rank    float64        `json:"rank"`
	Result  jsontext.Value `json:"result"`
	Context *contextAnswer `json:"context,omitempty"`
}

type contextAnswer struct {
	Start    string                    `json:"start"`
	End      string                    `json:"end"`
	Before   []jsontext.Value          `json:"events_before"`
	After    []jsontext.Value          `json:"events_after"`
	Profiles map[mx.UserID]findProfile `json:"profile_info,omitempty"`
}

type findProfile struct {
	DisplayName *string `json:"displayname,omitempty"`
	AvatarURL   *string `json:"avatar_url,omitempty"`
}

func foundAnswer(f *history.Found) *searchAnswer {
	a := &searchAnswer{Count: f.Count, Highlights: f.Words, Next: f.Next, Results: make([]findAnswer, len(f.Results))}
	for i, r := range f.Results {
		a.Results[i] = findAnswer{Rank: r.Rank, Result: r.Event}
		if c := r.Context; c != nil {
			out := &contextAnswer{Start: c.Start, End: c.End, Before: values(c.Before), After: values(c.After)}
			for user, p := range c.Profiles {
				if out.Profiles == nil {
					out.Profiles = make(map[mx.UserID]findProfile, len(c.Profiles))
				}
				out.Profiles[user] = findProfile(p)
			}
			a.Results[i].Context = out
		}
	}
	for room, state := range f.State {
		if a.State == nil {
			a.State = make(map[mx.RoomID][]jsontext.Value, len(f.State))
		}
		a.State[room] = values(state)
	}
	return a
}

func values(list [][]byte) []jsontext.Value {
	out := make([]jsontext.Value, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
