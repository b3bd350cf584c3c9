package personal

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// CopyTags gives a room that replaces another the tags that the user has put on the old one, unless it has some.
//
// Spec: cs#post_matrixclientv3roomsroomidupgrade
func (s *Service) CopyTags(ctx context.Context, user mx.UserID, from, to mx.RoomID) error {
	if tags, err := personal.FindAccountData(ctx, s.DB, user, from, personal.TypeTag); err != nil || tags == nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		tags, err := personal.FindAccountData(ctx, tx, user, from, personal.TypeTag)
		if err != nil || tags == nil {
			return err
		}
		if has, err := personal.FindAccountData(ctx, tx, user, to, personal.TypeTag); err != nil || has != nil {
			return err
		}
		return personal.PutAccountData(tx, user, to, personal.TypeTag, tags)
	})
}
