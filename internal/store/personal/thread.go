package personal

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Subscription says that a user follows a thread, or has stopped to.
type Subscription struct {
	Room       mx.RoomID
	Root       mx.EventID
	Subscribed bool
	Automatic  bool // a client subscribed by itself
	Pos        store.Pos
}

// FindSubscription reads what is known of a user and a thread; nil if the user never followed it.
func FindSubscription(ctx context.Context, r store.Reader, user mx.UserID, room mx.RoomID, root mx.EventID) (*Subscription, error) {
	s := &Subscription{Room: room, Root: root}
	err := r.QueryRow(ctx, `SELECT subscribed, automatic, pos FROM thread_subscription WHERE user_id = $1 AND room_id = $2 AND root = $3`,
		user, room, root).Scan(&s.Subscribed, &s.Automatic, &s.Pos)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return s, err
}

// PutSubscription stores a subscription, or its end, at a new position. The user's clients hear of it.
func PutSubscription(tx *store.Tx, user mx.UserID, s Subscription) error {
	pos := tx.Next()
	tx.Emit(store.Change{Pos: pos, Kind: store.KindThread, User: user, Room: s.Room})
	_, err := tx.Exec(`INSERT INTO thread_subscription (user_id, room_id, root, subscribed, automatic, pos) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, room_id, root) DO UPDATE SET subscribed = excluded.subscribed, automatic = excluded.automatic, pos = excluded.pos`,
		user, s.Room, s.Root, s.Subscribed, s.Automatic, pos)
	return err
}

// Subscriptions reads the subscriptions of a user that changed last in (since, upto], the last ones first. With since 0 those that have
// ended are left out: a client that knows nothing need not hear of them.
func Subscriptions(ctx context.Context, r store.Reader, user mx.UserID, since, upto store.Pos, limit int) ([]Subscription, error) {
	rows, err := r.Query(ctx, `SELECT room_id, root, subscribed, automatic, pos FROM thread_subscription
		WHERE user_id = $1 AND pos > $2 AND pos <= $3 AND (subscribed OR $2 > 0) ORDER BY pos DESC LIMIT $4`, user, since, upto, limit)
	var list []Subscription
	var s Subscription
	err = each(rows, err, func() { list = append(list, s) }, &s.Room, &s.Root, &s.Subscribed, &s.Automatic, &s.Pos)
	return list, err
}
