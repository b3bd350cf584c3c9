package directory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// Bounds of walking a space.
const (
	DefaultHierarchy = 50
	MaxHierarchy     = 200
	maxDepth         = 100
	maxLooked        = 5000
)

// HierarchyQuery says how much of a space is asked for. Nil means that the client does not say.
type HierarchyQuery struct {
	Suggested *bool
	Depth     *int
	Limit     int
	From      string
}

// Hierarchy is a page of the rooms in a space, the space itself first.
type Hierarchy struct {
	Rooms []SpaceRoom `json:"rooms"`
	Next  string      `json:"next_batch,omitempty"`
}

// SpaceRoom is a room in a space.
type SpaceRoom struct {
	Summary
	Children []Child `json:"children_state"`
}

// Child is an m.space.child event as it is told to those who are not in the space.
type Child struct {
	Type    string         `json:"type"`
	Key     string         `json:"state_key"`
	Content jsontext.Value `json:"content"`
	Sender  mx.UserID      `json:"sender"`
	TS      int64          `json:"origin_server_ts"`

	order     string // "" if there is no valid one
	suggested bool
}

// walker walks a space depth first.
type walker struct {
	s         *Service
	user      mx.UserID
	suggested bool
	depth     int
	skip      int // rooms that earlier pages had
	limit     int
	seen      map[mx.RoomID]bool
	out       []SpaceRoom // one more than the limit if there are more
}

// Hierarchy lists the rooms of a space and of the spaces in it, as far as a user may know of them.
//
// Spec: cs#get_matrixclientv1roomsroomidhierarchy
func (s *Service) Hierarchy(ctx context.Context, user mx.UserID, space mx.RoomID, q HierarchyQuery) (*Hierarchy, error) {
	w := &walker{s: s, user: user, depth: maxDepth, limit: q.Limit, seen: map[mx.RoomID]bool{}}
	if q.Suggested != nil {
		w.suggested = *q.Suggested
	}
	if q.Depth != nil {
		w.depth = min(*q.Depth, maxDepth)
	}
	snap, err := s.find(ctx, space)
	if err != nil {
		return nil, err
	}
	known := false
	if snap != nil {
		if known, err = s.knowable(ctx, snap, user); err != nil {
			return nil, err
		}
	}
	if !known {
		return nil, fault.Denied("You may not know of this room, or there is no such room")
	}
	if err := w.resume(q); err != nil {
		return nil, err
	}
	if err := w.visit(ctx, snap, 0); err != nil {
		return nil, err
	}
	page := &Hierarchy{Rooms: w.out}
	if len(w.out) > w.limit {
		page.Rooms = w.out[:w.limit]
		page.Next = fmt.Sprintf("h%d.%d.%t", w.skip+w.limit, w.depth, w.suggested)
	}
	return page, nil
}

// resume takes up the walk of an earlier page, with the same parameters.
func (w *walker) resume(q HierarchyQuery) error {
	if q.From == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(q.From, "h"), ".")
	if len(parts) != 3 || q.From[0] != 'h' {
		return errUnknownToken
	}
	skip, err := strconv.Atoi(parts[0])
	depth, err2 := strconv.Atoi(parts[1])
	suggested, err3 := strconv.ParseBool(parts[2])
	if err != nil || err2 != nil || err3 != nil || skip < 0 || depth < 0 || depth > maxDepth {
		return errUnknownToken
	}
	if (q.Depth != nil && w.depth != depth) || (q.Suggested != nil && w.suggested != suggested) {
		return fault.InvalidParam("suggested_only and max_depth cannot change from page to page")
	}
	w.skip, w.depth, w.suggested = skip, depth, suggested
	return nil
}

func (w *walker) full() bool { return len(w.out) > w.limit || len(w.seen) >= maxLooked }

// visit takes a room that the user may know of, and what is in it.
func (w *walker) visit(ctx context.Context, snap *roomstate.Snapshot, depth int) error {
	if w.seen[snap.Room()] || w.full() {
		return nil
	}
	w.seen[snap.Room()] = true
	room := SpaceRoom{Summary: summarize(snap), Children: []Child{}}
	if room.Type == "m.space" {
		room.Children = w.children(snap)
	}
	if len(w.seen) > w.skip {
		w.out = append(w.out, room)
	}
	if depth >= w.depth {
		return nil
	}
	for _, c := range room.Children {
		child, err := w.s.find(ctx, mx.RoomID(c.Key))
		if err != nil {
			return err
		}
		if child == nil {
			continue
		}
		known, err := w.s.knowable(ctx, child, w.user)
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		if err := w.visit(ctx, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// children lists the valid children of a space in their order.
//
// Spec: cs#ordering-of-children-within-a-space
func (w *walker) children(snap *roomstate.Snapshot) []Child {
	list := []Child{}
	for key, e := range snap.OfType(mx.TypeSpaceChild) {
		if _, err := mx.ParseRoomID(key); err != nil {
			continue
		}
		c := Child{Type: e.Type, Key: key, Content: e.Content, Sender: e.Sender, TS: e.TS, order: validOrder(e.Str("order"))}
		c.suggested = string(e.Get("suggested")) == "true"
		if validVia(e) && (c.suggested || !w.suggested) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Child) int {
		switch {
		case a.order != "" && b.order == "":
			return -1
		case a.order == "" && b.order != "":
			return 1
		}
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.TS, b.TS), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// validVia reports whether a child has via servers: without, it is none.
func validVia(e *mx.Event) bool {
	via := gjson.ParseBytes(e.Get("via"))
	return via.IsArray() && len(via.Array()) > 0
}

// validOrder gives an order that is one: at most 50 characters between space and tilde.
//
// Spec: cs#mspacechild
func validOrder(order string) string {
	for i := range len(order) {
		if order[i] < 0x20 || order[i] > 0x7E {
			return ""
		}
	}
	if len(order) > 50 {
		return ""
	}
	return order
}
