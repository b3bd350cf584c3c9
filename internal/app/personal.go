package app

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/personal"
)

// wirePersonal makes the service for account data, receipts, typing and presence.
func (a *App) wirePersonal() {
	a.personal = personal.New(personal.Deps{
		DB: a.db, Rooms: a.rooms, Views: a.views, Ephemeral: a.ephemeral, PushRules: a.push, MayErase: a.keeper().MayErase,
	})
	a.bus.Listen(a.personal.Changed)
	a.collectors = append(a.collectors, collector{"account data", a.personal.Collect})
}

// noticeTags tags the room for the server's notices.
type noticeTags struct{ a *App }

func (n noticeTags) SetTag(ctx context.Context, user mx.UserID, room mx.RoomID, tag string) error {
	return n.a.personal.PutTag(ctx, user, personal.Place{User: user, Room: string(room)}, tag, []byte("{}"))
}

// invites asks the personal service, which is made after rooms as it reads them.
type invites struct{ a *App }

func (i invites) InviteAllowed(ctx context.Context, inviter, invitee mx.UserID) error {
	return i.a.personal.InviteAllowed(ctx, inviter, invitee)
}
