package room

import (
	"context"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room/ledger"
)

// megolm is the algorithm of encrypted rooms.
const megolm = "m.megolm.v1.aes-sha2"

func decode(raw []byte, v any) error { return json.Unmarshal(raw, v) }

// firstState lays out the state of a new room after its creator's join, in the order that the specification gives.
//
// Spec: cs#post_matrixclientv3createroom
func (e *Engine) firstState(m *creation, c Create, power []byte) []InitialState {
	state := []InitialState{{Type: mx.TypePowerLevels, Content: power}}
	put := func(typ string, content any) {
		state = append(state, InitialState{Type: typ, Content: encode(content)})
	}
	if m.alias != "" {
		put(mx.TypeCanonicalAlias, map[string]any{"alias": m.alias})
	}
	given := map[string]bool{}
	for _, s := range c.State {
		if s.Key == "" {
			given[s.Type] = true
		}
	}
	rule, guests := mx.JoinInvite, "can_join"
	if c.Preset == publicChat {
		rule, guests = mx.JoinPublic, "forbidden"
	}
	for _, preset := range []struct {
		typ     string
		content map[string]any
		wanted  bool
	}{
		{mx.TypeJoinRules, map[string]any{"join_rule": rule}, true},
		{mx.TypeHistoryVisibility, map[string]any{"history_visibility": mx.VisibleShared}, true},
		{mx.TypeGuestAccess, map[string]any{"guest_access": guests}, true},
		{mx.TypeEncryption, map[string]any{"algorithm": megolm}, e.encrypt()},
	} {
		if preset.wanted && !given[preset.typ] {
			put(preset.typ, preset.content)
		}
	}
	for _, s := range c.State {
		if s.Key == "" && (s.Type == mx.TypeName && c.Name != "" || s.Type == mx.TypeTopic && c.Topic != "") {
			continue
		}
		state = append(state, s)
	}
	if c.Name != "" {
		put(mx.TypeName, map[string]any{"name": c.Name})
	}
	if c.Topic != "" {
		put(mx.TypeTopic, topicContent(c.Topic))
	}
	return state
}

// topicContent is a topic in its plain and its extensible form.
//
// Spec: cs#mroomtopic
func topicContent(topic string) map[string]any {
	return map[string]any{"topic": topic, "m.topic": map[string]any{"m.text": []any{map[string]any{"body": topic}}}}
}

// power is the content of the first m.room.power_levels.
//
// Spec: cs#post_matrixclientv3createroom
func (m *creation) power(c Create) ([]byte, error) {
	users := map[string]int{}
	tombstone := 100
	if m.version.Creators {
		tombstone = 150
	} else {
		users[string(m.by)] = 100
		if c.Preset == trustedChat {
			for _, u := range m.invites {
				users[string(u)] = 100
			}
		}
	}
	invite := 0
	if c.Preset == publicChat {
		invite = 50
	}
	content := object{}
	for key, level := range map[string]int{
		"ban": 50, "kick": 50, "redact": 50, "invite": invite, "state_default": 50, "events_default": 0, "users_default": 0,
	} {
		content.set(key, level)
	}
	content.set("users", users)
	content.set("events", map[string]int{
		mx.TypeName: 50, mx.TypeAvatar: 50, mx.TypeCanonicalAlias: 50, mx.TypePowerLevels: 100, mx.TypeHistoryVisibility: 100,
		mx.TypeEncryption: 100, mx.TypeServerACL: 100, mx.TypeTombstone: tombstone,
	})
	override, err := parseObject(c.Power)
	if err != nil {
		return nil, fault.BadJSON("power_level_content_override must be an object")
	}
	for key, value := range override {
		content[key] = value
	}
	if m.version.Creators {
		raiseTombstone(content)
	}
	return content.bytes(), nil
}

// raiseTombstone makes sure that upgrading a room with creators needs more than its administrators have, unless the levels say
// something else of it.
//
// Spec: cs#post_matrixclientv3createroom
func raiseTombstone(power object) {
	stateDefault := int64(50)
	if raw := power["state_default"]; raw != nil {
		_ = decode(raw, &stateDefault) // anything else is refused later
	}
	events, err := parseObject(power["events"])
	if err != nil || events[mx.TypeTombstone] != nil {
		return
	}
	events.set(mx.TypeTombstone, max(150, stateDefault+1))
	power.set("events", events)
}

// firstDrafts are the drafts of a new room's events after the create event.
func (e *Engine) firstDrafts(ctx context.Context, m *creation) ([]*ledger.Prepared, error) {
	join, err := e.memberDraft(ctx, m.by, m.by, mx.Join, nil)
	if err != nil {
		return nil, err
	}
	list := []*ledger.Prepared{join}
	for _, s := range m.state {
		d, err := e.Prepare(ctx, ledger.Draft{Sender: m.by, Type: s.Type, StateKey: ledger.Key(s.Key), Content: s.Content})
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	for _, u := range m.invites {
		extra := object{}
		if m.direct {
			extra.set("is_direct", true)
		}
		invite, err := e.memberDraft(ctx, m.by, u, mx.Invite, extra)
		if err != nil {
			return nil, err
		}
		list = append(list, invite)
	}
	return list, nil
}

// memberDraft is the draft of a member event in a room that is yet to be named.
func (e *Engine) memberDraft(ctx context.Context, by, user mx.UserID, membership string, extra object) (*ledger.Prepared, error) {
	p, err := e.profile(ctx, user)
	if err != nil {
		return nil, err
	}
	return e.Prepare(ctx, ledger.Draft{
		Sender: by, Type: mx.TypeMember, StateKey: ledger.Key(string(user)), Content: memberContent(p, membership, extra),
	})
}

// invitees checks a list of users to be invited.
func (e *Engine) invitees(ctx context.Context, by mx.UserID, list []string) ([]mx.UserID, error) {
	var users []mx.UserID
	seen := map[mx.UserID]bool{by: true}
	for _, s := range list {
		u, err := mx.ParseUserID(s)
		if err != nil {
			return nil, err
		}
		if seen[u] {
			continue
		}
		seen[u] = true
		if err := e.mayInvite(ctx, by, u); err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// mayInvite checks what does not depend on the room.
func (e *Engine) mayInvite(ctx context.Context, by, user mx.UserID) error {
	if user.Server() != e.signer.Server {
		return fault.Denied("this server does not federate: %s cannot be invited", user)
	}
	if e.invites == nil {
		return nil
	}
	return e.invites.InviteAllowed(ctx, by, user)
}

// profile is what a user's member events say of the user.
func (e *Engine) profile(ctx context.Context, user mx.UserID) (Profile, error) {
	if e.profiles == nil {
		return Profile{}, nil
	}
	return e.profiles.Profile(ctx, user)
}

// memberContent is the content of a member event about a user of this server. What extra says wins over the profile.
func memberContent(p Profile, membership string, extra object) []byte {
	content := object{}
	if membership == mx.Join || membership == mx.Invite || membership == mx.Knock {
		if p.DisplayName != "" {
			content.set("displayname", p.DisplayName)
		}
		if p.AvatarURL != "" {
			content.set("avatar_url", p.AvatarURL)
		}
	}
	for key, value := range extra {
		content[key] = value
	}
	content.set("membership", membership)
	return content.bytes()
}
