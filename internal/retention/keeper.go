package retention

import (
	"context"
	"crypto/rand"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/retain"
)

// Keeper answers those who are about to destroy something that people have written, within the transaction that does it. What it says is precedence.Decide's.
type Keeper struct{ Bounds func() Bounds }

// recorderAfter is after what time it is looked again whether a recorder has got what is kept for it alone, milliseconds.
const recorderAfter = 10 * 60 * 1000

// ruleOf is how long a room keeps messages.
func (k Keeper) ruleOf(ctx context.Context, r store.Reader, room mx.RoomID) (Rule, error) {
	said, err := eventlog.StateEventAt(ctx, r, room, mx.TypeRetention, "", 1<<62)
	if err != nil || said == nil {
		return k.Bounds().For(nil), err
	}
	return k.Bounds().For(said.Content), nil
}

// Redact keeps what an event says that is about to be redacted, if that has to stay. Clients see the redacted form all the same.
func (k Keeper) Redact(tx *store.Tx, target *eventlog.Event, now int64) error {
	v, err := k.redacted(context.Background(), tx, target.RoomID, target.TS, now)
	if err != nil {
		return err
	}
	if v.Remove {
		return retain.WithholdOpen(tx, target.Pos, now+recorderAfter)
	}
	return retain.Withhold(tx, target.Pos, until(v, now))
}

// redacted decides what becomes of what a redacted event said.
func (k Keeper) redacted(ctx context.Context, r store.Reader, room mx.RoomID, sent, now int64) (precedence.Verdict, error) {
	held, err := holds.In(ctx, r, room)
	if err != nil {
		return precedence.Verdict{}, err
	}
	rule, err := k.ruleOf(ctx, r, room)
	return precedence.Decide(precedence.Claim{Age: now - sent, Rule: rule, Deleted: true, Held: held.At(sent)}), err
}

// until is when what stays is to be looked at again: never, unless somebody says so, where a hold keeps it.
func until(v precedence.Verdict, now int64) int64 {
	if v.Ground == precedence.Hold {
		return retain.Never
	}
	return now + max(v.Wait, 1)
}

// MayPurge reports whether the events of a room that is being deleted may go. All of them stay while a hold covers any.
func (k Keeper) MayPurge(ctx context.Context, tx *store.Tx, room mx.RoomID) (bool, error) {
	held, err := holds.In(ctx, tx, room)
	return precedence.Decide(precedence.Claim{Erased: true, Held: len(held) > 0}).Remove, err
}

// MayErase reports whether what somebody stored with their account may go.
func (k Keeper) MayErase(ctx context.Context, tx *store.Tx, user mx.UserID) (bool, error) {
	held, err := holds.OfAccount(ctx, tx, user)
	return precedence.Decide(precedence.Claim{Erased: true, Held: held}).Remove, err
}

// Replaced has the holds on a room cover the room that takes its place: what is said there goes on with what they are about. The audit log has it.
func (k Keeper) Replaced(tx *store.Tx, by mx.UserID, old, replacement mx.RoomID) error {
	list, err := holds.InForce(context.Background(), tx)
	if err != nil {
		return err
	}
	now := store.Millis(time.Now())
	for i := range list {
		h := list[i]
		if h.Room != old || h.Until != 0 && h.Until <= now {
			continue
		}
		was := h.ID
		h.ID, h.Room, h.Created, h.CreatedBy = "h-"+rand.Text(), replacement, now, "replacement of "+string(old)
		if err := holds.Add(tx, &h); err != nil {
			return err
		}
		act := auditlog.Act{Action: "hold.follow", Target: h.ID, Was: map[string]any{"hold": was, "room": old}, Became: note(&h)}
		if err := auditlog.Record(tx, now, auditlog.Actor{Name: string(by)}, act); err != nil {
			return err
		}
	}
	return nil
}
