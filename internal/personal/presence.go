package personal

import (
	"context"
	"time"

	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

const (
	// maxTyping is how long one request may say that a user types, milliseconds.
	maxTyping = 120_000
	// defaultTyping is how long a user types who does not say.
	defaultTyping = 30_000
)

// TypingNotice says whether a user types, and for how many milliseconds.
type TypingNotice struct {
	Typing  *bool  `json:"typing"`
	Timeout *int64 `json:"timeout"`
}

// Typing notes that a user types in a room, or no longer does.
//
// Spec: cs#put_matrixclientv3roomsroomidtypinguserid
func (s *Service) Typing(ctx context.Context, caller, user mx.UserID, room string, n TypingNotice) error {
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
	if n.Typing == nil {
		return fault.MissingParam("typing is missing")
	}
	var ms int64
	switch {
	case !*n.Typing:
	case n.Timeout == nil:
		ms = defaultTyping
	default:
		ms = min(*n.Timeout, maxTyping)
	}
	if ms > 0 {
		s.Ephemeral.Active(user)
	}
	s.Ephemeral.SetTyping(id, user, time.Duration(ms)*time.Millisecond)
	return nil
}

// Active notes that a user did something that others see.
func (s *Service) Active(user mx.UserID) { s.Ephemeral.Active(user) }

// maxStatus is how long a status message may be, in bytes.
const maxStatus = 1024

// PresenceNotice is the presence that a user wants to have.
type PresenceNotice struct {
	State  *ephemeral.State `json:"presence"`
	Status *string          `json:"status_msg"`
}

// SetPresence sets the caller's presence.
//
// Spec: cs#put_matrixclientv3presenceuseridstatus
func (s *Service) SetPresence(caller, user mx.UserID, n PresenceNotice) error {
	if err := self(caller, user); err != nil {
		return err
	}
	if n.State == nil {
		return fault.MissingParam("presence is missing")
	}
	switch *n.State {
	case ephemeral.Online, ephemeral.Unavailable, ephemeral.Offline:
	default:
		return fault.InvalidParam("presence must be online, unavailable or offline")
	}
	var message string
	if n.Status != nil {
		message = *n.Status
	}
	if len(message) > maxStatus {
		return fault.InvalidParam("The status message is longer than %d bytes", maxStatus)
	}
	s.Ephemeral.SetPresence(user, *n.State, message)
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
