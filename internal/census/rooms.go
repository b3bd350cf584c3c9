package census

import (
	"context"
	"errors"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/census"
	"conclave.chat/internal/store/listing"
)

// Rooms gives rooms' states.
type Rooms interface {
	Snapshot(ctx context.Context, room mx.RoomID) (*roomstate.Snapshot, error)
}

// Room is a room as lists show it.
type Room = census.Room

// RoomFilter says which rooms are wanted.
type RoomFilter = census.RoomFilter

// Member is somebody with a membership of a room.
type Member struct {
	census.Member
	Power int64
}

// RoomDetails is what is known of one room.
type RoomDetails struct {
	Room
	Topic      string
	JoinRule   string
	History    string
	Retention  []byte // what the room says of how long messages are kept; nil if it does not
	Invited    int64
	Banned     int64
	State      map[string]int // number of state events by type
	Successor  string         // the room that replaces it
	Giver      mx.UserID      // member who can give others power; "" if the room cannot be taken over
	GiverLevel int64
}

// Bounds of reading the log: events a step, and the time that a list waits for it.
const (
	readStep   = 1000
	readBudget = 3 * time.Second
)

// RoomList is one page of the rooms.
func (s *Service) RoomList(ctx context.Context, f RoomFilter, p listing.Page) (listing.Found[Room], error) {
	if err := s.catchUp(ctx); err != nil {
		return listing.Found[Room]{}, err
	}
	return census.Rooms(ctx, s.db, f, p)
}

// Room is one room.
func (s *Service) Room(ctx context.Context, id mx.RoomID) (*RoomDetails, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	m, err := census.FindRoom(ctx, s.db, id)
	if err == nil && m == nil {
		err = fault.Missing("There is no such room")
	}
	if err != nil {
		return nil, err
	}
	snap, err := s.rooms.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	str := func(typ, key, otherwise string) string {
		if ev := snap.State(typ, ""); ev != nil && ev.Str(key) != "" {
			return ev.Str(key)
		}
		return otherwise
	}
	d := &RoomDetails{
		Room: *m, JoinRule: str(mx.TypeJoinRules, "join_rule", mx.JoinInvite), History: str(mx.TypeHistoryVisibility, "history_visibility", mx.VisibleShared),
		Topic: roomstate.Topic(snap.State("m.room.topic", "")), Successor: str("m.room.tombstone", "replacement_room", ""),
		Invited: int64(snap.InvitedCount()), State: map[string]int{},
	}
	if ev := snap.State(mx.TypeRetention, ""); ev != nil {
		d.Retention = ev.Content
	}
	for range snap.Members(mx.Ban) {
		d.Banned++
	}
	for ev := range snap.All() {
		d.State[ev.Type]++
	}
	giver, level := snap.Giver()
	d.Giver, d.GiverLevel = giver, int64(level)
	return d, nil
}

// Members is one page of a room's members, with their power.
func (s *Service) Members(ctx context.Context, id mx.RoomID, membership, search string, p listing.Page) (listing.Found[Member], error) {
	out := listing.Found[Member]{}
	snap, err := s.rooms.Snapshot(ctx, id)
	if err != nil {
		return out, err
	}
	found, err := census.Members(ctx, s.db, id, membership, search, p)
	if err != nil {
		return out, err
	}
	out.Next, out.Total = found.Next, found.Total
	power := snap.Power()
	for _, m := range found.Items {
		out.Items = append(out.Items, Member{m, int64(min(power.User(m.User), mx.MaxInteger))})
	}
	return out, nil
}

// Collect reads the log, so that no list finds much left to read.
func (s *Service) Collect(ctx context.Context, _ time.Time) error { return s.read(ctx) }

func (s *Service) catchUp(ctx context.Context) error {
	budget, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	err := s.read(budget)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil // what is there yet has to do
	}
	return err
}

// read reads the log up to its end or until the context ends.
func (s *Service) read(ctx context.Context) error {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for ctx.Err() == nil {
		at, err := census.Progress(ctx, s.db)
		if err != nil {
			return err
		}
		lines, err := census.Lines(ctx, s.db, at, readStep)
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := s.note(ctx, at, lines); err != nil {
			return err
		}
		if len(lines) < readStep {
			return nil
		}
	}
	return ctx.Err()
}

type sums struct{ events, bytes, last, messages int64 }

// note makes one step. Another node may have made it already; then nothing is left to do.
func (s *Service) note(ctx context.Context, at store.Pos, lines []census.Line) error {
	rooms, days, looks := map[mx.RoomID]*sums{}, map[int64]*sums{}, map[mx.RoomID]census.Look{}
	for _, l := range lines {
		day := l.TS / (24 * 60 * 60 * 1000)
		for _, to := range []*sums{get(rooms, l.Room), get(days, day)} {
			to.events++
			to.bytes += l.Bytes
			to.last = l.TS
			if isMessage(l.Type) {
				to.messages++
			}
		}
		if _, known := looks[l.Room]; l.State && !known {
			look, err := s.look(ctx, l.Room)
			if err != nil {
				return err
			}
			looks[l.Room] = look
		}
	}
	return s.db.Write(func(tx *store.Tx) error {
		ours, err := census.Advance(tx, at, lines[len(lines)-1].Pos)
		if err != nil || !ours {
			return err
		}
		for id, l := range looks {
			if err := census.SetLook(tx, id, l); err != nil {
				return err
			}
		}
		for id, n := range rooms {
			if err := census.CountRoom(tx, id, n.events, n.bytes, n.last); err != nil {
				return err
			}
		}
		for day, n := range days {
			if err := census.CountDay(tx, day, n.messages, n.events); err != nil {
				return err
			}
		}
		return nil
	})
}

func get[K comparable](m map[K]*sums, k K) *sums {
	if m[k] == nil {
		m[k] = &sums{}
	}
	return m[k]
}

// isMessage reports whether an event of a type is something that somebody says.
func isMessage(typ string) bool {
	switch typ {
	case mx.TypeMessage, mx.TypeEncrypted, "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start":
		return true
	}
	return false
}

// look reads a room's state.
func (s *Service) look(ctx context.Context, id mx.RoomID) (census.Look, error) {
	snap, err := s.rooms.Snapshot(ctx, id)
	if err != nil {
		return census.Look{}, err
	}
	str := func(typ, key string) string {
		if ev := snap.State(typ, ""); ev != nil {
			return ev.Str(key)
		}
		return ""
	}
	giver, _ := snap.Giver()
	return census.Look{
		Name: str(mx.TypeName, "name"), Alias: str(mx.TypeCanonicalAlias, "alias"), Encrypted: snap.Encrypted(), Recorded: snap.Recorded(), Space: str(mx.TypeCreate, "type") == "m.space",
		Public: str(mx.TypeJoinRules, "join_rule") == mx.JoinPublic, Orphaned: snap.JoinedCount() > 0 && giver == "",
	}, nil
}
