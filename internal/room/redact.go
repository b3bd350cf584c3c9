package room

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/store/eventlog"
)

// Redaction is a wish to redact an event.
type Redaction struct {
	Room    mx.RoomID
	By      mx.UserID
	Event   mx.EventID
	Reason  string
	Txn     eventlog.Txn
	OwnOnly bool // only if By sent it
}

// Redact redacts an event.
//
// Spec: cs#put_matrixclientv3roomsroomidredacteventidtxnid
func (e *Engine) Redact(ctx context.Context, r Redaction) (mx.EventID, error) {
	if r.OwnOnly {
		target, err := e.Event(ctx, r.Event)
		if err != nil || target.Sender != r.By {
			return "", fault.New(fault.Forbidden, "M_USER_SUSPENDED", "This account is suspended: it may redact its own messages only")
		}
	}
	ids, err := e.Append(ctx, ledger.Draft{
		Room: r.Room, Sender: r.By, Type: mx.TypeRedaction, Content: because(r.Reason).bytes(), Redacts: r.Event, Txn: r.Txn,
	})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}
