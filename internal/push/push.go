// Package push owns what becomes of an event for those who did not see it: push rules, unread counts, pushers and their gateways.
//
// It writes push rules (account data m.push_rules), pushers and copies of counts; events come to it by position after they are durable. A
// message costs it nothing until somebody asks: counts are worked out from the log when a sync wants them and kept in a bounded
// cache (see ledger). Pushers are told by one node at a time, which holds the lease "push".
//
// A pusher is told through its application's gateway (kind http) or straight through the browser's push service (kind webpush, MSC4174).
// It refuses pushers that are not HTTPS, and connects to public addresses only.
package push

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"conclave.chat/internal/egress"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/pushrule"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/pushdata"
)

// Rooms is what push reads of rooms.
type Rooms interface {
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
	// Recent gives a room's events in (after, upTo] if all of them are in memory.
	Recent(room mx.RoomID, after, upTo store.Pos) ([]*eventlog.Event, bool)
}

// Config says what gateways may be.
type Config struct {
	AllowPrivate []string `yaml:"allow_private" doc:"Private addresses or networks that push gateways may have, e.g. 10.0.0.7 for one of your own."`
	// Clients older than intentional mentions (2023) need them.
	LegacyMentions bool `yaml:"legacy_mentions" doc:"Also notify of a user's name, display name or @room in the text of messages without m.mentions, as clients from before 2023 expect."`
	// Clients that do not know of subscriptions would never hear of threads.
	ThreadSubscriptions bool `yaml:"thread_subscriptions" doc:"Notify users of messages in threads only if they have subscribed to the thread (MSC4306). Without it each user's clients decide. For accounts that never changed their push rules."`

	AllowHTTP bool `yaml:"allow_http" doc:"Accept push gateways without TLS. For tests."`
}

// Deps are what the service needs.
type Deps struct {
	DB       *store.DB
	Rooms    Rooms
	Position func() store.Pos // the last durable position
	Config   Config
	WebPush  WebPushKey // without one there are no pushers of kind webpush
	Log      *slog.Logger
	Now      func() time.Time
}

// Service is push.
type Service struct {
	db       *store.DB
	rooms    Rooms
	position func() store.Pos
	config   Config
	gateways *http.Client
	webPush  WebPushKey
	acks     chan struct{} // one for each activation under way
	log      *slog.Logger
	now      func() time.Time

	deliveries deliveries

	server   *pushrule.Server // the server's own rules
	rules    *lru.Cache[mx.UserID, *pushrule.Rules]
	rulesGen atomic.Int64 // grows when any user's rules change, so that an old read is not kept
	ledgers  *lru.Cache[ledgerKey, *ledger]
	pruned   pruned
	subjects *lru.Cache[mx.EventID, *pushrule.Subject]

	notifier notifier
}

const (
	cachedRules    = 20_000
	cachedLedgers  = 200_000
	cachedSubjects = 512
)

// New makes the service. Its Listen goes to the bus, Run makes pushers work.
func New(d Deps) (*Service, error) {
	s := &Service{db: d.DB, rooms: d.Rooms, position: d.Position, config: d.Config, webPush: d.WebPush, log: d.Log, now: d.Now, acks: make(chan struct{}, maxAcks)}
	s.server = pushrule.NewServer(pushrule.Options{Legacy: d.Config.LegacyMentions, Threads: d.Config.ThreadSubscriptions})
	if s.now == nil {
		s.now = time.Now
	}
	guard, err := egress.New(d.Config.AllowPrivate)
	if err != nil {
		return nil, err
	}
	s.gateways = guard.Client(egress.Options{Timeout: gatewayTimeout})
	if s.rules, err = lru.New[mx.UserID, *pushrule.Rules](cachedRules); err != nil {
		return nil, err
	}
	if s.ledgers, err = lru.New[ledgerKey, *ledger](cachedLedgers); err != nil {
		return nil, err
	}
	if s.subjects, err = lru.New[mx.EventID, *pushrule.Subject](cachedSubjects); err != nil {
		return nil, err
	}
	s.notifier.init()
	return s, nil
}

// Listen hears of every commit.
func (s *Service) Listen(b store.Batch) {
	if b.Lost {
		s.rulesGen.Add(1)
		s.rules.Purge()
		s.ledgers.Purge()
		s.notifier.pushersChanged()
	}
	events := b.Lost
	for _, c := range b.Changes {
		switch c.Kind {
		case store.KindAccountData:
			if c.Room == "" {
				s.rulesGen.Add(1)
				s.rules.Remove(c.User)
			}
		case store.KindReceipt:
			if l, ok := s.ledgers.Peek(ledgerKey{c.User, c.Room}); ok {
				l.receiptsChanged.Store(true)
			}
			s.notifier.hasRead(c.User)
		case store.KindEvent:
			events = true
		case store.KindPruned:
			if !s.pruned.note(c.Room, c.Pos) {
				s.ledgers.Purge()
			}
		case store.KindErased:
			s.ledgers.Purge()
		case store.KindPusher:
			s.notifier.pushersChanged()
		default:
		}
	}
	if events {
		s.notifier.wake()
	}
}

// Collect removes counts that nobody will ask for, and pushers that were never activated.
func (s *Service) Collect(_ context.Context, now time.Time) error {
	return s.db.Write(func(tx *store.Tx) error {
		_, err := pushdata.CollectUnread(tx)
		return errors.Join(err, pushdata.CollectInactive(tx, store.Millis(now.Add(-inactiveFor))))
	})
}

// subject prepares an event for matching, once for all members.
func (s *Service) subject(ctx context.Context, e *eventlog.Event) (*pushrule.Subject, error) {
	if sub, ok := s.subjects.Get(e.ID); ok {
		return sub, nil
	}
	snap, err := s.rooms.Snapshot(ctx, e.RoomID)
	if err != nil {
		return nil, err
	}
	sub := &pushrule.Subject{
		Event: e.Event, Thread: e.Thread, Members: snap.JoinedCount(), Power: snap.Power(),
		Name: func(u mx.UserID) string {
			if m := snap.State(mx.TypeMember, string(u)); m != nil {
				return m.Str("displayname")
			}
			return ""
		},
	}
	s.subjects.Add(e.ID, sub)
	return sub, nil
}

// once is a flag that a channel of one carries: set any number of times, seen once.
type once struct{ c chan struct{} }

func newOnce() once { return once{make(chan struct{}, 1)} }

func (o once) set() {
	select {
	case o.c <- struct{}{}:
	default:
	}
}

// set of users, for use by several goroutines.
type userSet struct {
	mu    sync.Mutex
	users map[mx.UserID]struct{}
}

func (u *userSet) add(user mx.UserID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.users == nil {
		u.users = map[mx.UserID]struct{}{}
	}
	u.users[user] = struct{}{}
}

func (u *userSet) take() map[mx.UserID]struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	users := u.users
	u.users = nil
	return users
}
