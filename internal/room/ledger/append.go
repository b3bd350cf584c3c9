package ledger

import (
	"context"
	"errors"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// Append sends events: all of them or none. They come back as they are in the log, in the order of the drafts. A draft with a Txn is
// sent alone; if its request was carried out before, its event's id comes back and nothing is sent.
func (l *Ledger) Append(ctx context.Context, drafts ...Draft) ([]mx.EventID, error) {
	if len(drafts) == 1 && drafts[0].Txn.ID != "" {
		id, err := l.appendOnce(ctx, drafts[0])
		return []mx.EventID{id}, err
	}
	return l.append(ctx, nil, drafts...)
}

// appendOnce sends the event of a request that may come again.
func (l *Ledger) appendOnce(ctx context.Context, d Draft) (mx.EventID, error) {
	made, turn := l.txns.begin(d.Txn)
	if made != "" {
		return made, nil
	}
	defer func() { l.txns.finish(d.Txn, turn, made) }()
	before, err := l.made(ctx, d)
	if before != "" || err != nil {
		made = before
		return made, err
	}
	ids, err := l.append(ctx, &d.Txn, d)
	if err != nil {
		return "", err
	}
	made = ids[0]
	return made, nil
}

func (l *Ledger) append(ctx context.Context, txn *eventlog.Txn, drafts ...Draft) ([]mx.EventID, error) {
	prepared := make([]*Prepared, len(drafts))
	rooms := make([]mx.RoomID, len(drafts))
	for i, d := range drafts {
		var err error
		if prepared[i], err = l.Prepare(ctx, d); err != nil {
			return nil, err
		}
		rooms[i] = d.Room
	}
	ids, err := l.appendPrepared(ctx, txn, rooms, prepared, false)
	if errors.Is(err, errUnchecked) {
		ids, err = l.appendPrepared(ctx, txn, rooms, prepared, true)
	}
	return ids, Hide(err)
}

// appendPrepared asks the recorder about each message, or about those that it must be asked about, and writes.
func (l *Ledger) appendPrepared(ctx context.Context, txn *eventlog.Txn, rooms []mx.RoomID, prepared []*Prepared, must bool) ([]mx.EventID, error) {
	unchecked := false
	for _, d := range prepared {
		checked, err := l.check(ctx, d, must)
		if err != nil {
			return nil, err
		}
		unchecked = unchecked || !checked
	}
	ids := make([]mx.EventID, len(prepared))
	w, err := l.change(ctx, rooms, func(w *Write) error {
		w.txn, w.unchecked = txn, unchecked
		for i, d := range prepared {
			ev, err := w.Part(d.Room).Add(d)
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
	return ids, err
}

// Hide makes a room that does not exist look like one that the caller is not in.
func Hide(err error) error {
	if errors.Is(err, eventlog.ErrNoRoom) {
		return ErrNotIn
	}
	return err
}

// ErrNotIn answers who is not in a room, or asks for one that does not exist.
var ErrNotIn = fault.Denied("you are not in the room")
