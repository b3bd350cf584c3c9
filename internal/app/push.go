package app

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"strings"

	"conclave.chat/internal/push"
)

const webPushKeyName = "web_push_key"

// wirePush makes push: rules, counts, gateways and push services.
func (a *App) wirePush(ctx context.Context) error {
	private, err := a.sealedSecret(ctx, webPushKeyName, func() ([]byte, error) {
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return key.Bytes(), nil
	})
	if err != nil {
		return err
	}
	contact := a.cfg.PublicURL // whom a push service can ask; RFC 8292 wants an https address or an e-mail address
	if !strings.HasPrefix(contact, "https://") {
		contact = "postmaster@" + string(a.server)
	}
	key, err := push.NewWebPushKey(private, contact)
	if err != nil {
		return err
	}
	a.push, err = push.New(push.Deps{DB: a.db, Rooms: a.rooms, Position: a.bus.Last, Config: a.cfg.Push, WebPush: key, Log: a.log})
	if err != nil {
		return err
	}
	a.bus.Listen(a.push.Listen)
	a.background = append(a.background, a.push.Run)
	a.collectors = append(a.collectors, collector{"push", a.push.Collect})
	return nil
}
