package room

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// Presets of createRoom.
const (
	privateChat = "private_chat"
	publicChat  = "public_chat"
	trustedChat = "trusted_private_chat"
)

// maxFirstEvents bounds the one write that makes a room.
const maxFirstEvents = 1000

// Create is what a new room is to be like.
//
// Spec: cs#post_matrixclientv3createroom
type Create struct {
	Visibility string           `json:"visibility"`
	AliasName  string           `json:"room_alias_name"`
	Name       string           `json:"name"`
	Topic      string           `json:"topic"`
	Invite     []string         `json:"invite"`
	Invite3PID []jsontext.Value `json:"invite_3pid"`
	Version    string           `json:"room_version"`
	Content    jsontext.Value   `json:"creation_content"`
	State      []InitialState   `json:"initial_state"`
	Preset     string           `json:"preset"`
	Direct     bool             `json:"is_direct"`
	Power      jsontext.Value   `json:"power_level_content_override"`
}

// InitialState is one state event of a new room.
type InitialState struct {
	Type    string         `json:"type"`
	Key     string         `json:"state_key"`
	Content jsontext.Value `json:"content"`
}

// creation is a room in the making.
type creation struct {
	by      mx.UserID
	version *mx.RoomVersion
	id      mx.RoomID // known from the start until room version 11
	content []byte    // of m.room.create
	alias   mx.RoomAlias
	publish bool
	policy  *mx.Event      // of the room that it replaces
	state   []InitialState // after the creator's join, in order
	invites []mx.UserID
	direct  bool
}

// CreateRoom makes a room with all of its first events, or nothing.
//
// Spec: cs#post_matrixclientv3createroom
func (e *Engine) CreateRoom(ctx context.Context, by mx.UserID, c Create) (mx.RoomID, error) {
	m, err := e.design(ctx, by, c)
	if err != nil {
		return "", err
	}
	drafts, err := e.firstDrafts(ctx, m)
	if err != nil {
		return "", err
	}
	var id mx.RoomID
	err = e.Change(ctx, nil, func(w *ledger.Write) error {
		p, err := e.create(ctx, w, m, drafts)
		if err == nil {
			id = p.Room()
		}
		return err
	})
	if err == nil {
		// A client may upgrade a room by hand: it names the old room here, and puts the tombstone itself.
		e.followed(ctx, by, id)
	}
	return id, invalidState(err)
}

// invalidState says of rules that the request itself breaks that the request is at fault.
func invalidState(err error) error {
	if f := fault.Of(err); f != nil && f.Code == "M_FORBIDDEN" {
		return fault.New(fault.BadRequest, "M_INVALID_ROOM_STATE", "The room cannot be made like that: %s", f.Msg)
	}
	return err
}

// design checks a request and lays out the room.
func (e *Engine) design(ctx context.Context, by mx.UserID, c Create) (*creation, error) {
	if len(c.Invite3PID) > 0 {
		return nil, ErrNoThirdParties
	}
	id := c.Version
	if id == "" {
		id = e.config.DefaultVersion
	}
	v, ok := mx.Version(id)
	if !ok {
		return nil, errUnsupportedVersion
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	m := &creation{by: by, version: v, publish: c.Visibility == "public", direct: c.Direct}
	if !v.HashRoomID {
		m.id = e.newRoomID()
	}
	var err error
	if m.alias, err = e.newAlias(c.AliasName); err != nil {
		return nil, err
	}
	if err := m.aliases(c.State); err != nil {
		return nil, err
	}
	if m.invites, err = e.invitees(ctx, by, c.Invite); err != nil {
		return nil, err
	}
	creation, err := parseObject(c.Content)
	if err != nil {
		return nil, err
	}
	if err := m.creator(creation, c.Preset == trustedChat); err != nil {
		return nil, err
	}
	m.content = creation.bytes()
	power, err := m.power(c)
	if err != nil {
		return nil, err
	}
	m.state = e.firstState(m, c, power)
	return m, nil
}

// aliases checks the canonical alias among the first state: no alias but the one that comes with the request points to a room that is
// not there yet.
//
// Spec: cs#mroomcanonical_alias
func (m *creation) aliases(state []InitialState) error {
	for _, s := range state {
		if s.Type != mx.TypeCanonicalAlias || s.Key != "" {
			continue
		}
		list, err := aliasesIn(s.Content)
		if err != nil {
			return err
		}
		for _, alias := range list {
			if alias != string(m.alias) {
				return badAlias(alias)
			}
		}
	}
	return nil
}

// ErrNoThirdParties answers whoever invites somebody by an e-mail address or phone number.
var ErrNoThirdParties = fault.New(fault.Forbidden, "M_THREEPID_DENIED", "This server invites by user id only")

var errUnsupportedVersion = fault.New(fault.BadRequest, "M_UNSUPPORTED_ROOM_VERSION", "This server does not support that room version")

func (c *Create) check() error {
	switch c.Visibility {
	case "", "public", "private":
	default:
		return fault.BadJSON("visibility must be public or private")
	}
	switch c.Preset {
	case "", privateChat, publicChat, trustedChat:
	default:
		return fault.BadJSON("preset must be one of %s, %s and %s", privateChat, publicChat, trustedChat)
	}
	if len(c.Invite)+len(c.State) > maxFirstEvents {
		return fault.InvalidParam("A room can begin with %d invites and state events", maxFirstEvents)
	}
	if c.Preset == "" {
		c.Preset = privateChat
		if c.Visibility == "public" {
			c.Preset = publicChat
		}
	}
	for _, s := range c.State {
		if s.Type == "" || len(s.Content) == 0 || s.Content.Kind() != '{' {
			return fault.BadJSON("initial_state needs events with type and content")
		}
		if s.Type == mx.TypeCreate || s.Type == mx.TypeMember {
			return fault.BadJSON("initial_state cannot hold %s", s.Type)
		}
	}
	return nil
}

func (e *Engine) newRoomID() mx.RoomID {
	var random [15]byte
	_, _ = rand.Read(random[:])
	return mx.NewRoomID(e.signer.Server, random[:])
}

// creator fills in what the server decides of the content of m.room.create.
func (m *creation) creator(content object, trusted bool) error {
	content.set("room_version", m.version.ID)
	delete(content, "creator")
	if m.version.CreatorInContent {
		content.set("creator", m.by)
	}
	if !m.version.Creators || !trusted || len(m.invites) == 0 {
		return nil
	}
	var list []string
	if raw := content["additional_creators"]; raw != nil {
		if err := decode(raw, &list); err != nil {
			return fault.BadJSON("additional_creators must be a list of user ids")
		}
	}
	for _, u := range m.invites {
		if !slices.Contains(list, string(u)) && u != m.by {
			list = append(list, string(u))
		}
	}
	content.set("additional_creators", list)
	return nil
}

// create adds a new room with all its events to a write.
func (e *Engine) create(ctx context.Context, w *ledger.Write, m *creation, drafts []*ledger.Prepared) (*ledger.Part, error) {
	p, err := w.Create(ledger.Creation{By: m.by, Version: m.version, ID: m.id, Content: m.content, Published: m.publish, Policy: m.policy})
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		d := *d
		d.Room = p.Room()
		if _, err := p.Add(&d); err != nil {
			return nil, err
		}
		// At first after the creator has joined, with all power over what comes; later if those who are invited make a difference.
		if d.Type == mx.TypeMember {
			if err := e.recordNew(ctx, p, m.by); err != nil {
				return nil, err
			}
		}
	}
	if m.alias != "" {
		w.Check(func(tx *store.Tx) error { return checkFree(tx, m.alias) })
		w.Extra(func(tx *store.Tx) error {
			return eventlog.AddAlias(tx, eventlog.Alias{Alias: m.alias, Room: p.Room(), Creator: m.by}, w.Now())
		})
	}
	return p, nil
}
