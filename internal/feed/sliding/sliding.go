// Package sliding answers simplified sliding sync: windows on a user's rooms, each told of as far as the client wants it.
//
// A request names a connection, by the token of its last answer, and what the client wants now. The service compares it with what the
// connection has told already (conn) and answers with what is new and what is newly wanted; what it needs from the log, the stores and
// memory it gets from a feed.Look, so that both kinds of sync see the same. Connections live in the memory of one node, bounded in
// number; a client whose connection is forgotten, or that comes to another node, is told M_UNKNOWN_POS and begins anew, as the proposal
// provides for. Nothing is written.
//
//	request ─▶ connection ─▶ lists and subscriptions ─▶ rooms ─▶ extensions ─▶ encode
//	                              ▲ nothing new: wait
//
// Two forms are spoken: that of the merged proposal, and that which clients call under the unstable path.
//
// Spec: MSC4186
package sliding

import (
	"context"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// Subscriptions knows users' thread subscriptions.
type Subscriptions interface {
	// Subscriptions are at most limit subscriptions that changed last in (since, upto], the last ones first.
	Subscriptions(ctx context.Context, user mx.UserID, since, upto store.Pos, limit int) ([]personal.Subscription, error)
}

// Service answers requests of sliding sync.
type Service struct {
	feed    *feed.Service
	threads Subscriptions
	conns   *conns
	bumps   *bumps
}

// New makes the service. threads may be nil.
func New(f *feed.Service, threads Subscriptions) *Service {
	return &Service{feed: f, threads: threads, conns: newConns(), bumps: newBumps()}
}

// Sync answers a request with a JSON object, or with a Pending if it has to wait for news.
//
// Spec: MSC4186
func (s *Service) Sync(ctx context.Context, r *Request) ([]byte, *feed.Pending, error) {
	presence, err := ephemeral.SetPresenceParam(r.Presence)
	if err != nil {
		return nil, nil, err
	}
	device, err := s.acknowledge(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	c, turn, err := s.enter(r)
	if err != nil {
		return nil, nil, err
	}
	timeout := r.Timeout
	if r.Pos == "" {
		timeout = 0
	}
	var seen feed.Changes
	return s.feed.Poll(ctx, feed.Poll{User: r.User, Device: r.Device, Presence: presence, Timeout: timeout},
		func(ctx context.Context, done feed.Checked, last bool) ([]byte, feed.Checked, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.turn != turn {
				return nil, done, errOvertaken
			}
			a := &answer{s: s, r: r, conn: c, base: &c.acked, device: device, known: map[mx.RoomID]*entry{}}
			if err := a.begin(ctx, done, &seen); err != nil {
				return nil, done, err
			}
			raw, err := a.make(last)
			return raw, a.look.Checked(), err
		})
}

var errOvertaken = fault.New(fault.BadRequest, "M_UNKNOWN", "A newer request has taken the place of this one")

// enter finds the connection of a request, or opens one for a request without a token. The request takes the connection from any that
// waits on it.
func (s *Service) enter(r *Request) (*conn, uint64, error) {
	k := connKey{r.User, r.Device, r.Conn}
	var c *conn
	if r.Pos == "" {
		c = s.conns.open(k)
	} else if c = s.conns.find(k); c == nil {
		return nil, 0, errUnknownPos
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	grew, err := c.begin(r.Pos)
	if err != nil {
		return nil, 0, err
	}
	s.conns.grew(c, grew)
	c.turn++
	return c, c.turn, nil
}

// answer is one answer in the making.
type answer struct {
	s      *Service
	r      *Request
	conn   *conn
	base   *state // what the client has confirmed
	next   *state // what it will know
	look   *feed.Look
	device store.Pos // up to which it has the messages for its device

	list    []*entry
	known   map[mx.RoomID]*entry
	tagged  map[mx.RoomID]map[string]bool
	counts  map[string]int
	matched []*matched
	rooms   []*result
	bundles map[mx.EventID][]byte
	ext     []extension
}

// begin looks at what changed. What earlier looks of the same request saw counts too: it may have concerned rooms that were not in the
// window then.
func (a *answer) begin(ctx context.Context, done feed.Checked, seen *feed.Changes) error {
	reader := feed.Reader{User: a.r.User, Device: a.r.Device}
	if a.r.Pos != "" {
		reader.Since = &feed.Token{Pos: a.base.upto, Ephemeral: a.base.ephemeral, ToDevice: a.base.upto}
	}
	var err error
	if a.look, err = a.s.feed.Look(ctx, reader, done); err != nil {
		return err
	}
	a.look.Changes.Add(seen)
	*seen = a.look.Changes
	a.next = a.conn.next(a.look.Upto, a.look.Ephemeral)
	return nil
}

// make makes the answer if there is anything to tell, or if it is the last time. The caller holds the connection.
func (a *answer) make(last bool) ([]byte, error) {
	for _, step := range []func() error{a.match, a.findRooms, a.findExtensions} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if a.r.Pos != "" && !last && len(a.rooms) == 0 && !a.extensionsTell() {
		return nil, nil
	}
	raw, err := a.encode()
	if err == nil {
		a.conn.pending = a.next
	}
	return raw, err
}
