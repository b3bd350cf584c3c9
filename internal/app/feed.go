package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/push"
	"conclave.chat/internal/store/eventlog"
)

// wireFeed makes what answers /sync, and what knows of typing and presence. Rooms must hear of commits before it does.
func (a *App) wireFeed() error {
	var tell func(ephemeral.Word)
	o := ephemeral.Options{NoPresence: !a.cfg.Presence, Wake: func(c ephemeral.Change) { a.feed.Ephemeral(c) }}
	if a.cluster != nil {
		o.Tell = func(w ephemeral.Word) { tell(w) }
	}
	a.ephemeral = ephemeral.New(o)
	a.feed = feed.New(feed.Deps{
		DB: a.db, Bus: a.bus, Rooms: a.rooms, Views: a.views, Ephemeral: a.ephemeral, Counter: unread{a.push},
		Aggregator: aggregations{a.history}, PushRules: a.push, Log: a.log, Stopping: a.stopping,
	})
	a.background = append(a.background, a.feed.Run)
	a.collectors = append(a.collectors, collector{"filters", a.feed.Collect})
	a.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "conclave_sync_waiting", Help: "Sync requests that wait for news.",
	}, func() float64 { return float64(a.feed.Waiting()) }))
	if a.cluster == nil {
		return nil
	}
	var err error
	tell, err = notify.Share(a.cluster, "ephemeral", a.ephemeral.Hear)
	return err
}

// unread tells feed what push has counted.
type unread struct{ push *push.Service }

func (u unread) Unread(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]feed.Unread, error) {
	counts, err := u.push.Unread(ctx, user, rooms)
	if err != nil {
		return nil, err
	}
	out := make(map[mx.RoomID]feed.Unread, len(counts))
	for room, c := range counts {
		n := feed.Unread{Count: feed.Count(c.Main)}
		if len(c.Threads) > 0 {
			n.Threads = make(map[mx.EventID]feed.Count, len(c.Threads))
			for root, t := range c.Threads {
				n.Threads[root] = feed.Count(t)
			}
		}
		out[room] = n
	}
	return out, nil
}

// aggregations lets history bundle for feed.
type aggregations struct{ history *history.Service }

func (g aggregations) Aggregations(ctx context.Context, b feed.Bundling, events []*eventlog.Event) (map[mx.EventID][]byte, error) {
	return g.history.Bundle(ctx, history.Bundling{
		Who: history.Who{User: b.User, Device: b.Device}, Room: b.Room, View: b.View, Ignored: b.Ignored, Now: b.Now,
	}, events)
}
