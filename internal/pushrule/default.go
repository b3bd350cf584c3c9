package pushrule

import (
	"encoding/json"
	"slices"

	"conclave.chat/internal/mx"
)

const masterID = ".m.rule.master"

// defaults are the server-default rules for a user.
//
// Spec: cs#predefined-rules
func defaults(user mx.UserID) *Ruleset {
	notify, highlight := act(`"notify"`), act(`{"set_tweak":"highlight"}`)
	sound, ring := act(`{"set_tweak":"sound","value":"default"}`), act(`{"set_tweak":"sound","value":"ring"}`)
	me := string(user)
	r := &Ruleset{
		Override: []Rule{
			{ID: masterID, Default: true, Conditions: []Condition{}, Actions: actions()},
			rule(".m.rule.suppress_notices", actions(), match("content.msgtype", "m.notice")),
			rule(".m.rule.invite_for_me", actions(notify, sound),
				match("type", mx.TypeMember), match("content.membership", mx.Invite),
				Condition{Kind: "event_match", Key: "state_key", Pattern: &me, own: true}),
			rule(".m.rule.member_event", actions(), match("type", mx.TypeMember)),
			rule(".m.rule.is_user_mention", actions(notify, sound, highlight),
				Condition{Kind: "event_property_contains", Key: `content.m\.mentions.user_ids`, Value: quote(me), own: true}),
			rule(".m.rule.is_room_mention", actions(notify, highlight),
				Condition{Kind: "event_property_is", Key: `content.m\.mentions.room`, Value: json.RawMessage("true")},
				Condition{Kind: "sender_notification_permission", Key: "room"}),
			rule(".m.rule.tombstone", actions(notify, highlight), match("type", mx.TypeTombstone), match("state_key", "")),
			rule(".m.rule.reaction", actions(), match("type", "m.reaction")),
			rule(".m.rule.room.server_acl", actions(), match("type", mx.TypeServerACL), match("state_key", "")),
			rule(".m.rule.suppress_edits", actions(),
				Condition{Kind: "event_property_is", Key: `content.m\.relates_to.rel_type`, Value: quote("m.replace")}),
		},
		Content: []Rule{}, PostContent: threadRules(notify, sound), Room: []Rule{}, Sender: []Rule{},
		Underride: []Rule{
			rule(".m.rule.call", actions(notify, ring), match("type", "m.call.invite")),
			rule(".m.rule.encrypted_room_one_to_one", actions(notify, sound), twoMembers(), match("type", mx.TypeEncrypted)),
			rule(".m.rule.room_one_to_one", actions(notify, sound), twoMembers(), match("type", mx.TypeMessage)),
			rule(".m.rule.message", actions(notify), match("type", mx.TypeMessage)),
			rule(".m.rule.encrypted", actions(notify), match("type", mx.TypeEncrypted)),
		},
	}
	// Clients still send the names that polls had as a proposal.
	r.addPolls(".m.rule.", "m.poll.", notify, sound)
	r.addPolls(".org.matrix.msc3930.rule.", "org.matrix.msc3381.poll.", notify, sound)
	return r
}

// addPolls adds the rules that treat polls as messages, and votes as silent.
//
// Spec: MSC3930
func (s *Ruleset) addPolls(id, typ string, notify, sound json.RawMessage) {
	i := slices.IndexFunc(s.Override, func(r Rule) bool { return r.ID == ".m.rule.suppress_edits" })
	s.Override = slices.Insert(s.Override, i, rule(id+"poll_response", actions(), match("type", typ+"response")))
	s.Underride = append(s.Underride,
		rule(id+"poll_start_one_to_one", actions(notify, sound), twoMembers(), match("type", typ+"start")),
		rule(id+"poll_start", actions(notify), match("type", typ+"start")),
		rule(id+"poll_end_one_to_one", actions(notify, sound), twoMembers(), match("type", typ+"end")),
		rule(id+"poll_end", actions(notify), match("type", typ+"end")))
}

// threadRules say that who has subscribed to a thread hears of its messages, and nobody else. Clients that do not know of subscriptions
// would never hear of threads, so they are off unless a client, or the configuration, switches them on.
//
// Spec: MSC4306
func threadRules(notify, sound json.RawMessage) []Rule {
	subscribed := func(yes bool) Condition { return Condition{Kind: threadSubscription, Subscribed: &yes} }
	return []Rule{
		rule(".io.element.msc4306.rule.unsubscribed_thread", actions(), subscribed(false)),
		rule(".io.element.msc4306.rule.subscribed_thread", actions(notify, sound), subscribed(true)),
	}
}

// addLegacy adds the rules for mentions in the text. They hold for events without m.mentions only.
//
// Spec: cs#predefined-rules
func (s *Ruleset) addLegacy(user mx.UserID) {
	notify, highlight, sound := act(`"notify"`), act(`{"set_tweak":"highlight"}`), act(`{"set_tweak":"sound","value":"default"}`)
	s.Override = append(s.Override,
		rule(".m.rule.contains_display_name", actions(notify, sound, highlight), Condition{Kind: "contains_display_name"}),
		rule(".m.rule.roomnotif", actions(notify, highlight), match("content.body", "@room"),
			Condition{Kind: "sender_notification_permission", Key: "room"}))
	s.Content = append(s.Content, Rule{
		ID: ".m.rule.contains_user_name", Default: true, Enabled: true, Pattern: user.Localpart(), own: true,
		Actions: actions(notify, sound, highlight),
	})
}

// isLegacy reports whether a rule is one that addLegacy made.
func isLegacy(r *Rule) bool {
	return r.Default && (r.ID == ".m.rule.contains_display_name" || r.ID == ".m.rule.roomnotif" || r.ID == ".m.rule.contains_user_name")
}

func rule(id string, do []json.RawMessage, conditions ...Condition) Rule {
	return Rule{ID: id, Default: true, Enabled: true, Conditions: conditions, Actions: do}
}

func match(key, pattern string) Condition {
	return Condition{Kind: "event_match", Key: key, Pattern: &pattern}
}

func twoMembers() Condition { return Condition{Kind: "room_member_count", Is: "2"} }

func act(raw string) json.RawMessage { return json.RawMessage(raw) }

func actions(list ...json.RawMessage) []json.RawMessage {
	return append([]json.RawMessage{}, list...)
}

func quote(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`) // impossible for a string
	}
	return raw
}
