package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/visibility"
)

// wireFeed makes what answers /sync. Rooms must hear of commits before it does.
func (a *App) wireFeed() {
	a.views = visibility.NewViews(a.db)
	a.ephemeral = ephemeral.New(ephemeral.Options{Wake: func(c ephemeral.Change) { a.feed.Ephemeral(c) }})
	a.feed = feed.New(feed.Deps{
		DB: a.db, Bus: a.bus, Rooms: a.rooms, Views: a.views, Ephemeral: a.ephemeral, Log: a.log, Stopping: a.stopping,
	})
	a.collectors = append(a.collectors, collector{"filters", a.feed.Collect})
	a.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "conclave_sync_waiting", Help: "Sync requests that wait for news.",
	}, func() float64 { return float64(a.feed.Waiting()) }))
}
