// Package directory tells users which rooms there are: the published ones, those of a space, the ones they share with somebody, and a
// summary of a single one.
//
// It reads the present state of rooms and owns no tables. It refuses to tell a room that a user could neither join nor look into from
// one that does not exist. Pages are cut by keys, not by counts, so that rooms which come and go meanwhile do not shift them; only the
// pages of a space count the rooms before them.
//
// Bounds: 1,000 published rooms on a page, 5,000 rooms looked at for a space, 500 shared rooms on a page.
package directory

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
)

// Rooms knows the present state of rooms.
type Rooms interface {
	// Snapshot is the state of a room; a fault of kind NotFound if there is no such room.
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
	// Rooms is a user's memberships.
	Rooms(ctx context.Context, user mx.UserID) (map[mx.RoomID]roomstate.Membership, error)
	// Resolve finds the room of an alias; a fault of kind NotFound if there is none.
	Resolve(ctx context.Context, alias mx.RoomAlias) (mx.RoomID, error)
}

// Config is what an organisation decides.
type Config struct {
	Open bool `yaml:"open" doc:"Let anybody list the published rooms, without an account."`
}

// Deps is what the service needs.
type Deps struct {
	DB     store.Reader
	Rooms  Rooms
	Server mx.ServerName
}

// Service answers what rooms there are.
type Service struct{ Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// errUnknownToken is for tokens that are none of ours.
var errUnknownToken = fault.InvalidParam("Unknown pagination token")

// find is the state of a room, nil if there is no such room.
func (s *Service) find(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error) {
	snap, err := s.Rooms.Snapshot(ctx, room)
	if missing(err) {
		return nil, nil
	}
	return snap, err
}

func missing(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Kind == fault.NotFound
}
