package mx

// Event types that the rules of rooms know.
const (
	TypeCreate            = "m.room.create"
	TypeMember            = "m.room.member"
	TypeJoinRules         = "m.room.join_rules"
	TypePowerLevels       = "m.room.power_levels"
	TypeThirdPartyInvite  = "m.room.third_party_invite"
	TypeRedaction         = "m.room.redaction"
	TypeHistoryVisibility = "m.room.history_visibility"
	TypeName              = "m.room.name"
	TypeTopic             = "m.room.topic"
	TypeAvatar            = "m.room.avatar"
	TypeCanonicalAlias    = "m.room.canonical_alias"
	TypeEncryption        = "m.room.encryption"
	TypeRetention         = "m.room.retention" // how long messages are kept: MSC1763
	TypeEncrypted         = "m.room.encrypted"
	TypeMessage           = "m.room.message"
	TypeTombstone         = "m.room.tombstone"
	TypeGuestAccess       = "m.room.guest_access"
	TypeServerACL         = "m.room.server_acl"
	TypePinnedEvents      = "m.room.pinned_events"
	TypeSpaceChild        = "m.space.child"
	TypeSpaceParent       = "m.space.parent"
)

// Memberships.
const (
	Join   = "join"
	Invite = "invite"
	Leave  = "leave"
	Ban    = "ban"
	Knock  = "knock"
)

// Join rules.
const (
	JoinPublic          = "public"
	JoinInvite          = "invite"
	JoinKnock           = "knock"
	JoinPrivate         = "private"
	JoinRestricted      = "restricted"
	JoinKnockRestricted = "knock_restricted"
)

// History visibilities.
const (
	VisibleWorld   = "world_readable"
	VisibleShared  = "shared"
	VisibleInvited = "invited"
	VisibleJoined  = "joined"
)

// StrippedStateTypes lists the types of state that someone who is invited or knocks gets to see, all with the empty state key.
//
// Spec: cs#stripped-state
func StrippedStateTypes() []string {
	return []string{
		TypeCreate, TypeName, TypeAvatar, TypeTopic, TypeJoinRules, TypeCanonicalAlias, TypeEncryption,
	}
}
