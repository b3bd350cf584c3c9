package ledger

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/mediameta"
)

// run is the write job. It checks before it changes anything, so that a write that loses costs the others in its transaction nothing.
func (w *Write) run(tx *store.Tx) error {
	for _, check := range w.checks {
		if err := check(tx); err != nil {
			return err
		}
	}
	for i, p := range w.parts {
		if len(p.events) == 0 {
			continue
		}
		var txn *eventlog.Txn
		if i == 0 {
			txn = w.txn
		}
		if err := p.moveHead(tx, txn); err != nil {
			return err
		}
	}
	if w.txn != nil {
		if err := eventlog.AddTxn(tx, *w.txn, w.parts[0].events[0].ID, w.now); err != nil {
			return err
		}
	}
	for _, p := range w.parts {
		if err := p.insert(tx); err != nil {
			return err
		}
	}
	for _, extra := range w.extras {
		if err := extra(tx); err != nil {
			return err
		}
	}
	return nil
}

// moveHead takes positions for the part's events and moves the room's head to the last of them.
func (p *Part) moveHead(tx *store.Tx, txn *eventlog.Txn) error {
	for _, ev := range p.events {
		ev.Pos = tx.Next()
	}
	last := p.events[len(p.events)-1]
	if p.creates != nil {
		p.creates.Head, p.creates.HeadID, p.creates.Depth = last.Pos, last.ID, last.Depth
		ok, err := eventlog.AddRoom(tx, p.creates)
		if err == nil && !ok {
			return errLost // the same create event was made on another node in the same millisecond
		}
		return err
	}
	ok, err := eventlog.MoveHead(tx, eventlog.Move{
		Room: p.cell.room, From: p.base.HeadID(), Head: last.Pos, To: last.ID, Depth: last.Depth,
	}, txn)
	if err != nil || ok {
		return err
	}
	if txn != nil {
		made, err := eventlog.TxnEvent(context.Background(), tx, *txn)
		if err != nil {
			return err
		}
		if made != "" {
			p.write.duplicate = made
			return errDuplicate
		}
	}
	return errLost
}

// insert puts the part's events into the log, with what follows from them.
func (p *Part) insert(tx *store.Tx) error {
	for i, ev := range p.events {
		if err := eventlog.Insert(tx, ev); err != nil {
			return err
		}
		if p.recorded {
			if err := p.write.ledger.recorder.Accepted(tx, ev.Event, p.signers[i]); err != nil {
				return err
			}
		}
		change := store.Change{Pos: ev.Pos, Kind: store.KindEvent, Room: ev.RoomID}
		if ev.Type == mx.TypeMember && ev.StateKey != nil {
			change.User = mx.UserID(*ev.StateKey)
			if err := eventlog.SetMember(tx, ev); err != nil {
				return err
			}
		}
		tx.Emit(change)
	}
	p.applied = nil
	for _, ev := range p.redacted {
		if keep := p.write.ledger.keep; keep != nil {
			if err := keep(tx, ev, p.write.now); err != nil {
				return err
			}
		}
		ok, err := eventlog.Redact(tx, ev)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		p.applied = append(p.applied, ev)
		if err := mediameta.EndLinks(tx, ev.ID, precedence.Deletion, p.write.now); err != nil {
			return err
		}
	}
	return nil
}

// checkAnnotation refuses to annotate an event twice in the same way.
//
// Spec: cs#avoiding-duplicate-annotations
func checkAnnotation(d *Prepared) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		twice, err := eventlog.Annotated(context.Background(), tx, d.relation.To, d.Sender, d.Type, d.relation.Key)
		if err != nil || !twice {
			return err
		}
		return fault.New(fault.BadRequest, "M_DUPLICATE_ANNOTATION", "You have annotated this event in the same way before")
	}
}
