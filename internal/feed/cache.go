package feed

import (
	"context"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/personal"
)

const (
	maxKeyCounts = 1 << 15
	maxFacts     = 1 << 14
	maxFilters   = 1 << 10
)

// cached is a map whose values are loaded when first asked for and dropped when they change. A load during which the value changes is
// not kept.
type cached[K comparable, V any] struct {
	mu    sync.Mutex
	limit int
	m     map[K]*slot[V]
}

type slot[V any] struct {
	value   V
	valid   bool
	changes int
}

func newCached[K comparable, V any](limit int) cached[K, V] {
	return cached[K, V]{limit: limit, m: map[K]*slot[V]{}}
}

func (c *cached[K, V]) get(k K, load func() (V, error)) (V, error) {
	c.mu.Lock()
	e := c.m[k]
	if e == nil {
		for old := range c.m {
			if len(c.m) < c.limit {
				break
			}
			delete(c.m, old)
		}
		e = &slot[V]{}
		c.m[k] = e
	}
	if e.valid {
		defer c.mu.Unlock()
		return e.value, nil
	}
	seen := e.changes
	c.mu.Unlock()
	v, err := load()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.changes == seen {
		e.value, e.valid = v, true
	}
	return v, nil
}

func (c *cached[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[k].drop()
}

func (s *slot[V]) drop() {
	if s != nil {
		s.valid = false
		s.changes++
	}
}

func (c *cached[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.m {
		s.drop()
	}
	clear(c.m)
}

// deviceOf names a device.
type deviceOf struct {
	user   mx.UserID
	device mx.DeviceID
}

// keyCounts remembers, for each device that syncs, the part of the answer about its one-time keys.
type keyCounts struct{ cached[deviceOf, []byte] }

func newKeyCounts() *keyCounts { return &keyCounts{newCached[deviceOf, []byte](maxKeyCounts)} }

func (k *keyCounts) changed(user mx.UserID, device mx.DeviceID) { k.drop(deviceOf{user, device}) }

// KeyCounts is device_one_time_keys_count and device_unused_fallback_key_types of a device, as members of a JSON object.
func (l *Look) KeyCounts() ([]byte, error) {
	return l.s.counts.get(deviceOf{l.User, l.Device}, func() ([]byte, error) {
		c, err := keys.CountKeys(l.ctx, l.s.db, l.User, l.Device)
		if err != nil {
			return nil, err
		}
		counts, err := json.Marshal(c.OneTime, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		unused, err := json.Marshal(c.UnusedFallback)
		if err != nil {
			return nil, err
		}
		out := append([]byte(`"device_one_time_keys_count":`), counts...)
		out = append(out, `,"device_unused_fallback_key_types":`...)
		return slices.Clip(append(out, unused...)), nil
	})
}

// facts are what feed must know of a user for every answer.
type facts struct {
	ignored map[mx.UserID]bool
	direct  map[mx.RoomID]bool
	blocked bool // takes no invitations
}

type factCache struct{ cached[mx.UserID, *facts] }

func newFactCache() *factCache { return &factCache{newCached[mx.UserID, *facts](maxFacts)} }

func (f *factCache) changed(user mx.UserID) { f.drop(user) }

// factsOf reads whom a user ignores and which rooms are direct chats. Account data of the wrong shape counts as none.
func (s *Service) factsOf(ctx context.Context, user mx.UserID) (*facts, error) {
	return s.facts.get(user, func() (*facts, error) {
		f := &facts{}
		raw, err := personal.FindAccountData(ctx, s.db, user, "", personal.TypeIgnored)
		if err != nil {
			return nil, err
		}
		var ignored struct {
			Users map[mx.UserID]jsontext.Value `json:"ignored_users"`
		}
		if raw != nil && json.Unmarshal(raw, &ignored) == nil {
			f.ignored = make(map[mx.UserID]bool, len(ignored.Users))
			for u := range ignored.Users {
				f.ignored[u] = u != user
			}
		}
		if raw, err = personal.FindAccountData(ctx, s.db, user, "", personal.TypeInviteConfig); err != nil {
			return nil, err
		}
		f.blocked = raw != nil && personal.InvitesBlocked(raw)
		if raw, err = personal.FindAccountData(ctx, s.db, user, "", "m.direct"); err != nil {
			return nil, err
		}
		var direct map[string][]mx.RoomID
		if raw != nil && json.Unmarshal(raw, &direct) == nil {
			f.direct = map[mx.RoomID]bool{}
			for _, rooms := range direct {
				for _, r := range rooms {
					f.direct[r] = true
				}
			}
		}
		return f, nil
	})
}

// filterCache keeps compiled filters, by the text that a client sends.
type filterCache struct{ cached[string, *filter.Sync] }

func newFilterCache() *filterCache { return &filterCache{newCached[string, *filter.Sync](maxFilters)} }
