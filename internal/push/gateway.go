package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/pushdata"
)

const (
	gatewayTimeout = 30 * time.Second
	firstBackoff   = time.Second
	lastBackoff    = 10 * time.Minute
	giveUpAfter    = 24 * time.Hour
	maxQueue       = 50 // notifications that wait for one gateway; the oldest give way
	maxAnswer      = 64 << 10
)

// job is one notification on its way; without an event it only carries counts.
type job struct {
	event  *eventlog.Event
	tweaks map[string]json.RawMessage
	snap   *roomstate.Snapshot
}

// queue tells one pusher's gateway, one notification after the other, and tries again while it does not answer.
type queue struct {
	service *Service

	mu      sync.Mutex
	pusher  pushdata.Pusher
	jobs    []job
	running bool
	ended   bool
	told    bool // something was delivered since progress was last asked
	badge   int  // unread count that the gateway knows; -1 if none
}

func newQueue(s *Service, p pushdata.Pusher) *queue {
	return &queue{service: s, pusher: p, badge: -1}
}

// adopt takes a pusher's new settings. It refuses if the gateway is another one now.
func (q *queue) adopt(p pushdata.Pusher) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pusher.URL != p.URL {
		return false
	}
	p.Done = max(p.Done, q.pusher.Done)
	q.pusher = p
	return true
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended, q.jobs = true, nil
}

func (q *queue) add(ctx context.Context, j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || (j.event != nil && j.event.Pos <= q.pusher.Done) {
		return
	}
	if len(q.jobs) >= maxQueue {
		q.jobs = slices.Delete(q.jobs, 0, 1)
	}
	q.jobs = append(q.jobs, j)
	if !q.running {
		q.running = true
		go q.run(ctx)
	}
}

// badgeChanged tells the gateway how much is unread, if it was told another number before.
func (q *queue) badgeChanged(ctx context.Context) {
	q.mu.Lock()
	known, waiting := q.badge, len(q.jobs)
	q.mu.Unlock()
	if waiting > 0 || known < 0 {
		return // the next notification brings the count
	}
	if n, err := q.service.badge(ctx, q.pusher.User); err == nil && n != known {
		q.add(ctx, job{})
	}
}

// progress gives the pusher with the position that its gateway knows of, if that moved.
func (q *queue) progress(looked store.Pos) (pushdata.Pusher, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	moved := q.told
	q.told = false
	if moved && len(q.jobs) == 0 {
		q.pusher.Done = max(q.pusher.Done, looked)
	}
	return q.pusher, moved
}

// run delivers until nothing waits.
func (q *queue) run(ctx context.Context) {
	backoff, since := firstBackoff, q.service.now()
	for {
		q.mu.Lock()
		if len(q.jobs) == 0 || ctx.Err() != nil {
			q.running = false
			q.mu.Unlock()
			return
		}
		j, p := q.jobs[0], q.pusher
		q.mu.Unlock()
		err := q.deliver(ctx, &p, j)
		if err == nil {
			q.service.deliveries.taken.Add(1)
			q.delivered(j)
			backoff, since = firstBackoff, q.service.now()
			continue
		}
		q.service.deliveries.failed.Add(1)
		q.service.log.Warn("push gateway does not take notifications", "user", p.User, "app", p.AppID, "error", err)
		if q.service.now().Sub(since) > giveUpAfter {
			q.delivered(j)
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

func (q *queue) delivered(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.told = true
	if j.event != nil {
		q.pusher.Done = max(q.pusher.Done, j.event.Pos)
	}
	if len(q.jobs) > 0 && q.jobs[0].event == j.event { // it may have given way to newer ones meanwhile
		q.jobs = slices.Delete(q.jobs, 0, 1)
	}
}

// Notification is the body that a push gateway gets.
//
// Spec: push-gateway-api#post_matrixpushv1notify
type notification struct {
	EventID      mx.EventID      `json:"event_id,omitempty"`
	RoomID       mx.RoomID       `json:"room_id,omitempty"`
	Type         string          `json:"type,omitempty"`
	Sender       mx.UserID       `json:"sender,omitempty"`
	SenderName   string          `json:"sender_display_name,omitempty"`
	RoomName     string          `json:"room_name,omitempty"`
	RoomAlias    string          `json:"room_alias,omitempty"`
	UserIsTarget bool            `json:"user_is_target,omitempty"`
	Priority     string          `json:"prio,omitempty"`
	Content      json.RawMessage `json:"content,omitempty"`
	Counts       map[string]int  `json:"counts"`
	Devices      []gatewayDevice `json:"devices"`
}

type gatewayDevice struct {
	AppID   string                     `json:"app_id"`
	Key     string                     `json:"pushkey"`
	KeyTime int64                      `json:"pushkey_ts"`
	Data    json.RawMessage            `json:"data"`
	Tweaks  map[string]json.RawMessage `json:"tweaks,omitempty"`
}

func (q *queue) deliver(ctx context.Context, p *pushdata.Pusher, j job) error {
	badge, err := q.service.badge(ctx, p.User)
	if err != nil {
		return err
	}
	n := compose(p, j, badge)
	var rejected bool
	if p.Kind == kindWeb {
		rejected, err = q.service.sendWebPush(ctx, p, &n)
	} else {
		rejected, err = q.notify(ctx, p, &n)
	}
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.badge = badge
	q.mu.Unlock()
	if rejected {
		q.service.log.Info("push gateway rejected a pusher: removed", "user", p.User, "app", p.AppID)
		return q.service.DeletePusher(p.User, p.AppID, p.Key)
	}
	return nil
}

func compose(p *pushdata.Pusher, j job, badge int) notification {
	n := notification{
		Counts:  map[string]int{},
		Devices: []gatewayDevice{{AppID: p.AppID, Key: p.Key, KeyTime: p.Created / 1000, Data: p.Data, Tweaks: j.tweaks}},
	}
	if badge > 0 {
		n.Counts["unread"] = badge
	}
	if j.event == nil {
		n.Counts["unread"] = badge // a badge that has gone is what this is about
		return n
	}
	n.EventID, n.RoomID = j.event.ID, j.event.RoomID
	n.Priority = "high"
	if !eager(j) {
		n.Priority = "low"
	}
	var data struct {
		Format string `json:"format"`
	}
	if p.Kind == kindWeb || json.Unmarshal(p.Data, &data) == nil && data.Format == formatIDOnly {
		return n
	}
	n.Type, n.Sender, n.Content = j.event.Type, j.event.Sender, j.event.Content
	n.UserIsTarget = j.event.Is(mx.TypeMember, string(p.User))
	if m := j.snap.State(mx.TypeMember, string(n.Sender)); m != nil {
		n.SenderName = m.Str("displayname")
	}
	if e := j.snap.State(mx.TypeName, ""); e != nil {
		n.RoomName = e.Str("name")
	}
	if e := j.snap.State(mx.TypeCanonicalAlias, ""); e != nil {
		n.RoomAlias = e.Str("alias")
	}
	return n
}

// eager reports whether a notification should wake a sleeping phone: it rings, it is about the user, or it cannot be told because it
// is encrypted.
func eager(j job) bool {
	return j.event.Type == mx.TypeEncrypted || j.event.Type == mx.TypeMember || j.tweaks["sound"] != nil || string(j.tweaks["highlight"]) == "true"
}

// notify tells a gateway, and reports whether it wants no more for this pusher.
func (q *queue) notify(ctx context.Context, p *pushdata.Pusher, n *notification) (rejected bool, err error) {
	body, err := json.Marshal(map[string]any{"notification": n})
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := q.service.gateways.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return false, err
	}
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("push: gateway answers with status %d", res.StatusCode)
	}
	var said struct {
		Rejected []string `json:"rejected"`
	}
	_ = json.Unmarshal(answer, &said) // a 200 with anything else is a success without rejections
	return slices.Contains(said.Rejected, p.Key), nil
}

// badge is the number of unread notifications of a user in all rooms.
func (s *Service) badge(ctx context.Context, user mx.UserID) (int, error) {
	memberships, err := s.rooms.Rooms(ctx, user)
	if err != nil {
		return 0, err
	}
	total := 0
	for room, m := range memberships {
		if m.Membership != mx.Join {
			continue
		}
		u, err := s.unread(ctx, ledgerKey{user, room}, nil)
		if err != nil {
			return 0, err
		}
		total += u.Total().Notifications
	}
	return total, nil
}
