package room

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

const (
	// maxDelayed is how many events a user may have scheduled at once.
	maxDelayed = 100
	// delayedPoll is how often a node looks for events that were scheduled on others.
	delayedPoll = 2 * time.Second
	// minDelayedWait keeps an event that cannot be sent now from being tried all the time.
	minDelayedWait = 10 * time.Millisecond
	// delayedLast is how long it is remembered how a delayed event ended.
	delayedLast = 7 * 24 * time.Hour
	// delayedBatch is how many are sent before the database is asked again.
	delayedBatch = 100
)

// Delay schedules an event to be sent later and gives the id by which that is managed. Whether it may be sent is decided then.
//
// Spec: MSC4140
func (e *Engine) Delay(ctx context.Context, d ledger.Draft, delay time.Duration) (string, error) {
	if made, err := e.delayedBefore(ctx, e.db, d.Txn); made != "" || err != nil {
		return made, err
	}
	if delay > e.config.MaxDelay {
		return "", fault.New(fault.BadRequest, "M_UNKNOWN", "Events cannot be delayed by more than %s", e.config.MaxDelay).
			With("org.matrix.msc4140.errcode", "M_MAX_DELAY_EXCEEDED").
			With("org.matrix.msc4140.max_delay", e.config.MaxDelay.Milliseconds())
	}
	content, err := mx.Canonical(d.Content)
	if err != nil {
		return "", err
	}
	if len(content) > mx.MaxEventBytes || len(d.Type) > mx.MaxIDBytes || d.StateKey != nil && len(*d.StateKey) > mx.MaxIDBytes {
		return "", fault.Oversize("The event is larger than %d bytes", mx.MaxEventBytes)
	}
	if content[0] != '{' {
		return "", fault.BadJSON("The content must be a JSON object")
	}
	now := e.now().UnixMilli()
	row := &eventlog.Delayed{
		ID: newDelayID(), User: d.Sender, Device: d.Txn.Device, Room: d.Room, Type: d.Type, StateKey: d.StateKey, Content: content,
		Delay: delay.Milliseconds(), Scheduled: now, Due: now + delay.Milliseconds(), Request: d.Txn.Request, TxnID: d.Txn.ID,
	}
	id := row.ID
	err = e.db.Write(func(tx *store.Tx) error {
		id = row.ID
		if made, err := e.delayedBefore(ctx, tx, d.Txn); made != "" || err != nil {
			id = made
			return err
		}
		if err := e.checkDelayed(ctx, tx, d.Sender, now); err != nil {
			return err
		}
		return eventlog.AddDelayed(tx, row)
	})
	if err != nil {
		return "", err
	}
	e.wakeDelayed()
	return id, nil
}

func newDelayID() string {
	var b [18]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (e *Engine) delayedBefore(ctx context.Context, r store.Reader, t eventlog.Txn) (string, error) {
	if t.ID == "" {
		return "", nil
	}
	return eventlog.DelayedTxn(ctx, r, t)
}

func (e *Engine) checkDelayed(ctx context.Context, tx *store.Tx, user mx.UserID, now int64) error {
	list, err := eventlog.DelayedOf(ctx, tx, user)
	if err != nil || len(list) < maxDelayed {
		return err
	}
	return fault.New(fault.Limited, "M_LIMIT_EXCEEDED", "No more than %d events may be scheduled at once", maxDelayed).
		With("retry_after_ms", max(list[0].Due-now, 1))
}

// DelayedOf lists what a user has scheduled.
//
// Spec: MSC4140
func (e *Engine) DelayedOf(ctx context.Context, user mx.UserID) ([]*eventlog.Delayed, error) {
	return eventlog.DelayedOf(ctx, e.db, user)
}

// DelayedByID is one event that a user has scheduled, also once it has been sent or cancelled.
//
// Spec: MSC4140
func (e *Engine) DelayedByID(ctx context.Context, user mx.UserID, id string) (*eventlog.Delayed, error) {
	d, err := eventlog.DelayedByID(ctx, e.db, id)
	if err == nil && d.User != user {
		return nil, fault.Missing("There is no such delayed event")
	}
	return d, err
}

var errDelayedOver = fault.New(fault.Conflict, "M_UNKNOWN", "The delayed event has been sent or cancelled already")

// CancelDelayed cancels a delayed event. Who knows its id may do that, as with the other actions.
//
// Spec: MSC4140
func (e *Engine) CancelDelayed(ctx context.Context, id string) error {
	return e.db.Write(func(tx *store.Tx) error {
		d, err := eventlog.DelayedByID(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case d.EventID != "":
			return errDelayedOver
		case d.Finalised != 0:
			return nil
		}
		return eventlog.FinaliseDelayed(tx, id, e.now().UnixMilli(), "", "", "")
	})
}

// RestartDelayed begins a delay anew.
//
// Spec: MSC4140
func (e *Engine) RestartDelayed(ctx context.Context, id string) error {
	err := e.db.Write(func(tx *store.Tx) error {
		d, err := eventlog.DelayedByID(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case d.Finalised != 0:
			return errDelayedOver
		}
		return eventlog.RestartDelayed(tx, id, e.now().UnixMilli())
	})
	e.wakeDelayed()
	return err
}

// SendDelayed sends a delayed event now. If it may not be sent it stays scheduled.
//
// Spec: MSC4140
func (e *Engine) SendDelayed(ctx context.Context, id string) error {
	d, err := eventlog.DelayedByID(ctx, e.db, id)
	switch {
	case err != nil:
		return err
	case d.EventID != "":
		return nil
	case d.Finalised != 0:
		return errDelayedOver
	}
	err = e.sendDelayed(ctx, d, false)
	if errors.Is(err, errDelayedGone) {
		return errDelayedOver
	}
	return err
}

// errDelayedGone says that a delayed event was sent, cancelled or restarted meanwhile.
var errDelayedGone = errors.New("room: the delayed event changed meanwhile")

// sendDelayed sends a delayed event and notes that, in one write: it is sent once, whatever fails and whoever else tries.
func (e *Engine) sendDelayed(ctx context.Context, row *eventlog.Delayed, onlyIfDue bool) error {
	d, err := e.Prepare(ctx, ledger.Draft{
		Room: row.Room, Sender: row.User, Type: row.Type, StateKey: row.StateKey, Content: row.Content,
		Txn: eventlog.Txn{ID: row.ID}, // of no device: clients of the sender are told the id
	})
	if err != nil {
		return err
	}
	err = e.Change(ctx, []mx.RoomID{row.Room}, func(w *ledger.Write) error {
		ev, err := w.Part(row.Room).Add(d)
		if err != nil {
			return err
		}
		w.Check(func(tx *store.Tx) error {
			is, err := eventlog.DelayedByID(ctx, tx, row.ID)
			if err == nil && (is.Finalised != 0 || onlyIfDue && is.Due > w.Now()) {
				return errDelayedGone
			}
			return err
		})
		w.Extra(func(tx *store.Tx) error { return eventlog.FinaliseDelayed(tx, row.ID, w.Now(), ev.ID, "", "") })
		return nil
	})
	return ledger.Hide(err)
}

func (e *Engine) wakeDelayed() {
	select {
	case e.delayedWake <- struct{}{}:
	default:
	}
}

// RunDelayed sends delayed events when they are due, until ctx ends.
func (e *Engine) RunDelayed(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-e.delayedWake:
		}
		wait, err := e.sendDue(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.Error("delayed events not sent", "error", err)
		}
		timer.Reset(wait)
	}
}

// sendDue sends what is due and tells how long to wait for the next.
func (e *Engine) sendDue(ctx context.Context) (time.Duration, error) {
	list, err := eventlog.DelayedDue(ctx, e.db, e.now().UnixMilli(), delayedBatch)
	if err != nil {
		return delayedPoll, err
	}
	for _, d := range list {
		if err := e.sendOrFail(ctx, d); err != nil { // it stays for the next round; the others need not wait for it
			e.log.Error("delayed event not sent", "room", d.Room, "error", err)
		}
	}
	next, err := eventlog.DelayedNext(ctx, e.db)
	if err != nil || next == 0 {
		return delayedPoll, err
	}
	wait := time.Duration(next-e.now().UnixMilli()) * time.Millisecond
	return max(minDelayedWait, min(wait, delayedPoll)), nil
}

// sendOrFail sends a delayed event that is due, or notes why it may not be sent.
func (e *Engine) sendOrFail(ctx context.Context, d *eventlog.Delayed) error {
	err := e.sendDelayed(ctx, d, true)
	if err == nil || errors.Is(err, errDelayedGone) {
		return nil
	}
	f := fault.Of(err)
	if f == nil || f.Kind == fault.Unavailable || f.Kind == fault.Internal {
		return err
	}
	return e.db.Write(func(tx *store.Tx) error {
		return eventlog.FinaliseDelayed(tx, d.ID, e.now().UnixMilli(), "", f.Code, f.Msg)
	})
}
