//go:build goolm

package recorder

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/selfcheck"
)

const (
	day        = 24 * time.Hour
	lookEvery  = time.Minute
	againAfter = 10 * time.Minute // when it could not be done
	patience   = 3                // verifications in a row that fail without an alarm: the homeserver may be starting
	byRecorder = "the recorder, by the term of the class"
)

// daily destroys what is due and verifies the archive, after the start and then once a day.
func (r *Recorder) daily(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	var expire, check time.Time
	if last, err := r.custody.lastCheck(); err == nil && last != nil && last.Error == "" && last.Problems == 0 {
		check = last.Time.Add(day)
	}
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(expire) {
			expire = now.Add(r.expire(ctx))
		}
		if now := time.Now(); !now.Before(check) && ctx.Err() == nil {
			check = now.Add(r.verify(ctx))
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// expire destroys what is due, and says when to look again.
func (r *Recorder) expire(ctx context.Context) time.Duration {
	if len(r.cfg.Retention.terms) == 0 {
		return day
	}
	r.copying.Lock()
	defer r.copying.Unlock()
	e := &selfcheck.Expiry{Time: time.Now().UTC().Truncate(time.Second)}
	res, err := r.custody.run(ctx, r.sealed, r.logSigner, r.verifier, byRecorder)
	if ctx.Err() != nil {
		return day
	}
	e.Destroyed, e.Held, e.Waiting = int64(len(res.Destroyed)), int64(len(res.Held)), int64(len(res.Waiting))
	if e.Destroyed > 0 {
		r.log.Info("keys were destroyed: the time of what they opened is over", "segments", e.Destroyed, "attachments", res.Attachments)
	}
	if n := len(res.Strays); n > 0 {
		r.log.Info("attachments of messages that were refused are removed: the term of their class is over", "attachments", n)
	}
	if e.Held > 0 {
		r.log.Info("holds keep segments whose time is over", "segments", e.Held, "first", res.Held[0].ID.String(), "why", res.Held[0].Why)
	}
	if e.Waiting > 0 {
		r.log.Warn("the bucket keeps files whose time is over; it is tried again tomorrow", "files", e.Waiting, "first", res.Waiting[0])
	}
	if len(res.Unknown) > 0 {
		r.log.Warn("the archive has segments of classes that are not in the configuration: they are kept", "classes", res.Unknown)
	}
	wait := day
	if err != nil {
		e.Error, wait = err.Error(), againAfter
		r.log.Error("what is due in the archive is not destroyed; it is tried again", "error", err)
	}
	r.expired.Store(e)
	return wait
}

// verify is the self-check. What is wrong does not mend itself: it is looked at again the next day.
func (r *Recorder) verify(ctx context.Context) time.Duration {
	if err := r.checkpoint(ctx); err != nil && ctx.Err() == nil {
		r.log.Error("the archive has no new checkpoint", "error", err)
	}
	res, err := r.custody.selfCheck(ctx, r.verifier, nil, r.failed >= patience)
	if r.failed++; err == nil {
		r.failed = 0
	}
	switch {
	case ctx.Err() != nil:
		return day
	case err != nil && r.failed <= patience:
		r.log.Warn("the archive was not verified; it is tried again", "error", err)
		return lookEvery
	case err != nil:
		r.log.Error("the archive was not verified; it is tried again", "error", err)
		return againAfter
	}
	for i, p := range res.Problems {
		if i == maxFirst {
			break
		}
		r.log.Error("the archive is not right", "place", p.Place, "what", p.What)
	}
	if n := len(res.Problems); n > 0 {
		r.log.Error("the self-check has found problems", "problems", n, "records", res.Records, "segments", res.Segments)
	} else {
		r.log.Info("the archive is right", "records", res.Records, "segments", res.Segments, "gaps", len(res.Gaps), "accepted_events", res.Stated)
	}
	return day
}

// status tells the homeserver how the archive does.
func (r *Recorder) status(ctx context.Context, _ *question) (any, error) {
	s := &selfcheck.Status{
		Since: r.since, Now: r.custody.clock().UTC(), Expiry: r.expired.Load(), Classes: append([]string{}, slices.Sorted(maps.Keys(r.cfg.Retention.terms))...),
	}
	_, err := r.sealed.Size(ctx)
	switch {
	case errors.Is(err, archive.ErrBroken):
		s.Stopped = err.Error()
	case err != nil:
		return nil, err
	}
	if s.Copy = r.copied.Load(); s.Copy == nil && r.cfg.Bucket != nil {
		s.Copy = &selfcheck.Copy{}
	}
	s.Forked, s.Witnesses = r.custody.witnesses.Status()
	if s.Check, err = r.custody.lastCheck(); err != nil {
		return nil, err
	}
	holds, err := r.custody.holds.InForce()
	s.Holds = len(holds)
	return s, err
}
