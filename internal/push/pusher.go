package push

import (
	"context"
	"net/url"
	"slices"

	"github.com/google/uuid"

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
	kindWeb      = "webpush"
	formatIDOnly = "event_id_only"
)

// Pushers lists a user's pushers.
func (s *Service) Pushers(ctx context.Context, user mx.UserID) ([]pushdata.Pusher, error) {
	return pushdata.Pushers(ctx, s.db, user)
}

// SetPusher adds or replaces a pusher. It is inactive if its client has yet to send back the token that it gets by push: see AckPusher.
//
// Spec: cs#post_matrixclientv3pushersset
func (s *Service) SetPusher(p pushdata.Pusher, keepOthers bool) (active bool, err error) {
	if err := s.checkPusher(&p); err != nil {
		return false, err
	}
	p.Created, p.Done = store.Millis(s.now()), s.position()
	err = s.db.Write(func(tx *store.Tx) error {
		list, err := pushdata.Pushers(context.Background(), tx, p.User)
		if err != nil {
			return err
		}
		if len(list) >= maxPushers {
			return fault.InvalidParam("There are %d pushers already", maxPushers)
		}
		p.AckToken, p.AckUntil = "", 0
		if p.Kind == kindWeb && !slices.ContainsFunc(list, func(old pushdata.Pusher) bool { return sameSubscription(&old, &p) }) {
			p.AckToken, p.AckUntil = uuid.NewString(), store.Millis(s.now().Add(ackTime))
		}
		return pushdata.Put(tx, &p, keepOthers)
	})
	if err != nil || p.AckToken == "" {
		return err == nil, err
	}
	s.sendAck(p)
	return false, nil
}

// sameSubscription says whether a pusher that counts already is set again as it was.
func sameSubscription(old, p *pushdata.Pusher) bool {
	return old.AppID == p.AppID && old.Key == p.Key && old.Kind == p.Kind && old.URL == p.URL && old.AckToken == "" && webAuth(old) == webAuth(p)
}

// AckPusher makes a pusher count whose client got the token.
//
// Spec: MSC4174
func (s *Service) AckPusher(ctx context.Context, user mx.UserID, appID, token string) error {
	list, err := pushdata.Pushers(ctx, s.db, user)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(p pushdata.Pusher) bool { return p.AppID != appID || p.Kind != kindWeb })
	if len(list) == 0 {
		return fault.Missing("There is no such pusher")
	}
	i := slices.IndexFunc(list, func(p pushdata.Pusher) bool { return token != "" && p.AckToken == token })
	switch {
	case i < 0:
		return fault.New(fault.BadRequest, "M_UNKNOWN_ACTIVATION_TOKEN", "This is not the token of a pusher that waits for it")
	case list[i].AckUntil < store.Millis(s.now()):
		return fault.New(fault.BadRequest, "M_EXPIRED_ACTIVATION_TOKEN", "The token came too late: set the pusher again")
	}
	return s.db.Write(func(tx *store.Tx) error { return pushdata.Activate(tx, &list[i], s.position()) })
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
	case p.Kind != kindHTTP && p.Kind != kindWeb:
		return fault.InvalidParam("This server has pushers of kind http and webpush")
	case len(p.Data) > maxData:
		return fault.InvalidParam("data has %d bytes at most", maxData)
	}
	u, err := url.Parse(p.URL)
	if err != nil || len(p.URL) > maxURL || u.Host == "" || u.User != nil {
		return fault.InvalidParam("data.url must be an address")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !s.config.AllowHTTP) {
		return fault.InvalidParam("data.url must be an HTTPS address")
	}
	if p.Kind == kindWeb {
		return checkWebPusher(p)
	}
	if u.Path != gatewayPath {
		return fault.InvalidParam("data.url must be the address of a push gateway, ending in %s", gatewayPath)
	}
	return nil
}
