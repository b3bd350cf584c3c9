package room

import (
	"context"
	"errors"
	"sync"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// bulkWorkers is how many rooms a change to all rooms of a user is made in at once. The committer puts them into few transactions.
const bulkWorkers = 16

// LeaveAll makes a user leave every room, reject every invite and take back every knock. It can be called again.
//
// Spec: cs#post_matrixclientv3accountdeactivate
func (e *Engine) LeaveAll(ctx context.Context, user mx.UserID) error {
	return e.inRooms(ctx, user, func(membership string) bool {
		return membership == mx.Join || membership == mx.Invite || membership == mx.Knock
	}, func(room mx.RoomID) error {
		_, err := e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Leave})
		if fault.Is(err, "M_FORBIDDEN") { // gone already
			return nil
		}
		return err
	})
}

// ProfileChanged carries a user's new name and avatar into the rooms that the user is in. A room that shows others than the former ones
// keeps them: the user has set them for that room.
//
// Spec: cs#events-on-change-of-profile-information
func (e *Engine) ProfileChanged(ctx context.Context, user mx.UserID, formerName, formerAvatar string) error {
	former := &Profile{DisplayName: formerName, AvatarURL: formerAvatar}
	return e.inRooms(ctx, user, func(membership string) bool { return membership == mx.Join }, func(room mx.RoomID) error {
		_, err := e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Join, former: former})
		if fault.Is(err, "M_FORBIDDEN") { // left meanwhile
			return nil
		}
		return err
	})
}

// inRooms does something in all rooms of a user that have a membership.
func (e *Engine) inRooms(ctx context.Context, user mx.UserID, wanted func(membership string) bool, do func(mx.RoomID) error) error {
	rooms, err := e.Rooms(ctx, user)
	if err != nil {
		return err
	}
	todo := make(chan mx.RoomID, len(rooms))
	for id, m := range rooms {
		if wanted(m.Membership) {
			todo <- id
		}
	}
	close(todo)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for range min(bulkWorkers, len(todo)) {
		wg.Go(func() {
			for id := range todo {
				if err := do(id); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Visible reports whether a viewer may know of a user: they share a room, or the user is in one that anyone may join or read.
//
// Spec: cs#profiles
func (e *Engine) Visible(ctx context.Context, viewer, user mx.UserID) (bool, error) {
	theirs, err := e.joinedRooms(ctx, user)
	if err != nil {
		return false, err
	}
	mine, err := e.joinedRooms(ctx, viewer)
	if err != nil {
		return false, err
	}
	for room := range theirs {
		if mine[room] {
			return true, nil
		}
	}
	for room := range theirs {
		s, err := e.Snapshot(ctx, room)
		if err != nil {
			return false, err
		}
		if is(s.State(mx.TypeJoinRules, ""), "join_rule", mx.JoinPublic) ||
			is(s.State(mx.TypeHistoryVisibility, ""), "history_visibility", mx.VisibleWorld) {
			return true, nil
		}
	}
	return false, nil
}

// is reports whether a key of an event, which may be nil, holds a string.
func is(ev *mx.Event, key, value string) bool { return ev != nil && ev.Str(key) == value }
