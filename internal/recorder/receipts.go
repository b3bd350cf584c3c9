//go:build goolm

package recorder

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

const (
	receiptsTable = `CREATE TABLE IF NOT EXISTS conclave_receipt (
		room TEXT NOT NULL, user TEXT NOT NULL, thread TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (room, user, thread)
	) WITHOUT ROWID`
	receiptBatch = 256 // sealed at once: what signatures wait for meanwhile is one commit
)

// receipt says that somebody has read an event.
type receipt struct {
	room, user string
	record.Read
}

// receipts waits with what people have read. It is sealed beside the path of keys and signatures, many at once, so that neither waits for it.
type receipts struct {
	mu      sync.Mutex
	waiting []receipt
	wake    chan struct{}
}

// read takes in what /sync says of public receipts.
func (r *Recorder) read(resp *mautrix.RespSync) {
	var list []receipt
	for room, joined := range resp.Rooms.Join {
		for _, ev := range joined.Ephemeral.Events {
			if ev.Type.Type == record.TypeReceipt {
				list = append(list, receiptsOf(room.String(), ev)...)
			}
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b receipt) int { return cmp.Compare(a.TS, b.TS) })
	r.receipts.mu.Lock()
	r.receipts.waiting = append(r.receipts.waiting, list...)
	r.receipts.mu.Unlock()
	select {
	case r.receipts.wake <- struct{}{}:
	default:
	}
}

// receiptsOf reads an m.receipt event. What is private is nobody's but the reader's, and is left out whoever sends it.
//
// Spec: cs#mreceipt
func receiptsOf(room string, ev *event.Event) (list []receipt) {
	for id, content := range ev.Content.Raw {
		byType, _ := content.(map[string]any)
		readers, _ := byType["m.read"].(map[string]any)
		for user, said := range readers {
			one, _ := said.(map[string]any)
			ts, _ := one["ts"].(float64)
			thread, _ := one["thread_id"].(string)
			list = append(list, receipt{room, user, record.Read{Event: id, Thread: thread, TS: int64(ts)}})
		}
	}
	return list
}

// sealReceipts seals what has been read, until ctx ends and nothing is left.
func (r *Recorder) sealReceipts(ctx context.Context) {
	for {
		r.receipts.mu.Lock()
		n := min(len(r.receipts.waiting), receiptBatch)
		list := slices.Clone(r.receipts.waiting[:n])
		r.receipts.mu.Unlock()
		if n > 0 {
			err := r.sealRead(context.WithoutCancel(ctx), list)
			if err == nil {
				r.receipts.mu.Lock()
				r.receipts.waiting = slices.Delete(r.receipts.waiting, 0, n)
				r.receipts.mu.Unlock()
				continue
			}
			r.log.Error("receipts were not archived; it is tried again", "error", err)
			if ctx.Err() != nil {
				return
			}
		} else if ctx.Err() != nil {
			return
		}
		retry := time.NewTimer(time.Minute)
		if n > 0 {
			retry.Reset(time.Second)
		}
		select {
		case <-ctx.Done():
		case <-r.receipts.wake:
		case <-retry.C:
		}
		retry.Stop()
	}
}

// sealRead seals receipts that are not archived yet, of rooms that say that this is recorded, and notes that they are. Where it is killed between the two, the archive knows the newest again.
func (r *Recorder) sealRead(ctx context.Context, list []receipt) error {
	var drafts []archive.Draft
	var fresh []receipt
	for i := range list {
		c := &list[i]
		switch f := r.rooms.get(ctx, c.room).look(); {
		case f.unread:
			return fmt.Errorf("recorder: the homeserver does not say what the state of room %s is", c.room)
		case !f.receipts:
			continue
		}
		var known string
		err := r.keys.DB.QueryRow(ctx, "SELECT event FROM conclave_receipt WHERE room = $1 AND user = $2 AND thread = $3", c.room, c.user, c.Thread).Scan(&known)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("recorder: receipts: %w", err)
		}
		if known == c.Event {
			continue
		}
		d, err := r.readDraft(ctx, c)
		if err != nil {
			return err
		}
		drafts, fresh = append(drafts, d), append(fresh, *c)
	}
	if len(drafts) == 0 {
		return nil
	}
	if _, err := r.sealed.Append(ctx, drafts...); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	r.log.Debug("receipts archived", "receipts", len(fresh))
	return r.keys.DB.DoTxn(ctx, nil, func(ctx context.Context) error {
		for i := range fresh {
			c := &fresh[i]
			if _, err := r.keys.DB.Exec(ctx, `INSERT INTO conclave_receipt (room, user, thread, event) VALUES ($1, $2, $3, $4)
				ON CONFLICT (room, user, thread) DO UPDATE SET event = excluded.event`, c.room, c.user, c.Thread, c.Event); err != nil {
				return fmt.Errorf("recorder: receipts: %w", err)
			}
		}
		return nil
	})
}

func (r *Recorder) readDraft(ctx context.Context, c *receipt) (archive.Draft, error) {
	f := r.rooms.get(ctx, c.room).look()
	rec, err := record.Receipt(c.room, c.user, c.Read)
	if err != nil {
		return archive.Draft{}, err
	}
	rec.Time, rec.RoomName, rec.Policy = time.Now(), f.name, f.policy
	line, err := rec.Encode()
	return archive.Draft{
		Class: r.class(c.room, f.old, f.class), Kind: segment.Receipt, Subject: segment.Subject(c.room, rec.EventID), Line: line, Parties: f.about(c.user), Sent: time.UnixMilli(c.TS).UTC(),
	}, err
}
