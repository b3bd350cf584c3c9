package feed

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	filterstore "conclave.chat/internal/store/filter"
)

const (
	// maxStored is how many filters a user may have. Clients define a handful each.
	maxStored = 100
	// filterLife is how long a filter stays that nobody uses.
	filterLife = 90 * 24 * time.Hour
	// touchAfter is how exactly it is known when a filter was last used.
	touchAfter = 24 * time.Hour
)

// DefineFilter stores a filter and gives its id. The same filter has the same id.
//
// Spec: cs#post_matrixclientv3useruseridfilter
func (s *Service) DefineFilter(_ context.Context, user mx.UserID, data []byte) (string, error) {
	if _, err := filter.ParseSync(data); err != nil {
		return "", err
	}
	data, err := mx.Canonical(data)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	f := filterstore.Stored{ID: base64.RawURLEncoding.EncodeToString(sum[:15]), JSON: data, Used: store.Millis(s.now())}
	return f.ID, s.db.Write(func(tx *store.Tx) error { return filterstore.Put(tx, user, f, maxStored) })
}

// StoredFilter is a filter's JSON as it was defined.
//
// Spec: cs#get_matrixclientv3useruseridfilterfilterid
func (s *Service) StoredFilter(ctx context.Context, user mx.UserID, id string) ([]byte, error) {
	f, err := s.findFilter(ctx, user, id)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fault.Missing("There is no such filter")
	}
	return f.JSON, nil
}

func (s *Service) findFilter(ctx context.Context, user mx.UserID, id string) (*filterstore.Stored, error) {
	f, err := filterstore.Find(ctx, s.db, user, id)
	if err != nil || f == nil {
		return nil, err
	}
	if now := s.now(); now.Sub(time.UnixMilli(f.Used)) > touchAfter {
		err = s.db.Write(func(tx *store.Tx) error { return filterstore.Touch(tx, user, id, store.Millis(now)) })
	}
	return f, err
}

// Filter is the filter that the parameter of a sync request means: JSON, the id of a stored filter, or nothing.
func (s *Service) Filter(ctx context.Context, user mx.UserID, param string) (*filter.Sync, error) {
	if param == "" {
		return &filter.Sync{}, nil
	}
	if strings.HasPrefix(param, "{") {
		return s.filters.get(param, func() (*filter.Sync, error) { return filter.ParseSync([]byte(param)) })
	}
	day := s.now().UnixMilli() / touchAfter.Milliseconds() // so that a filter in use is noted as such every day
	return s.filters.get(filterKey(user, param, day), func() (*filter.Sync, error) {
		f, err := s.findFilter(ctx, user, param)
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, fault.InvalidParam("There is no such filter")
		}
		return filter.ParseSync(f.JSON)
	})
}

func filterKey(user mx.UserID, id string, day int64) string {
	return string(user) + "\x00" + id + "\x00" + string(rune(day))
}

// Collect removes filters that nobody uses any more.
func (s *Service) Collect(_ context.Context, now time.Time) error {
	return s.db.Write(func(tx *store.Tx) error {
		_, err := filterstore.Collect(tx, store.Millis(now.Add(-filterLife)))
		return err
	})
}
