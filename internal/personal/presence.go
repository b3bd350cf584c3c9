package personal

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// maxTyping is how long one request may say that a user types.
const maxTyping = 2 * time.Minute

// Typing says for how long a user types in a room; 0 or less ends it.
//
// Spec: cs#put_matrixclientv3roomsroomidtypinguserid
func (s *Service) Typing(ctx context.Context, caller, user mx.UserID, room string, d time.Duration) error {
	if err := self(caller, user); err != nil {
		return err
	}
	id, err := mx.ParseRoomID(room)
	if err != nil {
		return err
	}
	if _, err := s.joined(ctx, user, id); err != nil {
		return err
	}
	if d > 0 {
		s.Ephemeral.Active(user)
	}
	s.Ephemeral.SetTyping(id, user, min(d, maxTyping))
	return nil
}

// maxStatus is how long a status message may be, in bytes.
const maxStatus = 1024

// SetPresence sets the caller's presence.
//
// Spec: cs#put_matrixclientv3presenceuseridstatus
func (s *Service) SetPresence(caller, user mx.UserID, state ephemeral.State, message string) error {
	if err := self(caller, user); err != nil {
		return err
	}
	switch state {
	case ephemeral.Online, ephemeral.Unavailable, ephemeral.Offline:
	default:
		return fault.InvalidParam("presence must be online, unavailable or offline")
	}
	if len(message) > maxStatus {
		return fault.InvalidParam("The status message is longer than %d bytes", maxStatus)
	}
	s.Ephemeral.SetPresence(user, state, message)
	return nil
}

// Presence is a user's presence, for someone who shares a room with the user.
//
// Spec: cs#get_matrixclientv3presenceuseridstatus
func (s *Service) Presence(ctx context.Context, viewer, user mx.UserID) (ephemeral.Presence, error) {
	shares, err := s.shareRoom(ctx, viewer, user)
	if err != nil {
		return ephemeral.Presence{}, err
	}
	if !shares {
		return ephemeral.Presence{}, fault.Denied("You are not allowed to see their presence")
	}
	return s.Ephemeral.Presence(user), nil
}

// shareRoom reports whether two users are in one room; everybody shares one with themselves.
func (s *Service) shareRoom(ctx context.Context, a, b mx.UserID) (bool, error) {
	if a == b {
		return true, nil
	}
	mine, err := s.Rooms.Rooms(ctx, a)
	if err != nil {
		return false, err
	}
	theirs, err := s.Rooms.Rooms(ctx, b)
	if err != nil {
		return false, err
	}
	for room, m := range mine {
		if m.Membership == mx.Join && theirs[room].Membership == mx.Join {
			return true, nil
		}
	}
	return false, nil
}
