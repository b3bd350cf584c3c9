package push

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/pushdata"
)

const (
	leaseName  = "push"
	leaseFor   = 30 * time.Second
	leaseEvery = 10 * time.Second

	// Events older than this are not notified after a time without a notifying node.
	maxAge      = time.Hour
	maxPosition = 5000
	pageNotify  = 200
)

// notifier is what tells the notifying node that there is work.
type notifier struct {
	work  once
	stale atomic.Bool // the pushers in memory are not those in the database
	read  userSet     // who has read something: their badges change
}

func (n *notifier) init() {
	n.work = newOnce()
	n.stale.Store(true)
}

func (n *notifier) wake() { n.work.set() }

func (n *notifier) pushersChanged() {
	n.stale.Store(true)
	n.work.set()
}

func (n *notifier) hasRead(user mx.UserID) {
	n.read.add(user)
	n.work.set()
}

// round is one node's time as the notifying node.
type round struct {
	*Service
	ctx    context.Context
	holder string
	pos    store.Pos // everything up to here has been looked at
	queues map[mx.UserID]map[string]*queue
	count  int
}

// Run notifies gateways while this node holds the lease, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	r := &round{Service: s, ctx: ctx, holder: rand.Text()}
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	held := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if held {
				held = r.keepLease()
			}
		case <-s.notifier.work.c:
		}
		if err := r.reload(); err != nil {
			r.complain("pushers not read", err)
			continue
		}
		if r.count == 0 {
			s.notifier.read.take()
			r.pos = s.position()
			continue
		}
		if !held {
			if held = r.takeLease(); !held {
				continue
			}
			r.begin()
		}
		if err := r.work(); err != nil {
			r.complain("notifying failed", err)
		}
	}
}

func (r *round) complain(what string, err error) {
	if r.ctx.Err() == nil {
		r.log.Error("push: "+what, "error", err) //nolint:sloglint // one of few constants
	}
}

func (r *round) takeLease() (got bool) {
	now := r.now()
	err := r.db.Write(func(tx *store.Tx) (err error) {
		got, err = pushdata.TakeLease(tx, leaseName, r.holder, store.Millis(now), store.Millis(now.Add(leaseFor)))
		return err
	})
	if err != nil {
		r.complain("lease not taken", err)
	}
	return got && err == nil
}

// keepLease renews the lease and notes how far gateways were told.
func (r *round) keepLease() bool {
	held := r.takeLease()
	if err := r.saveDone(); err != nil {
		r.complain("delivery positions not saved", err)
	}
	return held
}

// begin looks where the last notifying node stopped.
func (r *round) begin() {
	now := r.position()
	r.pos = now
	for _, list := range r.queues {
		for _, q := range list {
			r.pos = min(r.pos, q.pusher.Done)
		}
	}
	r.pos = max(r.pos, now-maxPosition)
}

// reload brings the queues in line with the pushers in the database.
func (r *round) reload() error {
	if !r.notifier.stale.Swap(false) {
		return nil
	}
	list, err := pushdata.Pushers(r.ctx, r.db, "")
	if err != nil {
		r.notifier.stale.Store(true)
		return err
	}
	old := r.queues
	r.queues = make(map[mx.UserID]map[string]*queue)
	for _, p := range list {
		if p.AckToken != "" {
			continue
		}
		key := p.AppID + "\x00" + p.Key
		q := old[p.User][key]
		if q == nil || !q.adopt(p) {
			q = newQueue(r.Service, p)
		}
		if r.queues[p.User] == nil {
			r.queues[p.User] = map[string]*queue{}
		}
		r.queues[p.User][key] = q
		delete(old[p.User], key)
	}
	for _, gone := range old {
		for _, q := range gone {
			q.end()
		}
	}
	r.count = len(r.queues)
	return nil
}

// work looks at new events, and at those whose badge changed because they read.
func (r *round) work() error {
	now := r.position()
	for r.pos < now {
		page, err := eventlog.AllAfter(r.ctx, r.db, r.pos, now, pageNotify)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := r.offer(e); err != nil {
				return err
			}
			r.pos = e.Pos
		}
		if len(page) < pageNotify {
			r.pos = now
		}
	}
	for user := range r.notifier.read.take() {
		for _, q := range r.queues[user] {
			q.badgeChanged(r.ctx)
		}
	}
	return nil
}

// offer gives an event to the queues of those whom it notifies.
func (r *round) offer(e *eventlog.Event) error {
	if r.now().Sub(time.UnixMilli(e.TS)) > maxAge {
		return nil
	}
	snap, err := r.rooms.Snapshot(r.ctx, e.RoomID)
	if err != nil {
		return err
	}
	if r.queues[e.Sender] != nil { // who writes has read what stands above
		r.notifier.read.add(e.Sender)
	}
	for user, queues := range r.queues {
		if !snap.Joined(user) && (!e.Is(mx.TypeMember, string(user)) || e.Membership() != mx.Invite) {
			continue
		}
		res, err := r.match(r.ctx, user, e)
		if err != nil {
			return err
		}
		if !res.Notify {
			continue
		}
		for _, q := range queues {
			q.add(r.ctx, job{event: e, tweaks: res.Tweaks, snap: snap})
		}
	}
	return nil
}

// saveDone notes how far each gateway was told, for those that were told something since.
func (r *round) saveDone() error {
	var changed []pushdata.Pusher
	for _, list := range r.queues {
		for _, q := range list {
			if p, ok := q.progress(r.pos); ok {
				changed = append(changed, p)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return r.db.Write(func(tx *store.Tx) error {
		for i := range changed {
			if err := pushdata.SetDone(tx, &changed[i], changed[i].Done); err != nil {
				return err
			}
		}
		return nil
	})
}
