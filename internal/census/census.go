// Package census owns what administrators look at: lists of people and rooms, and numbers about the whole. It only reads, and knows
// nothing of content: of events it reads type, size and time.
package census

import (
	"context"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/census"
	"conclave.chat/internal/store/listing"
)

// Person is an account as lists show it.
type Person = census.Person

// PeopleFilter says which accounts are wanted.
type PeopleFilter = census.PeopleFilter

// Service reads.
type Service struct {
	db      *store.DB
	rooms   Rooms
	reading chan struct{} // held by who reads the log
	now     func() time.Time
}

// New makes a Service.
func New(db *store.DB, rooms Rooms, now func() time.Time) *Service {
	return &Service{db, rooms, make(chan struct{}, 1), now}
}

// People is one page of the accounts.
func (s *Service) People(ctx context.Context, f PeopleFilter, p listing.Page) (listing.Found[Person], error) {
	return census.People(ctx, s.db, f, p)
}

// Details is what is known of one account.
type Details struct {
	Person
	Devices []account.Device
	Rooms   int64 // joined
}

// Person is one account with its devices.
func (s *Service) Person(ctx context.Context, user mx.UserID) (*Details, error) {
	p, err := census.FindPerson(ctx, s.db, user)
	if err == nil && p == nil {
		err = fault.Missing("There is no such user")
	}
	if err != nil {
		return nil, err
	}
	d := &Details{Person: *p}
	if d.Devices, err = account.Devices(ctx, s.db, user); err != nil {
		return nil, err
	}
	d.Rooms, err = census.JoinedRooms(ctx, s.db, user)
	return d, err
}
