// Package client is the Matrix client-server API: each file holds the routes and handlers of one module of the specification.
//
// A handler decodes its request, calls one service method and returns the answer; rules live in the services.
package client

import (
	"conclave.chat/internal/directory"
	"conclave.chat/internal/door"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/history"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/media"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/personal"
	"conclave.chat/internal/push"
	"conclave.chat/internal/room"
)

// Deps are the services behind the API.
type Deps struct {
	Server    mx.ServerName
	Accounts  *ident.Service
	Rooms     *room.Engine
	Push      *push.Service
	Keys      *e2ee.Service
	Feed      *feed.Service
	Sliding   *sliding.Service
	History   *history.Service
	Directory *directory.Service
	Media     *media.Service
	Personal  *personal.Service
	Limits    *gate.Limiter
	Discovery Discovery

	OpenDirectory bool // anybody may list the published rooms
}

// Handlers serves the client-server API.
type Handlers struct {
	Deps
}

// New makes the handlers.
func New(d Deps) *Handlers { return &Handlers{d} }

// Routes lists the whole API, module by module.
func (h *Handlers) Routes() [][]door.Route {
	return [][]door.Route{
		h.discoveryRoutes(),
		h.loginRoutes(),
		h.registerRoutes(),
		h.roomRoutes(),
		h.memberRoutes(),
		h.sendRoutes(),
		h.pushRoutes(),
		h.keysRoutes(),
		h.keysBackupRoutes(),
		h.keysDehydratedRoutes(),
		h.personalRoutes(),
		h.personalPresenceRoutes(),
		h.threadRoutes(),
		h.syncRoutes(),
		h.historyRoutes(),
		h.relationRoutes(),
		h.searchRoutes(),
		h.reportRoutes(),
		h.directoryRoutes(),
		h.mediaRoutes(),
		h.accountRoutes(),
		h.contactRoutes(),
		h.profileRoutes(),
		h.adminRoutes(),
		h.absentRoutes(),
		h.fallbackRoutes(),
	}
}
