package feed

import "context"

// LookAgain looks once more on behalf of a request that waits, as a worker does when something has happened.
func (w *Pending) LookAgain(ctx context.Context) ([]byte, error) {
	answer, at, err := w.look(ctx, w.done, false)
	w.done = at
	return answer, err
}
