package push

import (
	"context"
	"net/url"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/pushdata"
)

const (
	maxPushkey   = 512
	maxAppID     = 64
	maxText      = 255
	maxURL       = 2048
	maxData      = 8 << 10
	maxPushers   = 100
	gatewayPath  = "/_matrix/push/v1/notify"
	kindHTTP     = "http"
	formatIDOnly = "event_id_only"
)

// Pushers lists a user's pushers.
func (s *Service) Pushers(ctx context.Context, user mx.UserID) ([]pushdata.Pusher, error) {
	return pushdata.Pushers(ctx, s.db, user)
}

// SetPusher adds or replaces a pusher.
//
// Spec: cs#post_matrixclientv3pushersset
func (s *Service) SetPusher(p pushdata.Pusher, keepOthers bool) error {
	if err := s.checkPusher(&p); err != nil {
		return err
	}
	p.Created, p.Done = store.Millis(s.now()), s.position()
	return s.db.Write(func(tx *store.Tx) error {
		list, err := pushdata.Pushers(context.Background(), tx, p.User)
		if err != nil {
			return err
		}
		if len(list) >= maxPushers {
			return fault.InvalidParam("There are %d pushers already", maxPushers)
		}
		return pushdata.Put(tx, &p, keepOthers)
	})
}

// DeletePusher removes a pusher.
func (s *Service) DeletePusher(user mx.UserID, appID, key string) error {
	return s.db.Write(func(tx *store.Tx) error { return pushdata.Delete(tx, user, appID, key) })
}

func (s *Service) checkPusher(p *pushdata.Pusher) error {
	switch {
	case p.Key == "" || len(p.Key) > maxPushkey:
		return fault.InvalidParam("pushkey has 1 to %d bytes", maxPushkey)
	case p.AppID == "" || len(p.AppID) > maxAppID:
		return fault.InvalidParam("app_id has 1 to %d bytes", maxAppID)
	case len(p.AppName) > maxText || len(p.DeviceName) > maxText || len(p.ProfileTag) > maxText || len(p.Lang) > maxText:
		return fault.InvalidParam("Names, profile_tag and lang have %d bytes at most", maxText)
	case p.Kind != kindHTTP:
		return fault.InvalidParam("This server has pushers of kind http only")
	case len(p.Data) > maxData:
		return fault.InvalidParam("data has %d bytes at most", maxData)
	}
	u, err := url.Parse(p.URL)
	if err != nil || len(p.URL) > maxURL || u.Host == "" || u.Path != gatewayPath || u.User != nil {
		return fault.InvalidParam("data.url must be the address of a push gateway, ending in %s", gatewayPath)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !s.config.AllowHTTP) {
		return fault.InvalidParam("data.url must be an HTTPS address")
	}
	return nil
}
