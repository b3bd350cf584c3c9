package feed

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/keys"
)

// DeviceLists are the users whose device lists a client must fetch, and those whom it no longer hears of.
type DeviceLists struct{ Changed, Left []mx.UserID }

// Any reports whether there are any.
func (d *DeviceLists) Any() bool { return len(d.Changed)+len(d.Left) > 0 }

// DeviceLists finds out whose devices changed among those who share a room with the user, who has come to share one, and who no longer
// shares any. Rooms count whether they are encrypted or not: they may become so.
//
// Spec: cs#e2e-extensions-to-sync
func (l *Look) DeviceLists() (DeviceLists, error) {
	if l.Initial {
		return DeviceLists{}, nil
	}
	d := listing{l: l, seen: map[mx.UserID]bool{}}
	for _, u := range l.Changes.Lists {
		shares, err := l.Shares(u)
		if err != nil {
			return d.found, err
		}
		if shares {
			d.change(u)
		}
	}
	if l.Changes.OwnLists {
		own, err := keys.ChangedForViewer(l.ctx, l.s.db, l.User, l.Since, l.Upto)
		if err != nil {
			return d.found, err
		}
		for _, u := range own {
			d.change(u)
		}
	}
	for room, what := range l.Changes.Rooms {
		if what&RoomEvents == 0 {
			continue
		}
		if err := d.room(room); err != nil {
			return d.found, err
		}
	}
	err := d.finish()
	return d.found, err
}

// KeyChanges are the device lists that changed for a user since a token, up to now.
//
// Spec: cs#get_matrixclientv3keyschanges
func (s *Service) KeyChanges(ctx context.Context, r Reader) (DeviceLists, error) {
	l, err := s.Look(ctx, r, Checked{})
	if err != nil {
		return DeviceLists{}, err
	}
	return l.DeviceLists()
}

// listing gathers device lists.
type listing struct {
	l     *Look
	found DeviceLists
	seen  map[mx.UserID]bool // in changed
	gone  []mx.UserID        // may share no room any more
}

func (d *listing) change(u mx.UserID) {
	if !d.seen[u] {
		d.seen[u] = true
		d.found.Changed = append(d.found.Changed, u)
	}
}

// meet notes that the user has come to share a room with another.
func (d *listing) meet(u mx.UserID) {
	d.change(u)
	d.l.Met = append(d.l.Met, u)
}

// room looks at one room whose events changed.
func (d *listing) room(room mx.RoomID) error {
	l := d.l
	snap, err := l.Snapshot(room)
	if err != nil {
		return err
	}
	m := l.Rooms[room]
	here, was := m.Membership == mx.Join, m.Membership == mx.Join
	if m.Pos > l.Since {
		view, err := l.View(snap)
		if err != nil {
			return err
		}
		was = view.MembershipAt(l.Since) == mx.Join && (!here || !view.AwayIn(l.Since, l.Upto))
	}
	switch {
	case here && !was: // the user came: everybody there is new
		for u := range snap.Members(mx.Join) {
			if u != l.User {
				d.meet(u)
			}
		}
		d.left(room)
	case was && !here:
		return d.parted(snap)
	case here:
		return d.others(snap)
	}
	return nil
}

// wasIn reports whether somebody was in a room when the client last heard of it.
func (d *listing) wasIn(room mx.RoomID, u mx.UserID) (bool, error) {
	e, err := eventlog.StateEventAt(d.l.ctx, d.l.s.db, room, mx.TypeMember, string(u), d.l.Since)
	return e != nil && e.Membership() == mx.Join, err
}

// parted notes those who were in a room that the user left: all may be gone, also who left it later. Of who came to it later the user
// hears nothing.
func (d *listing) parted(snap *roomstate.Snapshot) error {
	l, room := d.l, snap.Room()
	changed, err := eventlog.MembersIn(l.ctx, l.s.db, room, l.Since, l.Upto)
	if err != nil {
		return err
	}
	moved := map[mx.UserID]bool{}
	for _, u := range changed {
		moved[u] = true
		was, err := d.wasIn(room, u)
		if err != nil {
			return err
		}
		if was {
			d.gone = append(d.gone, u)
		}
	}
	for u := range snap.Members(mx.Join) {
		if !moved[u] {
			d.gone = append(d.gone, u)
		}
	}
	return nil
}

// left notes the others whose membership of a room was set: some of them may have left it.
func (d *listing) left(room mx.RoomID) {
	for _, m := range d.l.Changes.Members {
		if m.Room == room {
			d.gone = append(d.gone, m.User)
		}
	}
}

// others looks at who came and went in a room that the user is in throughout.
func (d *listing) others(snap *roomstate.Snapshot) error {
	room, looked := snap.Room(), map[mx.UserID]bool{}
	for _, m := range d.l.Changes.Members {
		if m.Room != room || looked[m.User] {
			continue
		}
		looked[m.User] = true
		was, err := d.wasIn(room, m.User)
		if err != nil {
			return err
		}
		switch here := snap.Joined(m.User); {
		case here && !was:
			d.meet(m.User)
		case here: // perhaps away in between
			if err := d.returned(room, m.User); err != nil {
				return err
			}
		case was:
			d.gone = append(d.gone, m.User)
		}
	}
	return nil
}

// returned notes somebody who left a room and came back: device lists that changed in between were not told.
func (d *listing) returned(room mx.RoomID, u mx.UserID) error {
	history, err := eventlog.StateHistory(d.l.ctx, d.l.s.db, room, mx.TypeMember, string(u), d.l.Upto)
	if err != nil {
		return err
	}
	for _, e := range history {
		if e.Pos > d.l.Since && e.Membership() != mx.Join {
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
		if listed[u] || d.seen[u] || u == d.l.User {
			continue
		}
		listed[u] = true
		shares, err := d.l.Shares(u)
		if err != nil {
			return err
		}
		if !shares {
			d.found.Left = append(d.found.Left, u)
		}
	}
	return nil
}

// Shares reports whether a user is in a room with the one who asks, or is that one.
func (l *Look) Shares(u mx.UserID) (bool, error) {
	if u == l.User {
		return true, nil
	}
	theirs, err := l.s.rooms.Rooms(l.ctx, u)
	if err != nil {
		return false, err
	}
	mine := l.Rooms
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
