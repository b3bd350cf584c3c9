package room

import (
	"context"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// Append sends events: all of them or none. They come back as they are in the log, in the order of the drafts. A draft with a Txn is
// sent alone; if its request was carried out before, its event's id comes back and nothing is sent.
func (e *Engine) Append(ctx context.Context, drafts ...Draft) ([]mx.EventID, error) {
	if len(drafts) == 1 && drafts[0].Txn.ID != "" {
		id, err := e.appendOnce(ctx, drafts[0])
		return []mx.EventID{id}, err
	}
	return e.append(ctx, nil, drafts...)
}

// appendOnce sends the event of a request that may come again.
func (e *Engine) appendOnce(ctx context.Context, d Draft) (mx.EventID, error) {
	made, turn := e.txns.begin(d.Txn)
	if made != "" {
		return made, nil
	}
	defer func() { e.txns.finish(d.Txn, turn, made) }()
	ids, err := e.append(ctx, &d.Txn, d)
	if err != nil {
		return "", err
	}
	made = ids[0]
	return made, nil
}

func (e *Engine) append(ctx context.Context, txn *eventlog.Txn, drafts ...Draft) ([]mx.EventID, error) {
	prepared := make([]*draft, len(drafts))
	rooms := make([]mx.RoomID, len(drafts))
	for i, d := range drafts {
		var err error
		if prepared[i], err = e.prepare(ctx, d); err != nil {
			return nil, err
		}
		rooms[i] = d.Room
	}
	ids := make([]mx.EventID, len(drafts))
	w, err := e.change(ctx, rooms, func(w *write) error {
		w.txn = txn
		for i, d := range prepared {
			ev, err := w.part(d.Room).add(d)
			if err != nil {
				return err
			}
			ids[i] = ev.ID
		}
		return nil
	})
	if errors.Is(err, errDuplicate) {
		return []mx.EventID{w.duplicate}, nil
	}
	return ids, hide(err)
}

// hide makes a room that does not exist look like one that the caller is not in.
func hide(err error) error {
	if fault.Is(err, "M_NOT_FOUND") {
		return errNotIn
	}
	return err
}

var errNotIn = fault.Denied("you are not in the room")
