// Package transcript makes conversations out of records: what members saw, in the order of the room, and what became of it since. An edit is shown in its message with
// all earlier versions, a deletion marks what stays readable here, a reaction hangs on its message until it was withdrawn, a vote names what was chosen.
//
// It is pure: records of one room go in, in any order, one conversation comes out. It refuses nothing and judges nothing again: a relation that does not hold by
// Matrix's rules (an edit by somebody else), or whose other end is not among the records, stays a message of its own that names the other end. All texts
// are as members wrote them. Whoever shows them makes them harmless for where they are shown.
package transcript

import (
	"time"

	"conclave.chat/internal/archive/record"
)

// Conversation is a room.
type Conversation struct {
	Room   string
	Name   string // the last one known
	Direct bool   // a chat between two people, as its maker said
	// Service are members that are programs, such as the recorder.
	Service      []string
	Participants []Participant // by user id
	Messages     []*Message    // in the order of the room
}

// Participant is who was a member, wrote, or could read.
type Participant struct {
	UserID  string
	Name    string // the last display name known, or nothing
	Service bool
	Periods []Period // of membership, as far as the records say when
}

// Period is from joining to leaving. A zero time lies outside of the records.
type Period struct{ Joined, Left time.Time }

// Kind says what a message is.
type Kind string

// The kinds.
const (
	Text       Kind = "text"
	Emote      Kind = "emote"
	Notice     Kind = "notice" // of a program
	File       Kind = "file"
	Image      Kind = "image"
	Audio      Kind = "audio"
	Voice      Kind = "voice"
	Video      Kind = "video"
	Sticker    Kind = "sticker"
	Location   Kind = "location"
	Poll       Kind = "poll"
	Vote       Kind = "vote"
	PollEnd    Kind = "poll end"
	Call       Kind = "call"
	Membership Kind = "membership"
	RoomName   Kind = "room name"
	RoomTopic  Kind = "room topic"
	Created    Kind = "created"
	Edit       Kind = "edit"     // of a message that is not among the records, or that is not the editor's
	Reaction   Kind = "reaction" // to a message that is not among the records
	Receipt    Kind = "receipt"  // that somebody has read a message that is not among the records
	Deletion   Kind = "deletion" // of a message that is not among the records
	Gap        Kind = "gap"      // an accepted event that is not archived; Body is the reason
	Other      Kind = "other"    // Type says what
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{
		Text, Emote, Notice, File, Image, Audio, Voice, Video, Sticker, Location, Poll, Vote, PollEnd, Call, Membership, RoomName, RoomTopic, Created, Edit,
		Reaction, Receipt, Deletion, Gap, Other,
	}
}

// Message is one event, with what later ones did to it.
type Message struct {
	EventID    string
	Seq        uint64    // of the record: the number of its leaf
	Sent       time.Time // by the homeserver's clock, in UTC
	Recorded   time.Time // by the recorder's
	Sender     string
	SenderName string // at that time
	Device     *record.Device
	Kind       Kind
	Type       string // the event's type, decrypted
	State      bool   // it changes the room rather than says something

	// Body and HTML are the message as it was first sent; a file's is its caption, a change of name or topic has the new one. Edits has what it became.
	Body, HTML  string
	Mentions    []string // user ids; "@room" for all
	Attachments []Attachment
	Location    string // a geo URI
	Poll        *PollQuestion
	Vote        *PollVote
	Member      *MemberChange

	Edits     []Version // in order; the last that is not deleted is what members see
	Deleted   *Removal
	Reactions []ReactionBy
	Reads     []ReadBy // who has read up to here, where the organisation records that

	ReplyTo string // event id
	Thread  string // event id of the thread's first message
	Related string // what a vote, an edit, a reaction, a receipt or a deletion is about
	// Key is a reaction's that stands for itself.
	Key string

	// NotAccepted: the recorder signed the event, but the room went on without it. No member saw it.
	NotAccepted bool
	Readers     []string // members at that moment
	Policy      string
	Verdict     *record.Verdict
}

// Attachment is a file of a message.
type Attachment struct {
	record.Attachment
	Thumbnail bool // a small picture of the file before it
}

// Version is an edit.
type Version struct {
	EventID     string
	Seq         uint64
	Sent        time.Time
	Recorded    time.Time
	Body, HTML  string
	Mentions    []string
	Attachments []Attachment
	Deleted     *Removal // the edit was withdrawn: the version before it is shown again
}

// Removal says who deleted something.
type Removal struct {
	EventID string
	Seq     uint64
	By      string
	ByName  string
	Sent    time.Time
	Reason  string
}

// ReactionBy is a reaction to a message.
type ReactionBy struct {
	EventID string
	Seq     uint64
	Key     string // mostly an emoji
	By      string
	ByName  string
	Sent    time.Time
	Removed *Removal
}

// ReadBy is a receipt of somebody who has read a message.
type ReadBy struct {
	Seq    uint64
	By     string
	ByName string
	Time   time.Time // by the homeserver's clock
}

// PollQuestion is what a poll asks.
type PollQuestion struct {
	Question string
	Answers  []Answer
	Open     bool // votes are shown before the end
	Most     int  // answers that one may choose
	Ended    time.Time
}

// Answer is one that can be chosen.
type Answer struct{ ID, Text string }

// PollVote is what somebody chose; nothing withdraws an earlier vote.
type PollVote struct{ Answers []Answer }

// MemberChange is a change of membership or profile.
type MemberChange struct {
	UserID, Name string
	Change       Change
	Reason       string
	// WasName is the display name before, where that is what changed.
	WasName string
}

// Change is what happened to a membership.
type Change string

// The changes.
const (
	Joined    Change = "joined"
	Left      Change = "left"
	Invited   Change = "invited"
	Declined  Change = "declined the invitation"
	Withdrawn Change = "is no longer invited"
	Removed   Change = "was removed"
	Banned    Change = "was banned"
	Unbanned  Change = "is no longer banned"
	Asked     Change = "asked to join"
	Renamed   Change = "changed name"
	Repainted Change = "changed picture"
	Unchanged Change = "unchanged"
)

// Shown is the message's text as members saw it last.
func (m *Message) Shown() (body, html string) {
	if v := m.Current(); v != nil {
		return v.Body, v.HTML
	}
	return m.Body, m.HTML
}

// Current is the edit that members saw last, or nil.
func (m *Message) Current() *Version {
	for i := len(m.Edits) - 1; i >= 0; i-- {
		if m.Edits[i].Deleted == nil {
			return &m.Edits[i]
		}
	}
	return nil
}
