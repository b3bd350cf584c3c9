package app

import (
	"conclave.chat/internal/config"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
)

// bounds is what the organisation says of how long messages are kept.
func (a *App) bounds() retention.Bounds { return boundsOf(a.organisation.Current()) }

func boundsOf(v organisation.Values) retention.Bounds {
	return retention.Bounds{
		Default: retention.Days(v.RetentionDays), Min: retention.Days(v.RetentionMinDays), Max: retention.Days(v.RetentionMaxDays),
	}
}

// wireRetention makes what removes messages and files that are too old.
func (a *App) wireRetention() {
	a.retention = retention.New(retention.Deps{
		DB: a.db, Server: a.server, Bounds: a.bounds, Files: a.media, Log: a.log, Metrics: a.metrics,
	})
	a.background = append(a.background, a.retention.Run)
}

// retentionOf is what is configured of the organisation's values.
func retentionOf(v *organisation.Values, c config.Retention) {
	v.RetentionDays, v.RetentionMinDays, v.RetentionMaxDays = c.Days, c.MinDays, c.MaxDays
}
