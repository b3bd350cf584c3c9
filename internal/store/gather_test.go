package store

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Times are those of synctest's clock, which stands while anybody has something to do.
func TestGather(t *testing.T) {
	const took = 3 * time.Millisecond
	for name, c := range map[string]struct {
		crowd   int           // writers at the end of the last batch
		waiting int           // jobs in the queue when the next begins, beside its first
		coming  int           // jobs that come later, one each
		every   time.Duration // so long after the one before
		batch   int
		waits   time.Duration
	}{
		"one writer":                  {crowd: 1, batch: 1},
		"few writers":                 {crowd: 3, waiting: 1, coming: 1, every: time.Millisecond, batch: 2},
		"the crowd is there":          {crowd: 16, waiting: 15, batch: 16},
		"the first of a crowd":        {crowd: 16, coming: 15, every: 100 * time.Microsecond, batch: 16, waits: 1500 * time.Microsecond},
		"a second group waits":        {crowd: 16, waiting: 7, coming: 8, every: 100 * time.Microsecond, batch: 16, waits: 800 * time.Microsecond},
		"the crowd went away":         {crowd: 16, batch: 1, waits: took},
		"half of the crowd went away": {crowd: 16, coming: 7, every: 100 * time.Microsecond, batch: 8, waits: took},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := &DB{jobs: make(chan *Pending, maxBatch)}
				for range c.waiting {
					db.jobs <- &Pending{}
				}
				var later sync.WaitGroup
				defer later.Wait()
				later.Go(func() {
					for range c.coming {
						time.Sleep(c.every)
						db.jobs <- &Pending{}
					}
				})
				start := time.Now()
				got := db.gather([]*Pending{{}}, c.crowd, took)
				if len(got) != c.batch || time.Since(start) != c.waits {
					t.Errorf("a batch of %d after %v, want %d after %v", len(got), time.Since(start), c.batch, c.waits)
				}
			})
		})
	}
}
