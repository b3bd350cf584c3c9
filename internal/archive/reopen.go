package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// What fails once mostly fails for a while: a full disk, a share that is away.
const (
	firstPause = time.Second
	maxPause   = time.Minute
)

// stopped is what a log knows of a write that failed, and of its own tries to go on.
type stopped struct {
	pause time.Duration
	since time.Time // when it was last opened
	again <-chan time.Time
}

// fail notes that nothing is taken from now on, and why.
func (w *writer) fail(err error) {
	if w.failed == nil && err != nil {
		w.failed = fmt.Errorf("%w: %w", ErrBroken, err)
		if w.Failed != nil {
			w.Failed(w.failed)
		}
	}
}

// retry gives the channel that says when the log is to be opened again; nil while it works. What breaks again at once waits longer each time.
func (l *Log) retry() <-chan time.Time {
	switch s := &l.stopped; {
	case l.w.failed == nil:
		return nil
	case s.again != nil:
		return s.again
	default:
		if time.Since(s.since) > maxPause || s.pause == 0 {
			s.pause = l.config.Retry
		}
		s.again = time.After(s.pause)
		s.pause = min(2*s.pause, maxPause)
		return s.again
	}
}

// reopen recovers as after a crash, in the same process.
func (l *Log) reopen() {
	l.stopped.again = nil
	w, err := l.recovered()
	if err != nil {
		l.w.failed = fmt.Errorf("%w: %w", ErrBroken, err)
		if l.config.Failed != nil {
			l.config.Failed(l.w.failed)
		}
		return
	}
	l.w, l.stopped.since = w, time.Now()
	if l.config.Failed != nil {
		l.config.Failed(nil)
	}
}

func (l *Log) recovered() (*writer, error) {
	if err := l.w.abandon(); err != nil {
		return nil, err
	}
	w, err := newWriter(l.config)
	if err != nil {
		return nil, err
	}
	w.lock = l.w.lock
	for _, s := range l.w.ended {
		if _, err := os.Stat(filepath.Join(w.Dir, filepath.FromSlash(s.path))); err == nil && w.Sealed != nil {
			w.Sealed(s.sealed)
		}
	}
	return w, nil
}

// abandon cuts the open segments back to what was answered and forgets their keys. What was written since may be in this machine's memory alone: a disk tells
// once only that it could not keep something.
func (w *writer) abandon() error {
	for class, s := range w.open {
		s.sealer.Wipe()
		_ = s.file.Close()
		err := os.Truncate(filepath.Join(w.Dir, filepath.FromSlash(s.path)), s.durable)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("archive: %w", err)
		}
		delete(w.open, class)
		w.ended = append(w.ended, ended{settled(s.path), s.about()})
	}
	return nil
}

// ended is a segment that a failure has ended, and where it will be.
type ended struct {
	path   string
	sealed Sealed
}
