package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"conclave.chat/internal/blob"
	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
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
		Stopping: a.stopping,
		Limits: func() (int64, int64) {
			v := a.organisation.Current()
			return v.UploadLimit, v.UserQuota
		},
	})
	if err != nil {
		return err
	}
	a.collectors = append(a.collectors, collector{"media", a.media.Collect})
	return nil
}

// probe is what MediaCheck writes: the name of the blob, which no upload has (their names are longer), and its content.
const probe = "doctorprobe"

// MediaCheck writes a blob to the media store, reads it back and deletes it.
func MediaCheck(cfg *config.Config) doctor.Check {
	return func(ctx context.Context) doctor.Finding {
		f := doctor.Finding{Check: "media"}
		where := cfg.Media.Store.Dir
		if s3 := cfg.Media.Store.S3; s3.Endpoint != "" {
			where = "bucket " + s3.Bucket + " at " + s3.Endpoint
		}
		took, err := examineBlobs(ctx, cfg.Media.Store)
		if err != nil {
			f.Level, f.Found, f.Do = doctor.Problem, err.Error(), "Check media.store: the server must be able to write, read and delete in "+where+"."
			return f
		}
		f.Found = fmt.Sprintf("%s; writing, reading and deleting takes %s", where, took.Round(10*time.Microsecond))
		return f
	}
}

func examineBlobs(ctx context.Context, c blob.Config) (took time.Duration, err error) {
	start := time.Now()
	s, err := blob.New(c)
	if err != nil {
		return 0, err
	}
	if err := s.Delete(ctx, probe); err != nil { // an examination that was broken off may have left it
		return 0, err
	}
	if err := s.Put(ctx, probe, strings.NewReader(probe), int64(len(probe))); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Delete(ctx, probe)) }()
	if n, err := s.Stat(ctx, probe); err != nil || n != int64(len(probe)) {
		return 0, errors.Join(err, fmt.Errorf("app: %d bytes became %d", len(probe), n))
	}
	r, err := s.Open(ctx, probe, 0, int64(len(probe)))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if got, err := io.ReadAll(r); err != nil || string(got) != probe {
		return 0, errors.Join(err, errors.New("app: the media store gives back something else than was put"))
	}
	return time.Since(start), nil
}
