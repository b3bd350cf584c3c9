package feed

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/keys"
)

// deviceLists are the users whose device lists a client must fetch, and those whom it no longer hears of.
type deviceLists struct{ changed, left []mx.UserID }

// findDeviceLists finds out whose devices changed among those who share a room with the user, who has come to share one, and who no longer
// shares any. Rooms count whether they are encrypted or not: they may become so.
//
// Spec: cs#e2e-extensions-to-sync
func (b *build) findDeviceLists() error {
	if b.initial {
		return nil
	}
	d := listing{b: b, seen: map[mx.UserID]bool{}}
	for _, u := range b.ch.lists {
		shares, err := b.shares(u)
		if err != nil {
			return err
		}
		if shares {
			d.change(u)
		}
	}
	if b.ch.ownLists {
		own, err := keys.ChangedForViewer(b.ctx, b.s.db, b.r.User, b.since, b.upto)
		if err != nil {
			return err
		}
		for _, u := range own {
			d.change(u)
		}
	}
	for room, what := range b.ch.rooms {
		if what&roomEvents == 0 {
			continue
		}
		if err := d.room(room); err != nil {
			return err
		}
	}
	return d.finish()
}

// listing gathers device lists.
type listing struct {
	b    *build
	seen map[mx.UserID]bool // in changed
	gone []mx.UserID        // may share no room any more
}

func (d *listing) change(u mx.UserID) {
	if !d.seen[u] {
		d.seen[u] = true
		d.b.lists.changed = append(d.b.lists.changed, u)
	}
}

// meet notes that the user has come to share a room with another.
func (d *listing) meet(u mx.UserID) {
	d.change(u)
	d.b.met = append(d.b.met, u)
}

// room looks at one room whose events changed.
func (d *listing) room(room mx.RoomID) error {
	b := d.b
	snap, err := b.s.rooms.Snapshot(b.ctx, room)
	if err != nil {
		return err
	}
	m := b.rooms[room]
	here, was := m.Membership == mx.Join, m.Membership == mx.Join
	if m.Pos > b.since {
		view, err := b.s.views.Of(b.ctx, snap, b.r.User)
		if err != nil {
			return err
		}
		was = view.MembershipAt(b.since) == mx.Join && !(here && view.AwayIn(b.since, b.upto))
	}
	switch {
	case here && !was: // the user came: everybody there is new
		for u := range snap.Members(mx.Join) {
			if u != b.r.User {
				d.meet(u)
			}
		}
		d.left(room)
	case was && !here: // the user left: everybody there may be gone
		for u := range snap.Members(mx.Join) {
			if u != b.r.User {
				d.gone = append(d.gone, u)
			}
		}
		d.left(room)
	case here:
		return d.others(room)
	}
	return nil
}

// left notes the others whose membership of a room was set: some of them may have left it.
func (d *listing) left(room mx.RoomID) {
	for _, m := range d.b.ch.members {
		if m.room == room {
			d.gone = append(d.gone, m.user)
		}
	}
}

// others looks at who came and went in a room that the user is in throughout.
func (d *listing) others(room mx.RoomID) error {
	b := d.b
	snap, err := b.s.rooms.Snapshot(b.ctx, room)
	if err != nil {
		return err
	}
	looked := map[mx.UserID]bool{}
	for _, m := range b.ch.members {
		if m.room != room || looked[m.user] {
			continue
		}
		looked[m.user] = true
		before, err := eventlog.StateEventAt(b.ctx, b.s.db, room, mx.TypeMember, string(m.user), b.since)
		if err != nil {
			return err
		}
		was := before != nil && before.Membership() == mx.Join
		switch here := snap.Joined(m.user); {
		case here && !was:
			d.meet(m.user)
		case here: // perhaps away in between
			if err := d.returned(room, m.user); err != nil {
				return err
			}
		case was:
			d.gone = append(d.gone, m.user)
		}
	}
	return nil
}

// returned notes somebody who left a room and came back: device lists that changed in between were not told.
func (d *listing) returned(room mx.RoomID, u mx.UserID) error {
	history, err := eventlog.StateHistory(d.b.ctx, d.b.s.db, room, mx.TypeMember, string(u), d.b.upto)
	if err != nil {
		return err
	}
	for _, e := range history {
		if e.Pos > d.b.since && e.Membership() != mx.Join {
			d.change(u)
			return nil
		}
	}
	return nil
}

// finish lists those as left who share no room any more.
func (d *listing) finish() error {
	listed := map[mx.UserID]bool{}
	for _, u := range d.gone {
		if listed[u] || d.seen[u] || u == d.b.r.User {
			continue
		}
		listed[u] = true
		shares, err := d.b.shares(u)
		if err != nil {
			return err
		}
		if !shares {
			d.b.lists.left = append(d.b.lists.left, u)
		}
	}
	return nil
}

// shares reports whether a user is in a room with the one who asks, or is that one.
func (b *build) shares(u mx.UserID) (bool, error) {
	if u == b.r.User {
		return true, nil
	}
	theirs, err := b.s.rooms.Rooms(b.ctx, u)
	if err != nil {
		return false, err
	}
	mine := b.rooms
	if len(theirs) < len(mine) {
		mine, theirs = theirs, mine
	}
	for room, m := range mine {
		if m.Membership == mx.Join && theirs[room].Membership == mx.Join {
			return true, nil
		}
	}
	return false, nil
}
