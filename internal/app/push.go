package app

import "conclave.chat/internal/push"

// wirePush makes push: rules, counts and gateways.
func (a *App) wirePush() error {
	var err error
	if a.push, err = push.New(push.Deps{DB: a.db, Rooms: a.rooms, Position: a.bus.Last, Config: a.cfg.Push, Log: a.log}); err != nil {
		return err
	}
	a.bus.Listen(a.push.Listen)
	a.background = append(a.background, a.push.Run)
	a.collectors = append(a.collectors, collector{"unread counts", a.push.Collect})
	return nil
}
