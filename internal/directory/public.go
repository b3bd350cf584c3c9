package directory

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// maxPublic is how many published rooms are on a page at most, and if nobody says how many.
const maxPublic = 1000

// PublicQuery says which published rooms are asked for.
type PublicQuery struct {
	Limit   int    // 0 for as many as there can be
	Since   string // token
	Server  string // whose directory; "" for this server's
	Term    string
	Types   []*string // room types, nil among them for rooms without one; a nil list for all
	Network *string   // a third-party network; there is none here
}

// PublicPage is a page of published rooms, those with the most members first.
type PublicPage struct {
	Chunk []PublicRoom `json:"chunk"`
	Next  string       `json:"next_batch,omitempty"`
	Prev  string       `json:"prev_batch,omitempty"`
	Total int          `json:"total_room_count_estimate"`
}

// Public lists the published rooms.
//
// Spec: cs#post_matrixclientv3publicrooms
func (s *Service) Public(ctx context.Context, q PublicQuery) (*PublicPage, error) {
	if err := s.own(q.Server); err != nil {
		return nil, err
	}
	from, err := parsePublicToken(q.Since)
	if err != nil {
		return nil, err
	}
	if q.Network != nil {
		return &PublicPage{Chunk: []PublicRoom{}}, nil
	}
	all, err := s.published(ctx, &q)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit == 0 || limit > maxPublic {
		limit = maxPublic
	}
	begin, end := from.cut(all, limit)
	page := &PublicPage{Chunk: all[begin:end], Total: len(all)}
	if end < len(all) && end > 0 {
		page.Next = publicToken{room: &all[end-1]}.String()
	}
	if begin > 0 && begin < len(all) {
		page.Prev = publicToken{room: &all[begin], before: true}.String()
	}
	return page, nil
}

// own refuses the directories of other servers, which are out of reach.
func (s *Service) own(server string) error {
	if server == "" || server == string(s.Server) {
		return nil
	}
	name, err := mx.ParseServerName(server)
	if err != nil {
		return fault.InvalidParam("server is not a server name")
	}
	return fault.Missing("The directory of %s cannot be reached: this server does not talk to others", name)
}

// published is the published rooms that a query means, in order.
func (s *Service) published(ctx context.Context, q *PublicQuery) ([]PublicRoom, error) {
	ids, err := eventlog.PublishedRooms(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	term := strings.ToLower(q.Term)
	rooms := make([]PublicRoom, 0, len(ids))
	for _, id := range ids {
		snap, err := s.find(ctx, id)
		if err != nil {
			return nil, err
		}
		if snap == nil {
			continue
		}
		// A room that everybody has left stays joinable, but nobody is there to talk to.
		if r := publicRoom(snap); r.Members > 0 && r.matches(term) && r.ofType(q.Types) {
			rooms = append(rooms, r)
		}
	}
	slices.SortFunc(rooms, func(a, b PublicRoom) int { return a.order(&b) })
	return rooms, nil
}

func (r *PublicRoom) matches(term string) bool {
	if term == "" || term == strings.ToLower(string(r.ID)) {
		return true
	}
	for _, text := range [...]string{r.Name, r.Topic, r.Alias} {
		if strings.Contains(strings.ToLower(text), term) {
			return true
		}
	}
	return false
}

func (r *PublicRoom) ofType(types []*string) bool {
	return types == nil || slices.ContainsFunc(types, func(t *string) bool {
		return (t == nil && r.Type == "") || (t != nil && r.Type == *t)
	})
}

// order puts rooms with more members first.
func (r *PublicRoom) order(o *PublicRoom) int {
	return cmp.Or(cmp.Compare(o.Members, r.Members), cmp.Compare(r.ID, o.ID))
}

// publicToken is a place in the order of published rooms: after a room, or before it.
type publicToken struct {
	room   *PublicRoom // nil for the beginning
	before bool
}

// String is the token as clients keep it.
func (t publicToken) String() string {
	side := "a"
	if t.before {
		side = "b"
	}
	return side + strconv.Itoa(t.room.Members) + "." + base64.RawURLEncoding.EncodeToString([]byte(t.room.ID))
}

func parsePublicToken(text string) (publicToken, error) {
	if text == "" {
		return publicToken{}, nil
	}
	count, id, ok := strings.Cut(text[1:], ".")
	n, err := strconv.Atoi(count)
	room, err2 := base64.RawURLEncoding.DecodeString(id)
	if !ok || err != nil || err2 != nil || (text[0] != 'a' && text[0] != 'b') {
		return publicToken{}, errUnknownToken
	}
	return publicToken{&PublicRoom{ID: mx.RoomID(room), Members: n}, text[0] == 'b'}, nil
}

// cut finds the page that begins, or for a token that looks back ends, at a token.
func (t publicToken) cut(rooms []PublicRoom, limit int) (begin, end int) {
	if t.room != nil {
		at, found := slices.BinarySearchFunc(rooms, *t.room, func(a, b PublicRoom) int { return a.order(&b) })
		if t.before {
			return max(at-limit, 0), at
		}
		if begin = at; found {
			begin++
		}
	}
	return begin, min(begin+limit, len(rooms))
}

// Published reports whether a room is in the directory. Of rooms that are not it tells only those who are in them that they exist.
//
// Spec: cs#get_matrixclientv3directorylistroomroomid
func (s *Service) Published(ctx context.Context, user mx.UserID, room mx.RoomID) (bool, error) {
	published, err := eventlog.Published(ctx, s.DB, room)
	if err != nil || published {
		return published, err
	}
	snap, err := s.find(ctx, room)
	if err != nil {
		return false, err
	}
	if snap == nil || user == "" || !snap.Joined(user) {
		return false, fault.Missing("There is no such room")
	}
	return false, nil
}
