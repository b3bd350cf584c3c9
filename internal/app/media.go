package app

import (
	"conclave.chat/internal/blob"
	"conclave.chat/internal/media"
)

// wireMedia makes the media service on the store that is configured.
func (a *App) wireMedia() error {
	blobs, err := blob.New(a.cfg.Media.Store)
	if err != nil {
		return err
	}
	a.media, err = media.New(media.Deps{
		DB: a.db, Blobs: blobs, Key: a.keys.Derive("media"), Server: a.server, Config: a.cfg.Media, Log: a.log, Metrics: a.metrics,
	})
	if err != nil {
		return err
	}
	a.collectors = append(a.collectors, collector{"media", a.media.Collect})
	return nil
}
