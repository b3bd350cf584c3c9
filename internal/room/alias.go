package room

import (
	"context"
	"slices"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

var errRoomInUse = fault.New(fault.BadRequest, "M_ROOM_IN_USE", "The room alias is already taken")

// newAlias makes an alias of this server of a local part; "" of "".
func (e *Engine) newAlias(local string) (mx.RoomAlias, error) {
	if local == "" {
		return "", nil
	}
	if strings.ContainsAny(local, ":#\x00") {
		return "", fault.InvalidParam("room_alias_name must be the part of an alias between # and :")
	}
	return mx.ParseRoomAlias(string(mx.NewRoomAlias(local, e.signer.Server)))
}

// checkFree refuses an alias that is taken. It only reads, so that a refusal costs the other writes of the transaction nothing.
func checkFree(tx *store.Tx, alias mx.RoomAlias) error {
	_, err := eventlog.AliasOf(context.Background(), tx, alias)
	switch {
	case fault.Is(err, "M_NOT_FOUND"):
		return nil
	case err != nil:
		return err
	}
	return errRoomInUse
}

// Resolve gives the room of an alias of this server, or M_NOT_FOUND.
//
// Spec: cs#get_matrixclientv3directoryroomroomalias
func (e *Engine) Resolve(ctx context.Context, alias mx.RoomAlias) (mx.RoomID, error) {
	a, err := eventlog.AliasOf(ctx, e.db, alias)
	if err != nil {
		return "", err
	}
	return a.Room, nil
}

// AddAlias names a room. A member may do that; that an alias is well chosen the canonical alias event says.
//
// Spec: cs#put_matrixclientv3directoryroomroomalias
func (e *Engine) AddAlias(ctx context.Context, by mx.UserID, alias mx.RoomAlias, room mx.RoomID) error {
	if alias.Server() != e.signer.Server {
		return fault.InvalidParam("This server gives aliases that end in :%s only", e.signer.Server)
	}
	s, err := e.Snapshot(ctx, room)
	if err != nil {
		return ledger.Hide(err)
	}
	if !s.Joined(by) {
		return ledger.ErrNotIn
	}
	return e.db.Write(func(tx *store.Tx) error {
		if checkFree(tx, alias) != nil {
			return fault.New(fault.Conflict, "M_UNKNOWN", "The alias %s is already taken", alias)
		}
		return eventlog.AddAlias(tx, eventlog.Alias{Alias: alias, Room: room, Creator: by}, e.now().UnixMilli())
	})
}

// RemoveAlias takes an alias away, and out of the canonical alias event where the user may change that. Who made the alias may do
// it, who may set the room's canonical alias, and administrators.
//
// Spec: cs#delete_matrixclientv3directoryroomroomalias
func (e *Engine) RemoveAlias(ctx context.Context, by mx.UserID, admin bool, alias mx.RoomAlias) error {
	a, err := eventlog.AliasOf(ctx, e.db, alias)
	if err != nil {
		return err
	}
	if by != a.Creator && !admin {
		s, err := e.Snapshot(ctx, a.Room)
		if err != nil {
			return err
		}
		if !mayName(s, by) {
			return fault.Denied("you may not remove this alias")
		}
	}
	err = e.db.Write(func(tx *store.Tx) error {
		ok, err := eventlog.RemoveAlias(tx, alias, a.Room)
		if err == nil && !ok {
			return fault.Missing("There is no room with this alias")
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := e.dropCanonical(ctx, by, a.Room, string(alias)); err != nil && fault.Of(err) == nil {
		return err
	}
	return nil
}

// mayName reports whether a user has the power to say what a room is called.
func mayName(s *roomstate.Snapshot, user mx.UserID) bool {
	power := s.Power()
	return s.Joined(user) && power.User(user) >= power.Event(mx.TypeCanonicalAlias, true)
}

// dropCanonical takes an alias out of the canonical alias event, if it is there.
func (e *Engine) dropCanonical(ctx context.Context, by mx.UserID, room mx.RoomID, alias string) error {
	err := e.Change(ctx, []mx.RoomID{room}, func(w *ledger.Write) error {
		p := w.Part(room)
		ev := p.Tip().State(mx.TypeCanonicalAlias, "")
		if ev == nil {
			return nil
		}
		content, err := parseObject(ev.Content)
		if err != nil {
			return err
		}
		if !withoutAlias(content, alias) {
			return nil
		}
		d, err := e.Prepare(ctx, ledger.Draft{Room: room, Sender: by, Type: mx.TypeCanonicalAlias, StateKey: ledger.Key(""), Content: content.bytes()})
		if err != nil {
			return err
		}
		_, err = p.Add(d)
		return err
	})
	return err
}

// withoutAlias takes an alias out of a canonical alias event's content and reports whether it was there.
func withoutAlias(content object, alias string) bool {
	var main string
	var alt []string
	found := false
	if decode(content["alias"], &main) == nil && main == alias {
		delete(content, "alias")
		found = true
	}
	if decode(content["alt_aliases"], &alt) == nil && slices.Contains(alt, alias) {
		alt = slices.DeleteFunc(alt, func(s string) bool { return s == alias })
		content.set("alt_aliases", alt)
		if len(alt) == 0 {
			delete(content, "alt_aliases")
		}
		found = true
	}
	return found
}

// Aliases lists a room's aliases, for its members and, in a room that the world may read, for everybody.
//
// Spec: cs#get_matrixclientv3roomsroomidaliases
func (e *Engine) Aliases(ctx context.Context, user mx.UserID, room mx.RoomID) ([]mx.RoomAlias, error) {
	s, err := e.Snapshot(ctx, room)
	if err != nil {
		return nil, ledger.Hide(err)
	}
	visibility := s.State(mx.TypeHistoryVisibility, "")
	if !s.Joined(user) && (visibility == nil || visibility.Str("history_visibility") != mx.VisibleWorld) {
		return nil, ledger.ErrNotIn
	}
	return eventlog.Aliases(ctx, e.db, room)
}

// Publish puts a room into the directory of published rooms, or takes it out. It needs the power to set the canonical alias.
//
// Spec: cs#put_matrixclientv3directorylistroomroomid
func (e *Engine) Publish(ctx context.Context, by mx.UserID, admin bool, room mx.RoomID, published bool) error {
	s, err := e.Snapshot(ctx, room)
	if err != nil {
		return err
	}
	if !admin && !s.Joined(by) { // as for a room that there is not
		return fault.Missing("There is no such room")
	}
	if !admin && !mayName(s, by) {
		return fault.Denied("you may not change whether this room is published")
	}
	return e.db.Write(func(tx *store.Tx) error {
		tx.Emit(store.Change{Kind: store.KindRoom, Room: room})
		return eventlog.Publish(tx, room, published)
	})
}
