package room

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// SetState sends a state event for a client, checking what the authorization rules leave to servers.
//
// Spec: cs#put_matrixclientv3roomsroomidstateeventtypestatekey
func (e *Engine) SetState(ctx context.Context, by mx.UserID, room mx.RoomID, typ, key string, content []byte) (mx.EventID, error) {
	d, err := e.Prepare(ctx, ledger.Draft{Room: room, Sender: by, Type: typ, StateKey: &key, Content: content})
	if err != nil {
		return "", err
	}
	if typ == mx.TypeMember {
		return e.setMember(ctx, d)
	}
	var id mx.EventID
	err = e.Change(ctx, []mx.RoomID{room}, func(w *ledger.Write) error {
		p := w.Part(room)
		ev, err := p.Add(d)
		if err != nil {
			return err
		}
		id = ev.ID
		if d.Type == mx.TypeCanonicalAlias {
			aliases, err := newAliases(d.Content, p.Base())
			w.Check(func(tx *store.Tx) error { return e.checkAliases(tx, room, aliases) })
			return err
		}
		return nil
	})
	return id, ledger.Hide(err)
}

// setMember is SetState for memberships: what holds of the endpoints for them holds here too.
func (e *Engine) setMember(ctx context.Context, d *ledger.Prepared) (mx.EventID, error) {
	content := mx.Event{Type: mx.TypeMember, Content: d.Content}
	target, err := mx.ParseUserID(*d.StateKey)
	if err != nil {
		return "", fault.InvalidParam("the state key of %s must be a user id", mx.TypeMember)
	}
	extra, err := parseObject(d.Content)
	if err != nil {
		return "", err
	}
	switch m := content.Membership(); m {
	case mx.Join:
		if target == d.Sender {
			return e.setJoin(ctx, d.Room, target, extra)
		}
		fallthrough
	case mx.Invite, mx.Leave, mx.Ban, mx.Knock:
		return e.member(ctx, memberChange{by: d.Sender, target: target, room: d.Room, membership: m, extra: extra, plain: true})
	default:
		return "", fault.BadJSON("membership must be one of join, invite, knock, leave and ban")
	}
}

// setJoin joins, or changes how a member appears in this room only.
func (e *Engine) setJoin(ctx context.Context, room mx.RoomID, user mx.UserID, extra object) (mx.EventID, error) {
	joined, err := e.joinedRooms(ctx, user)
	if err != nil {
		return "", err
	}
	return e.member(ctx, memberChange{by: user, target: user, room: room, membership: mx.Join, extra: extra, plain: true, check: func(s *roomstate.Snapshot) error {
		delete(extra, viaKey)
		if s.Joined(user) {
			return nil
		}
		if via := vouch(s, user, joined); via != "" {
			extra.set(viaKey, via)
		}
		return nil
	}})
}

// newAliases are the aliases that a canonical alias event names and the one before did not.
//
// Spec: cs#mroomcanonical_alias
func newAliases(content []byte, room *roomstate.Snapshot) ([]mx.RoomAlias, error) {
	is, err := aliasesIn(content)
	if err != nil {
		return nil, err
	}
	old := map[string]bool{}
	if ev := room.State(mx.TypeCanonicalAlias, ""); ev != nil {
		was, err := aliasesIn(ev.Content)
		if err == nil {
			for _, a := range was {
				old[a] = true
			}
		}
	}
	var list []mx.RoomAlias
	for _, s := range is {
		if old[s] {
			continue
		}
		a, err := mx.ParseRoomAlias(s)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

func aliasesIn(content []byte) ([]string, error) {
	var c struct {
		Alias *string  `json:"alias"`
		Alt   []string `json:"alt_aliases"`
	}
	if err := decode(content, &c); err != nil {
		return nil, fault.BadJSON("alias must be a string and alt_aliases a list of strings")
	}
	list := c.Alt
	if c.Alias != nil && *c.Alias != "" {
		list = append(list, *c.Alias)
	}
	return list, nil
}

func (e *Engine) checkAliases(tx *store.Tx, room mx.RoomID, list []mx.RoomAlias) error {
	for _, alias := range list {
		a, err := eventlog.AliasOf(context.Background(), tx, alias)
		if err != nil && !fault.Is(err, "M_NOT_FOUND") {
			return err
		}
		if err != nil || a.Room != room {
			return badAlias(string(alias))
		}
	}
	return nil
}

func badAlias(alias string) error {
	return fault.New(fault.BadRequest, "M_BAD_ALIAS", "The alias %s does not point to this room", alias)
}
