// Package history reads rooms: their past events, their state, who is in them, how events relate to each other, and search.
//
// Readers enter as a Who and leave with events in the form that clients see. It refuses to tell a room that the reader may not look
// into from one that does not exist, and an event that the reader may not see from one that does not exist. It writes no events; its own
// tables are the word index of search and the reports to administrators (migrations 0025 and 0026).
//
// What a reader may see is decided by package visibility. A member sees the room's present state; a former one sees it as it was when
// they left; anybody sees a room that is world-readable now. A room that its former member has forgotten is to them like one that they
// never were in.
//
// Positions in the log are given to clients as tokens: t and the position of the event that it stands after. The tokens of /sync and of
// sliding sync are taken as well.
//
// Search keeps to bounds, so that one request costs a bounded amount of work whatever the database holds: it looks at rooms that are
// not encrypted, at most 500 of them, and in each at the 10,000 most recent events that have all words; ranking chooses among the 1,000
// most recent of all. Words are found whole, in any order, regardless of case; scripts that are written without spaces are cut into
// pairs of characters. The index follows the log by position: each search first reads what came since the last one, for at most two
// seconds; what is left, Collect reads from time to time.
package history

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/visibility"
)

// Rooms knows the present state of rooms.
type Rooms interface {
	// Snapshot is the state of a room; a fault of kind NotFound if there is no such room.
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	// Rooms is a user's memberships.
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
}

// Deps is what the service needs.
type Deps struct {
	DB    *store.DB
	Rooms Rooms
	Views *visibility.Views
	Now   func() time.Time
}

// Service reads rooms.
type Service struct {
	Deps
	indexing chan struct{} // one reader of the log for search at a time
}

// New makes the service.
func New(d Deps) *Service { return &Service{Deps: d, indexing: make(chan struct{}, 1)} }

// Who reads.
type Who struct {
	User   mx.UserID
	Device mx.DeviceID
}

// Faults that tell nothing about what exists.
var (
	errNoRoom  = fault.Denied("You are not in this room, or there is no such room")
	errNoEvent = fault.Missing("There is no such event, or you may not see it")
)

// place is a room as one reader sees it.
type place struct {
	who     Who
	snap    *roomstate.Snapshot
	view    *visibility.View
	at      store.Pos // the position whose state the reader is shown
	ignored map[mx.UserID]bool
}

func (p *place) room() mx.RoomID { return p.snap.Room() }

// look finds a room and what the reader may see of it, which can be nothing.
func (s *Service) look(ctx context.Context, who Who, room mx.RoomID) (*place, error) {
	snap, err := s.Rooms.Snapshot(ctx, room)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return nil, errNoRoom
	}
	if err != nil {
		return nil, err
	}
	p := &place{who: who, snap: snap, at: snap.Head()}
	if p.view, err = s.Views.Of(ctx, snap, who.User); err != nil {
		return nil, err
	}
	left, departed := p.view.Departed()
	if !departed {
		return p, nil
	}
	forgotten, err := eventlog.Forgotten(ctx, s.DB, who.User, room)
	if err != nil {
		return nil, err
	}
	if forgotten {
		p.view, err = s.Views.Outside(ctx, snap)
		return p, err
	}
	p.at = left
	return p, nil
}

// enter is look for those who may look into the room as a whole: members, former members, and anybody if it is world-readable now.
func (s *Service) enter(ctx context.Context, who Who, room mx.RoomID) (*place, error) {
	p, err := s.look(ctx, who, room)
	if err != nil {
		return nil, err
	}
	if !p.view.EverJoined() && !worldReadable(p.snap) {
		return nil, errNoRoom
	}
	return p, s.readIgnored(ctx, p)
}

// readIgnored notes whom the reader ignores.
func (s *Service) readIgnored(ctx context.Context, p *place) error {
	raw, err := personal.FindAccountData(ctx, s.DB, p.who.User, "", personal.TypeIgnored)
	if err != nil {
		return err
	}
	for user := range gjson.GetBytes(raw, "ignored_users").Map() {
		if p.ignored == nil {
			p.ignored = map[mx.UserID]bool{}
		}
		p.ignored[mx.UserID(user)] = true
	}
	return nil
}

func worldReadable(s *roomstate.Snapshot) bool {
	e := s.State(mx.TypeHistoryVisibility, "")
	return e != nil && e.Str("history_visibility") == mx.VisibleWorld
}

// hides reports whether the reader is not shown an event because of its sender. State is shown whoever sent it.
//
// Spec: cs#ignoring-users
func (p *place) hides(e *eventlog.Event) bool { return p.ignored[e.Sender] && !e.IsState() }

// event is an event that the reader may see, with its room.
func (s *Service) event(ctx context.Context, who Who, room mx.RoomID, id mx.EventID) (*place, *eventlog.Event, error) {
	p, err := s.look(ctx, who, room)
	if err == errNoRoom { //nolint:errorlint // our own value
		return nil, nil, errNoEvent
	}
	if err != nil {
		return nil, nil, err
	}
	if err := s.readIgnored(ctx, p); err != nil {
		return nil, nil, err
	}
	e, err := s.visible(ctx, p, id)
	return p, e, err
}

// visible is an event of a room if the reader may see it.
func (s *Service) visible(ctx context.Context, p *place, id mx.EventID) (*eventlog.Event, error) {
	e, err := eventlog.ByID(ctx, s.DB, id)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return nil, errNoEvent
	}
	if err != nil {
		return nil, err
	}
	if e.RoomID != p.room() || !p.view.CanSee(e.Pos) {
		return nil, errNoEvent
	}
	return e, nil
}
