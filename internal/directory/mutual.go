package directory

import (
	"context"
	"encoding/base64"
	"slices"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// maxMutual is how many shared rooms are on a page.
const maxMutual = 500

// MutualPage is some of the rooms that two users are both in.
type MutualPage struct {
	Joined []mx.RoomID `json:"joined"`
	Count  int         `json:"count"`
	Next   string      `json:"next_batch,omitempty"`
}

// Mutual lists the rooms that a user shares with another one.
//
// Spec: cs#get_matrixclientv1mutual_rooms
// Spec: MSC2666
func (s *Service) Mutual(ctx context.Context, user, other mx.UserID, from string) (*MutualPage, error) {
	if user == other {
		return nil, fault.InvalidParam("That is yourself")
	}
	if other.Historical() {
		return nil, fault.InvalidParam("Not a user id")
	}
	after, err := base64.RawURLEncoding.DecodeString(from)
	if err != nil {
		return nil, errUnknownToken
	}
	if _, err := mx.ParseRoomID(string(after)); err != nil && from != "" {
		return nil, errUnknownToken
	}
	mine, err := s.Rooms.Rooms(ctx, user)
	if err != nil {
		return nil, err
	}
	theirs, err := s.Rooms.Rooms(ctx, other)
	if err != nil {
		return nil, err
	}
	page := &MutualPage{Joined: []mx.RoomID{}}
	for room, m := range mine {
		if m.Membership == mx.Join && theirs[room].Membership == mx.Join {
			page.Count++
			if string(room) > string(after) {
				page.Joined = append(page.Joined, room)
			}
		}
	}
	slices.Sort(page.Joined)
	if len(page.Joined) > maxMutual {
		page.Joined = page.Joined[:maxMutual]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(page.Joined[maxMutual-1]))
	}
	return page, nil
}
