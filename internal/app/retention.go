package app

import "conclave.chat/internal/retention"

// bounds is what the organisation says of how long messages are kept.
func (a *App) bounds() retention.Bounds {
	v := a.organisation.Current()
	return retention.InDays(v.RetentionDays, v.RetentionMinDays, v.RetentionMaxDays)
}

// wireRetention makes what removes messages and files that are too old.
func (a *App) wireRetention() {
	a.retention = retention.New(retention.Deps{
		DB: a.db, Server: a.server, Bounds: a.bounds, Files: a.media, Log: a.log, Metrics: a.metrics,
	})
	a.background = append(a.background, a.retention.Run)
}
