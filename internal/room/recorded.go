package room

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
)

// Recording decides which rooms are recorded, and has it done.
type Recording interface {
	ledger.Recorder
	// Covers reports whether a room is to be recorded.
	Covers(room *roomstate.Snapshot) bool
	// Users are the members who record.
	Users() []mx.UserID
	// State is what a room has to say of its recording, or of its end: contents by type, with an empty state key.
	State(room *roomstate.Snapshot) map[string][]byte
}

// Record makes a room a recorded one, or one that is no longer recorded, as is to be. It does nothing where that is so already.
func (e *Engine) Record(ctx context.Context, room mx.RoomID) error {
	err := e.Change(ctx, []mx.RoomID{room}, func(w *ledger.Write) error {
		p := w.Part(room)
		if !e.recording.Due(p.Tip()) {
			return nil
		}
		return e.complete(ctx, p)
	})
	return ledger.Hide(err)
}

// complete adds to a write what its room lacks of being a recorded one, or has too much of.
func (e *Engine) complete(ctx context.Context, p *ledger.Part) error {
	by := p.Tip().Recorder(e.recording.Users())
	if by == "" {
		return errNobodyRecords
	}
	return e.record(ctx, p, by)
}

var errNobodyRecords = fault.Denied("this room is to be recorded, and no member has the power to say so in it: make another room")

// record adds what makes a room a recorded one, or one that is not any more.
func (e *Engine) record(ctx context.Context, p *ledger.Part, by mx.UserID) error {
	add := func(from mx.UserID, typ, key string, content []byte) error {
		d, err := e.Prepare(ctx, ledger.Draft{Room: p.Room(), Sender: from, Type: typ, StateKey: &key, Content: content})
		if err == nil {
			_, err = p.Add(d)
		}
		return err
	}
	member := func(from, user mx.UserID, membership string) error {
		profile, err := e.profile(ctx, user)
		if err != nil {
			return err
		}
		return add(from, mx.TypeMember, string(user), memberContent(profile, membership, nil))
	}
	covers := e.recording.Covers(p.Tip())
	for _, user := range e.recording.Users() {
		if !covers || p.Tip().Joined(user) {
			continue
		}
		if p.Tip().Membership(user) == mx.Ban {
			if err := member(by, user, mx.Leave); err != nil {
				return err
			}
		}
		if err := member(by, user, mx.Invite); err != nil {
			return err
		}
		if err := member(user, user, mx.Join); err != nil {
			return err
		}
	}
	state := e.recording.State(p.Tip())
	for _, typ := range []string{"io.element.functional_members", "m.room.policy"} {
		if err := add(by, typ, "", state[typ]); err != nil {
			return err
		}
	}
	for _, user := range e.recording.Users() {
		if covers || !p.Tip().Joined(user) {
			continue
		}
		if err := member(user, user, mx.Leave); err != nil {
			return err
		}
	}
	return nil
}

// recordNew adds the recorder to a room in the making, if it is to be recorded.
func (e *Engine) recordNew(ctx context.Context, p *ledger.Part, by mx.UserID) error {
	if e.recording == nil || !e.recording.Due(p.Tip()) {
		return nil
	}
	return e.record(ctx, p, by)
}
