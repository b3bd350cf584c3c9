package ledger

import (
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// txns remembers the newest requests, so that one that comes again need not reach the database, and one that comes while the first
// is under way waits for it. What counts is the database: a node that has just started remembers nothing.
type txns struct {
	mu    sync.Mutex
	known *lru[eventlog.Txn, *request]
}

// request is one that was carried out (event is set) or is under way.
type request struct {
	done  chan struct{}
	event mx.EventID
}

const rememberedTxns = 8192

func newTxns() *txns {
	t := &txns{known: newLRU[eventlog.Txn, *request](rememberedTxns)}
	t.known.keep = func(r *request) bool { return r.event == "" }
	return t
}

// begin gives the event that the request has made, or the right to make it: then finish must be called with the outcome.
func (t *txns) begin(key eventlog.Txn) (mx.EventID, *request) {
	for {
		t.mu.Lock()
		r, ok := t.known.get(key)
		if !ok {
			r = &request{done: make(chan struct{})}
			t.known.put(key, r, 1)
			t.mu.Unlock()
			return "", r
		}
		event := r.event
		t.mu.Unlock()
		if event != "" {
			return event, nil
		}
		<-r.done // then look again: if it failed, it is our turn
	}
}

// finish notes what the request made; "" if it failed and may be tried again.
func (t *txns) finish(key eventlog.Txn, r *request, event mx.EventID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.event = event
	if event == "" {
		t.known.drop(key)
	}
	close(r.done)
}
