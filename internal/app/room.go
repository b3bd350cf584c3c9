package app

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/room/steward"
)

// wireRooms makes the engine of rooms. It is the first to hear of commits: everybody else reads rooms from it.
func (a *App) wireRooms() error {
	blocked := steward.NewBlocklist(a.db)
	a.bus.ListenFirst(blocked.Changed)
	var err error
	if a.rooms, err = room.New(room.Deps{
		DB: a.db, Profiles: profiles{a.db}, Invites: invites{a}, Tags: noticeTags{a}, Moves: moves{a}, Signer: a.signer, Log: a.log, Config: a.cfg.Rooms,
		Policies:  []room.Policy{blocked, retention.Policy{Bounds: a.bounds}, a.recording},
		Recording: a.recording, Keep: a.keeper().Redact, Replaced: a.keeper().Replaced,
		Encrypt: func() bool { return a.organisation.Current().EncryptRooms },
	}); err != nil {
		return err
	}
	a.bus.ListenFirst(a.rooms.Listen)
	a.collectors = append(a.collectors, collector{"requests and delayed events", a.rooms.Collect})
	a.steward = steward.New(steward.Deps{DB: a.db, Rooms: a.rooms, Log: a.log, MayPurge: a.keeper().MayPurge})
	a.bus.Listen(a.steward.Changed)
	a.collectors = append(a.collectors, collector{"deletions of rooms", a.steward.Collect})
	a.background = append(a.background, a.rooms.RunDelayed, a.steward.Run)
	return nil
}

// moves carries a user's push rules and tags from a room to the one that replaces it.
type moves struct{ a *App }

func (m moves) Moved(ctx context.Context, user mx.UserID, from, to mx.RoomID) error {
	return errors.Join(m.a.push.CopyRoomRules(ctx, user, from, to), m.a.personal.CopyTags(ctx, user, from, to))
}
