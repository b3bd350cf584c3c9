package mx

// DefaultVersion is the room version of new rooms.
const DefaultVersion = "12"

// RoomVersion is what one room version does differently from others. All of it is plain facts, so that code reads
// "if v.Restricted" instead of comparing numbers.
//
// Spec: rooms#room-versions
type RoomVersion struct {
	ID string

	Knock              bool // membership knock and join rule knock exist (7)
	Restricted         bool // join rule restricted exists (8)
	KeepsJoinAuthority bool // redaction keeps join_authorised_via_users_server (9)
	KnockRestricted    bool // join rule knock_restricted exists (10)
	IntegerLevels      bool // power levels must be integers, no strings (10)
	CreatorInContent   bool // the creator is named by content.creator, not by the sender (until 10)
	LateRedaction      bool // the redaction algorithm of room version 11
	RedactsInContent   bool // m.room.redaction names its target in the content (11)
	CreateInAuth       bool // auth_events hold the create event (until 11)
	HashRoomID         bool // the room id is the create event's hash (12)
	Creators           bool // creators have infinite power, additional_creators exist (12)
}

// versions is the table of what this server can take part in. The older room versions have known faults.
//
//nolint:gochecknoglobals // a table
var versions = [...]RoomVersion{
	{ID: "6", CreatorInContent: true, CreateInAuth: true},
	{ID: "7", CreatorInContent: true, CreateInAuth: true, Knock: true},
	{ID: "8", CreatorInContent: true, CreateInAuth: true, Knock: true, Restricted: true},
	{ID: "9", CreatorInContent: true, CreateInAuth: true, Knock: true, Restricted: true, KeepsJoinAuthority: true},
	{
		ID: "10", CreatorInContent: true, CreateInAuth: true, Knock: true, Restricted: true, KeepsJoinAuthority: true,
		KnockRestricted: true, IntegerLevels: true,
	},
	{
		ID: "11", CreateInAuth: true, Knock: true, Restricted: true, KeepsJoinAuthority: true, KnockRestricted: true,
		IntegerLevels: true, LateRedaction: true, RedactsInContent: true,
	},
	{
		ID: "12", Knock: true, Restricted: true, KeepsJoinAuthority: true, KnockRestricted: true, IntegerLevels: true,
		LateRedaction: true, RedactsInContent: true, HashRoomID: true, Creators: true,
	},
}

// Version finds a room version that this server knows.
func Version(id string) (*RoomVersion, bool) {
	for i := range versions {
		if versions[i].ID == id {
			return &versions[i], true
		}
	}
	return nil, false
}

// Versions lists the ids of the known room versions, oldest first.
func Versions() []string {
	ids := make([]string, len(versions))
	for i := range versions {
		ids[i] = versions[i].ID
	}
	return ids
}
