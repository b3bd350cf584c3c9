package app

import (
	"time"

	"conclave.chat/internal/directory"
	"conclave.chat/internal/history"
	"conclave.chat/internal/visibility"
)

// wireReaders makes the services that read rooms.
func (a *App) wireReaders() {
	a.views = visibility.NewViews(a.db)
	a.bus.Listen(a.views.Changed)
	a.history = history.New(history.Deps{DB: a.db, Rooms: a.rooms, Views: a.views, Now: time.Now})
	a.directory = directory.New(directory.Deps{DB: a.db, Rooms: a.rooms, Server: a.server})
	a.collectors = append(a.collectors, collector{"search", a.history.Collect})
}
