package feed

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed/watch"
	"conclave.chat/internal/mx"
)

// maxTimeout bounds how long a request waits.
const maxTimeout = 5 * time.Minute

// Poll says who asks for news, and how long to wait for them.
type Poll struct {
	User     mx.UserID
	Device   mx.DeviceID
	Presence ephemeral.State // what the client says of its user
	Timeout  time.Duration
}

// LookFunc looks for news. It is told what was looked at in vain before, and whether it is the last time: then it has to answer. Without an
// answer it says what it has looked at.
type LookFunc func(ctx context.Context, done Checked, last bool) (answer []byte, at Checked, err error)

// Poll looks for news. Where there are none it gives a Pending instead of an answer, unless the client does not want to wait.
func (s *Service) Poll(ctx context.Context, p Poll, look LookFunc) ([]byte, *Pending, error) {
	here := s.ephemeral.Connect(p.User, p.Presence)
	answer, done, err := look(ctx, Checked{}, p.Timeout <= 0)
	if err != nil || answer != nil {
		here()
		return answer, nil, err
	}
	return nil, &Pending{s: s, p: p, look: look, here: here, done: done}, nil
}

// Pending is a request that waits for news. Nothing of the connection that it came by is needed while it waits, and no goroutine: it is
// woken by the Hub, looks on one of a few workers, and hands its answer to a function.
type Pending struct {
	s      *Service
	p      Poll
	look   LookFunc
	here   func() // ends the presence that Connect began
	finish func([]byte, error)
	waiter *watch.Waiter
	timer  *time.Timer

	mu    sync.Mutex
	done  Checked
	busy  bool // in the queue of the workers or with one of them
	again bool // woken meanwhile
	last  bool
	over  bool
}

// Start begins to wait. finish is called once, with the answer.
func (w *Pending) Start(finish func([]byte, error)) {
	w.finish = finish
	w.mu.Lock() // nobody looks before all is set
	w.waiter = w.s.hub.Join(w.p.User, w.p.Device, w.wake)
	w.timer = time.AfterFunc(min(w.p.Timeout, maxTimeout), func() { w.wake(true) })
	// What happened before the request joined the hub is found by looking again.
	missed := w.s.bus.Last() != w.done.Pos || w.s.ephemeral.Current() != w.done.Ephemeral
	w.mu.Unlock()
	select {
	case <-w.s.stopping:
		w.wake(true)
	default:
		if missed {
			w.wake(false)
		}
	}
}

// Cancel ends the wait without an answer.
func (w *Pending) Cancel() {
	w.mu.Lock()
	was := w.over
	w.over = true
	w.mu.Unlock()
	if !was {
		w.leave()
	}
}

func (w *Pending) leave() {
	w.timer.Stop()
	w.s.hub.Leave(w.p.User, w.waiter)
	w.here()
}

// wake lets a worker look, once more if one is looking.
func (w *Pending) wake(last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = w.last || last
	w.again = true
	if !w.busy && !w.over {
		w.busy = true
		w.s.work.push(w)
	}
}

// step looks until there is an answer or no more reason to look. A worker calls it.
func (w *Pending) step(ctx context.Context) {
	for {
		w.mu.Lock()
		if w.over || !w.again {
			w.busy = false
			w.mu.Unlock()
			return
		}
		w.again = false
		done, last := w.done, w.last
		w.mu.Unlock()
		answer, at, err := w.try(ctx, done, last)
		w.mu.Lock()
		w.done = at
		if w.over || (answer == nil && err == nil) {
			w.mu.Unlock()
			continue
		}
		w.over = true
		w.mu.Unlock()
		w.leave()
		w.finish(answer, err)
		return
	}
}

// try looks once. A panic fails this request alone, as it would in a handler.
func (w *Pending) try(ctx context.Context, done Checked, last bool) (answer []byte, at Checked, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.s.log.Error("looking for news panicked", "panic", p, "stack", string(debug.Stack()))
			err = errors.New("feed: panic")
		}
	}()
	return w.look(ctx, done, last)
}

// Wait waits on the caller's goroutine, until ctx ends.
func (w *Pending) Wait(ctx context.Context) ([]byte, error) {
	type result struct {
		answer []byte
		err    error
	}
	got := make(chan result, 1)
	w.Start(func(answer []byte, err error) { got <- result{answer, err} })
	select {
	case r := <-got:
		return r.answer, r.err
	case <-ctx.Done():
		w.Cancel()
		return nil, ctx.Err()
	}
}

// queue is the woken requests, for workers to take.
type queue struct {
	mu    sync.Mutex
	list  []*Pending
	ready sync.Cond
	ended bool
}

func newQueue() *queue {
	q := &queue{}
	q.ready.L = &q.mu
	return q
}

func (q *queue) push(w *Pending) {
	q.mu.Lock()
	q.list = append(q.list, w)
	q.mu.Unlock()
	q.ready.Signal()
}

// take gives the next request, or nil at the end.
func (q *queue) take() *Pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && !q.ended {
		q.ready.Wait()
	}
	if len(q.list) == 0 {
		return nil
	}
	w := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	return w
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.ready.Broadcast()
}

// Run wakes and answers waiting requests until ctx ends. When the server begins to drain, it answers all of them.
func (s *Service) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { s.hub.Run(ctx) })
	for range 2 * runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for w := s.work.take(); w != nil; w = s.work.take() {
				w.step(ctx)
			}
		})
	}
	select {
	case <-s.stopping:
		s.hub.End()
		<-ctx.Done()
	case <-ctx.Done():
	}
	s.work.end()
	running.Wait()
}
